"""The state of a live forecaster as one safetensors file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from foregate.core import ArtifactError, FrameSpec, Frequency
from foregate.forecasting.fitted import Fitted
from foregate.forecasting.state import State
from foregate.streaming.roster import Roster

__all__ = ["checksum", "pack", "unpack"]

SCHEMA = 2
"""Changes whenever an array changes its meaning."""


def checksum(fitted: Fitted) -> str:
    """Of all that a state depends on: the weights, what the network is told, and how it forecasts."""
    digest = hashlib.sha256(repr((fitted.spec, fitted.engine.manner)).encode())
    weights = fitted.engine.weights()
    for name in sorted(weights):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(weights[name]).tobytes())
    return digest.hexdigest()


def pack(roster: Roster, spec: FrameSpec, state: State, model: str) -> bytes:
    """The state of the series of a roster, whose times are held as `spec` says, for the model of that checksum."""
    about = {
        "schema": SCHEMA,
        "model": model,
        "freq": [roster.freq.count, roster.freq.unit],
        "spec": asdict(spec),
        "ids": roster.names,
    }
    arrays = state.compact() | {
        "about": np.frombuffer(json.dumps(about).encode(), np.uint8),
        "starts": roster.starts.view(np.int64),
    }
    packed: bytes = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    return packed


def unpack(snapshot: bytes, empty: State, model: str) -> tuple[Roster, FrameSpec, State]:
    """The roster, the spec and the state of a snapshot.

    Args:
        snapshot: what `pack` gave.
        empty: a state of no series, of the same model.
        model: the checksum of that model.

    Raises:
        ArtifactError: the snapshot is damaged, of another model, or of another version.
    """
    try:
        arrays: dict[str, NDArray[Any]] = load(snapshot)
        about = json.loads(arrays.pop("about").tobytes())
        starts = arrays.pop("starts")
        schema, made_with = about["schema"], about["model"]
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ArtifactError(
            f"the snapshot must be one of a live forecaster, but got a damaged one ({error})."
        ) from error
    if schema != SCHEMA:
        raise ArtifactError(
            f"the snapshot must be of version {SCHEMA}, but got {schema!r}. Start anew from the history, or use the "
            "version of Foregate that wrote it."
        )
    if made_with != model:
        raise ArtifactError(
            f"the snapshot must be of the model {model[:8]}, but got one of {str(made_with)[:8]}. Restore it with the "
            "model that it was made with, or start anew from the history."
        )
    return _rebuilt(about, starts, arrays, empty)


def _rebuilt(
    about: Mapping[str, Any], starts: NDArray[Any], arrays: dict[str, NDArray[Any]], empty: State
) -> tuple[Roster, FrameSpec, State]:
    try:
        roster, spec = Roster(Frequency(*about["freq"])), FrameSpec(**about["spec"])
        roster.add(about["ids"], starts.view(roster.starts.dtype))
        if not len(roster.numbers) == len(roster) == len(starts):
            raise ValueError("ids and times that do not go together")
        return roster, spec, empty.expanded(arrays, len(roster))
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError(f"the snapshot must hold a whole state, but got a damaged one ({error}).") from error

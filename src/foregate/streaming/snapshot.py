"""The state of a live forecaster as one safetensors file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from foregate.core import ArtifactError, FrameSpec, Frequency, UsageError
from foregate.forecasting.fitted import Fitted
from foregate.forecasting.state import State
from foregate.streaming.learning import Learnt
from foregate.streaming.roster import Roster
from foregate.streaming.watch import Watch

__all__ = ["Carried", "checksum", "pack", "unpack"]

SCHEMA = 2
"""Changes whenever an array changes its meaning."""
WATCHED, LEARNT = "watched.", "learnt."
"""How names of arrays begin that are kept by what watches, and by what learns."""


@dataclass(frozen=True)
class Carried:
    """What a live forecaster carries from one observation to the next."""

    roster: Roster
    """The series."""
    spec: FrameSpec
    """Names of the columns, and how times are held."""
    state: State
    """What the network has read."""
    watch: Watch | None
    """Forecasts that wait for their outcomes, and scores, if they are asked for."""
    learnt: Learnt | None
    """The decoder as it has become, and what it goes on learning from, if it is asked to."""


def checksum(fitted: Fitted) -> str:
    """Of all that a state depends on: the weights, what the network is told, and how it forecasts."""
    digest = hashlib.sha256(repr((fitted.spec, fitted.engine.manner)).encode())
    weights = fitted.engine.weights()
    for name in sorted(weights):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(weights[name]).tobytes())
    return digest.hexdigest()


def pack(carried: Carried, model: str) -> bytes:
    """What is carried for the model of that checksum."""
    roster, watch = carried.roster, carried.watch
    about = {
        "schema": SCHEMA,
        "model": model,
        "freq": [roster.freq.count, roster.freq.unit],
        "spec": asdict(carried.spec),
        "ids": roster.names,
    }
    arrays = carried.state.compact()
    if watch is not None:
        about["watch"] = {"horizon": watch.horizon, "levels": watch.levels}
        arrays |= {WATCHED + name: array for name, array in watch.compact().items()}
    if carried.learnt is not None:
        about["learnt"] = carried.learnt[0]
        arrays |= {LEARNT + name: array for name, array in carried.learnt[1].items()}
    arrays |= {
        "about": np.frombuffer(json.dumps(about).encode(), np.uint8),
        "starts": roster.starts.view(np.int64),
    }
    packed: bytes = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    return packed


def unpack(snapshot: bytes, empty: State, model: str) -> Carried:
    """What is in a snapshot.

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


def _rebuilt(about: Mapping[str, Any], starts: NDArray[Any], arrays: dict[str, NDArray[Any]], empty: State) -> Carried:
    try:
        roster, spec = Roster(Frequency(*about["freq"])), FrameSpec(**about["spec"])
        roster.add(about["ids"], starts.view(roster.starts.dtype))
        if not len(roster.numbers) == len(roster) == len(starts):
            raise ValueError("ids and times that do not go together")
        own, learnt = _taken(arrays, WATCHED), _taken(arrays, LEARNT)
        watch = None
        if own or "watch" in about:
            asked = about["watch"]
            watch = Watch(asked["horizon"], tuple(asked["levels"]), empty.engine.manner.levels)
            watch.expand(own, len(roster))
        state = empty.expanded(arrays, len(roster))
        return Carried(roster, spec, state, watch, (about["learnt"], learnt) if "learnt" in about else None)
    except (KeyError, TypeError, ValueError, UsageError) as error:
        raise ArtifactError(f"the snapshot must hold a whole state, but got a damaged one ({error}).") from error


def _taken(arrays: dict[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    """The arrays whose names begin so, without that, taken out."""
    return {name.removeprefix(prefix): arrays.pop(name) for name in list(arrays) if name.startswith(prefix)}

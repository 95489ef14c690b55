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

from foregate.core import ArtifactError, FrameSpec, Frequency, UsageError
from foregate.forecasting.fitted import Fitted
from foregate.streaming.carried import Carried
from foregate.streaming.learning import Learner
from foregate.streaming.rewind import Rewind
from foregate.streaming.watch import Watch

__all__ = ["checksum", "pack", "sealed", "unpack"]

SCHEMA = 4
"""Changes whenever an array changes its meaning."""
WATCHED, COVARIATES, REWIND, LEARNT = "watched.", "covariates.", "rewind.", "learnt."
"""How names of arrays begin that are kept by what watches, of covariates, of earlier states, and by what learns."""


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
    roster, watch, rewind = carried.roster, carried.watch, carried.rewind
    about = {
        "schema": SCHEMA,
        "model": model,
        "freq": [roster.freq.count, roster.freq.unit],
        "spec": asdict(carried.spec),
        "ids": roster.names,
    }
    arrays = carried.state.compact()
    if carried.columns is not None:
        about["back"] = carried.columns.back
        arrays |= {COVARIATES + name: array for name, array in carried.columns.compact().items()}
    if watch is not None:
        about["watch"] = {"horizon": watch.horizon, "levels": watch.levels}
        arrays |= {WATCHED + name: array for name, array in watch.compact().items()}
    if rewind is not None:
        about["reach"] = rewind.reach
        arrays |= {REWIND + name: array for name, array in rewind.compact().items()}
    if carried.learner is not None:
        about["learnt"], own = carried.learner.compact()
        arrays |= {LEARNT + name: array for name, array in own.items()}
    arrays |= {
        "about": np.frombuffer(json.dumps(about).encode(), np.uint8),
        "starts": roster.starts.view(np.int64),
    }
    return sealed(arrays)


def sealed(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Arrays as a file, with a checksum of all of them."""
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    packed: bytes = save(whole | {"content": _content(whole)})
    return packed


def _content(arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.uint8]:
    """A checksum (32,) of everything in arrays: a number that has changed somewhere would be a wrong forecast."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype} {arrays[name].shape} ".encode())
        digest.update(arrays[name].reshape(-1).view(np.uint8).data)
    return np.frombuffer(digest.digest(), np.uint8)


def unpack(snapshot: bytes, fitted: Fitted, model: str) -> Carried:
    """What is in a snapshot.

    Args:
        snapshot: what `pack` gave.
        fitted: the same model.
        model: its checksum.

    Raises:
        ArtifactError: the snapshot is damaged, of another model, or of another version.
    """
    try:
        arrays: dict[str, NDArray[Any]] = load(snapshot)
        content = arrays.pop("content", None)  # which version 3 had not
        intact = content is not None and np.array_equal(content, _content(arrays))
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
    if not intact:
        raise ArtifactError(
            "the snapshot must be as it was written, but got a damaged one that does not match its checksum. Take a "
            "copy of it, or start anew from the history."
        )
    if made_with != model:
        raise ArtifactError(
            f"the snapshot must be of the model {model[:8]}, but got one of {str(made_with)[:8]}. Restore it with the "
            "model that it was made with, or start anew from the history."
        )
    return _rebuilt(about, starts, arrays, fitted)


def _rebuilt(
    about: Mapping[str, Any], starts: NDArray[Any], arrays: dict[str, NDArray[Any]], fitted: Fitted
) -> Carried:
    try:
        freq, spec = Frequency(*about["freq"]), FrameSpec(**about["spec"])
        carried = Carried.empty(fitted.engine, fitted.spec, freq, spec)
        roster, columns = carried.roster, carried.columns
        roster.add(about["ids"], starts.view(roster.starts.dtype))
        if not len(roster.numbers) == len(roster) == len(starts):
            raise ValueError("ids and times that do not go together")
        marks = WATCHED, COVARIATES, REWIND, LEARNT
        watched, covariates, earlier, learnt = (_taken(arrays, mark) for mark in marks)
        carried.state = carried.state.expanded(arrays, len(roster))
        if columns is not None:
            columns.back = about["back"]
            columns.expand(covariates, carried.state.rows)
        if watched or "watch" in about:
            asked = about["watch"]
            carried.watch = Watch(asked["horizon"], tuple(asked["levels"]), fitted.levels)
            carried.watch.expand(watched, len(roster))
        if earlier or "reach" in about:
            carried.rewind = Rewind.expanded(earlier, about["reach"], carried.state)
        if "learnt" in about:
            carried.learner = Learner.restored(fitted, carried.state, (about["learnt"], learnt))
        return carried
    except (KeyError, TypeError, ValueError, UsageError) as error:
        raise ArtifactError(f"the snapshot must hold a whole state, but got a damaged one ({error}).") from error


def _taken(arrays: dict[str, NDArray[Any]], mark: str) -> dict[str, NDArray[Any]]:
    """Those arrays whose names begin so, without it; they are taken out."""
    return {name.removeprefix(mark): arrays.pop(name) for name in list(arrays) if name.startswith(mark)}

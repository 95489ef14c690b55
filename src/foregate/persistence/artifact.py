"""A forecaster on disk: one folder of safetensors, ONNX graphs and JSON, and no pickle.

``model.json`` says what it is and holds the checksums (see `folder`); ``weights.safetensors`` are the network's
parameters by torch's names; ``encoder.onnx`` and ``decoder.onnx`` are the network for machines without torch; of
several networks the others have the same names with a number before; ``history.safetensors`` is the panel that it was
fitted on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from foregate.core import Panel
from foregate.data.inputs import InputSpec
from foregate.forecasting.fitted import Fitted
from foregate.forecasting.intervals import Calibration
from foregate.models.spec import NetworkSpec
from foregate.persistence.codec import decode
from foregate.persistence.engines import DECODER, ENCODER, WEIGHT, WEIGHTS, require_runtime, start_together, stored
from foregate.persistence.folder import Document, read_folder, render, write_folder
from foregate.persistence.history import Outline, pack_history, unpack_history
from foregate.persistence.migrations import SCHEMA, migrate, refuse_newer
from foregate.persistence.runtime import StoredNetwork
from foregate.persistence.tensors import pack, unpack
from foregate.pipeline.recipe import Recipe

__all__ = ["Artifact", "load_model", "save_model"]

HISTORY = "history.safetensors"
MOST_MEMBERS = 1000
"""So that a forged manifest cannot ask for endless files."""
SLACK = 1e-9
"""Shares sum to 1 within this."""


@dataclass(frozen=True)
class Artifact:
    """All that a forecaster is."""

    fitted: Fitted
    """The model, with the engine that runs it."""
    recipe: Recipe
    """How it was made."""
    history: Panel
    """What it was fitted on, and forecasts when nothing else is given."""
    facts: Mapping[str, Any]
    """What is known of the fit, for people to read: text, finite numbers, lists and mappings."""


@dataclass(frozen=True)
class _Contents:
    """What `model.json` says of an artifact; the arrays are in the other files."""

    networks: tuple[NetworkSpec, ...]
    shares: tuple[float, ...] | None
    inputs: InputSpec
    horizon: int
    typical_scale: float
    name: str
    recipe: Recipe
    history: Outline
    facts: dict[str, Any]
    calibration: tuple[tuple[float, ...], ...]
    persistence: float

    def __post_init__(self) -> None:
        if not self.networks or (self.shares is not None and len(self.shares) != len(self.networks)):
            raise ValueError(f"there must be networks, and a share for each, not {self.shares}")
        for shape in self.networks:
            self._check(shape)
        apart = len({shape.levels for shape in self.networks}) > 1
        if len(self.networks) > 1 and (apart or any(each.built.strategy == "recursive" for each in self.networks)):
            raise ValueError("several networks must have the same levels, and none must be recursive")
        if self.shares is not None and (min(self.shares) < 0 or abs(sum(self.shares) - 1) > SLACK):
            raise ValueError(f"shares must sum to 1, not {self.shares}")
        if not 0 <= self.persistence < 1:
            raise ValueError(f"persistence must be from 0 to below 1, not {self.persistence}")

    def _check(self, shape: NetworkSpec) -> None:
        """Whether a network and what it is told go together."""
        spec = self.inputs
        Q, sizes = len(shape.levels), (self.horizon, spec.recent, spec.window)
        if min(sizes) < 1:
            raise ValueError(f"sizes must be at least 1, not {sizes}")
        told = (spec.n_features, spec.n_steps, spec.n_profiles)
        if told != (shape.n_features, shape.n_steps, shape.n_profiles):
            raise ValueError(f"the network must have the widths {told} of its inputs, not {shape}")
        if not self.calibration or any(len(row) != Q or min(row) <= 0 for row in self.calibration):
            raise ValueError(f"calibration must have {Q} positive factors per step")
        if self.typical_scale < 0 or any(column.spread <= 0 for column in spec.columns):
            raise ValueError("scales must be positive")

    @classmethod
    def of(cls, document: Document) -> _Contents:
        """From JSON, every field checked."""
        return decode(cls, {field.name: document.get(field.name) for field in fields(cls)}, "the model")


def save_model(folder: str | Path, artifact: Artifact, *, overwrite: bool = False) -> None:
    """Save a forecaster as one folder, whole or not at all.

    Args:
        folder: a new one; folders above it are made.
        artifact: what to save.
        overwrite: replace the model that is there, once the new one is complete. Anything else is never replaced.

    Raises:
        UsageError: the facts are not JSON, or the engine is of another kind.
        ArtifactError: the folder is there, and `overwrite` is false; it holds something else than a model, or cannot be
            written; the model itself is broken. What was there stays.
        MissingExtraError: the model was made with torch, and the onnx package is not installed.
    """
    fitted = artifact.fitted
    networks, shares = stored(fitted.engine)
    outline, arrays = pack_history(artifact.history)
    document: Document = {
        "schema": SCHEMA,
        "foregate": metadata.version("foregate"),
        "name": fitted.name,
        "horizon": fitted.horizon,
        "facts": dict(artifact.facts),
        "recipe": asdict(artifact.recipe),
        "networks": [asdict(network.shape) for network in networks],
        "shares": shares,
        "inputs": asdict(fitted.spec),
        "typical_scale": fitted.typical_scale,
        "history": asdict(outline),
        "calibration": fitted.calibration.factors.tolist(),
        "persistence": fitted.calibration.persistence,
    }
    _Contents.of(json.loads(render(document)))  # what could not be loaded must not replace what can
    files = {HISTORY: arrays}
    for network, names in zip(networks, _names(len(networks)), strict=True):
        contents = pack(network.weights, WEIGHT, names[0]), network.encoder, network.decoder
        files |= dict(zip(names, contents, strict=True))
    write_folder(Path(folder), document, files, overwrite=overwrite)


def load_model(folder: str | Path, *, runtime: str = "auto") -> Artifact:
    """Load a forecaster.

    Args:
        folder: that `save_model` wrote.
        runtime: ``torch``: forecasts are to the bit those of before. ``onnx``: needs no torch; within 1e-5 of them.
            ``auto``: torch where it is installed; ONNX for an instant forecaster, which was run by it before.

    Raises:
        UsageError: there is no such runtime.
        ArtifactError: the folder is damaged, of something else, or of a newer version.
        MissingExtraError: torch is asked for, and not installed.
    """
    require_runtime(runtime)
    document, files = read_folder(Path(folder), _files, refuse_newer)
    contents = _Contents.of(migrate(document))
    if runtime == "auto" and contents.recipe.effort == "instant":
        runtime = "onnx"
    networks = []
    for shape, names in zip(contents.networks, _names(len(contents.networks)), strict=True):
        weights, encoder, decoder = (files[name] for name in names)
        networks.append(StoredNetwork(shape, unpack(weights, WEIGHT, names[0]), encoder, decoder))
    fitted = Fitted(
        start_together(networks, contents.shares, runtime),
        contents.inputs,
        Calibration(np.array(contents.calibration, np.float64), contents.persistence),
        contents.horizon,
        contents.typical_scale,
        contents.name,
    )
    history = unpack_history(contents.history, files[HISTORY])
    return Artifact(fitted, contents.recipe, history, contents.facts)


def _names(members: int) -> Iterator[tuple[str, str, str]]:
    """The files of each network: of the first without a number."""
    for i in range(members):
        mark = f"{i + 1}-" if i else ""
        yield mark + WEIGHTS, mark + ENCODER, mark + DECODER


def _files(document: Document) -> tuple[str, ...]:
    """The files beside the manifest, by what it says."""
    networks = document.get("networks")
    members = min(len(networks), MOST_MEMBERS) if isinstance(networks, list) else 1
    return (HISTORY, *(name for names in _names(members) for name in names))

"""What a saved model is, in a few plain facts; all of it is read for that, so that what has facts can be used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from foregate.core import ArtifactError, Engine, Frequency, Panel
from foregate.core.errors import ForegateError
from foregate.persistence.agreement import require_agreement
from foregate.persistence.artifact import Artifact, load_model
from foregate.persistence.engines import stored
from foregate.persistence.folder import MANIFEST
from foregate.persistence.graphs import require_plain
from foregate.persistence.shipped import check_forecast, read_start
from foregate.pipeline.instant import untold
from foregate.pipeline.recipe import Recipe

__all__ = ["outline_of"]

ENOUGH = 200
"""Rows of a series that are forecast to see whether a model runs."""


def outline_of(folder: Path) -> dict[str, Any]:
    """The facts of a saved model, as JSON can say them: ``kind``, and what it forecasts.

    It is read as a service reads it, without torch, and asked for a forecast.

    Args:
        folder: of a model (kind ``model``), or of a pretrained network as it comes with the package (``pretrained``).

    Raises:
        ArtifactError: it is damaged, newer than this version, something else, or says no finite numbers; or one of its
            graphs is not such as Foregate writes them, or not that of its weights.

    Examples:
        >>> from foregate.persistence import shipped_folder
        >>> outline_of(shipped_folder("tiny"))["kind"]
        'pretrained'
    """
    for path in sorted(folder.glob("*.onnx")):
        require_plain(path.read_bytes(), path.name)
    try:
        document = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ArtifactError(f"{MANIFEST} must be JSON, but got: {error!s:.200}. Save the model anew.") from error
    try:
        if isinstance(document, dict) and "network" in document:
            return _pretrained(folder)
        return _model(load_model(folder, runtime="onnx"))
    except (ForegateError, MemoryError):
        raise
    except Exception as error:  # the runtime's have no base class of their own
        raise ArtifactError(f"a model must forecast, but got: {error!s:.300} Train it anew.") from error


def _pretrained(folder: Path) -> dict[str, Any]:
    start = read_start(folder)
    _require_agreement(start.engine)
    if not np.isfinite(check_forecast(start)).all():
        raise _not_finite()
    hourly = Frequency.parse("1h")
    fitted = untold(Recipe(3, effort="instant"), hourly, start)
    several = Panel.from_arrays([np.arange(1.0, 2 + n) for n in (30, 4, 55)], freq=hourly)
    if not np.isfinite(fitted.forecast(several, 3, (0.5,)).values).all():
        raise _not_finite()
    return {
        "kind": "pretrained",
        "parameters": sum(value.size for value in start.weights.values()),
        "weights": start.version,
        "levels": list(fitted.engine.manner.levels),
    }


def _model(artifact: Artifact) -> dict[str, Any]:
    fitted, panel = artifact.fitted, artifact.history
    _require_agreement(fitted.engine)
    if len(panel) and not panel.covariates:
        said = fitted.forecast(panel.take(list(range(min(len(panel), 3)))).tail(ENOUGH), min(2, fitted.horizon), (0.5,))
        if not np.isfinite(said.values).all():
            raise _not_finite()
    return {
        "kind": "model",
        "name": fitted.name,
        "effort": artifact.recipe.effort,
        "horizon": fitted.horizon,
        "freq": None if panel.freq is None else panel.freq.alias,
        "season_length": [season for season in fitted.spec.seasons if season > 1],
        "targets": list(panel.spec.target_cols),
        "covariates": {name: covariate.role for name, covariate in panel.covariates.items()},
        "levels": list(fitted.engine.manner.levels),
        "series": len(panel),
        "rows": int(panel.lengths.sum()),
    }


def _require_agreement(engine: Engine) -> None:
    for network in stored(engine)[0]:
        require_agreement(network)


def _not_finite() -> ArtifactError:
    return ArtifactError("a model must forecast finite numbers, but got others. Train it anew.")

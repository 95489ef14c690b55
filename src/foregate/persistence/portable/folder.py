"""A portable model on disk: `step.onnx`, `forecast.onnx` and `manifest.json`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from foregate.core import Engine, Frequency, ModelError, at_least, listed
from foregate.core.processes import leads
from foregate.forecasting.ensemble import Ensemble
from foregate.forecasting.fitted import Fitted
from foregate.forecasting.intervals import check_probabilities
from foregate.forecasting.origins import require_reach
from foregate.persistence.folder import put, require_replaceable
from foregate.persistence.portable.covariates import ahead_ports
from foregate.persistence.portable.graphs import Portable
from foregate.persistence.portable.manifest import (
    AHEAD,
    GRAPHS,
    STEP,
    manifest,
    meanings,
    rendered,
    said_ahead,
    time_of,
)
from foregate.persistence.tracing import finished

__all__ = ["require_portable", "save_portable"]

SEARCHED = ("mixture", "negative-binomial")
"""Heads whose quantiles are searched for, with as many steps as it takes."""


def save_portable(
    folder: str | Path,
    fitted: Fitted,
    freq: Frequency,
    ahead: tuple[int | None, Sequence[float] | None] = (None, None),
    *,
    overwrite: bool = False,
) -> None:
    """Write the graphs of a model, whole or not at all.

    Args:
        folder: a new one; folders above it are made.
        fitted: the model.
        freq: the step between its rows.
        ahead: K steps and the probabilities of quantiles; None for those of the model.
        overwrite: replace the exported model that is there. Anything else is never replaced.

    Raises:
        ModelError: the model cannot be written so; says why, and what can be.
        UsageError: the steps are further ahead than the model reaches, or a quantile is no probability.
        ArtifactError: the folder is there, and `overwrite` is false; it holds something else, or cannot be written.
        MissingExtraError: the onnx package is not installed.
    """
    if not leads():
        return
    place = Path(os.path.realpath(folder))
    require_replaceable(place, overwrite=overwrite, kind=GRAPHS)
    horizon, quantiles = fitted.horizon if ahead[0] is None else ahead[0], ahead[1]
    at_least(1, horizon=horizon)
    require_reach(fitted.engine.manner, horizon)
    wanted = fitted.levels if quantiles is None else tuple(sorted({float(each) for each in quantiles}))
    check_probabilities(np.array(wanted))
    require_portable(fitted)
    portable = Portable(fitted)
    taken = portable.row(time_of(portable, freq)) | portable.state
    given = ahead_ports(portable.covariates, horizon) | portable.kept() | {"quantiles": said_ahead(horizon, wanted)}
    files = {
        STEP: finished(portable.step(), "Reads a row of each series.", meanings(taken)),
        AHEAD: finished(portable.ahead(horizon, wanted), "Forecasts what comes after it.", meanings(given)),
    }
    document = manifest(portable, freq, (horizon, wanted), files)
    put(place, {**files, GRAPHS.manifest: f"{rendered(document)}\n".encode()})


def require_portable(fitted: Fitted) -> None:
    """Refuse a model that no graph can say.

    Raises:
        ModelError: says why, and what can be done.
    """
    related = [column.name for column in fitted.spec.columns if column.relative]
    if related:
        raise ModelError(
            f"a model must have one target to be exported as graphs, but got one of several, which reads "
            f"{listed(related)}. Fit a model for each of them."
        )
    for engine in _members(fitted.engine):
        manner = engine.manner
        if manner.strategy == "recursive":
            raise ModelError(
                "a model must forecast its steps from one state to be exported as graphs, but got a recursive one, "
                "which feeds its own draws back. Fit one of another strategy, such as 'parallel'."
            )
        if manner.head in SEARCHED:
            raise ModelError(
                f"a model must say its quantiles in a fixed number of operations to be exported as graphs, but got the "
                f"head {manner.head!r}, whose quantiles are searched for. Fit one with the head 'quantiles', "
                "'student-t', 'gaussian' or 'point'."
            )


def _members(engine: Engine) -> tuple[Engine, ...]:
    return engine.engines if isinstance(engine, Ensemble) else (engine,)

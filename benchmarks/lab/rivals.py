"""Methods that estimate every series anew, beside LSTMs that learn from all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.lab import learn
from benchmarks.lab import own as foregates
from benchmarks.lab.data import Panel, panel
from benchmarks.lab.scale import Scale
from benchmarks.lab.settings import Settings
from foregate.core import Panel as Series
from foregate.evaluation.statistical import statistical

__all__ = ["forecast"]

ORIGINS = 2
"""Of each series, which are estimated anew at each."""
ROWS = 240
"""Of each series that are read."""


def forecast(settings: dict[str, Any], data: str, scale: Scale, seed: int) -> dict[str, Any]:
    """Errors of ``by``: the name of a baseline, ``textbook`` or ``Foregate``, all on the same series."""
    small = replace(scale, origins=ORIGINS)
    given = panel(data, small, seed, series=scale.rivals, rows=min(ROWS, scale.rows))
    chosen = dict(settings)
    by = chosen.pop("by")
    if by == "textbook":
        return given.errors(learn.say(*learn.fitted(Settings(**chosen), given, small, seed)))
    if by == "Foregate":
        return given.errors(foregates.said(foregates.fit(chosen, given, small, seed), given))
    return given.errors(_anew(by, given))


def _anew(by: str, given: Panel) -> np.ndarray:
    """Forecasts (S, W, K), estimated on all that is known at each origin."""
    said = []
    for back in given.origins:
        known = Series.from_arrays([y[: n + back] for y, n in zip(given.values, given.trained, strict=True)])
        model = statistical(by, given.seasons[0] if given.seasons else 1)(known)
        said.append(model.forecast(known, given.horizon, [0.5]).values[..., 0])
    return np.stack(said, 1).astype(np.float64)

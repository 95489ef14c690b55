"""Intervals from a panel's own past: an engine is asked at held-out origins, and held to what came. No torch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from foregate.data.inputs import Inputs
from foregate.forecasting.intervals import Calibration, Evidence, calibrate
from foregate.pipeline.plan import HoldOut
from foregate.pipeline.recipe import LEVELS

__all__ = ["Outcomes", "calibrated", "judged_series", "judged_steps", "no_calibration"]

IntArray = NDArray[np.int64]

MOST_JUDGED = 512
"""Of larger panels so many series, evenly spread, are used to validate and calibrate."""
MOST_STEPS = 48
"""Of longer horizons so many steps, evenly spread, are judged; those between take the factors of the nearest."""

Outcomes = Iterator[tuple[IntArray, NDArray[np.float32]]]
"""Panel rows (B,) of held-out origins, and the quantiles (B, K, Q) that were forecast from there."""


def judged_series(held: HoldOut) -> IntArray:
    """Numbers of the series whose held-out origins are used."""
    able = np.flatnonzero((held.origins >= 0).any(1))
    if len(able) <= MOST_JUDGED:
        return able
    return able[np.linspace(0, len(able) - 1, MOST_JUDGED).astype(np.int64)]


def judged_steps(horizon: int) -> IntArray:
    """The steps ahead that intervals are calibrated at.

    Examples:
        >>> judged_steps(3), len(judged_steps(720))
        (array([1, 2, 3]), 48)
    """
    return np.unique(np.linspace(1, horizon, min(horizon, MOST_STEPS)).round().astype(np.int64))


def no_calibration() -> Calibration:
    """The network's own quantiles."""
    return Calibration(np.ones((1, len(LEVELS))))


def calibrated(inputs: Inputs, held: HoldOut, judged: IntArray, horizon: int, said: Outcomes) -> Calibration:
    """Conformal calibration on held-out origins; the network's own quantiles where there are none.

    Args:
        inputs: of the panel.
        held: its held-out origins.
        judged: numbers of the series whose origins are used.
        horizon: steps ahead.
        said: forecasts at these origins, at `judged_steps(horizon)`.
    """
    k = judged_steps(horizon)
    outcomes, quantiles, observed = [], [], []
    for rows, raw in said:
        target, there = inputs.targets(rows, k)
        outcomes.append(target)
        quantiles.append(raw)
        observed.append(there)
    if not outcomes:
        return no_calibration()
    first, last = held.limits[judged] - 1, held.origins[judged].max(1)
    evidence = Evidence(len(judged), 1 + float(np.mean(last - first)) / horizon)
    found = calibrate(np.concatenate(outcomes), np.concatenate(quantiles), np.concatenate(observed), LEVELS, evidence)
    nearest = np.abs(np.arange(1, horizon + 1)[:, None] - k).argmin(1)
    return Calibration(found.factors[nearest])

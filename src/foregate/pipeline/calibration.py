"""Intervals from a panel's own past: an engine is asked at held-out origins, and held to what came. No torch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from foregate.core import evenly
from foregate.data.inputs import Inputs
from foregate.forecasting.intervals import LARGEST_FACTOR, LEAST_FACTOR, Calibration, Evidence, calibrate, persistence
from foregate.pipeline.plan import HoldOut
from foregate.pipeline.recipe import LEVELS

__all__ = ["Outcomes", "as_wide_as", "calibrated", "evidence_of", "judged_series", "judged_steps", "no_calibration"]

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
    return able[evenly(len(able), MOST_JUDGED)]


def evidence_of(held: HoldOut, judged: IntArray, horizon: int) -> Evidence:
    """How much the held-out windows of one series or more can tell."""
    first, last = held.limits[judged] - 1, held.origins[judged].max(1)
    return Evidence(len(judged), 1 + float(np.mean(last - first)) / horizon)


def judged_steps(horizon: int) -> IntArray:
    """The steps ahead that intervals are calibrated at.

    Examples:
        >>> judged_steps(3), len(judged_steps(720))
        (array([1, 2, 3]), 48)
    """
    return np.unique(np.linspace(1, horizon, min(horizon, MOST_STEPS)).round().astype(np.int64))


def as_wide_as(theirs: NDArray[np.floating], own: NDArray[np.floating]) -> NDArray[np.float64]:
    """(K, Q) factors at which quantiles `own` (B, K, Q) are, in the median of origins, as far apart as `theirs`."""

    def widths(quantiles: NDArray[np.floating]) -> NDArray[np.floating]:
        apart = np.abs(quantiles - quantiles[..., ::-1])
        apart[..., apart.shape[-1] // 2] = 1
        return np.maximum(apart, 1e-9)

    ratio = np.exp(np.median(np.log(widths(theirs) / widths(own)), 0))
    factors: NDArray[np.float64] = np.clip(ratio.astype(np.float64), LEAST_FACTOR, LARGEST_FACTOR)
    return factors


def no_calibration() -> Calibration:
    """The network's own quantiles."""
    return Calibration(np.ones((1, len(LEVELS))))


def calibrated(
    inputs: Inputs,
    held: HoldOut,
    judged: IntArray,
    horizon: int,
    said: Outcomes,
    prior: NDArray[np.float64] | None = None,
) -> Calibration:
    """Conformal calibration on held-out origins; the prior where there are none.

    Args:
        inputs: of the panel.
        held: its held-out origins.
        judged: numbers of the series whose origins are used.
        horizon: steps ahead.
        said: forecasts at these origins, at `judged_steps(horizon)`.
        prior: factors at these steps to expect before any outcome; 1, the network's own quantiles, when not given.
    """
    k = judged_steps(horizon)
    nearest = np.abs(np.arange(1, horizon + 1)[:, None] - k).argmin(1)
    outcomes, quantiles, observed = [], [], []
    for rows, raw in said:
        target, there = inputs.targets(rows, k)
        outcomes.append(target)
        quantiles.append(raw)
        observed.append(there)
    if not outcomes:
        return no_calibration() if prior is None else Calibration(prior[nearest])
    evidence = evidence_of(held, judged, horizon)
    came, asked = np.concatenate(outcomes), np.concatenate(observed)
    found = calibrate(came, np.concatenate(quantiles), asked, LEVELS, evidence, prior)
    lasting = persistence(came, np.concatenate(quantiles), asked, k, evidence)
    return Calibration(found.factors[nearest], lasting)

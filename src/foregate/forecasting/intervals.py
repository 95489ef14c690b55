"""Intervals that hold what they promise: calibration on held-out origins, and any quantile from a few.

Letters: K horizon steps, Q quantiles, n held-out outcomes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foregate.core import UsageError

__all__ = ["Calibration", "calibrate", "interpolate_quantiles"]

FloatArray = NDArray[np.float64]
Floats = NDArray[np.floating]

LARGEST_FACTOR, LEAST_FACTOR = 4.0, 0.4
NEIGHBOURING_STEPS = 200
"""Outcomes of neighbouring steps are pooled until at least so many are compared."""
PRIOR_SERIES = 20
"""Evidence from this many series counts as much as the network's own quantiles."""


@dataclass(frozen=True)
class Calibration:
    """How far each quantile is moved away from the median, per horizon step."""

    factors: FloatArray
    """(K, Q) the distance from the median is multiplied by this; 1 leaves it. Steps beyond K use the last row."""

    def apply(self, quantiles: FloatArray) -> FloatArray:
        """Calibrate ordered quantiles (..., K, Q) in units of scale; the median stays and nothing crosses."""
        steps = quantiles.shape[-2]
        factors = self.factors[np.minimum(np.arange(steps), len(self.factors) - 1)]
        middle = quantiles.shape[-1] // 2
        median = quantiles[..., middle : middle + 1]
        moved = median + factors * (quantiles - median)
        down = np.minimum.accumulate(moved[..., middle::-1], -1)[..., ::-1]
        up = np.maximum.accumulate(moved[..., middle:], -1)
        return np.concatenate([down, up[..., 1:]], -1)


def calibrate(
    outcomes: Floats, quantiles: Floats, observed: NDArray[np.bool_], levels: Sequence[float], *, series: int
) -> Calibration:
    """Conformal calibration of quantiles against outcomes that the network was not trained on.

    For every step and quantile the distance from the median is stretched by the factor at which the share of outcomes
    beyond it is the nominal one (split conformal prediction with the scaled score of Romano et al. 2019), pooled over
    neighbouring steps, and drawn towards 1 when it rests on few series.

    Args:
        outcomes: (n, K) in units of scale.
        quantiles: (n, K, Q) in units of scale, ordered.
        observed: (n, K) where there is an outcome.
        levels: Q probabilities.
        series: how many series the outcomes come from.
    """
    K, Q = quantiles.shape[1:]
    middle = Q // 2
    factors = np.ones((K, Q))
    trust = series / (series + PRIOR_SERIES)
    median = quantiles[..., middle]
    for k in range(K):
        width = 0
        while observed[:, max(0, k - width) : k + width + 1].sum() < NEIGHBOURING_STEPS and width < K:
            width += 1
        near = slice(max(0, k - width), k + width + 1)
        there = observed[:, near]
        if not there.any():
            continue
        error = (outcomes[:, near] - median[:, near])[there]
        for q in range(Q):
            if q == middle:
                continue
            distance = (quantiles[:, near, q] - median[:, near])[there]
            ratio = error / np.where(np.abs(distance) > 1e-9, distance, np.sign(q - middle) * 1e-9)
            share = levels[q] if q > middle else 1 - levels[q]
            share = min(1.0, share * (1 + 1 / len(ratio)))
            found = np.clip(np.quantile(ratio, share), LEAST_FACTOR, LARGEST_FACTOR)
            factors[k, q] = np.exp(trust * np.log(found))
    return Calibration(factors)


def interpolate_quantiles(values: FloatArray, levels: Sequence[float], wanted: Sequence[float]) -> FloatArray:
    """Quantiles `wanted` from ordered quantiles (..., Q) at `levels`: linear in the normal score, and so in the tails.

    Beyond the outermost level the line through the two outermost ones is followed, as if the tail were normal.
    """
    for q in wanted:
        if not 0 < q < 1:
            raise UsageError(
                f"quantiles must be between 0 and 1, but got {q}. Give for example quantiles=[0.1, 0.5, 0.9]."
            )
    known, asked = normal_score(levels), normal_score(wanted)
    right = np.clip(np.searchsorted(known, asked, side="left"), 1, len(known) - 1)
    left = right - 1
    exact = np.isclose(known[right], asked, atol=1e-12)
    share = np.where(exact, 1.0, (asked - known[left]) / (known[right] - known[left]))
    low, high = values[..., left], values[..., right]
    return np.where(share == 1.0, high, np.where(share == 0.0, low, low + share * (high - low)))


def normal_score(p: Sequence[float]) -> FloatArray:
    """Quantile of the standard normal distribution (statistics.NormalDist, Wichura's AS 241)."""
    from statistics import NormalDist

    return np.array([NormalDist().inv_cdf(float(q)) for q in p])

"""Intervals that hold what they promise: calibration on held-out origins, and any quantile from a few.

Letters: K horizon steps, Q quantiles, n held-out outcomes.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foregate.core import UsageError
from foregate.forecasting.special import normal_score

__all__ = [
    "Calibration",
    "Evidence",
    "calibrate",
    "check_probabilities",
    "interpolate_quantiles",
    "interpolation",
    "persistence",
]

FloatArray = NDArray[np.float64]
Floats = NDArray[np.floating]
Places = tuple[NDArray[np.intp], NDArray[np.intp], FloatArray]

LARGEST_FACTOR, LEAST_FACTOR = 4.0, 0.4
NEIGHBOURING_STEPS = 200
"""Outcomes of neighbouring steps are pooled until at least so many are compared."""
PRIOR_WINDOWS = 3
"""This many held-out windows weigh as much as the network's own quantiles."""
WIDER_AFTER, NARROWER_AFTER = 0.3, 6.0
"""After windows that span so many horizons, half of what they ask for is done: calm may pass sooner than a storm."""
INNERMOST = 0.2
"""Quantiles nearer to the median than this one take its factor."""


@dataclass(frozen=True)
class Evidence:
    """How much held-out outcomes can tell about outcomes to come."""

    series: int
    """Series that they come from."""
    spans: float
    """Horizons that the windows of one series span: 1 for a single window, 2 for two that touch."""

    @property
    def windows(self) -> float:
        """Held-out windows over all series, as if they did not overlap."""
        return self.series * self.spans

    @property
    def doubt(self) -> float:
        """Share, 0 to 1, in which what was there before any outcome is still believed."""
        return PRIOR_WINDOWS / (self.windows + PRIOR_WINDOWS)

    def trust(self, change: float) -> float:
        """How much of a change of widths is believed, 0 to 1.

        Outcomes of one stretch of time share its shocks, however many series there are.
        """
        half = WIDER_AFTER if change > 1 else NARROWER_AFTER
        return (1 - self.doubt) * self.spans / (self.spans + half)


USUAL_PERSISTENCE = 0.8
"""Correlation of the errors of one step ahead and the next, where no outcomes tell."""
LARGEST_ERROR = 3.0
"""Errors count as no more than so many times the distance of the quantile that they are measured by."""


@dataclass(frozen=True)
class Calibration:
    """How far each quantile is moved away from the median, per horizon step."""

    factors: FloatArray
    """(K, Q) the distance from the median is multiplied by this; 1 leaves it. Steps beyond K use the last row."""
    persistence: float = USUAL_PERSISTENCE
    """Correlation of the errors of one step ahead and the next, 0 to below 1: how wide futures wander."""

    def at(self, k: NDArray[np.int64]) -> FloatArray:
        """The factors (K, Q) of steps k (K,) ahead."""
        factors: FloatArray = self.factors[np.minimum(k, len(self.factors)) - 1]
        return factors

    def apply(self, quantiles: FloatArray, widths: FloatArray | None = None) -> FloatArray:
        """Calibrate ordered quantiles (..., K, Q) in units of scale; the median stays and nothing crosses.

        Args:
            quantiles: what the network says.
            widths: (..., K, Q) further factors, of what has come since.
        """
        factors = self.at(np.arange(1, quantiles.shape[-2] + 1))
        factors = factors if widths is None else factors * widths
        middle = quantiles.shape[-1] // 2
        median = quantiles[..., middle : middle + 1]
        moved = median + factors * (quantiles - median)
        down = np.minimum.accumulate(moved[..., middle::-1], -1)[..., ::-1]
        up = np.maximum.accumulate(moved[..., middle:], -1)
        return np.concatenate([down, up[..., 1:]], -1)


def calibrate(
    outcomes: Floats,
    quantiles: Floats,
    observed: NDArray[np.bool_],
    levels: Sequence[float],
    evidence: Evidence,
    prior: FloatArray | None = None,
) -> Calibration:
    """Conformal calibration of quantiles against outcomes that the network was not trained on.

    For every step and every pair of quantiles q and 1 - q, both distances from the median are stretched by the factor
    at which the share of outcomes between them is the nominal one (split conformal prediction with a scaled score,
    Romano et al. 2019), pooled over neighbouring steps and drawn towards the prior as far as the evidence is thin,
    and towards it once more where it asks for less than the prior.
    Both sides share a factor, since a bias that happened to hold in the held-out windows need not hold in the next.

    Args:
        outcomes: (n, K) in units of scale.
        quantiles: (n, K, Q) in units of scale, ordered.
        observed: (n, K) where there is an outcome.
        levels: Q probabilities, symmetric about the median.
        evidence: how much the outcomes can tell.
        prior: (K, Q) factors to expect before any outcome; 1 when not given.
    """
    K, Q = quantiles.shape[1:]
    middle = Q // 2
    factors = np.ones((K, Q)) if prior is None else prior.copy()
    median = quantiles[..., middle]
    for k in range(K):
        near = _neighbours(observed, k)
        there = observed[:, near]
        if not there.any():
            continue
        error = (outcomes[:, near] - median[:, near])[there]
        for low in range(middle):
            if levels[low] > INNERMOST and low:  # too close to the median to be told apart from a bias
                factors[k, low] = factors[k, low - 1]
                continue
            below, above = (np.abs(quantiles[:, near, q] - median[:, near])[there] for q in (low, Q - 1 - low))
            score = np.maximum(error / np.maximum(above, 1e-9), -error / np.maximum(below, 1e-9))
            share = min(1.0, (1 - 2 * levels[low]) * (1 + 1 / evidence.windows))
            found = np.clip(np.quantile(score, share), LEAST_FACTOR, LARGEST_FACTOR)
            change = found / factors[k, low]
            factors[k, low] *= change ** evidence.trust(change)
    factors[:, middle + 1 :] = factors[:, middle - 1 :: -1] if middle else 1
    return Calibration(factors)


def persistence(
    outcomes: Floats, quantiles: Floats, observed: NDArray[np.bool_], k: NDArray[np.int64], evidence: Evidence
) -> float:
    """How much of the error of a step ahead is there at the next one: the correlation of errors in units of the width.

    Args:
        outcomes: (n, K) in units of scale.
        quantiles: (n, K, Q) in units of scale, ordered.
        observed: (n, K) where there is an outcome.
        k: (K,) steps ahead.
        evidence: how much the outcomes can tell; where little, the usual correlation is believed.

    Returns:
        0 to 0.999.
    """
    middle, outer = quantiles.shape[-1] // 2, quantiles.shape[-1] // 6
    error = outcomes - quantiles[..., middle]
    width = np.maximum(quantiles[..., -1 - outer] - quantiles[..., outer], 1e-9) / 2
    share = np.clip(error / width, -LARGEST_ERROR, LARGEST_ERROR)
    both = observed[:, 1:] & observed[:, :-1]
    now, then = share[:, :-1][both], share[:, 1:][both]
    size = np.sqrt((now**2).sum() * (then**2).sum())
    if not size:
        return USUAL_PERSISTENCE
    apart = np.broadcast_to(np.diff(k), both.shape)[both].mean()
    found = max(float((now * then).sum() / size), 0.0) ** (1 / apart)
    return float(np.clip((1 - evidence.doubt) * found + evidence.doubt * USUAL_PERSISTENCE, 0, 0.999))


def _neighbours(observed: NDArray[np.bool_], k: int) -> slice:
    """Steps around step k with enough outcomes together."""
    counts = observed.sum(0)
    width = 0
    while counts[max(0, k - width) : k + width + 1].sum() < NEIGHBOURING_STEPS and width < len(counts):
        width += 1
    return slice(max(0, k - width), k + width + 1)


def interpolate_quantiles(values: FloatArray, levels: Sequence[float], wanted: ArrayLike) -> FloatArray:
    """Quantiles `wanted` from ordered quantiles (..., Q) at `levels`: linear in the normal score, and so in the tails.

    Beyond the outermost level the line through the two outermost ones is followed, as if the tail were normal.

    Args:
        values: (..., Q) ordered.
        levels: Q probabilities, two or more, ascending.
        wanted: probabilities (P,), or (..., P) for each row its own.

    Returns:
        (..., P)
    """
    asked = np.asarray(wanted, np.float64)
    if asked.ndim == 1:
        left, right, share = _known_between(tuple(levels), tuple(asked.tolist()))
        low, high = values[..., left], values[..., right]
    else:
        left, right, share = _between(levels, asked)
        low, high = (np.take_along_axis(values, each, -1) for each in (left, right))
    rise = high - low
    return np.where(share >= 1, high + (share - 1) * rise, np.minimum(low + share * rise, high))


def interpolation(levels: Sequence[float], wanted: Sequence[float]) -> FloatArray:
    """The matrix (Q, P) that quantiles (K, Q) at `levels` are multiplied by to get those `wanted`.

    It is what `interpolate_quantiles` does, but for the last digit, by which quantiles may then descend.

    Examples:
        >>> interpolation((0.1, 0.5, 0.9), (0.5,)).tolist()
        [[0.0], [1.0], [0.0]]
    """
    left, right, share = _between(levels, np.asarray(wanted, np.float64))
    matrix, column = np.zeros((len(levels), len(wanted))), np.arange(len(wanted))
    matrix[left, column], matrix[right, column] = 1 - share, share
    return matrix


@functools.lru_cache(maxsize=64)
def _known_between(levels: tuple[float, ...], asked: tuple[float, ...]) -> Places:
    """See `_between`; the same quantiles are mostly asked for again and again."""
    return _between(levels, np.array(asked))


def _between(levels: Sequence[float], asked: FloatArray) -> Places:
    """Between which two of the levels each probability lies, or nearest to, and how far on from the left one."""
    check_probabilities(asked)
    known, score = normal_score(levels), normal_score(asked)
    right = np.clip(np.searchsorted(known, score, side="left"), 1, len(known) - 1)
    left = right - 1
    exact = np.isclose(known[right], score, atol=1e-12)
    return left, right, np.where(exact, 1.0, (score - known[left]) / (known[right] - known[left]))


def check_probabilities(p: FloatArray) -> None:
    """Refuse what is no probability between 0 and 1.

    Raises:
        UsageError: names the first.
    """
    wrong = ~((p > 0) & (p < 1))
    if wrong.any():
        raise UsageError(
            f"quantiles must be between 0 and 1, but got {p[wrong][0]:g}. Give for example quantiles=[0.1, 0.5, 0.9]."
        )

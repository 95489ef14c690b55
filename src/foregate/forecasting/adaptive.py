"""Intervals that follow what comes: factors of their widths, moved a little by every outcome. Knows no names.

Letters: B series, K horizon steps, J of them that are judged, Q quantiles of a network, P pairs of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from foregate.core import evenly
from foregate.forecasting.intervals import INNERMOST

__all__ = ["AdaptiveWidths"]

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

MOST_STEPS = 24
"""Of longer horizons so many steps, evenly spread, are judged; those between take the factors of the nearest."""
PACE = 0.15
"""A miss one step ahead widens an interval by so much, times the share that it should hold."""
SLOWER_AHEAD = 0.5
"""The pace falls with this power of the steps ahead, since forecasts of many steps share their misses."""
NARROWEST, WIDEST = 0.25, 8.0
"""Factors beyond the calibrated widths; a change that is larger than that is no longer one of widths."""


class AdaptiveWidths:
    """The rule by which widths go on from a calibration: online conformal prediction on the logarithm of a factor.

    For each judged step and each pair of quantiles q and 1 - q, an outcome outside of the interval that was given out
    adds pace·(1 - 2q) to the logarithm of its factor, one inside takes pace·2q away. So over any stream, whatever it
    does, the share inside differs from the nominal one by no more than the range of the logarithm over pace times the
    number of outcomes (and what was on its way), as long as the factor does not come to its ends.

    Source: Gibbs and Candès, "Adaptive conformal inference under distribution shift" (2021); Angelopoulos, Candès and
    Tibshirani, "Conformal PID control for time series prediction" (2023).

    Args:
        horizon: K, the furthest step that is judged.
        levels: Q probabilities of the quantiles of the network, symmetric about the median.

    Examples:
        >>> rule = AdaptiveWidths(2, (0.1, 0.5, 0.9))
        >>> missed = rule.learn(np.zeros((1, 2, 1)), np.array([[[True], [False]]]), np.ones((1, 2, 1), bool))
        >>> rule.widths(missed, 2).round(3).tolist()
        [[[1.127, 1.0, 1.127], [0.979, 1.0, 0.979]]]
    """

    def __init__(self, horizon: int, levels: Sequence[float]) -> None:
        self.steps: IntArray = 1 + evenly(horizon, MOST_STEPS)
        """(J,) the steps ahead that are judged."""
        middle = len(levels) // 2
        pairs = max(1, sum(level <= INNERMOST for level in levels[:middle]))  # further in, the outer one's is taken
        self.bounds: tuple[float, ...] = tuple(levels[:pairs])
        """P lower probabilities of the pairs."""
        self._outside = 2 * np.array(self.bounds)
        self._pace = PACE / self.steps[:, None] ** SLOWER_AHEAD
        self._nearest = np.abs(np.arange(1, horizon + 1)[:, None] - self.steps).argmin(1)
        place = np.arange(len(levels))
        self._pair = np.minimum(np.minimum(place, place[::-1]), pairs - 1)
        self._middle = middle

    def learn(self, factors: FloatArray, outside: BoolArray, judged: BoolArray) -> FloatArray:
        """The logarithms of factors (B, J, P) after one outcome of each step.

        Args:
            factors: (B, J, P) logarithms before it; 0 to begin with.
            outside: (B, J, P) whether it lay outside of the interval that was given out.
            judged: (B, J, P) whether it tells anything.
        """
        moved = factors + np.where(judged, self._pace * (outside - self._outside), 0)
        return np.clip(moved, np.log(NARROWEST), np.log(WIDEST))

    def widths(self, factors: FloatArray, horizon: int) -> FloatArray:
        """(B, K, Q) what the distance of each quantile from the median is multiplied by, 1 for the median itself.

        Args:
            factors: (B, J, P) logarithms.
            horizon: K steps; those beyond the last that is judged take its factors.
        """
        nearest = self._nearest[np.minimum(np.arange(horizon), len(self._nearest) - 1)]
        widths: FloatArray = np.exp(factors)[:, nearest][:, :, self._pair]
        widths[..., self._middle] = 1
        return widths

"""What the values say together: how strong trend and season are, and whether the series keep to a level."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foregate.core import Panel, evenly
from foregate.data.clean import clean

__all__ = ["Shape", "look_at_shape"]

MOST_SERIES = 20
"""Series that are decomposed and tested, evenly spread over the panel."""
CYCLES, LEAST_ROWS = 5, 500
"""Rows that are looked at per series: the last five seasons, but at least these."""
LEVEL = 0.05
"""Significance level of the tests of stationarity."""


@dataclass(frozen=True)
class Shape:
    """Medians over a sample of series, and shares of it."""

    n_series: int
    """Series in the sample that were long enough."""
    trend: float
    """Strength of the trend between 0 and 1: 1 - Var(remainder) / Var(trend + remainder)."""
    season: float
    """Strength of the seasons between 0 and 1: 1 - Var(remainder) / Var(seasons + remainder); 0 without a season."""
    remainder: float
    """Share of the variance that neither trend nor seasons explain."""
    stationary: float
    """Share of the series that keep to a level: KPSS does not reject it and ADF rejects a unit root."""
    wandering: float
    """Share that do not: KPSS rejects a level and ADF does not reject a unit root. The rest is undecided."""


def look_at_shape(panel: Panel, seasons: Sequence[int]) -> Shape | None:
    """Decompose and test a sample of a regular panel; None if no series is long enough.

    References:
        R. B. Cleveland et al. (1990), STL. K. Bandara, R. Hyndman, C. Bergmeir (2021), MSTL. X. Wang, K. Smith,
        R. Hyndman (2006), Characteristic-based clustering for time series data (the strengths).

    Raises:
        ImportError: statsmodels is not installed.
    """
    import statsmodels.tsa.stattools  # noqa: F401  asked first, so that its absence is told before any work

    which = evenly(len(panel), MOST_SERIES)
    last = max(LEAST_ROWS, CYCLES * max(seasons, default=1))
    sample = clean(panel.take(which).tail(last), missing="linear").panel
    series = [y[~np.isnan(y)] for y in (sample.series(i) for i in range(len(sample)))]
    least = max(12, 2 * min(seasons, default=1) + 1)
    series = [y for y in series if len(y) >= least and np.ptp(y) > 0]
    if not series:
        return None
    parts = np.array([_strengths(y, [m for m in seasons if 2 * m < len(y)]) for y in series])
    verdicts = np.array([_verdict(y) for y in series])
    trend, season, remainder = np.median(parts, axis=0).tolist()
    return Shape(len(series), trend, season, remainder, float((verdicts > 0).mean()), float((verdicts < 0).mean()))


def _strengths(y: NDArray[np.float64], seasons: list[int]) -> tuple[float, float, float]:
    """Strengths of trend and season, and the share of the remainder."""
    if seasons:
        from statsmodels.tsa.seasonal import MSTL

        parts = MSTL(y, periods=tuple(seasons)).fit()
        trend = np.asarray(parts.trend)
        season = np.asarray(parts.seasonal).reshape(len(y), -1).sum(1)
    else:
        width = max(len(y) // 10, 3) | 1
        padded = np.pad(y, width // 2, mode="edge")
        trend, season = np.convolve(padded, np.ones(width) / width, "valid"), np.zeros(len(y))
    rest = y - trend - season
    noise = float(np.var(rest))

    def strength(part: NDArray[np.float64]) -> float:
        whole = float(np.var(part + rest))
        return max(0.0, 1 - noise / whole) if whole > 0 else 0.0

    return strength(trend), strength(season) if seasons else 0.0, min(1.0, noise / float(np.var(y)))


def _verdict(y: NDArray[np.float64]) -> int:
    """1 if both tests speak for a level, -1 if both speak against it, 0 if they disagree."""
    from statsmodels.tsa.stattools import adfuller, kpss

    lags = int(4 * (len(y) / 100) ** 0.25)  # Schwert's shorter rule
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # KPSS warns when its p-value lies outside its table: it is clipped, which is fine
        level_rejected = kpss(y, regression="c", nlags="auto")[1] < LEVEL
        root_rejected = adfuller(y, maxlag=min(lags, len(y) // 4), autolag=None)[1] < LEVEL
    return int(root_rejected and not level_rejected) - int(level_rejected and not root_rejected)

"""Forecasts that any model must beat: the last value, the last season, the straight line from first to last.

Point forecasts and intervals are those of Hyndman and Athanasopoulos, "Forecasting: Principles and Practice" (3rd
edition, 2021), sections 5.2 and 5.5: normal intervals whose spread comes from the residuals seen before the origin and
grows with the square root of the distance. Missing values are passed over: a value is older instead, and its interval
wider. One pass over flat arrays serves every origin of every series.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from foregate.core import Forecast, Future, Panel, UsageError, listed
from foregate.evaluation.history import clean_values, last_seen, moves, sums_until

__all__ = ["Baseline", "Drift", "Naive", "SeasonalNaive"]

_Pair = tuple[NDArray[np.float64], NDArray[np.float64]]


class Baseline(ABC):
    """A forecast by a formula: nothing is fitted, so the same object serves every panel. Covariates are not read.

    Rules that all share. One observation says nothing about spread: its own size is used. A series of which nothing
    has been observed yet is forecast as 0, and the forecast's notes name it.
    """

    name: str

    def forecast(
        self, panel: Panel, horizon: int, quantiles: Sequence[float], future: Future | None = None
    ) -> Forecast:
        """Forecast `horizon` steps after the last row of every series of a regular panel."""
        if panel.freq is None:
            raise UsageError("panel must have a known frequency, but got none. Declare it: panel.with_freq('h').")
        last = panel.lengths[:, None] - 1
        return Forecast(
            ids=panel.ids,
            times=panel.freq.shift(panel.last_times[:, None], np.arange(1, horizon + 1)),
            cutoffs=panel.last_times,
            quantiles=tuple(quantiles),
            values=self.forecast_origins(panel, last, horizon, quantiles)[:, 0],
            notes=self._notes(panel),
        )

    def forecast_origins(
        self, panel: Panel, origins: NDArray[np.int64], horizon: int, quantiles: Sequence[float]
    ) -> NDArray[np.float64]:
        """(S, O, K, Q): forecasts that know the rows up to and including row `origins[s, o]` of series s.

        Raises:
            UsageError: the quantiles are not ascending probabilities, or an origin lies outside its series.
        """
        if not quantiles or any(not 0 < q < 1 for q in quantiles) or np.any(np.diff(quantiles) <= 0):
            raise UsageError(f"quantiles must be ascending and between 0 and 1, but got {tuple(quantiles)}. Sort them.")
        if np.any(origins < 0) or np.any(origins >= panel.lengths[:, None]):
            raise UsageError(
                f"origins must be rows of their series, from 0 to its length - 1, but got {origins.min()} to "
                f"{origins.max()} for lengths {panel.lengths.min()} to {panel.lengths.max()}. Leave short series out."
            )
        centre, spread = self._centre_and_spread(panel, origins, horizon)
        normal = np.array([NormalDist().inv_cdf(q) for q in quantiles])
        values: NDArray[np.float64] = centre[..., None] + spread[..., None] * normal
        return values

    @abstractmethod
    def _centre_and_spread(self, panel: Panel, origins: NDArray[np.int64], horizon: int) -> _Pair:
        """(S, O, K) the middle of each forecast and its standard deviation."""

    def _notes(self, panel: Panel) -> tuple[str, ...]:
        unseen = np.flatnonzero(last_seen(panel, 1)[panel.offsets[1:] - 1] < 0)
        if not len(unseen):
            return ()
        return (f"{self.name}: nothing was observed in {_series(panel, unseen)}; the forecast is 0.",)


class SeasonalNaive(Baseline):
    """Each step repeats the value last observed at the same phase of the season.

    Its spread is that of the changes from one season to the next, times the square root of the seasons passed. A phase
    not observed yet repeats the last value of all, and before a second season the spread is that of the changes from
    one step to the next, times the square root of the steps passed.

    Examples:
        >>> panel = Panel.from_arrays([np.array([1.0, 2.0, 3.0, 1.0, 2.0])])
        >>> SeasonalNaive(season=3).forecast(panel, horizon=4, quantiles=[0.5]).median
        array([[3., 1., 2., 3.]])
    """

    name = "SeasonalNaive"

    def __init__(self, season: int) -> None:
        if season < 1:
            raise UsageError(f"season must be a length of at least 1 step, but got {season}. Give 1 for no season.")
        self.season = season

    def _centre_and_spread(self, panel: Panel, origins: NDArray[np.int64], horizon: int) -> _Pair:
        begins = panel.offsets[:-1, None, None]
        at = begins + origins[:, :, None]
        targets = at + np.arange(1, horizon + 1)
        phase = targets - self.season * -(-(targets - at) // self.season)  # the same phase in the last season known
        source = np.where(phase >= begins, last_seen(panel, self.season)[np.maximum(phase, 0)], -1)
        if np.any(source < 0):
            source = np.where(source < 0, last_seen(panel, 1)[at], source)
        centre = np.where(source >= 0, np.append(clean_values(panel), 0.0)[source], 0.0)
        deviation, per_step = _deviation(panel, origins, self.season)
        passed = (targets - np.maximum(source, begins)) / np.where(per_step, 1, self.season)[:, :, None]
        return centre, deviation[:, :, None] * np.sqrt(passed)

    def _notes(self, panel: Panel) -> tuple[str, ...]:
        short = np.flatnonzero(panel.lengths < self.season)
        if self.season == 1 or not len(short):
            return super()._notes(panel)
        return (
            *super()._notes(panel),
            f"{self.name}: {_series(panel, short)} are shorter than one season of {self.season} steps; a phase not "
            "seen yet repeats the last value.",
        )


class Naive(SeasonalNaive):
    """Every step repeats the last value observed; the spread grows with the square root of the steps passed.

    Examples:
        >>> Naive().forecast(Panel.from_arrays([np.array([1.0, 2.0, np.nan])]), horizon=2, quantiles=[0.5]).median
        array([[2., 2.]])
    """

    name = "Naive"

    def __init__(self) -> None:
        super().__init__(season=1)


class Drift(Baseline):
    """The straight line through the first and the last value observed.

    One observation is continued as a level; two leave no residual, so their difference stands for the spread.

    Examples:
        >>> Drift().forecast(Panel.from_arrays([np.array([1.0, 2.0, np.nan, 4.0])]), horizon=2, quantiles=[0.5]).median
        array([[5., 6.]])
    """

    name = "Drift"

    def _centre_and_spread(self, panel: Panel, origins: NDArray[np.int64], horizon: int) -> _Pair:
        values, begins = np.append(clean_values(panel), 0.0), panel.offsets[:-1, None]
        last = last_seen(panel, 1)[begins + origins]
        first = np.where(last >= 0, _first_seen(panel)[:, None], -1)
        span = last - first
        slope = (values[last] - values[first]) / np.maximum(span, 1)
        level = np.where(last >= 0, values[last], 0.0)
        passed = (
            begins[:, :, None] + origins[:, :, None] + np.arange(1, horizon + 1) - np.maximum(last, begins)[..., None]
        )
        growth = np.sqrt(passed * (1 + passed / np.maximum(span, 1)[..., None]))
        growth = np.where(span[..., None] > 0, growth, np.sqrt(passed))
        deviation = self._residual_deviation(panel, origins, slope)
        return level[..., None] + slope[..., None] * passed, deviation[..., None] * growth

    @staticmethod
    def _residual_deviation(
        panel: Panel, origins: NDArray[np.int64], slope: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """(S, O) standard deviation of the steps around the slope; one parameter, hence the count less one."""
        moved, known = moves(panel, 1)
        count = sums_until(known.astype(np.float64), panel, origins)
        total, squares = sums_until(moved, panel, origins), sums_until(moved**2, panel, origins)
        around = np.maximum(squares - 2 * slope * total + count * slope**2, 0) / np.maximum(count - 1, 1)
        return np.where(count >= 2, np.sqrt(around), _deviation(panel, origins, 1)[0])


def _deviation(panel: Panel, origins: NDArray[np.int64], lag: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(S, O) root mean square of the changes over `lag` rows, and where those over one row had to stand in for them."""
    moved, known = moves(panel, lag)
    count = sums_until(known.astype(np.float64), panel, origins)
    deviation = np.sqrt(sums_until(moved**2, panel, origins) / np.maximum(count, 1))
    unknown = count == 0
    if not np.any(unknown):
        return deviation, unknown
    if lag > 1:
        return np.where(unknown, _deviation(panel, origins, 1)[0], deviation), unknown
    last = last_seen(panel, 1)[panel.offsets[:-1, None] + origins]
    size = np.abs(np.append(clean_values(panel), 0.0)[last])
    return np.where(unknown, size, deviation), unknown


def _first_seen(panel: Panel) -> NDArray[np.int64]:
    """(S,) the first observed row of each series; -1 where there is none."""
    observed = np.flatnonzero(panel.mask)
    place = np.searchsorted(observed, panel.offsets[:-1])
    first = np.append(observed, -1)[place]
    return np.where(first < panel.offsets[1:], first, -1)


def _series(panel: Panel, which: NDArray[np.int64]) -> str:
    return f"{len(which)} of {len(panel)} series ({listed(panel.ids[which])})"

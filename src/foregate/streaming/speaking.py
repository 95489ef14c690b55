"""Forecasts from what a live forecaster carries."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from foregate.core import DataError, Forecast, listed
from foregate.forecasting.fitted import LEAST_OBSERVATIONS, Fitted, short_series_notes
from foregate.forecasting.lean import Lean
from foregate.forecasting.origins import decode_state
from foregate.forecasting.quick import Quick
from foregate.streaming.carried import Carried

__all__ = ["Speaker"]

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class Speaker:
    """A model, and the state that it forecasts from; nothing is changed.

    Args:
        fitted: the model.
        carried: the state.
        lean: the same network run by NumPy, where it can be.
    """

    def __init__(self, fitted: Fitted, carried: Carried, lean: Lean | None) -> None:
        self.fitted, self.carried = fitted, carried
        self.quick = None if lean is None else Quick(fitted, carried.state, lean)

    def forecast(self, ids: Sequence[str] | str | None, horizon: int, sides: tuple[float, ...]) -> Forecast:
        """See `foregate.streaming.Live.forecast`."""
        found = self._quickly(ids, horizon, sides)
        if found is not None:
            return found
        roster, state = self.carried.roster, self.carried.state
        numbers, notes = self._observed(ids)
        self._require_told(numbers, horizon)
        values, short = self._said(numbers, horizon, sides)
        read = state.rows[numbers]
        times = roster.times(numbers[:, None], read[:, None] + np.arange(horizon))
        names = np.array([roster.names[i] for i in numbers], np.str_)
        notes += short_series_notes(names[short])
        return Forecast(names, times, roster.times(numbers, read - 1), sides, values, notes)

    def say(self, numbers: IntArray, horizon: int, sides: Sequence[float]) -> FloatArray:
        """Quantiles (B, K, Q) of the steps after the last rows of series (B,), the short way where there is one.

        NaN where known-future values have not been told that far ahead.
        """
        soon = self._soon(int(numbers[0]), horizon, tuple(sides)) if len(numbers) == 1 else None
        if soon is not None:
            return soon[None]
        told = ~self.carried.unknown_ahead(numbers, horizon)
        values = np.full((len(numbers), horizon, len(sides)), np.nan)
        if told.any():
            values[told] = self._said(numbers[told], horizon, sides)[0]
        return values

    def _quickly(self, ids: Sequence[str] | str | None, horizon: int, quantiles: tuple[float, ...]) -> Forecast | None:
        """The forecast of one series, where it takes the short way."""
        roster = self.carried.roster
        names = roster.names if ids is None else [ids] if isinstance(ids, str) else ids
        number = roster.numbers.get(names[0]) if len(names) == 1 and self.quick is not None else None
        values = None if number is None else self._soon(number, horizon, quantiles)
        if number is None or values is None:
            return None
        times = roster.around(number, self.carried.state.rows.item(number), np.arange(-1, horizon))[None]
        return Forecast(np.array(names, np.str_), times[:, 1:], times[:, 0], quantiles, values[None])

    def _soon(self, number: int, horizon: int, sides: tuple[float, ...]) -> FloatArray | None:
        """Quantiles (K, Q) of one series, where it takes the short way."""
        if self.quick is None:
            return None
        widths = None if self.carried.watch is None else self._widths(np.array([number]), horizon)
        return self.quick.forecast(number, horizon, sides, None if widths is None else widths[0])

    def _said(self, numbers: IntArray, horizon: int, sides: Sequence[float]) -> tuple[FloatArray, BoolArray]:
        """Quantiles (B, K, Q) of the steps after the last rows of series (B,), and which have too few observations."""
        state = self.carried.state
        k, view, rows = np.arange(1, horizon + 1), state.view(numbers), np.arange(len(numbers))
        values = np.empty((len(numbers), horizon, len(sides)))
        widths = self._widths(numbers, horizon)
        for part, raw in decode_state(state, numbers, k):
            own = None if widths is None else widths[part]
            values[part] = self.fitted.restored(view, rows[part], raw, sides, own)
        return values, view.tracks.age < LEAST_OBSERVATIONS

    def _widths(self, numbers: IntArray, horizon: int) -> FloatArray | None:
        """Factors (B, K, Q) of what a watched stream has taught; None where it is not watched."""
        return None if self.carried.watch is None else self.carried.watch.widths(numbers, horizon)

    def _observed(self, ids: Sequence[str] | str | None) -> tuple[IntArray, tuple[str, ...]]:
        """The numbers of the series asked for that have an observation, and a note of those that do not."""
        roster = self.carried.roster
        numbers = roster.known(ids)
        seen = self.carried.state.seen(numbers) > 0
        empty = [roster.names[i] for i in numbers[~seen]]
        if not seen.any() or (empty and ids is not None):
            raise DataError(
                "every series must have an observed value to be forecast, but got none "
                f"{'in ' + listed(empty) if empty else 'at all'}. Update with an observation first."
            )
        note = f"left out, for lack of any observation: {listed(empty)}."
        return numbers[seen], (note,) if empty else ()

    def _require_told(self, numbers: IntArray, horizon: int) -> None:
        unknown = numbers[self.carried.unknown_ahead(numbers, horizon)]
        if len(unknown):
            names = [self.carried.roster.names[i] for i in unknown]
            told = [column.name for column in self.fitted.spec.columns if column.role == "future"]
            raise DataError(
                f"known-future covariates {listed(told)} must be known for all {horizon} steps that are forecast, but "
                f"got fewer for {listed(names)}. Announce them: announce(rows)."
            )

"""Reading and forecasting one live series at a time, where the network can be run so; see `Lean` and `OneRow`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foregate.data.one_origin import OneOrigin, restored
from foregate.data.one_row import OneRow
from foregate.forecasting.fitted import LEAST_OBSERVATIONS, Fitted
from foregate.forecasting.intervals import interpolation
from foregate.forecasting.lean import Lean
from foregate.forecasting.state import State

__all__ = ["Quick"]


FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]

MOST_PLANS = 4
"""So many kinds of forecasts are laid out at a time."""


class Quick:
    """A shorter way to what `State.read` and `Fitted.restored` do, for one row or one forecast of one series.

    The arrays of the state stay what they are: they are read and written in place, so that both ways can be gone by
    turns.
    """

    def __init__(self, fitted: Fitted, state: State, lean: Lean) -> None:
        """For a state of a model without covariates."""
        self.fitted, self.state, self.lean = fitted, state, lean
        self._row: OneRow | None = None
        self._plans: dict[tuple[int, tuple[float, ...]], _Plan] = {}
        self._forecasts = fitted.engine.manner.head == "quantiles" and len(fitted.levels) > 1 and not fitted.spec.plain

    def read(self, number: int, value: float) -> bool:
        """Read the next row of a series; NaN where not observed.

        Returns:
            whether it was read: False, and nothing is changed, where that takes the longer way. So does the first
            observation, and one after which the series is not clearly positive any more.
        """
        arrays, row = self.state.arrays, self._rows()
        if not row.room(number):
            self.state.make_room(np.array([number]), 1)
        latest = row.read(number, value)
        if latest is None:
            return False
        told = row.features(latest)
        arrays["features"][number] = told
        self.lean.encode(told, arrays["hidden"][number], arrays["output"][number])
        return True

    def forecast(
        self, number: int, horizon: int, quantiles: tuple[float, ...], widths: FloatArray | None = None
    ) -> FloatArray | None:
        """Forecast (K, P) the steps after the latest row of a series; `widths` (K, Q) are of a stream that is watched.

        Returns:
            None where that takes the longer way: of few observations, and where no quantiles are said.
        """
        if not self._forecasts:
            return None
        row, arrays = self._rows(), self.state.arrays
        latest = row.latest(number)
        if latest.carried[0] < LEAST_OBSERVATIONS:
            return None
        plan = self._plans.get((horizon, quantiles))
        if plan is None:
            while len(self._plans) >= MOST_PLANS:
                self._plans.pop(next(iter(self._plans)))
            plan = self._plans[horizon, quantiles] = _Plan(self.fitted, horizon, quantiles)
        origin = plan.origin
        origin.look(latest, row)
        said = self.lean.decode(arrays["output"][number], arrays["features"][number], origin.steps, origin.paths)
        return restored(latest, plan.calibrated(said, widths)).T

    def _rows(self) -> OneRow:
        row = self._row
        if row is None or self.state.arrays["carried"] is not row.source:  # the state has grown
            row = self._row = OneRow(self.state.spec, self.state.arrays)
        return row


class _Plan:
    """What a forecast so far ahead, at these quantiles, has in common with all others."""

    def __init__(self, fitted: Fitted, horizon: int, quantiles: tuple[float, ...]) -> None:
        self.origin = OneOrigin(fitted.spec, horizon)
        self._factors = np.ascontiguousarray(fitted.calibration.at(self.origin.k).T)
        self._matrix = np.ascontiguousarray(interpolation(fitted.levels, quantiles).T)

    def calibrated(self, said: Float32Array, widths: FloatArray | None) -> FloatArray:
        """What is said (Q, K) at the quantiles that are asked for (P, K); see `Calibration.apply`."""
        middle = len(said) // 2
        median = said[middle].astype(np.float64)
        values = said - median
        values *= self._factors if widths is None else self._factors * widths.T
        values += median
        down, up = values[middle::-1], values[middle:]
        np.minimum.accumulate(down, 0, out=down)
        np.maximum.accumulate(up, 0, out=up)
        wanted: FloatArray = self._matrix @ values
        return np.maximum.accumulate(wanted, 0, out=wanted)

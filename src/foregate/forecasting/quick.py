"""Reading and forecasting one live series at a time, where the network can be run so; see `Lean` and `OneRow`."""

from __future__ import annotations

import numpy as np

from foregate.data.one_row import OneRow
from foregate.forecasting.state import State
from foregate.models.lean import Lean

__all__ = ["Quick"]


class Quick:
    """A shorter way to what `State.read` and `Fitted.restored` do, for one row or one forecast of one series.

    The arrays of the state stay what they are: they are read and written in place, so that both ways can be gone by
    turns.
    """

    def __init__(self, state: State, lean: Lean) -> None:
        """Of a state of a model without covariates."""
        self.state, self.lean = state, lean
        self._row: OneRow | None = None

    def read(self, number: int, value: float) -> bool:
        """Read the next row of a series; NaN where not observed.

        Returns:
            whether it was read: False, and nothing is changed, where that takes the longer way. So does the first
            observation, and one after which the series is not clearly positive any more.
        """
        arrays, row = self.state.arrays, self._row
        if row is None or arrays["carried"] is not row.source:  # the state has grown
            row = self._row = OneRow(self.state.spec, arrays)
        if not row.room(number):
            self.state.make_room(np.array([number]), 1)
        latest = row.read(number, value)
        if latest is None:
            return False
        told = row.features(latest)
        arrays["features"][number] = told
        self.lean.encode(told, arrays["hidden"][number], arrays["output"][number])
        return True

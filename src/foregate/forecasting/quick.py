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
        self._row = OneRow(state.spec, state.arrays)

    def read(self, number: int, value: float) -> bool:
        """Read the next row of a series; NaN where not observed.

        Returns:
            whether it was read: False, and nothing is changed, where that takes the longer way. So does the first
            observation, and one after which the series is not clearly positive any more.
        """
        arrays = self.state.arrays
        if arrays["carried"] is not self._row.source:  # the state has grown
            self._row = OneRow(self.state.spec, arrays)
        row = self._row
        if not row.carried.item(number, 0, 0):
            return False
        if row.column.item(number) + 1 >= row.z.shape[-1]:
            self.state.make_room(np.array([number]), 1)
        if not row.read(number, value):
            return False
        features = arrays["features"][number]
        row.features(row.latest(number), features)
        self.lean.encode(features, arrays["hidden"][number], arrays["output"][number])
        return True

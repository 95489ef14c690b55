"""A model and what it has read, row after row; the model may learn from what it reads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from foregate.core import UsageError
from foregate.forecasting.fitted import Fitted
from foregate.forecasting.lean import Lean
from foregate.forecasting.quick import Quick
from foregate.forecasting.state import State
from foregate.streaming.arrivals import Fate
from foregate.streaming.learning import Learner, Learnt
from foregate.streaming.watch import Rows, Watch

__all__ = ["Reader"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class Reader:
    """What a live forecaster reads with, and what follows what is read: scores, widths, and the decoder."""

    fitted: Fitted
    """The model, as it has learnt."""

    def __init__(self, fitted: Fitted) -> None:
        self.fitted = fitted
        self._watch: Watch | None = None
        self._learner: Learner | None = None
        self._lean = Lean.of(fitted.engine)
        self._hold(State(fitted.engine, fitted.spec))

    @property
    def _given(self) -> Fitted:
        """The model, before it has learnt."""
        return self.fitted if self._learner is None else self._learner.given

    @property
    def _learnt(self) -> Learnt | None:
        """All that it needs to go on learning."""
        return None if self._learner is None else self._learner.compact()

    def _hold(self, state: State) -> None:
        """Go on from this state."""
        self._state = state
        self._quick = None if self._lean is None else Quick(self.fitted, state, self._lean)

    def _prepare(self, *, learn: bool) -> None:
        """Refuse to learn where that cannot be, before anything is read."""
        if not isinstance(learn, bool):
            raise UsageError(f"learn must be True or False, but got {learn!r}. Give one of these.")
        if learn and self._learner is None:
            self._learner = Learner(self.fitted, self._state)

    def _take_in(self, rows: Rows, *, learn: bool) -> Fate | None:
        """Read rows; what the last step has come to that was kept, or else the last one."""
        if not learn or self._learner is None:
            self._read_rows(rows)
            return None
        fates = []
        for part in self._learner.parts(rows, self._state):
            self._read_rows(part)
            fates.append(self._learn(part))
        return "kept" if "kept" in fates else "rolled back" if "rolled back" in fates else None

    def _learn(self, rows: Rows) -> Fate | None:
        """Learn from rows that were just read, each series as far as its next origin at most."""
        if self._learner is None:
            return None
        fate = self._learner.after(rows, self._state)
        if self._learner.fitted is not self.fitted:
            self._adopt(self._learner.fitted)
        return fate

    def _learn_one(self, number: int, value: float) -> Fate | None:
        """Learn from the row of one series that was just read; NaN where not observed."""
        values = np.array([value], np.float32)
        return self._learn((np.array([number]), np.ones(1, np.int64), values, ~np.isnan(values)))

    def _resume(self, learnt: Learnt | None) -> None:
        """Go on with what was learnt before."""
        if learnt is None:
            return
        self._learner = Learner.restored(self.fitted, self._state, learnt)
        if self._learner.fitted is not self.fitted:
            self._adopt(self._learner.fitted)

    def _adopt(self, fitted: Fitted) -> None:
        """Forecast with another decoder from now on; what was read stays what it is."""
        self.fitted, self._state.engine, self._lean = fitted, fitted.engine, Lean.of(fitted.engine)
        self._hold(self._state)

    def _read_rows(self, rows: Rows) -> None:
        if self._watch is None:
            self._state.read(*rows)
        else:
            self._watch.read(self._state, rows, self._say)

    def _say(self, numbers: IntArray, horizon: int, sides: Sequence[float]) -> FloatArray:
        """Quantiles (B, K, Q) of the steps after the last rows of series (B,)."""
        raise NotImplementedError

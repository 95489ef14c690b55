"""A model and what it has read, observation after observation; the model may learn from what it reads."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from foregate.core import UsageError
from foregate.data.statistics import told
from foregate.data.tracks import LINEAR
from foregate.forecasting.fitted import Fitted, no_counts, uncounted
from foregate.forecasting.lean import Lean
from foregate.streaming.arrivals import Fate, Update, arrange
from foregate.streaming.carried import Carried
from foregate.streaming.learning import Learner
from foregate.streaming.observations import Observations, observations
from foregate.streaming.one import One, one
from foregate.streaming.rows import Rows
from foregate.streaming.speaking import Speaker

__all__ = ["Reader"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class Reader:
    """What a live forecaster is beneath its face: who reads, who forecasts, and what follows what is read.

    Args:
        fitted: the model.
        carried: what was read.
    """

    fitted: Fitted
    """The model, as it has learnt."""

    def __init__(self, fitted: Fitted, carried: Carried) -> None:
        self._adopt(fitted, carried)

    @property
    def _given(self) -> Fitted:
        """The model, before it has learnt."""
        learner = self._carried.learner
        return self.fitted if learner is None else learner.given

    def __contains__(self, name: object) -> bool:
        """Whether a series is known."""
        return name in self._carried.roster.numbers

    def scales(self, ids: Sequence[str] | str | None = None) -> FloatArray:
        """How much each series (B,) usually changes from row to row, in its units: what errors can be measured by.

        Raises:
            DataError: one of them is not known.
        """
        numbers = self._carried.roster.known(ids)
        return told(self._carried.state.arrays["carried"][numbers, LINEAR], np.zeros(len(numbers), np.bool_))["scale"]

    def _hold(self, carried: Carried) -> None:
        """Go on from this state."""
        self._carried, self._speaker = carried, Speaker(self.fitted, carried, self._lean)

    def _adopt(self, fitted: Fitted, carried: Carried) -> None:
        """Forecast with this model from now on; what was read stays what it is."""
        self.fitted, carried.state.engine = fitted, fitted.engine
        self._lean = None if fitted.spec.columns else Lean.of(fitted.engine)
        self._hold(carried)

    def _take(self, numbers: IntArray) -> Self:
        """An independent copy of some series, in that order."""
        twin = copy.copy(self)
        twin._hold(self._carried.take(numbers))
        return twin

    def _alone(self) -> str | None:
        """The series that a row without an id belongs to; None where there are several."""
        names = self._carried.roster.names
        return names[0] if len(names) == 1 else None if names else self._carried.spec.target_col

    def _observations(self, rows: Any) -> Observations:
        return observations(rows, self._carried.spec, self._alone(), self._carried.wanted())

    def _update(self, rows: Any, *, learn: bool) -> Update:
        """Read observations by the shortest way that there is for them."""
        if not isinstance(learn, bool):
            raise UsageError(f"learn must be True or False, but got {learn!r}. Give one of these.")
        if learn and self._carried.learner is None:
            self._carried.learner = Learner(self.fitted, self._carried.state)
        if self._speaker.quick is not None:
            found = one(rows, self._carried.spec, self._alone)
            number = None if found is None else self._carried.roster.numbers.get(found.id)
            if found is not None and number is not None and self._next(number, found):
                return Update((found.id,), (), 1, 0, 0, 0, self._learn_one(number, found.value) if learn else None)
        fates: list[Fate | None] = []
        after = (lambda part: fates.append(self._learn(part))) if learn else None
        told = self._carried.tick(rows, self._say, after) or self._read(self._observations(rows), after=after)
        fate: Fate | None = "kept" if "kept" in fates else "rolled back" if "rolled back" in fates else None
        return told if fate is None else replace(told, learned=fate)

    def _next(self, number: int, found: One) -> bool:
        """Read what comes next of a series; False where it is not that, or takes the longer way."""
        carried, plain, value = self._carried, self.fitted.spec.plain, found.value
        quick = self._speaker.quick
        if quick is None or not carried.roster.awaits(number, carried.state.rows.item(number), found.time):
            return False
        if plain and value == value and (value < 0 or not value.is_integer()):
            return False
        if not quick.read(number, value):
            return False
        if carried.rewind is not None:
            carried.rewind.one(number, value)
        if carried.watch is not None and value == value:
            some = np.array([number])
            carried.watch.observed(some, carried.state.rows[some] - 1, np.array([value], np.float32), self._say)
        return True

    def _read(self, given: Observations, *, correct: bool = False, after: Any = None) -> Update:
        """Read observations of any kind; `after` is told of rows that were just read."""
        wrong = uncounted(given.values)
        if self.fitted.spec.plain and wrong.any():
            raise no_counts(np.array(given.ids, np.str_)[wrong], given.values[wrong])
        carried = self._carried
        plan = arrange(given, carried.roster, carried.state, carried.rewind, carried.columns, correct=correct)
        carried.move_on(plan, self._say, after)
        return plan.update

    def _learn(self, rows: Rows) -> Fate | None:
        """Learn from rows that were just read, each series as far as its next origin at most."""
        learner = self._carried.learner
        if learner is None:
            return None
        blind = self._carried.unknown_ahead(rows.numbers, learner.replay.horizon)
        fate = learner.after(rows, self._carried.state, blind)
        if learner.fitted is not self.fitted:
            self._adopt(learner.fitted, self._carried)
        return fate

    def _learn_one(self, number: int, value: float) -> Fate | None:
        """Learn from the row of one series that was just read; NaN where not observed."""
        values = np.array([value], np.float32)
        return self._learn(Rows(np.array([number]), np.ones(1, np.int64), values, ~np.isnan(values)))

    def _say(self, numbers: IntArray, horizon: int, sides: Sequence[float]) -> FloatArray:
        """See `Speaker.say`; of the model as it is now."""
        return self._speaker.say(numbers, horizon, sides)

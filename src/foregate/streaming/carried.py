"""All that a live forecaster carries from one observation to the next, and how it moves on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from foregate.core import DataError, Engine, FrameSpec, Frequency, Panel, Times, UsageError, listed
from foregate.data.clock import days_of
from foregate.data.columns import encode_columns
from foregate.data.input_spec import InputSpec
from foregate.forecasting.state import Known, State
from foregate.streaming.arrivals import Arrivals, Covariates, Update
from foregate.streaming.columns import FURTHEST, LiveColumns
from foregate.streaming.learning import Learner
from foregate.streaming.observations import Observations, Wanted, shown
from foregate.streaming.rewind import Rewind
from foregate.streaming.roster import Roster
from foregate.streaming.rows import Read, Rows
from foregate.streaming.tick import tick
from foregate.streaming.watch import Say, Watch

__all__ = ["Carried"]

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]

CHUNK = 256
"""So many rows are read at once where they come with covariates."""


@dataclass
class Carried:
    """Of S series, by number."""

    roster: Roster
    """The series."""
    spec: FrameSpec
    """Names of the columns, and how times are held."""
    state: State
    """What the network has read."""
    columns: LiveColumns | None = None
    """Covariates, of models that read them."""
    watch: Watch | None = None
    """Forecasts that wait for their outcomes, and scores, if they are asked for."""
    rewind: Rewind | None = None
    """What was read lately, if it may still be changed."""
    learner: Learner | None = None
    """What is learnt from, if that is asked for."""

    @classmethod
    def empty(cls, engine: Engine, inputs: InputSpec, freq: Frequency, spec: FrameSpec) -> Carried:
        """Of no series yet, of a model."""
        columns = LiveColumns(inputs.columns, inputs.lookback + 1) if inputs.columns else None
        return cls(Roster(freq), spec, State(engine, inputs, columns), columns)

    def take(self, numbers: IntArray) -> Carried:
        """An independent copy of some series, in that order."""
        state, columns = self.state.apart(numbers), self.columns and self.columns.take(numbers)
        state.known = columns
        watch, rewind = self.watch and self.watch.take(numbers), self.rewind and self.rewind.take(numbers, state)
        learner = self.learner and self.learner.take(numbers)
        return Carried(self.roster.take(numbers), self.spec, state, columns, watch, rewind, learner)

    def join(self, other: Carried) -> None:
        """Take in the series of another one of the same model; see `foregate.streaming.Live.join`."""
        self._require_alike(other)
        here = [name for name in other.roster.names if name in self.roster.numbers]
        if here:
            raise DataError(f"series must be new to be taken in, but got {listed(here)}, which are here. Drop them.")
        numbers, others = self.state.add(len(other.roster)), np.arange(len(other.roster))
        self.state.put(numbers, other.state, others)
        self.state.arrays["owner"][numbers] = numbers
        self.roster.add(other.roster.names, other.roster.starts)
        if self.columns is not None and other.columns is not None:
            self.columns.join(other.columns)
        if self.watch is not None and other.watch is not None:
            self.watch.join(other.watch)
        if self.rewind is not None and other.rewind is not None:
            self.rewind.join(numbers, other.rewind)

    def _require_alike(self, other: Carried) -> None:
        """Refuse one that reads, watches or remembers otherwise."""
        for what, get in _HABITS.items():
            ours, theirs = get(self), get(other)
            if ours != theirs:
                raise UsageError(
                    f"live forecasters must have the same {what} to be joined, but got {ours} and {theirs}. Let both "
                    "be the same from their start."
                )
        if self.learner is not None or other.learner is not None:
            raise UsageError(
                "live forecasters that learn cannot be joined, since each has weights of its own. Update without learn."
            )

    def wanted(self) -> Wanted:
        """What observations have to bring."""
        return Wanted() if self.columns is None else Wanted(True, self.columns.timed, self.columns.static)

    def add(self, names: Sequence[str], starts: Times, static: Float32Array) -> IntArray:
        """Make place for new series, and give their numbers."""
        numbers = self.state.add(len(names), days_of(starts, self.roster.freq))
        self.roster.add(names, starts)
        if self.columns is not None:
            self.columns.add(static)
        if self.watch is not None:
            self.watch.add(len(names))
        if self.rewind is not None:
            self.rewind.add(numbers)
        return numbers

    def begin(self, panel: Panel) -> None:
        """Read a panel, whose series are the first ones, to its end."""
        filled = np.flatnonzero(panel.lengths)
        starts, lengths = panel.times[panel.offsets[filled]], panel.lengths[filled]
        columns, self.columns = self.columns, None
        if columns is not None:
            told = encode_columns(panel, self.state.spec.columns)
            self.state.known = Known(told, filled, panel.offsets[filled], lengths)
        numbers = self.add(panel.ids[filled].tolist(), starts, np.zeros((len(filled), 0), np.float32))
        self.read(Rows(numbers, lengths, panel.values, panel.mask), _nobody)
        if columns is not None:
            columns.fill(panel, filled)
            self.columns = self.state.known = columns

    def allow_late(self, rows: int) -> None:
        """Let so many of the last rows be changed from now on, 0 for none; nothing is done where that is so already."""
        if rows == (0 if self.rewind is None else self.rewind.reach):
            return
        self.rewind = Rewind(rows, self.state) if rows else None
        if self.columns is not None:
            self.columns.back = max(self.columns.back, 2 * rows)

    def move_on(self, plan: Arrivals, say: Say, after: Read | None = None) -> None:
        """Read what has arrived; see `read`."""
        numbers, new = plan.numbers, plan.numbers < 0
        if new.any():
            numbers[new] = self.add(plan.update.new, plan.starts[new], plan.static[new])
        self._go_back(plan)
        on = plan.lengths > 0
        rows = Rows(numbers[on], plan.lengths[on], plan.values, plan.mask)
        if self.columns is None:
            self.read(rows, say, after)
        else:
            self._read_with(self.columns, rows, plan, partial(self.read, say=say, after=after))

    def tick(self, rows: Any, say: Say, after: Read | None = None) -> Update | None:
        """Read observations that are each the next one of another series; None where they are not, or hard to read."""
        found = tick(rows, self.spec, self.roster, self.state)
        if found is None:
            return None
        self.read(found.rows, say, after)
        return found.update

    def read(self, rows: Rows, say: Say, after: Read | None = None) -> None:
        """Read the next rows of series, whose covariates are known; `after` learns from them, origin by origin."""
        if after is None or self.learner is None:
            self._read(rows, say)
            return
        for part in self.learner.parts(rows, self.state):
            self._read(part, say)
            after(part)

    def _read(self, rows: Rows, say: Say) -> None:
        read = self._plainly if self.rewind is None else partial(self.rewind.read, read=self._plainly)
        if self.watch is None:
            read(rows)
        else:
            self.watch.read(self.state, rows, read, say)

    def told_ahead(self, given: Observations) -> None:
        """Take in known-future values of steps that have not been read.

        Raises:
            DataError: a series is not known, or a time lies between two steps, has been read, or is too far ahead.
        """
        assert self.columns is not None
        numbers = self.roster.known(given.ids)
        steps, exact = self.roster.freq.index(given.times, self.roster.starts[numbers])
        rows = self.state.rows[numbers]
        wrong = [
            (~exact, f"between two steps of {self.roster.freq.alias}. Correct the time"),
            (steps < rows, "which has been read. Leave it out"),
            (steps >= rows + FURTHEST, f"more than {FURTHEST:,} steps ahead. Announce it later"),
        ]
        for where, why in wrong:
            if where.any():
                self._refuse(given, int(np.flatnonzero(where)[0]), why)
        self.columns.tell(numbers, steps, given.timed)
        self.state.again(np.unique(numbers))

    def unknown_ahead(self, numbers: IntArray, steps: int) -> BoolArray:
        """(B,) whether what a forecast so far ahead has to be told has not been told."""
        if self.columns is None:
            return np.zeros(len(numbers), np.bool_)
        return self.columns.lacking(numbers, self.state.rows[numbers], steps) > 0

    def _go_back(self, plan: Arrivals) -> None:
        """Read again what has come late, or is corrected."""
        if self.rewind is None or not plan.revised:
            return
        if self.columns is not None:
            numbers = plan.numbers[plan.told.codes]
            late = plan.told.rows < self.state.rows[numbers]
            self.columns.write(numbers[late], plan.told.rows[late], plan.told.values[late])
        if self.learner is not None:
            self.learner.replay.forget(np.array(list(plan.revised)))
        for number, revised in plan.revised.items():
            rows = self.rewind.back(number, revised)
            self.state.again(rows.numbers)
            self.rewind.read(rows, self._plainly)

    def _read_with(self, columns: LiveColumns, rows: Rows, plan: Arrivals, read: Read) -> None:
        """Read rows together with the covariates that come with them."""
        before, done = self.state.rows[plan.numbers], np.zeros(len(rows.numbers), np.int64)
        place = np.full(len(columns.arrays["read"]), -1)
        place[rows.numbers] = np.arange(len(rows.numbers))
        told = _new(plan.told, before)
        numbers, ahead = plan.numbers[told.codes], told.rows - before[told.codes]
        while (left := rows.lengths - done).any():
            now = np.minimum(left, CHUNK)
            part = rows.part(done, now)
            columns.move_on(part.numbers, self.state.rows[part.numbers] + part.lengths)
            begin, end = done[place[numbers]], (done + now)[place[numbers]]
            here = (ahead >= begin) & (ahead < end)
            columns.write(numbers[here], told.rows[here], told.values[here])
            self.state.again(part.numbers)
            read(part)
            done = done + now

    def _plainly(self, rows: Rows) -> None:
        self.state.read(*rows)

    def _refuse(self, given: Observations, i: int, why: str) -> NoReturn:
        name = given.ids[i]
        numbers = self.roster.known([name])
        expected = self.roster.times(numbers, self.state.rows[numbers])[0]
        raise DataError(
            f"what is announced must be of times to come, but got {shown(given.times[i])} of {name!r}, whose next time "
            f"is {shown(expected)}: {why}."
        )


_HABITS: dict[str, Callable[[Carried], Any]] = {
    "freq": lambda carried: carried.roster.freq.alias,
    "rows that may be late": lambda carried: carried.rewind.reach if carried.rewind else 0,
    "watched horizon": lambda carried: carried.watch.horizon if carried.watch else None,
    "watched levels": lambda carried: carried.watch.levels if carried.watch else None,
}
"""What must be alike where series of one are taken into another."""


def _nobody(numbers: IntArray, horizon: int, sides: Sequence[float]) -> FloatArray:
    """Says nothing: what is read at the beginning is not watched."""
    return np.full((len(numbers), horizon, len(sides)), np.nan)


def _new(told: Covariates, before: IntArray) -> Covariates:
    """Those of rows that have not been read."""
    some = told.rows >= before[told.codes]
    return Covariates(told.codes[some], told.rows[some], told.values[some])

"""Which rows are to be read when observations come in, and which observations cannot be taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from foregate.core import DataError, Times, listed
from foregate.forecasting.state import State
from foregate.streaming.columns import LiveColumns
from foregate.streaming.observations import Observations, shown
from foregate.streaming.rewind import Rewind
from foregate.streaming.roster import Roster

__all__ = ["Arrivals", "Covariates", "Fate", "Update", "arrange"]

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Fate = Literal["kept", "rolled back"]
"""What has become of a step of learning."""

LONGEST_GAP = 100_000
"""More rows than these are not skipped at once: a time that is so far off is taken for a mistake."""


@dataclass(frozen=True)
class Update:
    """What became of observations."""

    ids: tuple[str, ...]
    """Series that they were of."""
    new: tuple[str, ...]
    """Those that were not known before."""
    read: int
    """Observations that were read, missing values included."""
    skipped: int
    """Times that were left out, and read as missing."""
    repeated: int
    """Observations that were known already, and ignored."""
    late: int = 0
    """Values that came late, or instead of others: their series were read again from there."""
    learned: Fate | None = None
    """Whether a step of learning was kept or rolled back; None where there was none."""


@dataclass(frozen=True)
class Covariates:
    """Those of M rows of U series."""

    codes: IntArray
    """(M,) which of the series."""
    rows: IntArray
    """(M,) their numbers within it."""
    values: NDArray[np.float32]
    """(M, C) as `LiveColumns` holds them."""


@dataclass(frozen=True)
class Arrivals:
    """Rows to be read, for U series."""

    numbers: IntArray
    """(U,) their numbers, -1 for new ones."""
    starts: Times
    """(U,) times of their first rows."""
    lengths: IntArray
    """(U,) how many rows each goes on."""
    values: NDArray[np.float32]
    """(N,) those rows, series after series; 0 where not observed."""
    mask: BoolArray
    """(N,) where observed."""
    revised: Mapping[int, Mapping[int, float]]
    """By number of a series: rows that were read, and what they have to be read as instead."""
    told: Covariates
    """What comes with the rows, and with those that are revised."""
    static: NDArray[np.float32]
    """(U, D) covariates of the series."""
    update: Update
    """What to tell."""


def arrange(
    given: Observations,
    roster: Roster,
    state: State,
    rewind: Rewind | None = None,
    columns: LiveColumns | None = None,
    *,
    correct: bool = False,
) -> Arrivals:
    """Put observations in order, and fill up what was left out. Nothing is changed.

    Args:
        given: observations.
        roster: the series.
        state: what was read of them.
        rewind: what was read lately and may still be changed; None for nothing.
        columns: covariates that were read; None for a model without.
        correct: whether they are given to replace what was read.

    Raises:
        DataError: an observation lies between two steps, is late, contradicts another one of its time, or is too far
            ahead; the message says which and what is expected.
    """
    places = {name: i for i, name in enumerate(dict.fromkeys(given.ids))}
    codes = np.array([places[name] for name in given.ids], np.int64)
    order = np.lexsort((given.times, codes))
    codes, times, values = codes[order], given.times[order], given.values[order].astype(np.float32)
    numbers = np.array([roster.numbers.get(name, -1) for name in places], np.int64)
    old = numbers >= 0
    starts = times[np.flatnonzero(np.append(True, codes[1:] != codes[:-1])[: len(codes)])]
    starts[old] = roster.starts[numbers[old]]
    rows = np.zeros(len(places), np.int64)
    rows[old] = state.rows[numbers[old]]
    timed = given.timed[order]
    found = _Found(tuple(places), numbers, starts, rows, codes, times, values, timed, roster, state, rewind, columns)
    steps, exact = roster.freq.index(times, starts[codes])
    if not exact.all():
        found.refuse(int(np.flatnonzero(~exact)[0]), f"between two steps of {roster.freq.alias}", "Correct the time")
    repeated, late = found.known(steps, correct=correct)
    revised: dict[int, dict[int, float]] = {}
    for i in np.flatnonzero(late):
        revised.setdefault(int(numbers[codes[i]]), {})[int(steps[i])] = float(values[i])
    told = Covariates(codes[~repeated], steps[~repeated], timed[~repeated])
    static = _described(found, given, order, old)
    kept = ~repeated & ~late
    codes, steps, values = codes[kept], steps[kept], values[kept]
    lengths = np.zeros(len(places), np.int64)
    np.maximum.at(lengths, codes, steps + 1 - rows[codes])
    found.refuse_far(kept, steps)
    ends = np.cumsum(lengths)
    filled = np.full(int(ends[-1]) if len(ends) else 0, np.nan, np.float32)
    filled[(ends - lengths - rows)[codes] + steps] = values
    mask = ~np.isnan(filled)
    update = Update(
        ids=tuple(places),
        new=tuple(name for name, known in zip(places, old, strict=True) if not known),
        read=len(codes),
        skipped=len(filled) - len(codes),
        repeated=int(repeated.sum()),
        late=int(late.sum()),
    )
    filled[~mask] = 0
    return Arrivals(numbers, starts, lengths, filled, mask, revised, told, static, update)


def _described(found: _Found, given: Observations, order: IntArray, old: BoolArray) -> NDArray[np.float32]:
    """Static covariates (U, D) of the series, each from the first row that has them."""
    static = np.zeros((len(found.ids), given.static.shape[1]), np.float32)
    rows = np.flatnonzero(given.described[order])[::-1]
    static[found.codes[rows]] = given.static[order][rows]
    lacking = ~old
    lacking[found.codes[rows]] = False
    if given.static.shape[1] and lacking.any():
        names = [found.ids[i] for i in np.flatnonzero(lacking)]
        raise DataError(
            "a new series must come with the covariates that stay the same, but got none with "
            f"{listed(names)}. Add them to its first observation; they may be null."
        )
    return static


@dataclass(frozen=True)
class _Found:
    """Observations in order of series and time, and what is known of their series."""

    ids: tuple[str, ...]
    numbers: IntArray
    starts: Times
    rows: IntArray
    codes: IntArray
    times: Times
    values: NDArray[np.float32]
    timed: NDArray[np.float32]
    roster: Roster
    state: State
    rewind: Rewind | None
    columns: LiveColumns | None

    def known(self, steps: IntArray, *, correct: bool) -> tuple[BoolArray, BoolArray]:
        """(N,) whether an observation says what is known already, and whether it changes what was read.

        Raises:
            DataError: it says something else where that may not be, or is older than what is remembered.
        """
        again = np.zeros(len(steps), np.bool_)
        again[1:] = (self.codes[1:] == self.codes[:-1]) & (steps[1:] == steps[:-1])
        for i in np.flatnonzero(again):
            if not _same(self.values[i], self.values[i - 1]):
                self.refuse(int(i), f"beside {_said(self.values[i - 1])} for the same time", "Keep one of them")
            if not _alike(self.timed[i], self.timed[i - 1]):
                self.refuse(int(i), "beside other covariates for the same time", "Keep one of them")
        late, past = np.zeros_like(again), steps < self.rows[self.codes]
        if correct and not past.all():
            self.refuse(int(np.flatnonzero(~past)[0]), "which has not been read", "Update with it")
        for i in np.flatnonzero(past & ~again):
            again[i] = self._repeats(int(i), int(steps[i]), correct=correct)
            late[i] = not again[i]
        return again, late

    def _repeats(self, i: int, row: int, *, correct: bool) -> bool:
        """Whether observation i of a row that was read says the same; otherwise it may be read instead."""
        number, value = int(self.numbers[self.codes[i]]), self.values[i]
        kept = None if self.rewind is None else self.rewind.known(number, row)
        known = self.state.kept(number, row) if kept is None else kept
        told = None if self.columns is None else self.columns.known(number, row)
        alike = told is None or _alike(self.timed[i], told)
        if known is not None and _same(value, known) and alike:
            return True
        if kept is not None and (correct or np.isnan(kept)):
            return False
        if self.rewind is not None and kept is None:
            first = self.roster.freq.shift(self.starts[self.codes[i]], self.rewind.first(number))
            self.refuse(i, f"before {shown(first)}, the first time that may still be changed", "Leave it out")
        why, fix = "which is past", "Leave it out, or allow_late() so that it is read"
        if known is not None:
            read = _said(known) if alike else f"{_said(known)} with other covariates"
            why, fix = f"where {read} was read", "Leave it out, or after allow_late() give it to correct()"
        return self.refuse(i, why, fix)

    def refuse_far(self, kept: BoolArray, steps: IntArray) -> None:
        """Refuse a gap of more than LONGEST_GAP rows."""
        codes = self.codes[kept]
        before = np.append(np.int64(0), steps[:-1] + 1)[: len(steps)]
        first = np.append(True, codes[1:] != codes[:-1])[: len(codes)]
        gap = steps - np.where(first, self.rows[codes], before)
        far = np.flatnonzero(gap > LONGEST_GAP)
        if len(far):
            i = int(np.flatnonzero(kept)[far[0]])
            self.refuse(i, f"more than {LONGEST_GAP:,} steps ahead", "Correct the time, or start anew from there")

    def refuse(self, i: int, why: str, fix: str) -> NoReturn:
        """Say what is wrong with observation i, and what its series expects."""
        code = self.codes[i]
        name = self.ids[code]
        expected = self.roster.freq.shift(self.starts[code], self.rows[code]) if self.rows[code] else None
        awaits = "" if expected is None else f", whose next time is {shown(expected)}"
        raise DataError(
            f"observations must come once per step and in order of time, but got {_said(self.values[i])} at "
            f"{shown(self.times[i])} of {name!r}{awaits}: {why}. {fix}."
        )


def _same(one: float, other: float) -> bool:
    return one == other or (bool(np.isnan(one)) and bool(np.isnan(other)))


def _alike(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    return np.array_equal(one, other, equal_nan=True)


def _said(value: float) -> str:
    return "a missing value" if np.isnan(value) else f"{value:g}"

"""Earlier states of series, and the rows since: what was read is read again from there when one of them changes.

Letters: S series, B of them, R rows that can at least be gone back.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foregate.core import with_room
from foregate.forecasting.state import State
from foregate.streaming.rows import Read, Rows, spans

__all__ = ["Rewind"]

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]

KINDS = ("older", "newer")


class Rewind:
    """Two states of every series, R rows apart, the newer one at most R rows back, and all rows since the older one.

    Whenever the newer one is R rows back, it becomes the older one, and the present state the newer one: so there are
    always between R and 2 R rows that can be changed, from the time on when that many have been read.

    Args:
        reach: R.
        state: of the series that there are; nothing before its present rows can be changed.
    """

    def __init__(self, reach: int, state: State) -> None:
        self.reach, self.state = reach, state
        self.older, self.newer = (state.take(np.arange(len(state))) for _ in KINDS)
        self.values = np.zeros((len(state), 2 * reach), np.float32)
        """(S, 2 R) rows since the older state, NaN where not observed."""

    def add(self, numbers: IntArray) -> None:
        """Take in series that the state has been given, and of which nothing was read."""
        for earlier in (self.older, self.newer):
            earlier.add(len(numbers))
            earlier.put(numbers, self.state, numbers)
        self.values = with_room(self.values, len(self.state) - len(numbers), len(numbers))

    def take(self, numbers: IntArray, state: State) -> Rewind:
        """An independent copy of some series, in that order, for a state of those."""
        some = copy.copy(self)
        some.state, some.values = state, self.values[numbers]
        some.older, some.newer = self.older.apart(numbers), self.newer.apart(numbers)
        return some

    def join(self, numbers: IntArray, other: Rewind) -> None:
        """Take in the series of another one, which the state has been given under these numbers (B,)."""
        self.add(numbers)
        others = np.arange(len(numbers))
        for kind in KINDS:
            earlier, theirs = getattr(self, kind), getattr(other, kind)
            earlier.put(numbers, theirs, others)
            earlier.arrays["owner"][numbers] = numbers
        self.values[numbers] = other.values[others]

    def first(self, number: int) -> int:
        """The first row of a series that can be changed."""
        return int(self.older.rows[number])

    def known(self, number: int, row: int) -> float | None:
        """The value of a row that was read, NaN where not observed; None where it can no longer be changed."""
        back = row - self.first(number)
        return float(self.values[number, back]) if back >= 0 and row < self.state.rows[number] else None

    def read(self, rows: Rows, read: Read) -> None:
        """Let rows be read, and keep what is needed to read the last ones of them again."""
        far = np.maximum(rows.lengths - self.reach, 0)
        if far.any():
            first = rows.part(np.zeros_like(far), far)
            read(first)
            self._begin(first.numbers)
        done = far
        while (left := rows.lengths - done).any():
            room = self.newer.rows[rows.numbers] + self.reach - self.state.rows[rows.numbers]
            now = np.minimum(left, room)
            part = rows.part(done, now)
            begins = self.state.rows[part.numbers] - self.older.rows[part.numbers]
            read(part)
            self.values[np.repeat(part.numbers, part.lengths), spans(begins, part.lengths)] = np.where(
                part.mask, part.values, np.float32(np.nan)
            )
            self._rotate(part.numbers)
            done = done + now

    def one(self, number: int, value: float) -> None:
        """Keep a row of a series that was just read."""
        self.values[number, self.state.rows.item(number) - 1 - self.older.rows.item(number)] = value
        if self.state.rows.item(number) - self.newer.rows.item(number) == self.reach:
            self._rotate(np.array([number]))

    def back(self, number: int, revised: Mapping[int, float]) -> Rows:
        """Go back to before the first of some rows, and give the rows since then, with other values in these.

        They have to be read next.
        """
        first, rows = min(revised), int(self.state.rows[number])
        some, begin = np.array([number]), self.first(number)
        values = self.values[number, : rows - begin].copy()
        for row, value in revised.items():
            values[row - begin] = value
        if self.newer.rows[number] > first:
            self.newer.put(some, self.older, some)
        self.state.put(some, self.newer, some)
        values = values[int(self.newer.rows[number]) - begin :]
        mask = ~np.isnan(values)
        return Rows(some, np.array([len(values)]), np.where(mask, values, np.float32(0)), mask)

    def compact(self) -> dict[str, NDArray[Any]]:
        """All arrays, without room for more series."""
        found = {"values": self.values[: len(self.state)]}
        for kind in KINDS:
            found |= {f"{kind}.{name}": array for name, array in getattr(self, kind).compact().items()}
        return found

    @classmethod
    def expanded(cls, compact: Mapping[str, NDArray[Any]], reach: int, state: State) -> Rewind:
        """What was kept of the series of a state, by its compact arrays.

        Raises:
            ValueError: they are not of this shape, or of other rows than the state.
        """
        some, empty = cls(reach, state), state.take(np.arange(0))
        for kind in KINDS:
            own = {name.removeprefix(f"{kind}."): a for name, a in compact.items() if name.startswith(f"{kind}.")}
            setattr(some, kind, empty.expanded(own, len(state)))
        values = compact["values"]
        if values.shape != some.values.shape or values.dtype != np.float32:
            raise ValueError(f"values of {values.dtype} {values.shape}, not float32 {some.values.shape}")
        apart = np.stack([some.newer.rows - some.older.rows, state.rows - some.newer.rows])
        if (apart < 0).any() or (apart > reach).any():
            raise ValueError(f"earlier states {apart.tolist()} rows apart, not up to {reach}")
        some.values = values.copy()
        return some

    def _begin(self, numbers: IntArray) -> None:
        """Let nothing be changed before the present rows of series."""
        for earlier in (self.older, self.newer):
            earlier.put(numbers, self.state, numbers)

    def _rotate(self, numbers: IntArray) -> None:
        """Move on the states of those series whose newer one is R rows back."""
        due = numbers[self.state.rows[numbers] - self.newer.rows[numbers] == self.reach]
        if not len(due):
            return
        moved = due[self.newer.rows[due] > self.older.rows[due]]
        self.values[moved, : self.reach] = self.values[moved, self.reach :]
        self.older.put(due, self.newer, due)
        self.newer.put(due, self.state, due)

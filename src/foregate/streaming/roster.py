"""Which series there are: their names, numbers and times."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from foregate.core import DataError, Frequency, Times, listed, with_room

__all__ = ["Roster"]

IntArray = NDArray[np.int64]


class Roster:
    """Series by name and number, and the grid of times of each."""

    def __init__(self, freq: Frequency) -> None:
        self.freq = freq
        self.names: list[str] = []
        """In the order in which they appeared."""
        self.numbers: dict[str, int] = {}
        """Name -> place in that order."""
        self._starts: Times = np.zeros(0, np.int64 if freq.is_integer else "datetime64[us]")
        self._ticks: IntArray = self._starts.view(np.int64)
        self._step = freq.count if freq.is_integer else freq.microseconds

    def __len__(self) -> int:
        """How many series there are."""
        return len(self.names)

    @property
    def starts(self) -> Times:
        """(S,) time of each series' first row."""
        return self._starts[: len(self)]

    def add(self, ids: Sequence[str], starts: Times) -> None:
        """Take in new series, whose numbers follow those of the ones before."""
        old = len(self)
        self.numbers |= {name: old + i for i, name in enumerate(ids)}
        self.names += ids
        self._starts = with_room(self._starts, old, len(ids))
        self._ticks = self._starts.view(np.int64)
        self._starts[old : len(self)] = starts

    def known(self, ids: Sequence[str] | str | None) -> IntArray:
        """Numbers of series; of all for None.

        Raises:
            DataError: names those that were never seen.
        """
        if ids is None:
            return np.arange(len(self))
        wanted = [ids] if isinstance(ids, str) else [str(name) for name in ids]
        unknown = [name for name in wanted if name not in self.numbers]
        if unknown:
            raise DataError(
                f"series must have been seen before they are asked for, but got {listed(unknown)}. Update with their "
                "first observations, or name others."
            )
        return np.array([self.numbers[name] for name in wanted], np.int64)

    def times(self, numbers: IntArray, rows: IntArray) -> Times:
        """Times of rows of series; counted from their first ones, so that month ends stay month ends."""
        return self.freq.shift(self.starts[numbers], rows)

    def awaits(self, number: int, rows: int, time: int) -> bool:
        """Whether a time is that of the row after so many of a series; times of the calendar are in microseconds."""
        if self._step is not None:
            return bool(time == self._ticks.item(number) + rows * self._step)
        return bool(time == self.times(np.array([number]), np.array([rows])).view(np.int64).item())

    def around(self, number: int, rows: int, ahead: IntArray) -> Times:
        """Times of the rows that lie so many (K,) after the first `rows` of a series; see `times`."""
        if self._step is None:
            return self.times(np.array([number]), rows + ahead)
        ticks = ahead * self._step
        ticks += self._ticks.item(number) + rows * self._step
        return ticks.view(self._starts.dtype)

    def await_all(self, numbers: IntArray, rows: IntArray, times: IntArray) -> bool:
        """Whether times (B,) are those of the rows after so many (B,) of series (B,); see `awaits`."""
        if self._step is not None:
            return bool(np.array_equal(times, self._ticks[numbers] + rows * self._step))
        return bool(np.array_equal(times, self.times(numbers, rows).view(np.int64)))

    def take(self, numbers: IntArray) -> Roster:
        """A copy of some series, in that order."""
        some = Roster(self.freq)
        some.add([self.names[i] for i in numbers], self.starts[numbers])
        return some

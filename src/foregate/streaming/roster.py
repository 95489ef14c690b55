"""Which series there are: their names, numbers and times."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from foregate.core import DataError, Frequency, Times, listed

__all__ = ["Roster"]

IntArray = NDArray[np.int64]


class Roster:
    """Series by name and number, and the grid of times of each."""

    def __init__(self, freq: Frequency) -> None:
        self.freq = freq
        self.numbers: dict[str, int] = {}
        """Name -> number, in the order in which they appeared."""
        self.starts: Times = np.zeros(0, np.int64 if freq.is_integer else "datetime64[us]")
        """(S,) time of each series' first row."""

    def __len__(self) -> int:
        """How many series there are."""
        return len(self.numbers)

    @property
    def ids(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self.numbers)

    def add(self, ids: Sequence[str], starts: Times) -> None:
        """Take in new series, whose numbers follow those of the ones before."""
        self.numbers |= {name: len(self) + i for i, name in enumerate(ids)}
        self.starts = np.concatenate([self.starts, starts])

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

    def fork(self) -> Roster:
        """An independent copy."""
        twin = copy.copy(self)
        twin.numbers, twin.starts = dict(self.numbers), self.starts.copy()
        return twin

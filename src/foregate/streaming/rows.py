"""Rows of many series, series after series."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Read", "Rows", "spans"]

IntArray = NDArray[np.int64]


class Rows(NamedTuple):
    """What `State.read` takes."""

    numbers: IntArray
    """(B,) the series, each once."""
    lengths: IntArray
    """(B,) how many rows of each."""
    values: NDArray[np.float32]
    """(N,) those rows; anything where not observed."""
    mask: NDArray[np.bool_]
    """(N,) where observed."""

    def part(self, begins: IntArray, lengths: IntArray) -> Rows:
        """Of each series so many rows from one on; those with none are left out.

        Examples:
            >>> rows = Rows(np.array([4, 7]), np.array([3, 2]), np.arange(5, dtype=np.float32), np.ones(5, bool))
            >>> rows.part(np.array([1, 0]), np.array([2, 0])).values.tolist()
            [1.0, 2.0]
        """
        some = np.flatnonzero(lengths > 0)
        first = np.cumsum(self.lengths) - self.lengths
        cells = spans((first + begins)[some], lengths[some])
        return Rows(self.numbers[some], lengths[some], self.values[cells], self.mask[cells])


Read = Callable[[Rows], None]
"""Takes in rows."""


def spans(begins: IntArray, lengths: IntArray) -> IntArray:
    """The numbers from each beginning on, so many, one span after the other.

    Examples:
        >>> spans(np.array([5, 0]), np.array([2, 3])).tolist()
        [5, 6, 0, 1, 2]
    """
    before = np.cumsum(lengths) - lengths
    return np.repeat(begins - before, lengths) + np.arange(int(lengths.sum()))

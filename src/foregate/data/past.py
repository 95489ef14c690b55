"""What came before: all that is carried of tracks into the rows that are read next, to the bit as if read in one go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foregate.data.statistics import CARRIED, NoRows, nothing_carried, read

__all__ = ["Past", "TracksPast", "read_in_parts"]

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

CELLS_AT_ONCE = 50_000
"""Longer tracks are read so many rows at a time, which bounds memory: what is made of a row takes about a kilobyte."""


class TracksPast(NamedTuple):
    """Of B tracks: running statistics and the latest L rows, as many as the long season has; zeros where none were."""

    carried: NDArray[np.void]
    """(B,) of `foregate.data.statistics.CARRIED`."""
    mask: BoolArray
    """(B, L)"""
    z: Float32Array
    """(B, L)"""
    profile: Float32Array
    """(B, L, 4)"""
    count: Float32Array
    """(B, L, 2)"""

    @classmethod
    def nothing(cls, tracks: int, length: int) -> TracksPast:
        """Before the first row."""
        z, profile, count = (np.zeros((tracks, length, *more), np.float32) for more in ((), (4,), (2,)))
        return cls(nothing_carried(tracks), np.zeros((tracks, length), np.bool_), z, profile, count)

    def take(self, which: IntArray) -> TracksPast:
        """Of the tracks numbered so."""
        return TracksPast(*(array[which] for array in self))

    def after(self, carried: NDArray[np.void], mask: BoolArray, told: dict[str, NDArray[Any]]) -> TracksPast:
        """After the next T rows, by what `foregate.data.statistics.read` has told of them."""
        rows = mask, told["z"], told["profile"], told["count"]
        latest = (np.concatenate([old, new], 1)[:, mask.shape[1] :] for old, new in zip(self[1:], rows, strict=True))
        return TracksPast(carried, *latest)


class _Rows:
    """The latest rows of tracks, see `foregate.data.statistics.Latest`."""

    def __init__(self, past: TracksPast, seasons: tuple[int, int]) -> None:
        self.past, self.seasons = past, seasons

    def __call__(self, season: int, width: int) -> tuple[Float32Array, BoolArray, Float32Array, Float32Array]:
        past, begin = self.past, self.past.z.shape[1] - self.seasons[season]
        now = slice(begin, begin + width)
        profile = past.profile[:, now, 2 * season : 2 * season + 2]
        return past.z[:, now], past.mask[:, now], profile, past.count[:, now, season]


class Past(NamedTuple):
    """What is carried of S series into their next rows."""

    log: BoolArray
    """(S,) whether all that was seen of a series is clearly positive, so that it is read in logarithms."""
    tracks: TracksPast
    """Of 2 S tracks: of each series the plain one, then that in logarithms as long as it is read in them."""

    @classmethod
    def room(cls, series: int, length: int) -> Past:
        """Of a first series that has no rows yet, and of others that are to be written; until then they take nothing."""
        z, profile, count = (np.zeros((2 * series, length, *more), np.float32) for more in ((), (4,), (2,)))
        log, mask = np.zeros(series, np.bool_), np.zeros((2 * series, length), np.bool_)
        carried = np.zeros(2 * series, CARRIED)
        log[0], carried[:2] = True, nothing_carried(2)
        return cls(log, TracksPast(carried, mask, z, profile, count))

    def take(self, which: IntArray) -> Past:
        """Of the series numbered so."""
        return Past(self.log[which], self.tracks.take(_pairs(which)))

    def write(self, which: IntArray, other: Past) -> None:
        """Put the series of another in the places numbered so."""
        self.log[which] = other.log
        for array, new in zip(self.tracks, other.tracks, strict=True):
            array[_pairs(which)] = new


def _pairs(series: IntArray) -> IntArray:
    return (2 * series[:, None] + np.arange(2)).reshape(-1)


def read_in_parts(
    values: FloatArray,
    mask: BoolArray,
    log: BoolArray,
    seasons: tuple[int, int],
    window: int,
    past: TracksPast | None = None,
) -> Iterator[tuple[slice, dict[str, NDArray[Any]], TracksPast | None]]:
    """Read T rows of B tracks as `foregate.data.statistics.read` does, a bounded number of cells at a time.

    Args:
        values, mask, log, seasons, window: see there.
        past: what came before; None for nothing.

    Yields:
        columns, what is told of them, and the past of the next ones; None after a single part that began with nothing.
    """
    B, T = values.shape
    size = max(1, CELLS_AT_ONCE // B)
    if past is None and size < T:
        past = TracksPast.nothing(B, max(seasons))
    for begin in range(0, T, size):
        now = slice(begin, min(begin + size, T))
        before, latest = (nothing_carried(B), NoRows(B)) if past is None else (past.carried, _Rows(past, seasons))
        told, carried = read(values[:, now], mask[:, now], log, seasons, window, before, latest)
        past = None if past is None else past.after(carried, mask[:, now], told)
        yield now, told, past

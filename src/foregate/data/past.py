"""What came before: all that is carried of tracks into the rows that are read next, to the bit as if read in one go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True)
class TracksPast:
    """What is carried of B tracks into their next rows."""

    carried: NDArray[np.void]
    """(B,) running statistics, of `foregate.data.statistics.CARRIED`."""
    rows: Mapping[str, NDArray[Any]]
    """mask (B, L), z (B, L), profile (B, L, 4) and count (B, L, 2) of the latest L rows, as many as the long season
    has; zeros where there were none."""

    @classmethod
    def nothing(cls, tracks: int, length: int) -> TracksPast:
        """Before the first row."""
        return cls(nothing_carried(tracks), _no_rows(tracks, length))

    def take(self, which: IntArray) -> TracksPast:
        """Of the tracks numbered so."""
        return TracksPast(self.carried[which], {name: array[which] for name, array in self.rows.items()})

    def write(self, which: IntArray, other: TracksPast) -> None:
        """Put the tracks of another in the places numbered so."""
        self.carried[which] = other.carried
        for name, array in self.rows.items():
            array[which] = other.rows[name]

    def after(self, carried: NDArray[np.void], mask: BoolArray, told: Mapping[str, NDArray[Any]]) -> TracksPast:
        """After the next T rows, by what `foregate.data.statistics.read` has told of them."""
        told, T = {"mask": mask, **told}, mask.shape[1]
        latest = {name: np.concatenate([old, told[name]], 1)[:, T:] for name, old in self.rows.items()}
        return TracksPast(carried, latest)


def _no_rows(tracks: int, length: int) -> dict[str, NDArray[Any]]:
    widths: dict[str, tuple[int, ...]] = {"z": (), "profile": (4,), "count": (2,)}
    rows = {name: np.zeros((tracks, length, *width), np.float32) for name, width in widths.items()}
    return {"mask": np.zeros((tracks, length), np.bool_), **rows}


class _Rows:
    """The latest rows of tracks, see `foregate.data.statistics.Latest`."""

    def __init__(self, past: TracksPast, seasons: tuple[int, int]) -> None:
        self.rows, self.seasons = past.rows, seasons

    def __call__(self, season: int, width: int) -> tuple[Float32Array, BoolArray, Float32Array, Float32Array]:
        begin = self.rows["z"].shape[1] - self.seasons[season]
        z, mask, profile, count = (
            self.rows[name][:, begin : begin + width] for name in ("z", "mask", "profile", "count")
        )
        return z, mask, profile[..., 2 * season : 2 * season + 2], count[..., season]


@dataclass(frozen=True)
class Past:
    """What is carried of S series into their next rows."""

    log: BoolArray
    """(S,) whether all that was seen of a series is clearly positive, so that it is read in logarithms."""
    tracks: TracksPast
    """Of 2 S tracks: of each series the plain one, then that in logarithms as long as it is read in them."""

    @classmethod
    def room(cls, series: int, length: int) -> Past:
        """Of a first series that has no rows yet, and of others that are to be written.

        Those take no memory until then: zeros are given out by the page.
        """
        log, carried = np.zeros(series, np.bool_), np.zeros(2 * series, CARRIED)
        log[0], carried[:2] = True, nothing_carried(2)
        return cls(log, TracksPast(carried, _no_rows(2 * series, length)))

    def take(self, which: IntArray) -> Past:
        """Of the series numbered so."""
        return Past(self.log[which], self.tracks.take(_pairs(which)))

    def write(self, which: IntArray, other: Past) -> None:
        """Put the series of another in the places numbered so."""
        self.log[which] = other.log
        self.tracks.write(_pairs(which), other.tracks)


def _pairs(series: IntArray) -> IntArray:
    pairs: IntArray = (2 * series[:, None] + np.arange(2)).reshape(-1)
    return pairs


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

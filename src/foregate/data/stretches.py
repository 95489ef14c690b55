"""The tracks of some stretches of a panel, at a cost that does not depend on what lies before or beside them.

What is carried into every so many rows of a series is kept once it has been read, as a *mark*: from there a stretch is
read on, with the same bits as if read from the beginning. A mark takes a few bytes per row that lies between two of
them, where tracks take about 160.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foregate.core import Panel
from foregate.data.past import Past, TracksPast, read_in_parts
from foregate.data.statistics import positive_so_far
from foregate.data.tracks import Tracks, make_tracks

__all__ = ["Marks", "Stretches"]

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

LEAST_APART, SEASONS_APART = 512, 3
"""Rows between two marks, at least; and long seasons, since a mark keeps the latest one."""
BEYOND = 64
"""Rows that a stretch has behind the last one that was asked for, since those are often asked for next."""
SERIES_AT_ONCE = 48


@dataclass(frozen=True)
class Stretches:
    """W stretches of rows of a panel, in order, none of which touches another."""

    begins: IntArray
    """(W,) the first row of each."""
    ends: IntArray
    """(W,) one past its last row."""
    series: IntArray
    """(W,) the series that it is of."""

    @property
    def rows(self) -> IntArray:
        """(M,) all of their rows."""
        lengths = self.ends - self.begins
        starts = np.cumsum(lengths) - lengths
        return np.arange(int(lengths.sum())) + np.repeat(self.begins - starts, lengths)

    def places(self, rows: IntArray) -> IntArray:
        """Where rows of the panel stand among theirs; -1 for -1."""
        lengths = self.ends - self.begins
        shift = np.cumsum(lengths) - lengths - self.begins
        which = np.maximum(np.searchsorted(self.begins, rows, side="right") - 1, 0)
        return np.where(rows < 0, rows, rows + shift[which])


class Marks:
    """Reads stretches of a panel, and remembers on the way what is carried into every so many rows."""

    def __init__(self, panel: Panel, seasons: tuple[int, int], window: int, lookback: int, *, plain: bool) -> None:
        """Nothing is read yet.

        Args:
            panel: regular.
            seasons, window, plain: see `foregate.data.tracks.make_tracks`.
            lookback: rows before a row that are looked back on.
        """
        self.panel, self.seasons, self.window, self.lookback, self.plain = panel, seasons, window, lookback, plain
        self.apart = max(LEAST_APART, SEASONS_APART * max(seasons))
        self._marks: dict[tuple[int, int], Past] = {}

    def around(self, rows: IntArray, ahead: int) -> Stretches:
        """The stretches in which `rows` (M,) lie with what is looked back on from there, and so many rows ahead."""
        rows = np.unique(rows)
        offsets = self.panel.offsets
        series = np.searchsorted(offsets, rows, side="right") - 1
        first = offsets[series]
        begins = first + np.maximum(rows - first - self.lookback, 0) // self.apart * self.apart
        ends = np.minimum(rows + 1 + ahead + BEYOND, offsets[series + 1])
        new = np.flatnonzero(np.append(True, begins[1:] >= ends[:-1]))
        return Stretches(begins[new], ends[np.append(new[1:], len(rows)) - 1], series[new])

    def hold(self, stretches: Stretches, rows: IntArray, ahead: int) -> bool:
        """Whether all that is asked of `rows` (M,) and so many rows ahead lies in some stretches."""
        which = np.searchsorted(stretches.begins, rows, side="right") - 1
        if (which < 0).any():
            return False
        begins, ends, series = stretches.begins[which], stretches.ends[which], stretches.series[which]
        back = (rows - self.lookback >= begins) | (begins == self.panel.offsets[series])
        there = (rows + ahead < ends) | ((rows < ends) & (ends == self.panel.offsets[series + 1]))
        return bool((back & there).all())

    def tracks(self, stretches: Stretches) -> Tracks:
        """The tracks of stretches that begin at marks."""
        panel, offsets = self.panel, self.panel.offsets
        number = (stretches.begins - offsets[stretches.series]) // self.apart
        past = None
        if number.any():
            self._reach(stretches.series, number)
            nothing = Past.nothing(1, max(self.seasons))
            pairs = zip(stretches.series.tolist(), number.tolist(), strict=True)
            past = Past.joined([self._marks.get(pair, nothing) for pair in pairs])
        rows = stretches.rows
        part = Panel(
            ids=panel.ids[stretches.series],
            offsets=np.concatenate([[0], np.cumsum(stretches.ends - stretches.begins)]),
            values=panel.values[rows],
            mask=panel.mask[rows],
            times=rows,
        )
        return make_tracks(part, self.seasons, self.window, plain=self.plain, past=past)

    def _reach(self, series: IntArray, number: IntArray) -> None:
        """Read so many marks of each series, going on from the last one that is there."""
        for begin in range(0, len(series), SERIES_AT_ONCE):
            wanted: dict[int, int] = {}
            part = slice(begin, begin + SERIES_AT_ONCE)
            for one, n in zip(series[part].tolist(), number[part].tolist(), strict=True):
                wanted[one] = max(n, wanted.get(one, 0))
            done = {one: self._last(one, n) for one, n in wanted.items()}
            while left := [one for one, n in done.items() if n < wanted[one]]:
                self._mark(left, [done[one] for one in left])
                done |= {one: done[one] + 1 for one in left}

    def _last(self, series: int, most: int) -> int:
        """The last mark of a series that is there, of so many."""
        return next((n for n in range(most, 0, -1) if (series, n) in self._marks), 0)

    def _mark(self, series: list[int], number: list[int]) -> None:
        """Read on from marks of series to their next ones."""
        nothing = Past.nothing(1, max(self.seasons))
        past = Past.joined([self._marks.get(pair, nothing) for pair in zip(series, number, strict=True)])
        begins = self.panel.offsets[series] + np.array(number) * self.apart
        rows = begins[:, None] + np.arange(self.apart)
        mask = self.panel.mask[rows]
        values = np.where(mask, self.panel.values[rows].astype(np.float64), 0)
        log = past.log & (not self.plain)
        # Plain units are always carried, since any series may change over to them; logarithms until it has.
        tracks = np.sort(np.concatenate([2 * np.arange(len(series)), 2 * np.flatnonzero(log) + 1]))
        source, carried = tracks // 2, TracksPast(*(array.copy() for array in past.tracks))
        for now, _, after in read_in_parts(
            values[source], mask[source], tracks % 2 == 1, self.seasons, self.window, past.tracks.take(tracks)
        ):
            assert after is not None
            latest = after
        for array, new in zip(carried, latest, strict=True):
            array[tracks] = new
        positive = positive_so_far(values, mask, past.tracks.carried[::2])[:, -1]
        for pair, mark in zip(zip(series, number, strict=True), Past(log & positive, carried).split(), strict=True):
            self._marks[pair[0], pair[1] + 1] = mark

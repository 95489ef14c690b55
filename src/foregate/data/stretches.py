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
from foregate.data.past import Past, read_in_parts
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
        rows: IntArray = np.arange(int(lengths.sum())) + np.repeat(self.begins - starts, lengths)
        return rows

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
        number = panel.lengths // self.apart
        self._first = 1 + np.cumsum(number) - number  # where the marks of each series stand; at 0 there is no past
        self._past = Past.room(1 + int(number.sum()), max(seasons))
        self._done = np.zeros(len(panel), np.int64)  # marks of each series that were read

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
        panel, series = self.panel, stretches.series
        number = (stretches.begins - panel.offsets[series]) // self.apart
        self._reach(series, number)
        rows = stretches.rows
        part = Panel(
            ids=panel.ids[series],
            offsets=np.concatenate([[0], np.cumsum(stretches.ends - stretches.begins)]),
            values=panel.values[rows],
            mask=panel.mask[rows],
            times=rows,
        )
        past = self._past.take(self._places(series, number)) if number.any() else None
        return make_tracks(part, self.seasons, self.window, plain=self.plain, past=past)

    def _places(self, series: IntArray, number: IntArray) -> IntArray:
        """Where the marks of series stand, counted from 1; 0 is before the first row."""
        return np.where(number > 0, self._first[series] + number - 1, 0)

    def _reach(self, series: IntArray, number: IntArray) -> None:
        """Read so many marks of series, going on from the last one that is there."""
        series, which = np.unique(series, return_inverse=True)
        wanted = np.zeros(len(series), np.int64)
        np.maximum.at(wanted, which, number)
        while len(left := series[self._done[series] < wanted]):
            for begin in range(0, len(left), SERIES_AT_ONCE):
                self._mark(left[begin : begin + SERIES_AT_ONCE])

    def _mark(self, series: IntArray) -> None:
        """Read series on from their last marks, to the next ones."""
        number = self._done[series]
        past = self._past.take(self._places(series, number))
        rows = (self.panel.offsets[series] + number * self.apart)[:, None] + np.arange(self.apart)
        mask = self.panel.mask[rows]
        values = np.where(mask, self.panel.values[rows].astype(np.float64), 0)
        # Plain units are always carried, since any series may change over to them; logarithms until it has.
        log = past.log & (not self.plain)
        positive = positive_so_far(values, mask, past.tracks.carried[::2])[:, -1]
        tracks = np.flatnonzero(np.stack([np.ones_like(log), log], 1))
        source, units, seasons = tracks // 2, tracks % 2 == 1, self.seasons
        *_, (_, _, after) = read_in_parts(
            values[source], mask[source], units, seasons, self.window, past.tracks.take(tracks)
        )
        assert after is not None
        past.tracks.write(tracks, after)
        self._past.write(self._places(series, number + 1), Past(log & positive, past.tracks))
        self._done[series] = number + 1

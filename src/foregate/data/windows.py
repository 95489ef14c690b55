"""Sliding windows over a panel, as views: what went in, and what came next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from foregate.core import DataError, Panel, at_least, require_panel

__all__ = ["Window", "Windows", "windows"]


class Window(NamedTuple):
    """One window, with shapes (L,) and (K,), or many, with a leading axis. L is the lookback, K the horizon."""

    inputs: NDArray[np.float32]
    """(…, L) consecutive values, oldest first; 0 where not observed."""
    targets: NDArray[np.float32]
    """(…, K) the values that follow; 0 where not observed."""
    inputs_mask: NDArray[np.bool_]
    """(…, L) True where observed."""
    targets_mask: NDArray[np.bool_]
    """(…, K) True where observed."""


@dataclass(frozen=True)
class Windows:
    """All windows of a panel, series after series, oldest first; made by `windows`. Nothing is copied until asked for.

    `len(w)` is W, the number of windows; `w[j]` is window j, and iterating gives one after the other, all as views.
    """

    panel: Panel
    lookback: int
    """L, rows that go in."""
    horizon: int
    """K, rows that follow; 0 for none."""
    stride: int
    """Rows between the beginnings of two windows of a series."""

    @property
    def counts(self) -> NDArray[np.int64]:
        """(S,) windows of each series; 0 where it is too short for one."""
        return np.maximum(0, (self.panel.lengths - self.lookback - self.horizon) // self.stride + 1)

    @property
    def series(self) -> NDArray[np.int64]:
        """(W,) the number of the series that each window belongs to."""
        return np.repeat(np.arange(len(self.panel), dtype=np.int64), self.counts)

    @property
    def origins(self) -> NDArray[np.int64]:
        """(W,) position within its series of each window's last input row."""
        return self._starts() - self.panel.offsets[self.series] + self.lookback - 1

    @property
    def complete(self) -> NDArray[np.bool_]:
        """(W,) whether every input and every target of the window was observed."""
        missing = np.concatenate([[0], np.cumsum(~self.panel.mask)])
        starts = self._starts()
        full: NDArray[np.bool_] = missing[starts + self.lookback + self.horizon] == missing[starts]
        return full

    def __len__(self) -> int:
        return int(self.counts.sum())

    def __iter__(self) -> Iterator[Window]:
        for start in self._starts().tolist():
            yield self._at(start)

    def __getitem__(self, number: int) -> Window:
        """Window `number` as views on the panel."""
        if not -len(self) <= number < len(self):
            raise IndexError(f"number must be between 0 and {len(self) - 1}, but got {number}.")
        return self._at(int(self._starts(np.array([number % len(self)]))[0]))

    def of(self, series: int) -> Window:
        """All n windows of one series as read-only views on the panel: inputs (n, L) and targets (n, K)."""
        rows = slice(int(self.panel.offsets[series]), int(self.panel.offsets[series + 1]))
        return self._divide(self._slide(self.panel.values[rows]), self._slide(self.panel.mask[rows]))

    def batch(self, numbers: NDArray[np.int64]) -> Window:
        """The windows with these numbers, copied into new arrays (B, L) and (B, K), as a network takes them."""
        starts = self._starts(np.asarray(numbers, np.int64))
        rows = starts[:, None] + np.arange(self.lookback + self.horizon)
        return self._divide(self.panel.values[rows], self.panel.mask[rows])

    def _at(self, start: int) -> Window:
        rows = slice(start, start + self.lookback + self.horizon)
        return self._divide(self._slide(self.panel.values[rows])[0], self._slide(self.panel.mask[rows])[0])

    def _slide(self, rows: NDArray[Any]) -> NDArray[Any]:
        size = self.lookback + self.horizon
        return sliding_window_view(rows, size)[:: self.stride] if len(rows) >= size else np.empty((0, size), rows.dtype)

    def _divide(self, values: NDArray[np.float32], mask: NDArray[np.bool_]) -> Window:
        past, future = slice(None, self.lookback), slice(self.lookback, None)
        return Window(values[..., past], values[..., future], mask[..., past], mask[..., future])

    def _starts(self, numbers: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Row of the panel with which each of these windows begins; all windows if not given."""
        ends = np.cumsum(self.counts)
        numbers = np.arange(ends[-1] if len(ends) else 0) if numbers is None else numbers
        series = np.searchsorted(ends, numbers, side="right")
        before = ends[series] - self.counts[series]
        starts: NDArray[np.int64] = self.panel.offsets[series] + (numbers - before) * self.stride
        return starts


def windows(panel: Panel, *, lookback: int, horizon: int = 1, stride: int = 1) -> Windows:
    """All windows of `lookback` inputs and the `horizon` targets that follow, within each series of a regular panel.

    The first window of a series begins with its first row, so windows stay what they are when rows are added. No window
    reaches from one series into the next.

    Args:
        panel: evenly spaced series, as `clean` returns them.
        lookback: L, rows that go in.
        horizon: K, rows that follow; 0 for inputs alone.
        stride: rows between the beginnings of two windows.

    Raises:
        UsageError: a number is out of range.
        DataError: the rows are not evenly spaced, so that a window would not be a stretch of time.

    Examples:
        >>> series = np.arange(100.0, 140, 5)                       # 100, 105, ... 135
        >>> every = windows(Panel.from_arrays([series]), lookback=3)
        >>> for inputs, targets, _, _ in every:
        ...     print(inputs, targets)
        [100. 105. 110.] [115.]
        [105. 110. 115.] [120.]
        [110. 115. 120.] [125.]
        [115. 120. 125.] [130.]
        [120. 125. 130.] [135.]
        >>> every.of(0).inputs.shape, np.shares_memory(every.of(0).inputs, every.panel.values)
        ((5, 3), True)
    """
    require_panel(panel)
    at_least(1, lookback=lookback, stride=stride)
    at_least(0, horizon=horizon)
    if not panel.is_regular:
        raise DataError(
            "the rows of every series must be evenly spaced, but some are not. Run clean on the panel first."
        )
    return Windows(panel, int(lookback), int(horizon), int(stride))

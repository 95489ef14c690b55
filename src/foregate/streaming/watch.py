"""Forecasts that wait for their outcomes, and what is learnt from these: scores, and how wide intervals must be.

Letters: S series, B of them, K horizon steps, J of them that are judged, Q quantiles that are given out, P pairs of
them whose widths are learnt, L levels that are counted.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foregate.core import FrameSpec, levels_to_quantiles, with_room
from foregate.forecasting.adaptive import AdaptiveWidths
from foregate.forecasting.state import State
from foregate.streaming.rows import Read, Rows
from foregate.streaming.scores import Scores

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Say", "Watch"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

Say = Callable[[IntArray, int, Sequence[float]], FloatArray]
"""Series (B,), a horizon and probabilities to the quantiles (B, K, Q) given out for them now; NaN where none can be."""

LARGEST = float(np.finfo(np.float32).max)


class Watch:
    """What waits, per series: of each judged step k the forecasts from the last k rows, and nothing older.

    A forecast of k steps for row t is kept at place t mod k of that step's ring, where the one for row t + k will be:
    what is scored makes room for what is said next, so that all rings together have the sum of the steps as places.

    Args:
        horizon: K steps.
        levels: L percentages of intervals to be counted.
        network: probabilities that the network answers at.
    """

    def __init__(self, horizon: int, levels: Sequence[float], network: Sequence[float]) -> None:
        self.horizon, self.levels = horizon, tuple(levels)
        self.rule = AdaptiveWidths(horizon, network)
        sides = {*levels_to_quantiles(levels), *self.rule.bounds, *(round(1 - q, 10) for q in self.rule.bounds)}
        self.quantiles = tuple(sorted(sides))
        self.scores = Scores(self.quantiles, levels)
        steps = self.rule.steps
        self._first = np.cumsum(steps) - steps
        pairs = np.array([(q, round(1 - q, 10)) for q in self.rule.bounds])
        self._low, self._high = (np.searchsorted(np.array(self.quantiles), side - 1e-9) for side in pairs.T)
        self.arrays: dict[str, NDArray[Any]] = {
            "said": np.zeros((0, int(steps.sum()), len(self.quantiles)), np.float32),
            "last": np.zeros((0, horizon), np.float32),  # the value at each of the last K rows
            "origin": np.zeros((0, horizon), np.int64),  # the row that it was, counted from 1; 0 for none
            "factors": np.zeros((0, len(steps), len(self.rule.bounds))),
            "sums": np.zeros((0, len(steps), self.scores.width)),
            "recent": np.zeros((0, len(steps), self.scores.width)),
        }
        self.size = 0

    def add(self, series: int) -> None:
        """Make place for new series, of which nothing waits."""
        self.arrays |= {name: with_room(array, self.size, series) for name, array in self.arrays.items()}
        self.size += series

    def take(self, numbers: IntArray) -> Watch:
        """An independent copy of some series, in that order."""
        some = copy.copy(self)
        some.arrays, some.size = {name: array[numbers] for name, array in self.arrays.items()}, len(numbers)
        return some

    def join(self, other: Watch) -> None:
        """Take in the series of another one that watches alike."""
        new = slice(self.size, self.size + other.size)
        self.add(other.size)
        for name, array in self.arrays.items():
            array[new] = other.arrays[name][: other.size]

    def compact(self) -> dict[str, NDArray[Any]]:
        """All arrays, without room for more series."""
        return {name: array[: self.size] for name, array in self.arrays.items()}

    def expand(self, compact: Mapping[str, NDArray[Any]], series: int) -> None:
        """Go on with the compact arrays of `series` series; there were none.

        Raises:
            ValueError: they are not of this shape.
        """
        self.add(series)
        if set(compact) != set(self.arrays):
            raise ValueError(f"arrays {sorted(set(compact) ^ set(self.arrays))} missing or unknown")
        for name, array in compact.items():
            wanted = self.arrays[name]
            if array.shape != wanted.shape or array.dtype != wanted.dtype:
                raise ValueError(f"{name} is {array.dtype} {array.shape}, not {wanted.dtype} {wanted.shape}")
            self.arrays[name] = array.copy()

    def widths(self, numbers: IntArray, horizon: int) -> FloatArray:
        """(B, K, Q) factors of the widths of what a network says of series (B,)."""
        return self.rule.widths(self.arrays["factors"][numbers], horizon)

    def read(self, state: State, rows: Rows, read: Read, say: Say) -> None:
        """Let rows be read, and after each observed one score what waited for it, and ask for what comes next.

        Rows that are not observed are read together with the next observed one.
        """
        begins = np.cumsum(rows.lengths) - rows.lengths
        seen = np.flatnonzero(rows.mask)
        owner = np.repeat(np.arange(len(rows.numbers)), rows.lengths)[seen]
        turn = np.arange(len(seen)) - np.searchsorted(owner, np.arange(len(rows.numbers)))[owner]
        order, done = np.argsort(turn, kind="stable"), np.zeros(len(rows.numbers), np.int64)
        for now in np.split(order, np.cumsum(np.bincount(turn))[:-1]) if len(turn) else ():
            who, some = owner[now], rows.numbers[owner[now]]
            until = done.copy()
            until[who] = seen[now] + 1 - begins[who]
            read(rows.part(done, until - done))
            self.observed(some, state.rows[some] - 1, rows.values[seen[now]], say)
            done = until
        if (done < rows.lengths).any():
            read(rows.part(done, rows.lengths - done))

    def observed(self, numbers: IntArray, row: IntArray, value: NDArray[np.float32], say: Say) -> None:
        """Score what waited for rows (B,) that were just read, each of another series, and ask for what comes next."""
        self._judge(numbers, row, value)
        self._keep(numbers, row, value, say(numbers, self.horizon, self.quantiles))

    def frame(self, numbers: IntArray, names: NDArray[np.str_], spec: FrameSpec, *, recent: bool) -> pl.DataFrame:
        """See `Live.scores`."""
        sums, recently = (self.arrays[name][numbers] for name in ("sums", "recent"))
        return self.scores.frame(sums, recently if recent else sums, (names, self.rule.steps), spec)

    def _judge(self, numbers: IntArray, row: IntArray, value: NDArray[np.float32]) -> None:
        """Score what was said of rows (B,), whose values have come, and learn from it."""
        a, steps, at = self.arrays, self.rule.steps, numbers[:, None]
        origin = row[:, None] - steps
        waited = a["origin"][at, origin % self.horizon] == origin + 1
        if not (waited := waited & (origin >= 0)).any():
            return
        said = a["said"][at, self._places(row)].astype(np.float64)
        last = a["last"][at, origin % self.horizon].astype(np.float64)
        actual = value.astype(np.float64)
        low, high, came = said[..., self._low], said[..., self._high], actual[:, None, None]
        judged = waited[..., None] & (low < high)  # an interval of no width says nothing of how wide one must be
        outside = (came < low) | (came > high)
        a["factors"][numbers] = self.rule.learn(a["factors"][numbers], outside, judged)
        measures = self.scores.measures(actual, said, last, waited)
        a["sums"][numbers] += measures
        a["recent"][numbers] = self.scores.fade(a["recent"][numbers], measures, waited)

    def _keep(self, numbers: IntArray, row: IntArray, value: NDArray[np.float32], said: FloatArray) -> None:
        """Let wait what is said (B, K, Q) at rows (B,), where these values were observed; NaN where nothing is."""
        a, at = self.arrays, numbers[:, None]
        a["said"][at, self._places(row)] = np.clip(said[:, self.rule.steps - 1], -LARGEST, LARGEST)
        a["origin"][numbers, row % self.horizon] = np.where(np.isnan(said[:, 0, 0]), 0, row + 1)
        a["last"][numbers, row % self.horizon] = value

    def _places(self, row: IntArray) -> IntArray:
        """(B, J) where forecasts are kept that are for rows (B,), and where those that are made there will be."""
        return self._first + row[:, None] % self.rule.steps

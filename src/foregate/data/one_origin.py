"""The latest row of one series as an origin: what `View.steps` and `View.restore` do, for one at a time.

What depends on the steps ahead alone is laid out once per number of them. Letters: K steps ahead, S step features, P
candidate paths, L columns of a tape.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from foregate.data.input_spec import SEASONAL_PATHS, STEP_WIDTH, InputSpec
from foregate.data.inputs import FURTHEST_SEASON, MOST_SPANS, MOST_TIMES, TREND_REACH
from foregate.data.one_row import AVERAGE, Latest, OneRow
from foregate.data.statistics import MEAN, SLOPE, SLOPES, SMOOTH, SMOOTHING
from foregate.data.tracks import LOG

__all__ = ["OneOrigin", "restored"]

Float32Array = NDArray[np.float32]
FloatArray = NDArray[np.float64]
HALF = np.array(0.5, np.float32)
FLAT = slice(SEASONAL_PATHS + len(SLOPES), None)
SLOPED = slice(SEASONAL_PATHS, FLAT.start)


class OneOrigin:
    """What the decoder sees from one origin at a time, K steps ahead. It keeps memory of its own to reckon in."""

    def __init__(self, spec: InputSpec, K: int) -> None:
        """For the inputs of a model without covariates."""
        self.spec, self._lookback, (short, long) = spec, spec.lookback, spec.seasons
        self.k = k = np.arange(1, K + 1)
        near, far = (m * -(-k // m) - k for m in (short, long))
        self._back = np.stack([near, near + short, far])
        """(3, K) rows back to what held one and two short seasons and one long season before each step."""
        self._furthest = int(self._back.max())
        self._is_path = np.array([[True], [short > 1], [True]])
        self._seasonal = np.array([[short > 1], [short > 1], [long > 1]])
        newest, self._n = spec.lookback, spec.remembered  # places are counted from so many rows before the origin on
        n, which = self._n, self._n - 1  # where there is no long season, the short one's place is read, and not used
        self._values = newest - np.where(self._is_path, self._back, 0)
        kinds = np.array([[0], [1], [2 * which], [2 * which + 1]])
        self._memories = 2 * n * (newest - np.stack([near, near, far, far])) + kinds
        self._replaced = np.stack([self._memories[0], 2 * n * self._values[1], self._memories[2]])
        self._counts = n * (newest - np.stack([near, far])) + np.array([[0], [which]])
        self._turns = np.minimum(-(-k // long), 2).astype(np.float32)
        self._reach = k.astype(np.float32)
        self.steps, self.paths = np.zeros((spec.n_steps, K), np.float32), np.zeros((spec.n_profiles, K), np.float32)
        where = np.log1p(k) / 3, np.sqrt(k) / 5, np.minimum(k / short, FURTHEST_SEASON) / 8, (k - 1) % short / short
        self.steps[STEP_WIDTH - 4 : STEP_WIDTH] = where
        self._seen, self._known = np.zeros((3, K), np.bool_), np.zeros((2, K), np.bool_)
        self._means = np.zeros((4, 1), np.float32)
        self._units = np.zeros((2, 1), np.float32)
        self._level, self._scale = np.zeros((), np.float32), np.zeros((), np.float32)
        self._averages = np.zeros((1 + len(SMOOTHING), 1), np.float32)

    def look(self, latest: Latest, row: OneRow) -> None:
        """Write `steps` (S, K) and `paths` (P, K) from the latest row of a series."""
        steps, seasonal, remembered = self.steps, self.paths[:SEASONAL_PATHS], self.paths[4:SEASONAL_PATHS]
        (short, long), level, scale, flat = self.spec.seasons, latest.level, latest.scale, row.flat
        last = row.cell(latest)
        first, end = last - self._lookback, last + 1
        flat["z"][first:end].take(self._values, out=seasonal[:3], mode="clip")
        flat["mask"][first:end].take(self._values, out=self._seen, mode="clip")
        n = self._n
        profile, count = flat["profile"][2 * n * first : 2 * n * end], flat["count"][n * first : n * end]
        profile.take(self._memories, out=remembered, mode="clip")
        often = count.take(self._counts)
        if n == 1:
            often[1] = 0
        means = self._means[:, 0]
        means[:2], means[2:] = flat["season_mean"][n * last], flat["season_mean"][n * end - 1]
        np.add(remembered, self._means, out=remembered)
        if 0 in self._seen.tobytes():
            held = profile.take(self._replaced) + means[[0, 0, 2], None]
            np.copyto(seasonal[:3], held, where=~self._seen & self._seasonal)
        np.copyto(seasonal[3], seasonal[2])
        self._level[()], self._scale[()] = level, scale
        np.subtract(seasonal, self._level, out=seasonal)
        np.divide(seasonal, self._scale, out=seasonal)
        if latest.rows <= self._furthest or short == 1:
            there = (self._back < latest.rows) & self._is_path
            self._seen &= there
            seasonal[:3] *= there
            np.copyto(seasonal[3], seasonal[2])
        if short > 1 and long > 1 and latest.rows > long:
            since = means.item(0) - flat["season_mean"].item(2 * (last - long))
            seasonal[3] += self._turns * np.float32(since / scale)
        np.greater(often, 0, out=self._known)
        if 0 in self._known.tobytes():
            remembered[:2] *= self._known[0]
            remembered[2:] *= self._known[1]
        self._levels(latest)
        told = steps[:SEASONAL_PATHS]
        np.abs(seasonal, out=told)
        np.log1p(told, out=told)
        np.copysign(told, seasonal, out=told)
        steps[SEASONAL_PATHS : SEASONAL_PATHS + 3] = self._seen
        np.log1p(often, out=often)
        np.multiply(often, HALF, out=steps[SEASONAL_PATHS + 3 : STEP_WIDTH - 4])
        if self.spec.clock:
            days = self.spec.clock.after(np.array(row.day(latest.number)), self.k)
            steps[STEP_WIDTH:] = self.spec.clock.waves(days).T

    def _levels(self, latest: Latest) -> None:
        """Write the paths that go on with slopes and levels."""
        average = latest.carried[AVERAGE:]
        self._units[:, 0] = [slope / latest.scale for slope in average[SLOPE]]
        most = TREND_REACH * latest.carried[0]
        reach = self._reach if most >= len(self.k) else np.minimum(self._reach, np.float32(most))
        np.multiply(self._units, reach, out=self.paths[SLOPED])
        flat = self._averages
        flat[:, 0] = [average[MEAN], *average[SMOOTH]]
        np.subtract(flat, self._level, out=flat)
        np.divide(flat, self._scale, out=flat)
        self.paths[FLAT] = flat


def restored(latest: Latest, outputs: FloatArray) -> FloatArray:
    """Outputs of the network, of any shape, in the units of the data; see `View.restore`."""
    _, _, first, _, _, least, most = latest.carried[:7]
    first, least, most = np.float32(first).item(), np.float32(least).item(), np.float32(most).item()
    is_log = latest.unit == LOG
    value = outputs * (0.0 if latest.flat else latest.scale)
    value += latest.level
    low, high = (math.log(least / first), math.log(most / first)) if is_log else (least, most)
    reach = MOST_SPANS * (high - low)
    if is_log:
        reach = min(reach, math.log(MOST_TIMES))
    np.minimum(value, high + reach, out=value)
    np.maximum(value, low - reach, out=value)
    if is_log:
        np.exp(value, out=value)
        value *= first
    elif least >= 0:  # in logarithms nothing is less
        np.maximum(value, 0, out=value)
    return value

"""The latest row of one series as an origin: what `View.steps` and `View.restore` do, for one at a time.

What depends on the steps ahead alone is laid out once per number of them. Letters: K steps ahead, S step features, P
candidate paths, L columns of a tape.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foregate.data.input_spec import SEASONAL_PATHS, STEP_WIDTH, InputSpec
from foregate.data.inputs import FURTHEST_SEASON, MOST_SPANS, MOST_TIMES, TREND_REACH
from foregate.data.one_row import AVERAGE, Latest
from foregate.data.related import squash
from foregate.data.statistics import MEAN, SLOPE, SMOOTH
from foregate.data.tracks import LOG

__all__ = ["OneOrigin", "restored"]

Float32Array = NDArray[np.float32]
FloatArray = NDArray[np.float64]
MEMORIES = (0, 0, 2, 1, 3)
"""Whose memory of a phase is read: the quick one of the short season twice, that of the long one; then the slow ones."""


class OneOrigin:
    """What the decoder sees from one origin at a time, K steps ahead. It keeps memory of its own to reckon in."""

    def __init__(self, spec: InputSpec, K: int) -> None:
        """For the inputs of a model without covariates."""
        self.spec, (short, long) = spec, spec.seasons
        self.k = k = np.arange(1, K + 1)
        phases = [m * -(-k // m) - k for m in (short, long)]
        self._back = np.stack([phases[0], phases[0] + short, phases[1]])
        """(3, K) rows back to what held one and two short seasons and one long season before each step."""
        self._is_path = np.array([[True], [short > 1], [True]])
        self._seasonal = np.array([[short > 1], [short > 1], [long > 1]])
        places = self._back[[0, 1, 2, 0, 2]]
        self._memories = np.array(MEMORIES)[:, None] - 4 * places
        self._counts = np.array([[0], [1]]) - 2 * places[[0, 2]]
        self._turns = np.minimum(-(-k // long), 2).astype(np.float32)
        self.steps, self.paths = np.zeros((spec.n_steps, K), np.float32), np.zeros((spec.n_profiles, K), np.float32)
        where = np.log1p(k) / 3, np.sqrt(k) / 5, np.minimum(k / short, FURTHEST_SEASON) / 8, (k - 1) % short / short
        self.steps[STEP_WIDTH - 4 : STEP_WIDTH] = where
        self._reach = k.astype(np.float32)

    def look(self, latest: Latest, arrays: Mapping[str, NDArray[Any]], now: float) -> None:
        """Write `steps` (S, K) and `paths` (P, K) from the latest row of a series.

        Args:
            latest: that row.
            arrays: of the state.
            now: days since 1970 at that row; 0 where no time is told.
        """
        (short, long), paths, steps = self.spec.seasons, self.paths, self.steps
        track, column, level, scale = (latest.number, latest.unit), latest.column, latest.level, latest.scale
        index = column - self._back
        seen = arrays["mask"][track].take(index, mode="clip")
        means = arrays["season_mean"][track]
        short_mean, long_mean = means[column].tolist()
        remembered = arrays["profile"][track].reshape(-1).take(self._memories + 4 * column, mode="clip")
        remembered[[0, 1, 3]] += np.float32(short_mean)
        remembered[[2, 4]] += np.float32(long_mean)
        often = arrays["count"][track].reshape(-1).take(self._counts + 2 * column, mode="clip")
        found = arrays["z"][track].take(index, mode="clip")
        there = (self._back < latest.rows) & self._is_path
        np.copyto(found, remembered[:3], where=~seen & self._seasonal)
        seen &= there
        np.copyto(paths[:3], np.where(there, (found - np.float32(level)) / np.float32(scale), 0))
        paths[3] = paths[2]
        if long > 1 and short > 1 and latest.rows > long:
            paths[3] += (short_mean - means.item(column - long, 0)) / scale * self._turns
        known = often > 0
        values = (remembered[[0, 3, 2, 4]] - np.float32(level)) / np.float32(scale)
        np.multiply(values, known[[0, 0, 1, 1]], out=paths[4:SEASONAL_PATHS])
        steps[:SEASONAL_PATHS] = squash(paths[:SEASONAL_PATHS])
        steps[SEASONAL_PATHS : SEASONAL_PATHS + 3] = seen
        steps[SEASONAL_PATHS + 3 : SEASONAL_PATHS + 5] = np.log1p(often) / 2
        average = np.array(latest.carried[AVERAGE:]).astype(np.float32)
        reach = np.minimum(self._reach, TREND_REACH * latest.carried[0])
        np.multiply((average[SLOPE] / np.float32(scale))[:, None], reach, out=paths[SEASONAL_PATHS : SEASONAL_PATHS + 2])
        flat = np.append(average[MEAN], average[SMOOTH])
        paths[SEASONAL_PATHS + 2 :] = ((flat - np.float32(level)) / np.float32(scale))[:, None]
        if self.spec.clock:
            steps[STEP_WIDTH:] = self.spec.clock.waves(self.spec.clock.after(np.array(now), self.k)).T


def restored(latest: Latest, outputs: FloatArray) -> FloatArray:
    """Outputs of the network (K, Q) in the units of the data; see `View.restore`."""
    _, _, first, _, _, least, most = np.array(latest.carried[:7]).astype(np.float32).tolist()
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
    if least >= 0:
        np.maximum(value, 0, out=value)
    return value

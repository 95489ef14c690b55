"""The next row of one series: what `foregate.data.statistics` carries on and what `View.features` tells the encoder.

One row of one series is too little for arrays: most of the time would go into calling functions on a few numbers. So
the same formulas are written once more, for numbers of Python, and must give what those give (they do so to the last
digits of float32). Everything is read from and written to the arrays of a live state in place.

Letters: S series, L columns of a tape, A averages, F features.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foregate.data.input_spec import NEIGHBOURS, InputSpec
from foregate.data.inputs import LEAST_ERROR
from foregate.data.statistics import (
    CARRIED,
    ERRORS,
    JUDGED,
    LEAST_SCALE,
    MEAN,
    NEWEST_SEASON_WEIGHTS,
    POSITIVE_SHARE,
    SCALE,
    SIZE,
    SLOPE,
    SLOPES,
    SMOOTH,
    SMOOTHING,
    ZEROS,
    A,
)
from foregate.data.tracks import LINEAR, LOG

__all__ = ["Latest", "OneRow"]

Float32Array = NDArray[np.float32]
NAN = math.nan


def _place(name: str) -> slice:
    """Where a field of CARRIED lies, in numbers."""
    kind, begin = (CARRIED.fields or {})[name][:2]
    return slice(begin // 8, begin // 8 + kind.itemsize // 8)


FIELDS = CARRIED.itemsize // 8
COUNTS = 7
"""The first fields are the same in all units: seen, gap, first, total, absolute, least and most."""
LEVEL, PEAK = _place("level").start, _place("peak").start
AVERAGE, TOP, BOTTOM = _place("average"), _place("top"), _place("bottom")
SEASONS = slice(_place("season_total").start, _place("season_seen").stop)
QUICK, SLOW = NEWEST_SEASON_WEIGHTS


@dataclass(slots=True)
class Latest:
    """The latest row of a series, in the units that it is read in."""

    number: int
    unit: int
    column: int
    """On the tape."""
    rows: int
    """Since the first observation."""
    level: float
    """As float32 holds it."""
    scale: float
    """1 while there is none."""


class OneRow:
    """Reads rows into the arrays of a state, one at a time. It keeps memory of its own to reckon in."""

    def __init__(self, spec: InputSpec, arrays: Mapping[str, NDArray[Any]]) -> None:
        """For the inputs of a model without covariates, and the arrays of a `foregate.forecasting.state.State`."""
        self.spec = spec
        self.source = arrays["carried"]
        self.carried = self.source.view(np.float64).reshape(-1, 2, FIELDS)
        self.z, self.mask, self.count = arrays["z"], arrays["mask"], arrays["count"]
        self.profile, self.season_mean, self.log = arrays["profile"], arrays["season_mean"], arrays["log"]
        self.column, self.rows, self.late, self.first = (arrays[name] for name in ("column", "rows", "late", "first"))
        m = spec.seasons[0]
        rates = [*[1 / spec.window] * 4, *SMOOTHING, *(rate / math.sqrt(m) for rate in SLOPES)]
        self._keep = 1 - np.array([*rates, *[1 / spec.window] * ERRORS])
        self._x, self._lacking = np.zeros((2, A)), np.zeros((2, A), np.bool_)
        self._there = np.zeros((2, A), np.bool_)
        self._lags = np.array(spec.lags)
        self._index, self._absent = np.zeros_like(self._lags), np.zeros(len(self._lags) - spec.recent, np.bool_)
        self._size = np.zeros(len(spec.lags) + 1 + len(SMOOTHING) + len(SLOPES) + 1, np.float32)
        self._seasons_told = math.log(m) / 3, math.log(spec.seasons[1]) / 3

    def read(self, number: int, value: float) -> bool:
        """Read the next row of a series that has been observed before, and whose tape has a column left.

        Args:
            number: of the series.
            value: in the units of the data, as float32 holds it; NaN where not observed.

        Returns:
            whether it was read: False, and nothing is changed, where the series is not clearly positive any more.
        """
        block = self.carried[number]
        before = block.tolist()
        seen, gap, first, total, absolute, least, most = before[LINEAR][:COUNTS]
        units, observed = (2 if self.log[number] else 1), value == value
        z = [before[LINEAR][LEVEL], before[LOG][LEVEL]]
        if observed:
            seen, total, absolute = seen + 1, value + total, abs(value) + absolute
            least, most = min(value, least), max(value, most)
            z[LINEAR] = value
            if units == 2:
                if not 0 < least >= POSITIVE_SHARE * (total / seen):
                    return False
                z[LOG] = math.log(max(value, POSITIVE_SHARE * (absolute / seen)) / first)
        column = self.column.item(number) + 1
        newest = self.z[number, :units, column]
        newest[:] = z[:units]
        held = newest.tolist()
        counts = [seen, 0.0 if observed else gap + 1, first, total, absolute, least, most]
        found = [self._track(number, u, column, value, z[u], held[u], before[u]) for u in range(units)]
        now = block[:units]
        now[:, :COUNTS] = counts
        self.mask[number, :units, column] = observed
        memories = [each[1] for each in found]
        self.season_mean[number, :units, column] = [each[0] for each in memories]
        self.profile[number, :units, column] = [each[1] for each in memories]
        self.count[number, :units, column] = [each[2] for each in memories]
        now[:, SEASONS] = [each[3] for each in memories]
        self._average(now, [each[0] for each in found] if observed else None)
        if observed:
            now[:, LEVEL] = z[:units]
            np.maximum(now[:, PEAK], now[:, AVERAGE.start + SCALE], out=now[:, PEAK])
        self.column[number] = column
        self.rows[number] += 1
        return True

    def latest(self, number: int) -> Latest:
        """Where the latest row lies, and what 0 and 1 stand for in its units."""
        unit = LOG if self.log[number] else LINEAR
        column = self.column.item(number)
        rows = self.rows.item(number) - self.late.item(number)
        track = self.carried[number, unit]
        scale = max(track.item(AVERAGE.start + SCALE), LEAST_SCALE * track.item(PEAK))
        return Latest(number, unit, column, rows, self.z.item(number, unit, column), scale if scale > 0 else 1.0)

    def _average(self, now: NDArray[np.float64], x: list[list[float]] | None) -> None:
        """Move the averages on; see `foregate.data.statistics._averages`."""
        top, bottom = now[:, TOP], now[:, BOTTOM]
        top *= self._keep
        bottom *= self._keep
        if x is None:
            return
        n = len(now)
        new, lacking, there = self._x[:n], self._lacking[:n], self._there[:n]
        new[...] = x
        np.isnan(new, out=lacking)
        np.logical_not(lacking, out=there)
        np.copyto(new, 0.0, where=lacking)
        top += new
        bottom += there
        np.divide(top, bottom, out=now[:, AVERAGE], where=there)

    def _track(
        self, number: int, unit: int, column: int, value: float, z: float, held: float, before: list[float]
    ) -> tuple[list[float], tuple[list[float], ...]]:
        """What the averages take in of a row (A,), NaN for nothing, and what is kept of the seasons: means (2,),
        memories (4,), counts (2,), and sums and counts of the last season (4,)."""
        short, long = self.spec.seasons
        observed = value == value
        row_z, row_mask = self.z[number, unit], self.mask[number, unit]
        back, expected = [NAN, NAN], [NAN] * 4
        means, profile, counts, sums = [0.0, 0.0], [0.0] * 4, [0.0, 0.0], [0.0] * 4
        for i, m in enumerate((short, long)):
            ago = column - m
            was_seen = (m > 1 or i == 0) and row_mask.item(ago)
            was = row_z.item(ago) if was_seen else 0.0
            if was_seen:
                back[i] = was
            if m == 1:
                continue
            total, seen = before[SEASONS.start + i], before[SEASONS.start + 2 + i]
            mean_before = total / max(seen, 1.0)
            total = sums[i] = (held if observed else 0.0) - was + total
            seen = sums[2 + i] = observed - was_seen + seen
            mean = means[i] = total / max(seen, 1.0)
            old, often = self.profile[number, unit, ago, 2 * i : 2 * i + 2].tolist(), self.count.item(number, unit, ago, i)
            quick, slow = old
            if often > 0:
                expected[2 * i : 2 * i + 2] = quick + mean_before, slow + mean_before
            if observed:
                often, above = often + 1, held - mean
                share = 1 / often
                quick += max(share, QUICK) * (above - quick)
                slow += max(share, SLOW) * (above - slow)
            counts[i], profile[2 * i], profile[2 * i + 1] = often, quick, slow
        if not observed:
            return [], (means, profile, counts, sums)
        level, gap = before[LEVEL], before[1]
        change = (held - back[0]) / short
        moved = [NAN, NAN] if gap else [back[0] + short * slope for slope in before[AVERAGE][SLOPE]]
        x = [abs(z - level) / math.sqrt(1 + gap), abs(value), z, float(value == 0), z, z, change, change]
        x += [abs(held - foretold) for foretold in (*back, *expected, *moved)]
        return x, (means, profile, counts, sums)

    def features(self, latest: Latest, out: Float32Array) -> None:
        """Write what the encoder reads (F,) of the latest row; see `View.features`."""
        spec, unit, column = self.spec, latest.unit, latest.column
        (short, long), recent = spec.seasons, spec.recent
        track = self.carried[latest.number, unit]
        seen, gap = track[:2].tolist()
        average = track[AVERAGE]
        n = len(self._lags)
        np.subtract(column, self._lags, out=self._index)
        self.z[latest.number, unit].take(self._index, out=out[:n], mode="clip")
        np.logical_not(self.mask[latest.number, unit].take(self._index[recent:], mode="clip"), out=self._absent)
        np.copyto(out[recent:n], latest.level, where=self._absent)
        if latest.rows <= recent:
            out[latest.rows - 1 : recent] = latest.level
        numbers = average.tolist()
        out[n : n + 1 + len(SMOOTHING)] = [numbers[MEAN], *numbers[SMOOTH]]
        paths = out[: n + 1 + len(SMOOTHING)]
        paths -= latest.level
        paths /= latest.scale
        shift = 0.0
        if long > 1 and latest.rows > long:
            means = self.season_mean[latest.number, unit, :, 0]
            shift = (means.item(column) - means.item(column - long)) / latest.scale
        n = len(self._size)
        out[len(paths) : n] = [*(slope * short / latest.scale for slope in numbers[SLOPE]), shift]
        relative, size = out[:n], self._size
        np.abs(relative, out=size)
        np.log1p(size, out=size)
        np.copysign(size, relative, out=relative)
        skill = out[n : n + ERRORS]
        np.divide(average[JUDGED], latest.scale, out=skill, casting="same_kind")
        skill += LEAST_ERROR
        np.log(skill, out=skill)
        np.copyto(skill, 0.0, where=np.isnan(skill))
        scale, of = max(numbers[SCALE], LEAST_SCALE * track.item(PEAK)), numbers[SIZE]
        relative_scale = scale if unit == LOG or not of > 0 else scale / of
        often = self.count[latest.number, unit, column].tolist()
        end = n + ERRORS + 10
        out[n + ERRORS : end] = [
            math.log1p(seen) / 5,
            *self._seasons_told,
            math.log(max(relative_scale, 1e-6)) / 5,
            unit,
            gap == 0,
            math.log1p(gap),
            numbers[ZEROS],
            often[0] > 0,
            often[1] > 0,
        ]
        if spec.clock:
            day = self.first.item(latest.number) + (self.rows.item(latest.number) - 1) * spec.clock.step
            angles = [2 * math.pi * (day / cycle % 1) for cycle in spec.clock.cycles]
            out[end:] = [*map(math.sin, angles), *map(math.cos, angles)]

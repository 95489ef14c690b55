"""The next row of one series: what `foregate.data.statistics` carries on and what `View.features` tells the encoder.

One row of one series is too little for arrays: most of the time would go into calling functions on a few numbers. So
the same formulas are written once more, for numbers of Python, and must give what those give (they do so to the last
digits of float32). Everything is read from and written to the arrays of a live state in place.

Letters: S series, L columns of a tape, A averages, F features.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foregate.data.input_spec import InputSpec
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
LEAST = np.array(LEAST_ERROR, np.float32)
"""Arrays are reckoned with in half the time that numbers take."""


def _place(name: str) -> int:
    """Where a field of CARRIED begins, in numbers."""
    return int(dict(CARRIED.fields or {})[name][1]) // 8


FIELDS = CARRIED.itemsize // 8
COUNTS = 7
"""The first fields are the same in all units: seen, gap, first, total, absolute, least and most."""
GAP, LEVEL, PEAK = map(_place, ("gap", "level", "peak"))
AVERAGE, TOP, SUMS = map(_place, ("average", "top", "season_total"))
FIRST_SLOPE = AVERAGE + SLOPE.start
TOPS = TOP, TOP + FIELDS
"""Where the sums of the averages of both tracks of a series begin."""
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
    flat: bool
    """Whether there is none."""
    carried: Sequence[float]
    """What is carried after it, as CARRIED has it, up to the averages."""


def _flat(numbers: Any, kind: str) -> Any:
    """An array as a flat memoryview, of which numbers are read and written one by one in a fifth of the time.

    Typed as anything, since a memoryview is taken for one of whole numbers.
    """
    octets: Any = memoryview(numbers).cast("B")
    return octets.cast(kind)


class OneRow:
    """Reads rows into the arrays of a state, one at a time. It keeps memory of its own to reckon in."""

    def __init__(self, spec: InputSpec, arrays: Mapping[str, NDArray[Any]]) -> None:
        """For the inputs of a model without covariates, and the arrays of a `foregate.forecasting.state.State`."""
        self.spec, self.source = spec, arrays["carried"]
        names = ("z", "mask", "profile", "count", "season_mean")
        self.flat = {name: arrays[name].reshape(-1) for name in names}
        """The tapes of all series, one after the other."""
        self.length, self._n = arrays["z"].shape[-1], spec.remembered
        every = arrays["carried"].view(np.float64)
        self._carried = _flat(every, "d")
        self._blocks = every.reshape(-1, 2 * FIELDS)
        self._new = np.zeros(2 * FIELDS)  # what is added to all that is carried: to the averages' sums, and 1 to counts
        lacking = [m == 1 for m in spec.seasons for _ in range(2)]
        self._possible = np.array(
            [True] * (JUDGED.start + 1) + [spec.seasons[1] > 1] + [not no for no in lacking] + [True] * 2
        )
        """(A,) averages that there can be, by the seasons that there are."""
        self._all_possible = bool(self._possible.all())
        self._apart = [(i, m) for i, m in enumerate(spec.seasons) if m > 1 or i == 0]
        for top in TOPS:
            self._new[top + A : top + 2 * A] = self._possible
        self._new_numbers = _flat(self._new, "d")
        kinds = {"z": "f", "season_mean": "f", "profile": "f", "count": "f", "mask": "?", "log": "?"}
        kinds |= {"column": "q", "rows": "q", "late": "q", "first": "d"}
        flat = {name: _flat(arrays[name], kind) for name, kind in kinds.items()}
        self._z, self._mask, self._season_mean = flat["z"], flat["mask"], flat["season_mean"]
        self._profile, self._count, self._first = flat["profile"], flat["count"], flat["first"]
        self._log, self._column, self._rows, self._late = flat["log"], flat["column"], flat["rows"], flat["late"]
        m = spec.seasons[0]
        rates = [*[1 / spec.window] * 4, *SMOOTHING, *(rate / math.sqrt(m) for rate in SLOPES)]
        keep = np.ones(FIELDS)
        keep[TOP:SUMS] = np.tile(1 - np.array([*rates, *[1 / spec.window] * ERRORS]), 2)
        self._keeps = {1: keep, 2: np.tile(keep, 2)}
        self._out = np.zeros(spec.n_features, np.float32)
        self._numbers = _flat(self._out, "f")
        n = len(spec.lags)
        self._lags, self._levels = self._out[:n], self._out[: n + 1 + len(SMOOTHING)]
        self._paths = self._out[: len(self._levels) + len(SLOPES) + 1]
        self._sizes = np.zeros_like(self._paths)
        self._skill = self._out[len(self._paths) :][:ERRORS]
        self._lagged, self._places = spec.lags, spec.lookback - np.array(spec.lags)
        self._far = [i for i, lag in enumerate(spec.lags) if lag > spec.recent]
        self._far_places = self._places[self._far]
        self._level, self._scale = np.zeros((), np.float32), np.zeros((), np.float32)
        self._short, self._lookback = m, spec.lookback
        self._seasons_told = math.log(m) / 3, math.log(spec.seasons[1]) / 3

    def room(self, number: int) -> bool:
        """Whether the tape of a series has a column left."""
        return bool(self._column[number] + 1 < self.length)

    def read(self, number: int, value: float) -> Latest | None:
        """Read the next row of a series, whose tape has a column left.

        Args:
            number: of the series.
            value: in the units of the data, as float32 holds it; NaN where not observed.

        Returns:
            None where that takes arrays, and nothing is changed then: before the first observation, and where the
            series is not clearly positive any more.
        """
        carried, tracks = self._carried, 2 if self._log[number] else 1
        at = 2 * FIELDS * number
        seen, gap, first, total, absolute, least, most, level = carried[at : at + PEAK].tolist()
        if not seen:
            return None
        column, observed = self._column[number] + 1, value == value
        held = [value] if observed else [level]
        if observed:
            seen, total, absolute = seen + 1, value + total, abs(value) + absolute
            least, most = min(value, least), max(value, most)
        if tracks == 2:
            if not 0 < least >= POSITIVE_SHARE * (total / seen):
                return None
            relative = math.log(max(value, POSITIVE_SHARE * (absolute / seen)) / first) if observed else 0.0
            held.append(relative if observed else carried[at + FIELDS + LEVEL])
        counts = array("d", (seen, 0.0 if observed else gap + 1, first, total, absolute, least, most))
        cell = 2 * number * self.length + column
        whole = self._tracks(cell, at, value, gap, held)
        for begin in range(at, at + tracks * FIELDS, FIELDS):
            carried[begin : begin + COUNTS] = counts
        self._average(number, tracks, observed=observed, whole=whole)
        if observed:
            for begin, z in zip(range(at, at + tracks * FIELDS, FIELDS), held, strict=True):
                carried[begin + LEVEL] = z
                change = carried[begin + AVERAGE + SCALE]
                if change > carried[begin + PEAK]:
                    carried[begin + PEAK] = change
        self._column[number] = column
        rows = self._rows[number] = self._rows[number] + 1
        return self._latest(number, tracks - 1, column, rows - self._late[number])

    def latest(self, number: int) -> Latest:
        """Where the latest row lies, and what is known there."""
        unit = LOG if self._log[number] else LINEAR
        return self._latest(number, unit, self._column[number], self._rows[number] - self._late[number])

    def cell(self, latest: Latest) -> int:
        """Where a row lies on all tapes, one after the other."""
        cell: int = (2 * latest.number + latest.unit) * self.length + latest.column
        return cell

    def day(self, number: int) -> float:
        """Days since 1970 at the latest row, where the time is told."""
        day: float = self._first[number] + (self._rows[number] - 1) * self.spec.clock.step
        return day

    def _latest(self, number: int, unit: int, column: int, rows: int) -> Latest:
        at = (2 * number + unit) * FIELDS
        carried = self._carried[at : at + TOP].tolist()
        scale = max(carried[AVERAGE + SCALE], LEAST_SCALE * carried[PEAK])
        level = self._z[(2 * number + unit) * self.length + column]
        return Latest(number, unit, column, rows, level, scale if scale > 0 else 1.0, not scale > 0, carried)

    def _average(self, number: int, tracks: int, *, observed: bool, whole: bool) -> None:
        """Move the averages on by what is new; see `foregate.data.statistics._averages`."""
        block = self._blocks[number] if tracks == 2 else self._blocks[number, :FIELDS]
        np.multiply(block, self._keeps[tracks], out=block)
        if not observed:
            return
        new = self._new if tracks == 2 else self._new[:FIELDS]
        if whole:
            np.add(block, new, out=block)
        for top in TOPS[:tracks]:
            average, sums, counts = block[top - A : top], block[top : top + A], block[top + A : top + 2 * A]
            if whole and self._all_possible:
                np.divide(sums, counts, out=average)
            elif whole:
                np.divide(sums, counts, out=average, where=self._possible)
            else:
                there = ~np.isnan(new[top : top + A]) & self._possible
                sums += np.where(there, new[top : top + A], 0)
                counts += there
                np.divide(sums, counts, out=average, where=there)

    def _tracks(self, cell: int, at: int, value: float, gap: float, z: list[float]) -> bool:
        """Read a row of each track of a series; see `foregate.data.statistics.read`.

        Writes what the averages take in, NaN for nothing; not where nothing was observed.

        Args:
            cell: of the row on the tape of the first.
            at: where in what is carried the first begins.
            value: in the units of the data; NaN where not observed.
            gap: rows since the last observed one before.
            z: in the units of each track; the last observed one where not observed.

        Returns:
            whether every average has something to take in that ever does.
        """
        carried, short, new = self._carried, self._short, self._new_numbers
        held, place = [], cell
        for each in z:
            self._mask[place], self._z[place] = value == value, each
            held.append(self._z[place])
            place += self.length
        back, whole = self._seasons(cell, at, held)
        if value != value:
            return False
        size, zero, root = abs(value), float(value == 0), math.sqrt(1 + gap)
        for top, now, each, ago in zip(TOPS, held, z, back, strict=False):
            new[top], new[top + 1], new[top + 2], new[top + 3] = (
                abs(each - carried[at + LEVEL]) / root,
                size,
                each,
                zero,
            )
            new[top + 4] = new[top + 5] = each
            change = now - ago
            new[top + 6] = new[top + 7] = change / short
            new[top + 14] = NAN if gap else abs(change - short * carried[at + FIRST_SLOPE])
            new[top + 15] = NAN if gap else abs(change - short * carried[at + FIRST_SLOPE + 1])
            at += FIELDS
        return whole and not gap

    def _seasons(self, cell: int, at: int, held: list[float]) -> tuple[list[float], bool]:
        """Read a row of each track into the memories of seasons; see `foregate.data.statistics._seasonal_memory`.

        Writes how far off what held a season ago was, and what was remembered of that; NaN for nothing.

        Returns:
            what held a short season ago, NaN where that was not observed; and whether there was nothing that was not.
        """
        carried, profile, zs, new, length = self._carried, self._profile, self._z, self._new_numbers, self.length
        n, wide = self._n, 2 * self._n
        observed, back, whole = self._mask[cell], [], True
        for i, m in self._apart:
            ago = cell - m
            was_seen = self._mask[ago]
            if i == 0:
                back = [zs[ago + u * length] if was_seen else NAN for u in range(len(held))]
            if m == 1:
                whole = was_seen
                for top, now, was in zip(TOPS, held, back, strict=False):
                    new[top + 8] = abs(now - was)
                continue
            seen_before, often = carried[at + SUMS + 2 + i], self._count[n * ago + i]
            seen, known, over = seen_before + observed - was_seen, often > 0, seen_before or 1.0
            whole, often = whole and was_seen and known, often + observed
            share, place, old, here = 1 / (often or 1.0), at + SUMS + i, wide * ago + 2 * i, wide * cell + 2 * i
            quick_share, slow_share = share if share > QUICK else QUICK, share if share > SLOW else SLOW
            for top, now in zip(TOPS, held, strict=False):
                total = carried[place]
                quick, slow = profile[old], profile[old + 1]
                rest = now - total / over if known else NAN
                new[top + 10 + 2 * i], new[top + 11 + 2 * i] = abs(rest - quick), abs(rest - slow)
                was = zs[old // wide] if was_seen else NAN
                new[top + 8 + i] = abs(now - was)
                if was_seen:
                    total -= was
                if observed:
                    total += now
                mean = total / (seen or 1.0)
                if observed:
                    above = now - mean
                    quick += quick_share * (above - quick)
                    slow += slow_share * (above - slow)
                carried[place], carried[place + 2] = total, seen
                profile[here], profile[here + 1] = quick, slow
                self._count[here // 2], self._season_mean[here // 2] = often, mean
                place, old, here = place + FIELDS, old + wide * length, here + wide * length
        return back, whole

    def features(self, latest: Latest) -> Float32Array:
        """What the encoder reads (F,) of the latest row, see `View.features`; the array is used again."""
        spec, numbers, carried = self.spec, self._numbers, latest.carried
        self._relative(latest)
        i = len(self._paths)
        errors = carried[AVERAGE + JUDGED.start : TOP]
        numbers[i : i + ERRORS] = array("f", errors)
        skill = self._skill
        np.divide(skill, self._scale, out=skill)
        np.add(skill, LEAST, out=skill)
        np.log(skill, out=skill)
        if (total := sum(errors)) != total:
            np.copyto(skill, 0, where=np.isnan(skill))
        i += ERRORS
        scale, usual = max(carried[AVERAGE + SCALE], LEAST_SCALE * carried[PEAK]), carried[AVERAGE + SIZE]
        relative = scale if latest.unit == LOG or not usual > 0 else scale / usual
        often = self._n * self.cell(latest)
        facts = [
            math.log1p(carried[0]) / 5,
            *self._seasons_told,
            math.log(max(relative, 1e-6)) / 5,
            latest.unit,
            carried[GAP] == 0,
            math.log1p(carried[GAP]),
            carried[AVERAGE + ZEROS],
            self._count[often] > 0,
            self._n > 1 and self._count[often + 1] > 0,
        ]
        if spec.clock:
            day = self.day(latest.number)
            angles = [2 * math.pi * (day / cycle % 1) for cycle in spec.clock.cycles]
            facts += [*map(math.sin, angles), *map(math.cos, angles)]
        numbers[i:] = array("f", facts)
        return self._out

    def _relative(self, latest: Latest) -> None:
        """Write features in units of the row's scale; see `View._relative`."""
        numbers, level, scale = self._numbers, latest.level, latest.scale
        (short, long), recent = self.spec.seasons, self.spec.recent
        cell = self.cell(latest)
        first, end = cell - self._lookback, cell + 1
        self.flat["z"][first:end].take(self._places, out=self._lags, mode="clip")
        there = self.flat["mask"][first:end].take(self._far_places).tobytes()
        if 0 in there:
            for i, known in zip(self._far, there, strict=True):
                if not known:
                    numbers[i] = level
        if latest.rows <= recent:  # further back there is nothing yet, and elsewhere a recent lag holds the last level
            for i, lag in enumerate(self._lagged):
                if latest.rows <= lag <= recent:
                    numbers[i] = level
        i, average = len(self._lagged), latest.carried[AVERAGE:TOP]
        numbers[i], (numbers[i + 1], numbers[i + 2]) = average[MEAN], average[SMOOTH]
        self._level[()], self._scale[()] = level, scale
        np.subtract(self._levels, self._level, out=self._levels)
        np.divide(self._levels, self._scale, out=self._levels)
        shift = 0.0
        if long > 1 and latest.rows > long:
            shift = (self._season_mean[2 * cell] - self._season_mean[2 * (cell - long)]) / scale
        quick, slow = (slope * short / scale for slope in average[SLOPE])
        numbers[i + 3], numbers[i + 4], numbers[i + 5] = quick, slow, shift
        size = np.abs(self._paths, out=self._sizes)
        np.log1p(size, out=size)
        np.copysign(size, self._paths, out=self._paths)

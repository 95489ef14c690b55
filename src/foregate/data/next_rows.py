"""The next row of each of many series: what `foregate.data.statistics` carries on and `View.features` tells, in place.

`statistics.read` takes any number of rows of tracks in any units, and most of its time goes into arranging that. Here
the same formulas are written for one row of each series, without copies of what stays where it is. What is carried of
a series lies together in a state; it is turned round once, so that all series of a batch are reckoned with in one go.

Letters: B series, U units that they are kept in (plain ones, and logarithms while these are read), A averages, F
features, M memories of seasons.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foregate.data.input_spec import InputSpec
from foregate.data.inputs import LEAST_ERROR
from foregate.data.one_row import AVERAGE, COUNTS, FIELDS, GAP, LEVEL, PEAK, SUMS, TOP
from foregate.data.statistics import (
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

__all__ = ["NextRows", "span"]

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]

SIGN = np.uint32(1 << 31)
"""The bit of a float32 that says that it is negative."""
APART = 8
"""Numbers between two rows of a table: rows that lie a power of two apart share few places of a processor's cache."""


class NextRows:
    """Reads the next row of each of many series into the arrays of a state."""

    def __init__(self, spec: InputSpec, arrays: Mapping[str, NDArray[Any]]) -> None:
        """For the inputs of a model without covariates, and the arrays of a `foregate.forecasting.state.State`."""
        self.spec, self.source, self.arrays = spec, arrays["carried"], arrays
        self.carried = arrays["carried"].view(np.float64).reshape(-1, 2, FIELDS)
        self.flat = {name: arrays[name].reshape(-1) for name in ("mask", "z", "season_mean", "profile", "count")}
        self.length = arrays["z"].shape[-1]
        self.seasons = np.array([m for i, m in enumerate(spec.seasons) if m > 1 or i == 0])[:, None, None]
        rates = [*[1 / spec.window] * 4, *SMOOTHING, *(rate / np.sqrt(spec.seasons[0]) for rate in SLOPES)]
        self.keep = 1 - np.array([*rates, *[1 / spec.window] * ERRORS])[:, None]
        self.lags = np.array(spec.lags)[:, None]
        self.far = np.flatnonzero(self.lags[:, 0] > spec.recent)
        self._tables: dict[str, NDArray[Any]] = {}

    def turn(self, numbers: IntArray, values: FloatArray) -> Turn:
        """Look at the next rows of series (B,), each once, whose tapes have a column left.

        Args:
            numbers: of the series.
            values: (B,) in the units of the data, as float32 holds them; NaN where not observed.
        """
        return Turn(self, numbers, values)

    def table(self, what: str, dtype: type, *shape: int) -> NDArray[Any]:
        """Memory to reckon in, of any content, which is used again."""
        known, wide = self._tables.get(what), shape[-1] + APART
        if known is None or known.shape[-1] < wide:
            known = self._tables[what] = np.zeros((*shape[:-1], wide), dtype)
        return known[..., : shape[-1]]


class Turn:
    """The next row of each of B series. One at a time, since all use the same memory; see `NextRows.turn`."""

    def __init__(self, of: NextRows, numbers: IntArray, values: FloatArray) -> None:
        log = of.arrays["log"][numbers]
        first, alike = bool(log[0]), bool((log == log[0]).all())
        units = [LOG if first else LINEAR] if alike else [LINEAR, LOG]
        self._parts: list[Any] = [slice(None)] if alike else [np.flatnonzero(~log), np.flatnonzero(log)]
        self._groups = [
            _Rows(of, numbers[which], values[which], unit) for which, unit in zip(self._parts, units, strict=True)
        ]
        self._features = np.empty((len(numbers), of.spec.n_features), np.float32)
        self.fit = np.empty(len(numbers), np.bool_)
        """(B,) Those that can be read so. First observations take the longer way, and so do those after which a series
        is not clearly positive any more."""
        for which, group in zip(self._parts, self._groups, strict=True):
            self.fit[which] = group.fit()

    def read(self) -> Float32Array:
        """Read the rows, all of which fit, into the state.

        Returns:
            what the encoder reads of them (B, F).
        """
        for which, group in zip(self._parts, self._groups, strict=True):
            group.carry_on()
            self._features[which] = group.features().T
        return self._features


class _Rows:
    """A row of each of B series that are read in the same units."""

    def __init__(self, of: NextRows, numbers: IntArray, values: FloatArray, unit: int) -> None:
        self.of, self.unit, self.values = of, unit, values
        self.where = span(numbers)
        self.units, B = unit + 1, len(numbers)
        self.carried = of.table(f"carried {unit}", np.float64, self.units, FIELDS, B)
        np.copyto(self.carried, of.carried[self.where, : self.units].transpose(1, 2, 0))
        self.observed = ~np.isnan(values)
        column, rows = (of.arrays[name][self.where] + 1 for name in ("column", "rows"))
        self.rows = rows - of.arrays["late"][self.where]
        """Since the first observation."""
        self.cell = (2 * numbers + np.arange(self.units)[:, None]) * of.length + column
        """(U, B) of the row on all tapes."""
        self.count: Float32Array = np.zeros((len(of.seasons), B), np.float32)
        """(M, B) how often the phase of the row was seen."""

    def fit(self) -> BoolArray:
        """(B,) Whether there is an observation before, and what was clearly positive stays so; counts the new one."""
        seen, gap, _, total, absolute, least, most = counts = self.carried[0, :COUNTS]
        started: BoolArray = seen > 0
        self.rest = gap + 1
        """(B,) rows since the last observation before."""
        known = np.where(self.observed, self.values, 0)
        counts[0] += self.observed
        counts[1] = np.where(self.observed, 0, self.rest)
        total += known
        absolute += np.abs(known)
        np.fmin(least, self.values, out=least)
        np.fmax(most, self.values, out=most)
        if self.unit == LOG:
            started &= (least > 0) & (least >= POSITIVE_SHARE * (total / np.maximum(seen, 1)))
        return started

    def carry_on(self) -> None:
        """Write what is carried after the row, and the row on the tapes; see `foregate.data.statistics.read`."""
        of, carried, observed, flat = self.of, self.carried, self.observed, self.of.flat
        seen, _, first, _, absolute = carried[0, :5]
        z = np.empty(self.cell.shape)
        z[LINEAR] = self.values
        if self.unit == LOG:
            carried[LOG, :COUNTS] = carried[0, :COUNTS]
            np.log(np.maximum(self.values, POSITIVE_SHARE * (absolute / seen)) / first, out=z[LOG])
        new = of.table(f"new {self.unit}", np.float64, self.units, A, len(observed))
        level = carried[:, LEVEL]
        np.abs(z - level, out=new[:, SCALE])
        new[:, SCALE] /= np.sqrt(self.rest)
        new[:, SIZE], new[:, MEAN], new[:, ZEROS] = np.abs(self.values), z, self.values == 0
        new[:, SMOOTH] = z[:, None]
        np.copyto(level, z, where=observed)
        held = level.astype(np.float32)
        flat["z"][self.cell], flat["mask"][self.cell] = held, observed
        self._seasons(held.astype(np.float64), new)
        self._average(new)
        for name in ("column", "rows"):
            of.arrays[name][self.where] += 1
        of.carried[self.where, : self.units] = carried.transpose(2, 0, 1)

    def _average(self, new: FloatArray) -> None:
        """Move the averages on by what is new (U, A, B); see `foregate.data.statistics._averages`."""
        sums, counts = self.carried[:, TOP : TOP + A], self.carried[0, TOP + A : SUMS]  # which no units change
        sums *= self.of.keep
        counts *= self.of.keep
        new[:, :, ~self.observed] = np.nan
        lacking = np.isnan(new[0])
        there = ~lacking
        np.copyto(new, 0, where=lacking)
        sums += new
        counts += there
        if self.unit == LOG:
            self.carried[LOG, TOP + A : SUMS] = counts
        average, peak = self.carried[:, AVERAGE:TOP], self.carried[:, PEAK]
        np.divide(sums, counts, out=average, where=there)
        np.maximum(peak, average[:, SCALE], out=peak)

    def _seasons(self, held: FloatArray, new: FloatArray) -> None:
        """Write what a season ago says of the row to the averages' new (U, A, B), and read the row into the memories.

        See `foregate.data.statistics._seasonal_memory` and `_foretold`.
        """
        flat, (short, long), B = self.of.flat, self.of.spec.seasons, len(self.observed)
        ago = self.cell - self.of.seasons  # (M, U, B)
        was_seen = flat["mask"].take(ago[:, 0])[:, None]
        was = flat["z"].take(ago).astype(np.float64)
        back = np.where(was_seen, was, np.nan)
        change = held - back[0]
        new[:, SLOPE] = (change / short)[:, None]
        errors = new[:, JUDGED]
        np.abs(change, out=errors[:, 0])
        errors[:, 1] = np.abs(held - back[1]) if long > 1 else np.nan
        slopes = self.carried[:, AVERAGE + SLOPE.start : AVERAGE + SLOPE.stop]
        judged = errors[:, ERRORS - len(SLOPES) :]
        np.abs(change[:, None] - short * slopes, out=judged)
        np.copyto(judged, np.nan, where=self.rest > 1)
        if short == 1:
            errors[:, 2 : ERRORS - len(SLOPES)] = np.nan
            return
        n, which = len(back), np.arange(len(back))[:, None, None]
        often, old, here = n * ago[:, 0] + which[:, 0], 2 * (n * ago + which), n * self.cell + which
        memories = np.stack([flat["profile"].take(old), flat["profile"].take(old + 1)]).astype(np.float64)
        often = flat["count"].take(often)[:, None]
        total, number = (self.carried[:, SUMS + i : SUMS + i + n].swapaxes(0, 1) for i in (0, 2))
        rest = held - total / np.maximum(number, 1)
        np.copyto(rest, np.nan, where=often == 0)
        errors[:, 2:-2][:, 2 * n :] = np.nan
        foretold = np.abs(rest - memories)  # (2, M, U, B)
        errors[:, 2 : 2 + 2 * n] = foretold.transpose(2, 1, 0, 3).reshape(self.units, 2 * n, B)
        total += np.where(self.observed, held, 0) - np.where(was_seen, was, 0)
        number += self.observed.astype(np.float64) - was_seen
        mean = total / np.maximum(number, 1)
        often = often + self.observed.astype(np.float32)
        newest = np.array(NEWEST_SEASON_WEIGHTS)[:, None, None, None]
        weight = np.maximum(1 / np.maximum(often, 1), newest) * self.observed
        memories += weight * (held - mean - memories)
        flat["profile"][2 * here], flat["profile"][2 * here + 1] = memories
        flat["count"][here], flat["season_mean"][here] = often, mean
        self.count = often[:, 0]

    def features(self) -> Float32Array:
        """What the encoder reads (F, B) of the row, see `View.features`; the table is used again."""
        spec, carried = self.of.spec, self.carried[self.unit]
        average = carried[AVERAGE:TOP].astype(np.float32)
        spread = np.maximum(carried[AVERAGE + SCALE], LEAST_SCALE * carried[PEAK])
        self.level, self.scale = carried[LEVEL].astype(np.float32), spread.astype(np.float32)
        np.copyto(self.scale, 1, where=self.scale <= 0)
        out: Float32Array = self.of.table(f"features {self.unit}", np.float32, spec.n_features, len(self.level))
        i = self._relative(out, average)
        paths = out[:i]
        negative = paths.view(np.uint32) & SIGN
        np.abs(paths, out=paths)
        np.log1p(paths, out=paths)
        signed = paths.view(np.uint32)
        np.bitwise_or(signed, negative, out=signed)
        skill = out[i : i + ERRORS]
        np.divide(average[JUDGED], self.scale, out=skill)
        skill += np.float32(LEAST_ERROR)
        np.log(skill, out=skill)
        np.copyto(skill, 0, where=np.isnan(skill))
        i += ERRORS
        for fact in self._facts(average, spread):
            out[i] = fact
            i += 1
        if spec.clock:
            rows = self.of.arrays["rows"][self.where] - 1
            out[i:] = spec.clock.waves(spec.clock.after(self.of.arrays["first"][self.where], rows)).T
        return out

    def _relative(self, out: Float32Array, average: Float32Array) -> int:
        """Write features in units of the row's scale, see `View._relative`; and say how many they are."""
        of, flat, (short, long) = self.of, self.of.flat, self.of.spec.seasons
        cell, level, scale = self.cell[self.unit], self.level, self.scale
        places = cell - of.lags
        n, begun = len(places), int(self.rows.min()) > of.spec.lookback
        lagged = flat["z"].take(places, mode="clip")
        seen = flat["mask"].take(places[of.far], mode="clip")
        if not seen.all():
            lagged[of.far] = np.where(seen, lagged[of.far], level)
        if not begun:
            np.copyto(lagged, level, where=of.lags >= self.rows)
        out[:n], out[n], out[n + 1 : n + 1 + len(SMOOTHING)] = lagged, average[MEAN], average[SMOOTH]
        n += 1 + len(SMOOTHING)
        np.subtract(out[:n], level, out=out[:n])
        out[n : n + len(SLOPES)] = average[SLOPE] * np.float32(short)
        n += len(SLOPES)
        out[n] = 0
        if long > 1:
            here = len(self.count) * cell
            shift = flat["season_mean"].take(here) - flat["season_mean"].take(here - len(self.count) * long)
            out[n] = shift if begun else np.where(self.rows > long, shift, 0)
        n += 1
        np.divide(out[:n], scale, out=out[:n])
        return n

    def _facts(self, average: Float32Array, spread: FloatArray) -> Iterator[NDArray[Any] | float]:
        """See `View._facts`."""
        short, long = self.of.spec.seasons
        seen, gap = self.carried[self.unit, 0], self.carried[self.unit, GAP]
        size = self.carried[self.unit, AVERAGE + SIZE]
        relative = spread if self.unit == LOG else spread / np.where(size > 0, size, 1)
        yield np.log1p(seen.astype(np.float32)) / 5
        yield np.log(short) / 3
        yield np.log(long) / 3
        yield np.log(np.maximum(relative.astype(np.float32), 1e-6)) / 5
        yield self.unit
        yield self.observed
        yield np.log1p(gap.astype(np.float32))
        yield average[ZEROS]
        yield self.count[0] > 0
        yield self.count[1] > 0 if long > 1 else 0.0


def span(numbers: IntArray) -> IntArray | slice:
    """Numbers that follow one another as a slice, of which numpy copies nothing."""
    first, last = int(numbers[0]), int(numbers[-1])
    if last - first == len(numbers) - 1 and bool((np.diff(numbers) == 1).all()):
        return slice(first, last + 1)
    return numbers

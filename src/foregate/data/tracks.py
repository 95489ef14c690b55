"""Causal statistics of every series, in the units that the network reads: the part of its inputs that is carried.

A *track* is one series in one kind of units, logarithms or plain values. A series is read in logarithms for as long as
everything seen of it is clearly positive, and in plain values from then on; which of the two is decided at every row
from what was seen up to it, so the choice never looks ahead. A series that stays positive has one track, one that
starts at zero has one, and one that changes over has both.

Logarithms are those of values relative to the first one observed: they are the same in all units of the data, and
float32 holds them as finely as the values themselves.

Every statistic at a row uses that row and earlier rows of the same series only, and can be carried forward one row at a
time in constant memory: exponential averages, the last observed value, and one season of phases.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foregate.core import Panel

__all__ = ["ERRORS", "LINEAR", "LOG", "SLOPES", "SMOOTHING", "Tracks", "make_tracks"]

LINEAR, LOG = 0, 1
FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

POSITIVE_SHARE = 0.01
"""A series counts as clearly positive while its smallest value is at least this share of its mean so far."""
SMOOTHING = (0.1, 0.3)
"""Rates of the exponential averages of the level."""
SLOPES = (0.1, 0.4)
"""Rates of the exponential averages of the change per row; over the square root of the season where there is one."""
NEWEST_SEASON_WEIGHTS = (0.25, 0.08)
"""The newest season weighs at least this much in the quick and in the slow seasonal memory."""
ERRORS = 8
"""Ways to foretell a row whose errors are kept, see `Tracks.errors`."""
LEAST_SCALE = 0.02
"""The scale never falls below this share of its highest value so far, since flat stretches would make it nothing."""
CELLS_PER_CHUNK = 2_000_000
BLOCK = 128


@dataclass(frozen=True)
class Tracks:
    """Flat float32 arrays over M track rows, and where each of N panel rows is found in them."""

    row: IntArray
    """(N,) the track row that panel row n is read at."""
    begin: IntArray
    """(N,) the first row of that track."""
    end: IntArray
    """(N,) one past the last row of that track."""
    unit: NDArray[np.int8]
    """(N,) LOG or LINEAR: the units of that track."""
    mask: BoolArray
    """(M,) where observed."""
    anchor: Float32Array
    """(M,) what logarithms are relative to: the first observed value, in the units of the data; 1 before it, and in
    plain units."""
    z: Float32Array
    """(M,) values in the track's units; the level where not observed."""
    level: Float32Array
    """(M,) last observed z."""
    scale: Float32Array
    """(M,) average absolute change of z from one observation to the next; 0 while nothing has changed."""
    relative: Float32Array
    """(M,) the scale as a share of the typical size of the values."""
    mean: Float32Array
    """(M,) average of z."""
    smooth: Float32Array
    """(M, 2) exponential averages of z at the rates SMOOTHING."""
    slope: Float32Array
    """(M, 2) exponential averages of the change per row, over a short season if there is one, at the rates SLOPES."""
    errors: Float32Array
    """(M, 8) average absolute errors, one row ahead, of what a forecast can be made of: the value a short and a long
    season ago, the quick and slow memories of both, and the value a short season ago moved by either slope; not a
    number while there is none."""
    age: Float32Array
    """(M,) rows observed so far."""
    gap: Float32Array
    """(M,) rows since the last observed one; 0 where observed."""
    zeros: Float32Array
    """(M,) share of exact zeros among the values."""
    least: Float32Array
    """(M,) least value so far, in the units of the data."""
    profile: Float32Array
    """(M, 4) per season, quick then slow: what stands above its mean at this row's phase, as remembered after it."""
    season_mean: Float32Array
    """(M, 2) per season: mean of z over the last season."""
    count: Float32Array
    """(M, 2) per season: how often this row's phase was observed."""


def make_tracks(panel: Panel, seasons: tuple[int, int], window: int) -> Tracks:
    """Compute all tracks of a regular panel.

    Args:
        panel: regular, so that rows are evenly spaced.
        seasons: short and long season length in rows, 1 for none.
        window: how many rows back the averages of scale and mean reach, as the inverse of their rate.
    """
    lengths, offsets = panel.lengths, panel.offsets
    unit = np.zeros(len(panel.values), np.int8)
    for rows, valid in _padded(offsets[:-1], lengths):
        unit[rows[valid]] = _positive_so_far(panel.values[rows].astype(np.float64), valid & panel.mask[rows])[valid]
    series, units, begins = _layout(unit, panel)
    spans = lengths[series]
    total = int(spans.sum())
    names = ("anchor", "z", "level", "scale", "relative", "mean", "age", "gap", "zeros", "least")
    arrays = {name: np.zeros(total, np.float32) for name in names}
    arrays |= {name: np.zeros((total, 2), np.float32) for name in ("smooth", "slope", "season_mean", "count")}
    arrays |= {"profile": np.zeros((total, 4), np.float32), "errors": np.zeros((total, ERRORS), np.float32)}
    mask = np.zeros(total, np.bool_)
    for chosen in _groups(spans):
        rows, valid = _grid(begins[chosen], spans[chosen])
        source = np.where(valid, rows - begins[chosen][:, None] + offsets[series[chosen]][:, None], 0)
        seen = valid & panel.mask[source]
        values = np.where(seen, panel.values[source].astype(np.float64), 0)
        statistics = _statistics(values, seen, units[chosen] == LOG, seasons, window)
        mask[rows[valid]] = seen[valid]
        for name, statistic in statistics.items():
            arrays[name][rows[valid]] = statistic[valid]
    owner = np.zeros((len(panel), 2), np.int64)
    owner[series, units] = begins
    first = owner[panel.row_series, unit]
    position = np.arange(len(unit)) - np.repeat(offsets[:-1], lengths)
    return Tracks(
        row=first + position, begin=first, end=first + np.repeat(lengths, lengths), unit=unit, mask=mask, **arrays
    )


def _layout(unit: NDArray[np.int8], panel: Panel) -> tuple[IntArray, IntArray, IntArray]:
    """Which tracks there are: series, units and first row of each."""
    filled = np.flatnonzero(panel.lengths)
    log = filled[unit[panel.offsets[filled]] == LOG]
    linear = filled[unit[panel.offsets[filled + 1] - 1] == LINEAR]
    series = np.concatenate([log, linear])
    units = np.repeat(np.array([LOG, LINEAR]), [len(log), len(linear)])
    begins = np.concatenate([[0], np.cumsum(panel.lengths[series])[:-1]]) if len(series) else np.zeros(0)
    return series, units, begins.astype(np.int64)


def _groups(lengths: IntArray) -> Iterator[IntArray]:
    """Numbers of series of similar length, so that padding them to one length wastes little."""
    order = np.argsort(lengths, kind="stable")
    begin = 0
    while begin < len(order):
        end = begin + 1
        shortest = lengths[order[begin]]
        while (
            end < len(order)
            and lengths[order[end]] <= 1.25 * shortest + 16
            and (end + 1 - begin) * lengths[order[end]] <= CELLS_PER_CHUNK
        ):
            end += 1
        yield order[begin:end]
        begin = end


def _grid(begins: IntArray, lengths: IntArray) -> tuple[IntArray, BoolArray]:
    """Row numbers (B, T) of series padded on the right to a common length, and which of them exist."""
    position = np.arange(int(lengths.max(initial=0)))
    valid = position < lengths[:, None]
    return np.where(valid, begins[:, None] + position, 0), valid


def _padded(begins: IntArray, lengths: IntArray) -> Iterator[tuple[IntArray, BoolArray]]:
    for chosen in _groups(lengths):
        if lengths[chosen].any():
            yield _grid(begins[chosen], lengths[chosen])


def _positive_so_far(values: FloatArray, mask: BoolArray) -> BoolArray:
    """(B, T) whether everything seen up to each column is clearly positive."""
    seen = np.cumsum(mask, 1)
    mean = np.cumsum(np.where(mask, values, 0), 1) / np.maximum(seen, 1)
    least = np.minimum.accumulate(np.where(mask, values, np.inf), 1)
    fine = (least > 0) & (least >= POSITIVE_SHARE * mean)
    return np.logical_and.accumulate(fine | (seen == 0), 1)


def _statistics(
    values: FloatArray, mask: BoolArray, log: BoolArray, seasons: tuple[int, int], window: int
) -> dict[str, FloatArray]:
    """The arrays of `Tracks` for a batch of tracks: values and mask (B, T), log (B,)."""
    first = np.take_along_axis(values, mask.argmax(1)[:, None], 1)
    seen = np.cumsum(mask, 1)
    anchor = np.where(log[:, None] & (first > 0) & (seen > 0), first, 1)
    z = np.where(log[:, None], _logarithm(values / anchor, mask), values)
    column = np.arange(z.shape[1])
    last = np.maximum.accumulate(np.where(mask, column, -1), 1)
    level = np.where(last >= 0, np.take_along_axis(z, np.maximum(last, 0), 1), 0)
    before = np.roll(last, 1, 1)
    before[:, :1] = -1
    changed = mask & (before >= 0)
    change = np.abs(z - np.take_along_axis(z, np.maximum(before, 0), 1)) / np.sqrt(np.maximum(column - before, 1))
    rate = 1 / window
    scale = _decayed_mean(np.where(changed, change, 0), changed, rate)
    scale = np.maximum(scale, LEAST_SCALE * np.maximum.accumulate(scale, 1))
    size = _decayed_mean(np.where(mask, np.abs(values), 0), mask, rate)
    z = np.where(mask, z, level)
    remembered = [_seasonal_memory(z, mask, m) for m in seasons]
    slope = _slopes(z, mask, seasons[0])
    return {
        "anchor": anchor,
        "z": z,
        "level": level,
        "scale": scale,
        "relative": np.where(log[:, None], scale, scale / np.where(size > 0, size, 1)),
        "mean": _decayed_mean(z, mask, rate),
        "smooth": np.stack([_decayed_mean(z, mask, rate) for rate in SMOOTHING], -1),
        "slope": slope,
        "errors": _errors(z, mask, seasons, slope, [memory.expected for memory in remembered], rate),
        "age": seen.astype(np.float64),
        "gap": (column - last).astype(np.float64),
        "zeros": _decayed_mean((mask & (values == 0)).astype(np.float64), mask, rate),
        "least": np.minimum.accumulate(np.where(mask, values, np.inf), 1),
        "season_mean": np.stack([memory.mean for memory in remembered], -1),
        "profile": np.concatenate([memory.profile for memory in remembered], -1),
        "count": np.stack([memory.count for memory in remembered], -1),
    }


def _logarithm(values: FloatArray, mask: BoolArray) -> FloatArray:
    """Logarithms of values (B, T) that are clearly positive so far; 0 where not observed.

    Values after that are only ever outcomes of earlier rows: they count as no less than what is clearly positive, since
    zero has no logarithm, and any fixed number in its place would mean something else in other units.
    """
    size = np.cumsum(np.where(mask, np.abs(values), 0), 1) / np.maximum(np.cumsum(mask, 1), 1)
    floored = np.maximum(values, POSITIVE_SHARE * size)
    return np.log(np.where(mask & (floored > 0), floored, 1))


def _decayed_mean(x: FloatArray, mask: BoolArray, rate: float) -> FloatArray:
    """Exponential average of the observed x (B, T), unbiased from the first value on; 0 before it.

    num_t = (1 - rate) num_{t-1} + x_t,  den_t = (1 - rate) den_{t-1} + 1,  mean_t = num_t / den_t  (where observed),
    and mean_{t-1} where not, however long that lasts. Computed a block of steps at a time by doubling (Hillis and
    Steele 1986): unlike a matrix product it gives every row the same bits, whatever rows stand beside it.
    """
    keep = 1 - rate
    carry = keep ** (np.arange(BLOCK) + 1)
    sums = np.stack([np.where(mask, x, 0), mask])
    state = np.zeros((2, len(x), 1))
    for begin in range(0, x.shape[1], BLOCK):
        block = sums[..., begin : begin + BLOCK]
        width, reach = block.shape[-1], 1
        while reach < width:
            block = np.concatenate([block[..., :reach], block[..., reach:] + keep**reach * block[..., :-reach]], -1)
            reach *= 2
        block = block + state * carry[:width]
        sums[..., begin : begin + width], state = block, block[..., -1:]
    last = np.maximum.accumulate(np.where(mask, np.arange(x.shape[1]), -1), 1)
    mean = sums[0] / np.where(mask, sums[1], 1)
    return np.where(last >= 0, np.take_along_axis(mean, np.maximum(last, 0), 1), 0)


def _slopes(z: FloatArray, mask: BoolArray, m: int) -> FloatArray:
    """(B, T, 2) averages of (z_t - z_{t-m}) / m over the rows where both were observed."""
    change, both = np.zeros_like(z), np.zeros_like(mask)
    change[:, m:], both[:, m:] = (z[:, m:] - z[:, :-m]) / m, mask[:, m:] & mask[:, :-m]
    return np.stack([_decayed_mean(np.where(both, change, 0), both, rate / np.sqrt(m)) for rate in SLOPES], -1)


def _errors(
    z: FloatArray,
    mask: BoolArray,
    seasons: tuple[int, int],
    slope: FloatArray,
    expected: list[FloatArray],
    rate: float,
) -> FloatArray:
    """(B, T, 8) how well each row was foretold by what was known a row before; see `Tracks.errors`."""
    short, long = (_before(z, mask, m) if m > 1 or i == 0 else np.full_like(z, np.nan) for i, m in enumerate(seasons))
    moved = (short + seasons[0] * _before(slope[..., j], mask, 1) for j in range(len(SLOPES)))
    foretold = np.stack([short, long, *np.moveaxis(np.concatenate(expected, -1), -1, 0), *moved])
    error = np.abs(z - foretold)
    there = mask & np.isfinite(error)
    rows = error.shape[0] * error.shape[1], error.shape[2]
    mean = _decayed_mean(np.where(there, error, 0).reshape(rows), there.reshape(rows), rate).reshape(error.shape)
    mean[~np.logical_or.accumulate(there, -1)] = np.nan
    return np.moveaxis(mean, 0, -1)


def _before(x: FloatArray, mask: BoolArray, m: int) -> FloatArray:
    """What x (B, T) was m rows before; not a number where that was not observed."""
    before = np.full_like(x, np.nan)
    before[:, m:] = np.where(mask[:, :-m], x[:, :-m], np.nan)
    return before


@dataclass(frozen=True)
class _Memory:
    """What is kept of one season."""

    mean: FloatArray
    """(B, T) mean of the last season."""
    profile: FloatArray
    """(B, T, 2) what is remembered of the row's phase above that, quick and slow."""
    count: FloatArray
    """(B, T) how often the phase was seen."""
    expected: FloatArray
    """(B, T, 2) what was expected of the row a row before; not a number where its phase had not been seen."""


def _seasonal_memory(z: FloatArray, mask: BoolArray, m: int) -> _Memory:
    """Per phase of a season of m rows: exponential averages of what stood above the last season's mean.

    It is what exponential smoothing keeps of a season (Holt 1957, Winters 1960), with the weight 1/n for the first n
    seasons.
    """
    B, T = z.shape
    profile, count, expected = np.zeros((B, T, 2)), np.zeros((B, T)), np.full((B, T, 2), np.nan)
    if m <= 1:
        return _Memory(np.zeros((B, T)), profile, count, expected)
    total, seen = np.cumsum(np.where(mask, z, 0), 1), np.cumsum(mask, 1).astype(np.float64)
    if m < T:
        total = np.concatenate([total[:, :m], total[:, m:] - total[:, :-m]], 1)
        seen = np.concatenate([seen[:, :m], seen[:, m:] - seen[:, :-m]], 1)
    mean = total / np.maximum(seen, 1)
    above = (z - mean)[..., None]
    old, often = np.zeros((B, m, 2)), np.zeros((B, m))
    for begin in range(0, T, m):
        now = slice(begin, min(begin + m, T))
        width = now.stop - begin
        expected[:, now] = np.where(often[:, :width, None] > 0, old[:, :width], np.nan)
        often = often[:, :width] + mask[:, now]
        weight = np.maximum(1 / np.maximum(often, 1)[..., None], NEWEST_SEASON_WEIGHTS) * mask[:, now, None]
        old = old[:, :width] + weight * (above[:, now] - old[:, :width])
        profile[:, now], count[:, now] = old, often
    expected[:, 1:] += mean[:, :-1, None]
    return _Memory(mean, profile, count, expected)

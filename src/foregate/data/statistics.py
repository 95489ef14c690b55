"""Causal statistics of series in one kind of units, carried from row to row: a whole history or one observation alike.

`read` goes on from what was carried so far and reads any number of rows, so a batch over whole histories and a live
forecaster that gets one row at a time are one computation. Letters: B tracks, T rows, A averages.

Averages that are kept: of the absolute change, the absolute value, the value, its being zero; of the value at the
rates SMOOTHING; of the change per row at the rates SLOPES; of the absolute errors of what a row can be foretold by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["CARRIED", "Latest", "NoRows", "carried_on", "nothing_carried", "positive_so_far", "read", "told"]

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
BoolArray = NDArray[np.bool_]
Carried = NDArray[np.void]
"""(B,) of CARRIED."""

POSITIVE_SHARE = 0.01
"""A series counts as clearly positive while its smallest value is at least this share of its mean so far."""
SMOOTHING = (0.1, 0.3)
"""Rates of the exponential averages of the level."""
SLOPES = (0.1, 0.4)
"""Rates of the exponential averages of the change per row; over the square root of the season where there is one."""
NEWEST_SEASON_WEIGHTS = (0.25, 0.08)
"""The newest season weighs at least this much in the quick and in the slow seasonal memory."""
LEAST_SCALE = 0.02
"""The scale never falls below this share of its highest value so far, since flat stretches would make it nothing."""
ERRORS = 6 + len(SLOPES)
"""Ways to foretell a row whose errors are kept, see `Tracks.errors`."""
SCALE, SIZE, MEAN, ZEROS = range(4)
SMOOTH = slice(4, 4 + len(SMOOTHING))
SLOPE = slice(SMOOTH.stop, SMOOTH.stop + len(SLOPES))
JUDGED = slice(SLOPE.stop, SLOPE.stop + ERRORS)
LEVELS = slice(0, SLOPE.stop)
A = JUDGED.stop

CARRIED = np.dtype(
    [
        ("seen", "f8"),  # rows observed so far
        ("gap", "f8"),  # rows since the last observed one; while there is none, rows so far
        ("first", "f8"),  # first observed value, in the units of the data; 0 before it
        ("total", "f8"),  # sum of the values, in the units of the data
        ("absolute", "f8"),  # sum of their absolute values
        ("least", "f8"),  # least of them; infinity before there is one
        ("most", "f8"),  # greatest of them; minus infinity before there is one
        ("level", "f8"),  # last observed z
        ("peak", "f8"),  # highest average of the absolute change
        ("average", "f8", (A,)),  # the averages
        ("top", "f8", (A,)),  # their decayed sums
        ("bottom", "f8", (A,)),  # and the decayed counts of what was summed
        ("season_total", "f8", (2,)),  # per season: sum of the last season's z
        ("season_seen", "f8", (2,)),  # and how many they were
    ]
)
"""All that a track carries besides its latest rows."""


class Latest(Protocol):
    """The latest rows of the tracks that are read on."""

    def __call__(self, season: int, width: int) -> tuple[Float32Array, BoolArray, Float32Array, Float32Array]:
        """z (B, width), mask (B, width), profile (B, width, 2) and count (B, width) of `width` rows, from the one that
        lies a season before the next row; all zero where there was no row yet."""


class NoRows:
    """The latest rows of B tracks that have none."""

    def __init__(self, tracks: int) -> None:
        self.tracks = tracks

    def __call__(self, season: int, width: int) -> tuple[Float32Array, BoolArray, Float32Array, Float32Array]:
        """See `Latest`."""
        shape = (self.tracks, width)
        z, profile, count = (np.zeros(size, np.float32) for size in (shape, (*shape, 2), shape))
        return z, np.zeros(shape, np.bool_), profile, count


def nothing_carried(tracks: int) -> Carried:
    """What is carried before the first row."""
    carried = np.zeros(tracks, CARRIED)
    carried["least"], carried["most"] = np.inf, -np.inf
    carried["average"][:, JUDGED] = np.nan
    return carried


def positive_so_far(values: FloatArray, mask: BoolArray, before: Carried) -> BoolArray:
    """(B, T) whether everything seen up to each column, and before, is clearly positive.

    What was not clearly positive at a row before is for the caller to remember.
    """
    seen = before["seen"][:, None] + np.cumsum(mask, 1)
    mean = _added_up(np.where(mask, values, 0), before["total"]) / np.maximum(seen, 1)
    least = _least(values, mask, before["least"])
    fine = (least > 0) & (least >= POSITIVE_SHARE * mean)
    so_far: BoolArray = np.logical_and.accumulate(fine | (seen == 0), 1)
    return so_far


def read(
    values: FloatArray,
    mask: BoolArray,
    log: BoolArray,
    seasons: tuple[int, int],
    window: int,
    before: Carried,
    latest: Latest,
) -> tuple[dict[str, NDArray[Any]], Carried]:
    """Read T rows of B tracks.

    Args:
        values: (B, T) in the units of the data; 0 where not observed.
        mask: (B, T) where observed.
        log: (B,) whether a track is in logarithms.
        seasons: short and long season length in rows, 1 for none.
        window: how many rows back the averages of scale and mean reach, as the inverse of their rate.
        before: (B,) what is carried so far.
        latest: gives the rows before.

    Returns:
        the arrays of `Tracks`, each (B, T, …), and what is carried on (B,).
    """
    running, kept = carried_on(values, mask, log, seasons, window, before, latest)
    after = np.empty(len(values), CARRIED)
    for name in CARRIED.names or ():
        after[name] = running[name][:, -1]
    return told(running, log[:, None]) | kept, after


def carried_on(
    values: FloatArray,
    mask: BoolArray,
    log: BoolArray,
    seasons: tuple[int, int],
    window: int,
    before: Carried,
    latest: Latest,
) -> tuple[dict[str, FloatArray], dict[str, NDArray[Any]]]:
    """What `read` carries on, by the names of CARRIED, after every row (B, T, …); and what is kept of the rows.

    Of a single row this can be written into a graph (`foregate.persistence.tracing`): nothing here depends on numbers
    but by `np.where`.
    """
    running = _counted(values, mask, before)
    z = _in_units(values, mask, log, running)
    running["level"], running["gap"], change = _changes(z, mask, running["seen"], before)
    held = np.where(mask, z, running["level"]).astype(np.float32)  # seasons back are read from what is kept of them
    back = [_back(held, mask, i, m, latest) for i, m in enumerate(seasons)]
    memories = [_seasonal_memory(held, mask, i, m, before, latest) for i, m in enumerate(seasons)]
    slow = 1 / window
    x = [change, np.abs(values), z, values == 0, *[z] * len(SMOOTHING), *[(held - back[0]) / seasons[0]] * len(SLOPES)]
    rates = [*[slow] * 4, *SMOOTHING, *(rate / np.sqrt(seasons[0]) for rate in SLOPES)]
    levels = _averages(np.where(mask, x, np.nan), rates, before, LEVELS)
    errors = np.abs(held - _foretold(back, memories, levels[0][..., SLOPE], seasons[0], mask, before))
    judged = _averages(np.where(mask, errors, np.nan), [slow] * len(errors), before, JUDGED)
    for name, *parts in zip(("average", "top", "bottom"), levels, judged, strict=True):
        running[name] = np.concatenate(parts, -1)
    running["peak"] = np.maximum(before["peak"][:, None], np.maximum.accumulate(running["average"][..., SCALE], 1))
    running["season_total"] = np.stack([memory.total for memory in memories], -1)
    running["season_seen"] = np.stack([memory.seen for memory in memories], -1)
    return running, {
        "z": held,
        "season_mean": np.stack([memory.mean for memory in memories], -1),
        "profile": np.concatenate([memory.profile for memory in memories], -1),
        "count": np.stack([memory.count for memory in memories], -1),
    }


def told(running: Mapping[str, FloatArray] | Carried, log: BoolArray) -> dict[str, FloatArray]:
    """What the network is told of a row, from what is carried on after it; `log` says which are in logarithms."""
    average, first, seen = running["average"], running["first"], running["seen"]
    scale = np.maximum(average[..., SCALE], LEAST_SCALE * running["peak"])
    size = average[..., SIZE]
    return {
        "anchor": np.where(log & (first > 0) & (seen > 0), first, 1),
        "level": running["level"],
        "scale": scale,
        "relative": np.where(log, scale, scale / np.where(size > 0, size, 1)),
        "mean": average[..., MEAN],
        "smooth": average[..., SMOOTH],
        "slope": average[..., SLOPE],
        "age": seen,
        "gap": running["gap"],
        "zeros": average[..., ZEROS],
        "least": running["least"],
        "most": running["most"],
        "errors": average[..., JUDGED],
    }


def _counted(values: FloatArray, mask: BoolArray, before: Carried) -> dict[str, FloatArray]:
    """Sums, counts and the like over all that was seen, each (B, T)."""
    newest = np.take_along_axis(values, mask.argmax(1)[:, None], 1)
    first = np.where(before["seen"][:, None] > 0, before["first"][:, None], newest)
    return {
        "seen": before["seen"][:, None] + np.cumsum(mask, 1),
        "first": np.broadcast_to(first, values.shape),
        "total": _added_up(np.where(mask, values, 0), before["total"]),
        "absolute": _added_up(np.where(mask, np.abs(values), 0), before["absolute"]),
        "least": _least(values, mask, before["least"]),
        "most": -_least(-values, mask, -before["most"]),
    }


def _added_up(x: FloatArray, before: FloatArray) -> FloatArray:
    """Sums (B, T) of all up to each column of x, which is changed, and of `before` (B,).

    One after the other from the first row of all on, so that the bits are the same wherever reading was taken up.
    """
    x[:, 0] += before
    return np.cumsum(x, 1)


def _least(values: FloatArray, mask: BoolArray, before: FloatArray) -> FloatArray:
    least = np.minimum.accumulate(np.where(mask, values, np.inf), 1)
    least_so_far: FloatArray = np.minimum(least, before[:, None])
    return least_so_far


def _in_units(values: FloatArray, mask: BoolArray, log: BoolArray, running: Mapping[str, FloatArray]) -> FloatArray:
    """Values (B, T), in logarithms relative to the first one where these are the units; 0 where not observed.

    Values that are not clearly positive are in logarithms only ever outcomes of earlier rows: they count as no less
    than what is clearly positive, since zero has no logarithm, and any fixed number in its place would mean something
    else in other units.
    """
    if not log.any():
        return values
    size = running["absolute"] / np.maximum(running["seen"], 1)
    floored = np.maximum(values, POSITIVE_SHARE * size)
    anchor = np.where(running["first"] > 0, running["first"], 1)
    return np.where(log[:, None], np.log(np.where(mask & (floored > 0), floored / anchor, 1)), values)


def _changes(
    z: FloatArray, mask: BoolArray, seen: FloatArray, before: Carried
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Level, rows since the last observed one, and the absolute change since that one over the root of that many rows
    (not a number where there is none); each (B, T)."""
    column = np.arange(z.shape[1])
    start = -1 - before["gap"].astype(np.int64)[:, None]  # the column of the row that was observed last
    last = np.maximum.accumulate(np.where(mask, column, start), 1)
    level = np.where(last >= 0, np.take_along_axis(z, np.maximum(last, 0), 1), before["level"][:, None])
    change = np.abs(z - _shifted(before["level"], level)) / np.sqrt(column - _shifted(start[:, 0], last))
    return level, (column - last).astype(np.float64), np.where(mask & (seen > 1), change, np.nan)


def _shifted(first: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
    """x (B, T, …) of the row before, which for the first row is `first` (B, …)."""
    return np.concatenate([first[:, None], x[:, :-1]], 1)


def _earlier(old: NDArray[Any], x: NDArray[Any], m: int) -> NDArray[Any]:
    """x (B, T, …) of m rows before, where `old` (B, min(m, T), …) are those that lie before the first row."""
    T = x.shape[1]
    return np.concatenate([old, x[:, : T - m]], 1) if m < T else old


def _back(held: Float32Array, mask: BoolArray, which: int, m: int, latest: Latest) -> FloatArray:
    """z (B, T) of a season before; not a number where it was not observed. Without a season, the row before."""
    if which and m == 1:
        return np.full(held.shape, np.nan)
    z, seen, _, _ = latest(which, min(m, held.shape[1]))
    return np.where(_earlier(seen, mask, m), _earlier(z, held, m), np.nan).astype(np.float64)


def _averages(
    x: FloatArray, rates: Sequence[float], before: Carried, which: slice
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Exponential averages of x (A, B, T) where it is a number, unbiased from the first one on.

    top_t = keep top_{t-1} + x_t,  bottom_t = keep bottom_{t-1} + 1,  average_t = top_t / bottom_t  (where observed),
    and average_{t-1} where not, however long that lasts. A row at a time for all tracks, so that every row has the same
    bits, whatever rows stand beside it and wherever reading was taken up.

    Returns:
        average, top and bottom, each (B, T, A), going on from those of `before` that `which` numbers.
    """
    if x.shape[-1] == 1:
        return _average(x[..., 0].T, rates, before, which)
    x = np.ascontiguousarray(np.moveaxis(x, -1, 0))  # (T, A, B)
    mask = ~np.isnan(x)
    sums = np.stack([np.where(mask, x, 0), mask], 1)
    row = np.stack([before["top"][:, which].T, before["bottom"][:, which].T])
    keep, kept = np.broadcast_to(1 - np.array(rates)[:, None], row.shape).copy(), np.empty_like(row)
    for now in sums:  # two calls a row, on whole arrays: of few tracks it is the calls that cost
        np.multiply(row, keep, out=kept)
        row = np.add(now, kept, out=now)
    top, bottom = sums[:, 0], sums[:, 1]
    average = top / np.where(mask, bottom, 1)
    lacking = np.flatnonzero(~mask.all((1, 2)))
    if len(lacking):
        some = slice(0, lacking[-1] + 1)  # behind the last row that lacks one there is nothing to keep
        last = np.maximum.accumulate(np.where(mask[some], np.arange(some.stop)[:, None, None], -1), 0)
        held = np.take_along_axis(average, np.maximum(last, 0), 0)
        average[some] = np.where(last >= 0, held, before["average"][:, which].T)
    return average.transpose(2, 0, 1), top.transpose(2, 0, 1), bottom.transpose(2, 0, 1)


def _average(
    x: FloatArray, rates: Sequence[float], before: Carried, which: slice
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """What `_averages` says of a single row x (B, A), to the bit."""
    mask, keep = ~np.isnan(x), 1 - np.array(rates)
    top = np.where(mask, x, 0) + keep * before["top"][:, which]
    bottom = mask + keep * before["bottom"][:, which]
    average = np.where(mask, top / np.where(mask, bottom, 1), before["average"][:, which])
    return average[:, None], top[:, None], bottom[:, None]


@dataclass(frozen=True)
class _Memory:
    """What is kept of one season."""

    total: FloatArray
    """(B, T) sum of the last season."""
    seen: FloatArray
    """(B, T) how many that were."""
    mean: FloatArray
    """(B, T) their mean."""
    profile: Float32Array
    """(B, T, 2) what is remembered of the row's phase above that, quick and slow."""
    count: Float32Array
    """(B, T) how often the phase was seen."""
    expected: FloatArray
    """(B, T, 2) what was expected of the row a row before; not a number where its phase had not been seen."""


def _seasonal_memory(
    held: Float32Array, mask: BoolArray, which: int, m: int, before: Carried, latest: Latest
) -> _Memory:
    """Per phase of a season of m rows: exponential averages of what stood above the last season's mean.

    It is what exponential smoothing keeps of a season (Holt 1957, Winters 1960), with the weight 1/n for the first n
    seasons.
    """
    B, T = held.shape
    profile, count = (np.zeros_like(held, np.float32, shape=shape) for shape in ((B, T, 2), (B, T)))
    expected = np.full_like(held, np.nan, np.float64, shape=(B, T, 2))
    if m <= 1:
        none = np.zeros((B, T))
        return _Memory(none, none, none, profile, count, expected)
    z, seen, old, often = latest(which, min(m, T))
    entering, arrived = np.where(mask, held, 0).astype(np.float64), mask.astype(np.float64)
    leaving, left = _earlier(np.where(seen, z, 0), entering, m), _earlier(seen, arrived, m)
    total = _added_up(entering - leaving, before["season_total"][:, which])
    number = _added_up(arrived - left, before["season_seen"][:, which])
    mean = total / np.maximum(number, 1)
    above = (held - mean)[..., None]
    for begin in range(0, T, m):
        now = slice(begin, min(begin + m, T))
        width = now.stop - begin
        expected[:, now] = np.where(often[:, :width, None] > 0, old[:, :width], np.nan)
        often = often[:, :width] + mask[:, now]
        weight = np.maximum(1 / np.maximum(often, 1)[..., None], NEWEST_SEASON_WEIGHTS) * mask[:, now, None]
        profile[:, now] = old[:, :width] + weight * (above[:, now] - old[:, :width])
        old, count[:, now] = profile[:, now], often
    mean_before = before["season_total"][:, which] / np.maximum(before["season_seen"][:, which], 1)
    expected += _shifted(mean_before, mean)[..., None]
    return _Memory(total, number, mean, profile, count, expected)


def _foretold(
    back: list[FloatArray], memories: list[_Memory], slope: FloatArray, m: int, mask: BoolArray, before: Carried
) -> FloatArray:
    """(8, B, T) what each row could be foretold by a row before, see `Tracks.errors`; not a number where it was not."""
    observed = _shifted((before["gap"] == 0) & (before["seen"] > 0), mask)[..., None]
    slope = np.where(observed, _shifted(before["average"][:, SLOPE], slope), np.nan)
    expected = np.concatenate([memory.expected for memory in memories], -1)
    moved = back[0][..., None] + m * slope
    return np.stack([*back, *np.moveaxis(expected, -1, 0), *np.moveaxis(moved, -1, 0)])

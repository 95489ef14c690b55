"""Causal statistics of every series, in the units that the network reads: the part of its inputs that is carried.

A *track* is one series in one kind of units, logarithms or plain values. A series is read in logarithms for as long as
everything seen of it is clearly positive, and in plain values from then on; which of the two is decided at every row
from what was seen up to it, so the choice never looks ahead. A series that stays positive has one track, one that
starts at zero has one, and one that changes over has both.

Logarithms are those of values relative to the first one observed: they are the same in all units of the data, and
float32 holds them as finely as the values themselves.

Every statistic at a row uses that row and earlier rows of the same series only, and is carried forward in constant
memory (`foregate.data.statistics`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foregate.core import Panel
from foregate.data.statistics import ERRORS, NoRows, nothing_carried, positive_so_far, read

__all__ = ["LINEAR", "LOG", "Tracks", "make_tracks", "padded"]

LINEAR, LOG = 0, 1
Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

CELLS_PER_CHUNK = 50_000


@dataclass(frozen=True)
class Tracks:
    """Flat float32 arrays over M track rows, and where each of N panel rows is found in them."""

    row: IntArray
    """(N,) the track row that panel row n is read at."""
    here: IntArray
    """(N,) where what is known at panel row n stands in the arrays that nobody looks back on (all but mask, z, profile,
    season_mean and count): there too, where all rows are kept."""
    begin: IntArray
    """(N,) the first observed row of that track; what lies before it is not there."""
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
    """(M,) least value so far, in the units of the data; infinity before there is one."""
    most: Float32Array
    """(M,) greatest value so far, in the units of the data; minus infinity before there is one."""
    profile: Float32Array
    """(M, 4) per season, quick then slow: what stands above its mean at this row's phase, as remembered after it."""
    season_mean: Float32Array
    """(M, 2) per season: mean of z over the last season."""
    count: Float32Array
    """(M, 2) per season: how often this row's phase was observed."""


def make_tracks(panel: Panel, seasons: tuple[int, int], window: int, *, plain: bool = False) -> Tracks:
    """Compute all tracks of a regular panel.

    Args:
        panel: regular, so that rows are evenly spaced.
        seasons: short and long season length in rows, 1 for none.
        window: how many rows back the averages of scale and mean reach, as the inverse of their rate.
        plain: no series is read in logarithms.
    """
    lengths, offsets = panel.lengths, panel.offsets
    unit = np.zeros(len(panel.values), np.int8)
    for rows, valid in () if plain else padded(offsets[:-1], lengths):
        seen = valid & panel.mask[rows]
        values = np.where(seen, panel.values[rows].astype(np.float64), 0)
        unit[rows[valid]] = positive_so_far(values, seen, nothing_carried(len(rows)))[valid]
    series, units, begins = _layout(unit, panel)
    spans = lengths[series]
    total = int(spans.sum())
    names = ("anchor", "z", "level", "scale", "relative", "mean", "age", "gap", "zeros", "least", "most")
    arrays = {name: np.zeros(total, np.float32) for name in names}
    arrays |= {name: np.zeros((total, 2), np.float32) for name in ("smooth", "slope", "season_mean", "count")}
    arrays |= {"profile": np.zeros((total, 4), np.float32), "errors": np.zeros((total, ERRORS), np.float32)}
    mask = np.zeros(total, np.bool_)
    for chosen in _groups(spans):
        rows, valid = _grid(begins[chosen], spans[chosen])
        source = np.where(valid, rows - begins[chosen][:, None] + offsets[series[chosen]][:, None], 0)
        seen = valid & panel.mask[source]
        values = np.where(seen, panel.values[source].astype(np.float64), 0)
        nothing, no_rows = nothing_carried(len(chosen)), NoRows(len(chosen))
        statistics, _ = read(values, seen, units[chosen] == LOG, seasons, window, nothing, no_rows)
        mask[rows[valid]] = seen[valid]
        for name, statistic in statistics.items():
            arrays[name][rows[valid]] = statistic[valid]
    owner = np.zeros((len(panel), 2), np.int64)
    owner[series, units] = begins
    first = owner[panel.row_series, unit]
    position = np.arange(len(unit)) - np.repeat(offsets[:-1], lengths)
    end = first + np.repeat(lengths, lengths)
    return Tracks(
        row=first + position,
        here=first + position,
        begin=np.minimum(first + panel.first_observed[panel.row_series], end - 1),
        end=end,
        unit=unit,
        mask=mask,
        **arrays,
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


def padded(begins: IntArray, lengths: IntArray) -> Iterator[tuple[IntArray, BoolArray]]:
    """Row numbers (B, T) of series of similar length, a chunk at a time, and which of them exist.

    Examples:
        >>> [(rows.tolist(), valid.tolist()) for rows, valid in padded(np.array([0, 3]), np.array([3, 2]))]
        [([[3, 4, 0], [0, 1, 2]], [[True, True, False], [True, True, True]])]
    """
    for chosen in _groups(lengths):
        if lengths[chosen].any():
            yield _grid(begins[chosen], lengths[chosen])

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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foregate.core import Panel
from foregate.data.past import Past, read_in_parts
from foregate.data.statistics import ERRORS, nothing_carried, positive_so_far

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


def make_tracks(
    panel: Panel, seasons: tuple[int, int], window: int, *, plain: bool = False, past: Past | None = None
) -> Tracks:
    """Compute all tracks of a regular panel.

    Args:
        panel: regular, so that rows are evenly spaced.
        seasons: short and long season length in rows, 1 for none.
        window: how many rows back the averages of scale and mean reach, as the inverse of their rate.
        plain: no series is read in logarithms.
        past: what came before the first rows, where they are not the beginnings of their series.
    """
    lengths, offsets = panel.lengths, panel.offsets
    unit = np.zeros(len(panel.values), np.int8) if plain else _units(panel, past)
    series, units = _layout(unit, panel)
    begins, groups = np.zeros(len(series), np.int64), []
    total = 0
    for chosen in _groups(lengths[series]):
        source, valid = _grid(offsets[series[chosen]], lengths[series[chosen]])
        seen = valid & panel.mask[source]
        values = np.where(seen, panel.values[source].astype(np.float64), 0)
        before = None if past is None else past.tracks.take(2 * series[chosen] + units[chosen])
        group = _nothing(*values.shape)
        for now, told, _ in read_in_parts(values, seen, units[chosen] == LOG, seasons, window, before):
            for name, statistic in (told | {"mask": seen[:, now]}).items():
                group[name][:, now] = statistic
        groups.append(group)
        begins[chosen] = total + np.arange(len(chosen)) * values.shape[1]  # shorter tracks end in rows of nothing
        total += values.size
    owner = np.zeros((len(panel), 2), np.int64)
    owner[series, units] = begins
    first = owner[panel.row_series, unit]
    position = np.arange(len(unit)) - np.repeat(offsets[:-1], lengths)
    end = first + np.repeat(lengths, lengths)
    late = panel.first_observed
    if past is not None:
        late[past.tracks.carried["seen"][::2] > 0] = 0
    return Tracks(
        row=first + position,
        here=first + position,
        begin=np.minimum(first + late[panel.row_series], end - 1),
        end=end,
        unit=unit,
        **_joined(groups),
    )


def _nothing(tracks: int, rows: int) -> dict[str, NDArray[Any]]:
    """Arrays (B, T, …) of so many tracks and rows, by name."""
    names = ("anchor", "z", "level", "scale", "relative", "mean", "age", "gap", "zeros", "least", "most")
    widths = {"smooth": 2, "slope": 2, "season_mean": 2, "count": 2, "profile": 4, "errors": ERRORS}
    arrays: dict[str, NDArray[Any]] = {name: np.zeros((tracks, rows), np.float32) for name in names}
    arrays |= {name: np.zeros((tracks, rows, width), np.float32) for name, width in widths.items()}
    return arrays | {"mask": np.zeros((tracks, rows), np.bool_)}


def _joined(groups: list[dict[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """The arrays (B, T, …) of groups as one (M, …) each; the groups are empty then."""
    arrays = {}
    for name, nothing in _nothing(1, 0).items():
        parts = [group.pop(name) for group in groups] or [nothing]
        arrays[name] = np.concatenate([part.reshape(-1, *part.shape[2:]) for part in parts])
    return arrays


def _units(panel: Panel, past: Past | None) -> NDArray[np.int8]:
    """(N,) the units that each row is read in."""
    unit = np.zeros(len(panel.values), np.int8)
    for chosen in _groups(panel.lengths):
        if panel.lengths[chosen].any():
            rows, valid = _grid(panel.offsets[chosen], panel.lengths[chosen])
            seen = valid & panel.mask[rows]
            values = np.where(seen, panel.values[rows].astype(np.float64), 0)
            carried = nothing_carried(len(chosen)) if past is None else past.tracks.carried[2 * chosen]
            log = positive_so_far(values, seen, carried)
            unit[rows[valid]] = (log if past is None else log & past.log[chosen, None])[valid]
    return unit


def _layout(unit: NDArray[np.int8], panel: Panel) -> tuple[IntArray, IntArray]:
    """Which tracks there are: series and units of each."""
    filled = np.flatnonzero(panel.lengths)
    log = filled[unit[panel.offsets[filled]] == LOG]
    linear = filled[unit[panel.offsets[filled + 1] - 1] == LINEAR]
    return np.concatenate([log, linear]), np.repeat(np.array([LOG, LINEAR]), [len(log), len(linear)])


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

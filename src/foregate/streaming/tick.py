"""The next observation of each of many series in one call, as most services bring them: nothing to put in order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foregate.core import FrameSpec
from foregate.forecasting.fitted import uncounted
from foregate.forecasting.state import State
from foregate.streaming.arrivals import Update
from foregate.streaming.observations import LARGEST
from foregate.streaming.one import moment
from foregate.streaming.roster import Roster
from foregate.streaming.rows import Rows

__all__ = ["Tick", "tick"]

NUMBERS = {float, int, type(None)}
IntArray = NDArray[np.int64]


class Tick(NamedTuple):
    """An observation of each of many series."""

    rows: Rows
    """What is to be read."""
    update: Update
    """What to tell."""


def tick(rows: Any, spec: FrameSpec, roster: Roster, state: State) -> Tick | None:
    """Read observations that are each the next one of another series.

    Args:
        rows: anything that `foregate.streaming.observations.observations` takes. Looked at are mappings of columns that
            are lists or arrays, lists of dictionaries, and frames of polars.
        spec: names of the columns, and how times are held.
        roster: the series.
        state: how many rows of each were read, and of which model.

    Returns:
        None for all else, and for all that is wrong: that is for `observations` and `arrange` to read or to refuse.
    """
    columns = None if state.spec.columns else _columns(rows, (spec.id_col, spec.time_col, spec.target_col))
    if columns is None:
        return None
    ids, times, values = _listed(columns[0]), _ticks(columns[1], spec), _values(columns[2])
    if ids is None or times is None or values is None or not 0 < len(ids) == len(times) == len(values):
        return None
    try:
        numbers = np.fromiter(map(roster.numbers.__getitem__, ids), np.int64, len(ids))
    except (KeyError, TypeError):  # a series that is new, or no name at all
        return None
    ordered = bool((numbers[1:] > numbers[:-1]).all())
    if not (ordered or len(set(ids)) == len(ids)) or not roster.await_all(numbers, state.rows[numbers], times):
        return None
    if state.spec.plain and uncounted(values).any():
        return None
    mask = ~np.isnan(values)
    read = np.where(mask, values, 0).astype(np.float32)
    update = Update(tuple(ids), (), len(ids), 0, 0)
    return Tick(Rows(numbers, np.ones(len(ids), np.int64), read, mask), update)


def _columns(rows: Any, names: Sequence[str]) -> tuple[Any, ...] | None:
    """Ids, times and values, as they are."""
    try:
        if type(rows) is dict or type(rows).__module__.startswith("polars."):
            return tuple(rows[name] for name in names)
        if type(rows) is list and all(type(row) is dict for row in rows):
            return tuple([row[name] for row in rows] for name in names)
    except Exception:  # a column that is not there, of which every kind of frame tells in its own way
        return None
    return None


def _listed(column: Any) -> list[Any] | tuple[Any, ...] | None:
    """A column as a list; None where it is none."""
    if type(column) is list or type(column) is tuple:
        return column
    given = getattr(column, "to_list", None) or getattr(column, "tolist", None)
    listed = given() if given is not None and np.ndim(column) == 1 else None
    return listed if type(listed) is list else None


def _values(column: Any) -> NDArray[np.float64] | None:
    """(N,) NaN where nothing was observed; None where there are other things than numbers."""
    if type(column) is list or type(column) is tuple:
        if not NUMBERS.issuperset(map(type, column)):
            return None
        try:
            values = np.array(column, np.float64)
        except OverflowError:
            return None
    else:
        found = _array(column)
        if found is None or found.dtype.kind not in "iuf":
            return None
        values = found.astype(np.float64)
    return None if np.fmax.reduce(np.abs(values), initial=0) > LARGEST else values


def _ticks(column: Any, spec: FrameSpec) -> IntArray | None:
    """(N,) times as a panel holds them, in microseconds since 1970 where they are no steps; None where they are not."""
    steps = spec.time_unit == "step"
    if type(column) is list or type(column) is tuple:
        kinds = set(map(type, column))
        if steps and kinds == {int}:
            return _whole(column)
        if steps or kinds != {dt.datetime}:
            return None
        known = {time: moment(time, spec) for time in set(column)}  # few are many times there
        return None if None in known.values() else _whole(list(map(known.__getitem__, column)))
    array = _array(column)
    if array is None or array.dtype.kind != ("i" if steps else "M"):
        return None
    return array.astype(np.int64 if steps else "datetime64[us]").view(np.int64)


def _whole(numbers: Sequence[Any]) -> IntArray | None:
    """Whole numbers as an array; None where one is larger than any time."""
    try:
        return np.array(numbers, np.int64)
    except OverflowError:
        return None


def _array(column: Any) -> NDArray[Any] | None:
    """A column of an array or of a frame of polars as an array; None for others."""
    if isinstance(column, np.ndarray):
        return column if column.ndim == 1 and not np.ma.isMaskedArray(column) else None
    if not type(column).__module__.startswith("polars.") or getattr(column.dtype, "time_zone", None):
        return None
    array: NDArray[Any] = column.to_numpy()
    return array

"""Observations as they come in, one or many, and what they are: a series, a time and a value each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from foregate.core import DataError, FrameSpec, Panel, Times, UsageError, listed

__all__ = ["Observations", "observations", "shown"]

LARGEST = float(np.finfo(np.float32).max)
LATEST = 2.0**62


@dataclass(frozen=True)
class Observations:
    """N observations in the order in which they came."""

    ids: Sequence[str]
    """(N,) names of their series."""
    times: Times
    """(N,) as a panel holds them."""
    values: NDArray[np.float64]
    """(N,) NaN where nothing was observed."""


def observations(rows: Any, spec: FrameSpec, alone: str | None) -> Observations:
    """Read observations.

    Args:
        rows: one as a mapping such as ``{"unique_id": "a", "ds": 8, "y": 3.2}``, several as a sequence of those or as a
            mapping of columns; a panel; or a table as `foregate.read` takes it.
        spec: names of the columns, and how times are held.
        alone: the series that rows without an id belong to; None if they may not be without one.

    Raises:
        DataError: a column or a time is missing, a value is no finite number, or a time cannot be read.
        UsageError: the rows are none of these.
    """
    if isinstance(rows, Panel):
        names = rows.ids.tolist()
        values = np.where(rows.mask, rows.values.astype(np.float64), np.nan)
        return Observations([names[i] for i in rows.row_series], rows.times, values)
    if isinstance(rows, Mapping) and not any(_is_column(value) for value in rows.values()):
        rows = [rows]
    if isinstance(rows, Sequence) and not isinstance(rows, (str, bytes)):
        found = [_one(row, spec, alone) for row in rows]
        ids, moments, numbers = zip(*found, strict=True) if found else ((), (), ())
        kind = np.int64 if spec.time_unit == "step" else "datetime64[us]"
        return Observations(ids, np.array(moments, kind), np.array(numbers, np.float64))
    return _table(rows, spec, alone)


def shown(time: Any) -> str:
    """A time as people write it."""
    if not isinstance(time, np.datetime64):
        return str(int(time))
    text = str(time.astype("datetime64[us]")).replace("T", " ")
    return text.removesuffix(".000000").removesuffix(" 00:00:00")


def _is_column(value: Any) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, (str, bytes)) and np.ndim(value) > 0


def _one(row: Any, spec: FrameSpec, alone: str | None) -> tuple[str, Any, float]:
    if not isinstance(row, Mapping):
        raise UsageError(
            f"observations must be mappings, a panel or a table, but got a value of type {type(row).__name__}. "
            f"Give for example {{{spec.id_col!r}: 'a', {spec.time_col!r}: 8, {spec.target_col!r}: 3.2}}."
        )
    needed = [spec.time_col, spec.target_col]
    missing = [name for name in needed if name not in row]
    if missing:
        raise DataError(
            f"an observation must have {listed(needed)}, but {listed(missing)} "
            f"{'are' if len(missing) > 1 else 'is'} not among {listed(row) or 'nothing'}. Add what is missing; the "
            "value may be null."
        )
    name = row.get(spec.id_col)
    name = alone if name is None else name
    if isinstance(name, bool) or not isinstance(name, (str, Integral)) or name == "":
        raise DataError(f"{spec.id_col!r} must be text or a whole number, but got {name!r}. Name the series.")
    return str(name), _moment(row[spec.time_col], spec), _number(row[spec.target_col], spec.target_col)


def _number(value: Any, column: str) -> float:
    if value is None:
        return np.nan
    number = _float(value, np.inf)
    if abs(number) > LARGEST:
        raise DataError(
            f"{column!r} must be a finite number within ±3.4e38, or null for a missing value, but got {value!r}. "
            "Correct it."
        )
    return number


def _float(value: Any, otherwise: float) -> float:
    """A number as a float; `otherwise` where it is none, or too large to be one."""
    if not isinstance(value, Real) or isinstance(value, bool):
        return otherwise
    try:
        return float(value)
    except OverflowError:
        return otherwise


def _moment(value: Any, spec: FrameSpec) -> Any:
    """A time as a panel holds it: an integer, or datetime64[us] in UTC or by the clock of the panel's zone."""
    if spec.time_unit == "step":
        number = _float(value, np.nan)
        if not number.is_integer() or abs(number) > LATEST:
            raise DataError(
                f"{spec.time_col!r} must be a whole number, but got {value!r}. Correct it, or start with a frequency "
                "of the calendar: freq='h'."
            )
        return int(number) if isinstance(value, float) else value
    try:
        if isinstance(value, str):
            value = dt.datetime.fromisoformat(value.strip())
        if isinstance(value, dt.datetime) and value.tzinfo is not None:
            zone = ZoneInfo(spec.time_zone) if spec.wall_clock and spec.time_zone is not None else dt.UTC
            value = value.astimezone(zone).replace(tzinfo=None)
        if not isinstance(value, (dt.date, np.datetime64)):
            raise ValueError
        moment: Any = np.array(value, "datetime64[us]")[()]
        if np.isnat(moment):
            raise ValueError
    except (ValueError, OverflowError):  # the calendar of Python ends with the years 1 and 9999
        raise DataError(
            f"{spec.time_col!r} must be a date or a timestamp such as 2024-05-31T12:00, but got {value!r}. Correct it."
        ) from None
    return moment


def _table(rows: Any, spec: FrameSpec, alone: str | None) -> Observations:
    import polars as pl

    from foregate.data.read import read_rows

    if isinstance(rows, Mapping):
        rows = pl.DataFrame({str(name): values for name, values in rows.items()})
    columns = getattr(rows, "column_names", getattr(rows, "columns", None))
    named = spec.has_ids if columns is None else spec.id_col in columns
    spec = replace(spec, has_ids=named or alone is None)
    ids, times, found = read_rows(rows, spec, [spec.target_col])
    column = found[spec.target_col]
    if column.dtype == pl.String:
        raise DataError(
            f"column {spec.target_col!r} must hold numbers, but got text such as {column.drop_nulls()[0]!r}. Convert "
            "it to numbers."
        )
    values = column.fill_null(np.nan).to_numpy()
    if np.any(np.abs(values[~np.isnan(values)]) > LARGEST):
        raise DataError(
            f"column {spec.target_col!r} must hold finite numbers within ±3.4e38, but got others. Correct these values."
        )
    return Observations([str(alone)] * len(values) if ids is None else ids.to_list(), times, values)

"""Observations as they come in, one or many, and what they are: a series, a time and a value each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from foregate.core import DataError, FrameSpec, Panel, Times, UsageError, listed
from foregate.data.columns import ColumnSpec, covariate_of
from foregate.streaming.columns import beside, coded

if TYPE_CHECKING:
    import polars as pl

__all__ = ["NOTHING", "Observations", "Wanted", "observations", "shown"]

Float32Array = NDArray[np.float32]

LARGEST = float(np.finfo(np.float32).max)
LATEST = 2.0**62


@dataclass(frozen=True)
class Wanted:
    """What rows have besides the name of a series and a time."""

    target: bool = True
    """Whether they have a value."""
    timed: tuple[ColumnSpec, ...] = ()
    """C covariates that each of them has."""
    static: tuple[ColumnSpec, ...] = ()
    """D covariates that the first one of every series has."""


NOTHING = Wanted()
"""Besides a value."""


@dataclass(frozen=True)
class Observations:
    """N observations in the order in which they came."""

    ids: Sequence[str]
    """(N,) names of their series."""
    times: Times
    """(N,) as a panel holds them."""
    values: NDArray[np.float64]
    """(N,) NaN where nothing was observed."""
    timed: Float32Array
    """(N, C) covariates as `LiveColumns` holds them."""
    static: Float32Array
    """(N, D) those of their series."""
    described: NDArray[np.bool_]
    """(N,) whether these were given."""


def observations(rows: Any, spec: FrameSpec, alone: str | None, wanted: Wanted = NOTHING) -> Observations:
    """Read observations.

    Args:
        rows: one as a mapping such as ``{"unique_id": "a", "ds": 8, "y": 3.2}``, several as a sequence of those or as a
            mapping of columns; a panel; or a table as `foregate.read` takes it.
        spec: names of the columns, and how times are held.
        alone: the series that rows without an id belong to; None if they may not be without one.
        wanted: what they have besides.

    Raises:
        DataError: a column or a time is missing, a value is no finite number, or a time cannot be read.
        UsageError: the rows are none of these.
    """
    if isinstance(rows, Panel):
        return _panel(rows, wanted)
    if isinstance(rows, Mapping) and not any(_is_column(value) for value in rows.values()):
        rows = [rows]
    if isinstance(rows, Sequence) and not isinstance(rows, (str, bytes)):
        return _mappings(rows, spec, alone, wanted)
    return _arrays(rows, spec, wanted) or _table(rows, spec, alone, wanted)


def shown(time: Any) -> str:
    """A time as people write it."""
    if not isinstance(time, np.datetime64):
        return str(int(time))
    text = str(time.astype("datetime64[us]")).replace("T", " ")
    return text.removesuffix(".000000").removesuffix(" 00:00:00")


def _is_column(value: Any) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, (str, bytes)) and np.ndim(value) > 0


def _panel(panel: Panel, wanted: Wanted) -> Observations:
    names, of_row = panel.ids.tolist(), panel.row_series
    values = np.where(panel.mask, panel.values.astype(np.float64), np.nan)
    timed, static = (
        [coded(spec, each.values, each.categories) for spec in specs for each in [covariate_of(panel, spec)]]
        for specs in (wanted.timed, wanted.static)
    )
    return Observations(
        [names[i] for i in of_row],
        panel.times,
        values,
        beside(timed, len(values)),
        beside(static, len(panel))[of_row],
        np.ones(len(values), np.bool_),
    )


def _mappings(rows: Sequence[Any], spec: FrameSpec, alone: str | None, wanted: Wanted) -> Observations:
    needed = [spec.time_col, *[spec.target_col] * wanted.target, *(column.name for column in wanted.timed)]
    found = [_one(row, spec, alone, needed) for row in rows]
    ids, moments, numbers = zip(*found, strict=True) if found else ((), (), ())
    kind = np.int64 if spec.time_unit == "step" else "datetime64[us]"
    timed, static = (
        [np.array([_code(row.get(each.name), each) for row in rows], np.float32) for each in specs]
        for specs in (wanted.timed, wanted.static)
    )
    described = [all(each.name in row for each in wanted.static) for row in rows]
    return Observations(
        ids,
        np.array(moments, kind),
        np.array(numbers, np.float64),
        beside(timed, len(rows)),
        beside(static, len(rows)),
        np.array(described, np.bool_),
    )


def _one(row: Any, spec: FrameSpec, alone: str | None, needed: Sequence[str]) -> tuple[str, Any, float]:
    if not isinstance(row, Mapping):
        raise UsageError(
            f"observations must be mappings, a panel or a table, but got a value of type {type(row).__name__}. "
            f"Give for example {{{spec.id_col!r}: 'a', {spec.time_col!r}: 8, {spec.target_col!r}: 3.2}}."
        )
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
    value = _number(row[spec.target_col], spec.target_col) if spec.target_col in needed else np.nan
    return str(name), _moment(row[spec.time_col], spec), value


def _code(value: Any, spec: ColumnSpec) -> float:
    """A value of a covariate as `LiveColumns` holds it."""
    if value is None:
        return np.nan
    if not spec.categories:
        return _number(float(value) if isinstance(value, bool) else value, spec.name)
    if not isinstance(value, str):
        raise DataError(
            f"{spec.name!r} must be text, or null where it is not known, but got {value!r}. Write categories as text."
        )
    return spec.categories.index(value) if value in spec.categories else len(spec.categories)


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


def _arrays(rows: Any, spec: FrameSpec, wanted: Wanted) -> Observations | None:
    """Columns that are already as they are held, which need no table; None where they are anything else."""
    if not isinstance(rows, Mapping) or rows.keys() != {spec.id_col, spec.time_col, spec.target_col}:
        return None
    ids, times, values = rows[spec.id_col], rows[spec.time_col], rows[spec.target_col]
    kind = np.dtype(np.int64 if spec.time_unit == "step" else "datetime64[us]")
    if wanted != NOTHING or spec.time_zone is not None:
        return None
    if not isinstance(ids, list) or not all(type(name) is str and name for name in ids):
        return None
    for column, held in ((times, kind), (values, np.dtype(np.float64))):
        if not isinstance(column, np.ndarray) or column.dtype != held or column.shape != (len(ids),):
            return None
    if not ids or np.isnat(times.view("datetime64[us]")).any() or np.any(np.abs(values) > LARGEST):
        return None
    nothing = np.zeros((len(ids), 0), np.float32)
    return Observations(ids, times, values, nothing, nothing, np.ones(len(ids), np.bool_))


def _table(rows: Any, spec: FrameSpec, alone: str | None, wanted: Wanted) -> Observations:

    from foregate.data.read import read_rows

    if isinstance(rows, Mapping):
        rows = _frame(rows)
        if not rows.height:
            return _mappings([], spec, alone, wanted)
    columns = getattr(rows, "column_names", getattr(rows, "columns", None))
    named = spec.has_ids if columns is None else spec.id_col in columns
    spec = replace(spec, has_ids=named or alone is None)
    needed = [*[spec.target_col] * wanted.target, *(column.name for column in wanted.timed)]
    ids, times, found = read_rows(rows, spec, needed, optional=[column.name for column in wanted.static])
    N = len(times)
    values = _numbers(found[spec.target_col]) if wanted.target else np.full(N, np.nan)
    described = all(column.name in found for column in wanted.static)
    timed, static = (
        [_codes(found[column.name], column) for column in specs]
        for specs in (wanted.timed, wanted.static if described else ())
    )
    return Observations(
        [str(alone)] * N if ids is None else ids.to_list(),
        times,
        values,
        beside(timed, N),
        beside(static, N) if described else np.full((N, len(wanted.static)), np.nan, np.float32),
        np.full(N, described),
    )


def _frame(columns: Mapping[Any, Any]) -> pl.DataFrame:
    """A mapping of columns as a frame."""
    import polars as pl

    try:
        return pl.DataFrame({str(name): values for name, values in columns.items()})
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError) as error:
        raise DataError(
            "columns must be of one length and each of one kind of values, but got others: "
            f"{str(error).splitlines()[0]}. Correct them, or give a sequence of rows."
        ) from None


def _numbers(column: pl.Series) -> NDArray[np.float64]:
    """A column of numbers, NaN where missing."""
    import polars as pl

    if column.dtype == pl.String and column.null_count() < len(column):
        raise DataError(
            f"column {column.name!r} must hold numbers, but got text such as {column.drop_nulls()[0]!r}. Convert "
            "it to numbers."
        )
    values: NDArray[np.float64] = column.cast(pl.Float64).fill_null(np.nan).to_numpy()
    if np.any(np.abs(values[~np.isnan(values)]) > LARGEST):
        raise DataError(
            f"column {column.name!r} must hold finite numbers within ±3.4e38, but got others. Correct these values."
        )
    return values


def _codes(column: pl.Series, spec: ColumnSpec) -> Float32Array:
    """A column of a covariate as `LiveColumns` holds it."""
    import polars as pl

    from foregate.data.read.assemble import code_categories

    if not spec.categories:
        return _numbers(column).astype(np.float32)
    if column.dtype != pl.String and column.null_count() < len(column):
        raise DataError(
            f"column {spec.name!r} must hold text, since it held categories where the model was trained, but got "
            f"{column.dtype}. Write categories as text."
        )
    column = column.cast(pl.String)  # nothing but nulls has no type of its own
    seen = tuple(column.drop_nulls().unique().to_list())
    return coded(spec, code_categories(column, seen), seen)

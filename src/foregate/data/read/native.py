"""Frames of other libraries as polars frames, column by column, so that neither pandas nor pyarrow has to be there."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from foregate.core import DataError
from foregate.core.errors import listed
from foregate.data.later import nw, pl

__all__ = ["Kind", "NativeFrame", "from_native"]

Kind = Literal["pandas", "polars", "pyarrow"]


@dataclass(frozen=True)
class NativeFrame:
    """A frame from outside, as polars sees it."""

    frame: pl.DataFrame
    kind: Kind
    """The library it came from."""
    in_seconds: tuple[str, ...] = ()
    """Columns of timestamps in whole seconds, a resolution that polars does not have."""
    notes: tuple[str, ...] = ()
    """What the reader should know."""


def from_native(source: Any) -> NativeFrame | None:
    """A pandas, polars or pyarrow frame as a polars frame; None when it is none of these.

    Raises:
        DataError: a column is named twice, or a column cannot be understood.
    """
    if isinstance(source, pl.LazyFrame):
        source = source.collect()
    source, notes = _with_index(source)
    names = [str(name) for name in getattr(source, "column_names", getattr(source, "columns", ()))]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice and nw.dependencies.is_into_dataframe(source):
        raise DataError(
            f"every column must have a name of its own, but {listed(twice)} is there more than once. "
            "Rename or remove one of them."
        )
    frame = nw.from_native(source, eager_only=True, pass_through=True)
    if not isinstance(frame, nw.DataFrame):
        return None
    seconds = tuple(
        name for name, dtype in frame.schema.items() if isinstance(dtype, nw.Datetime) and dtype.time_unit == "s"
    )
    if frame.implementation.is_polars():
        return NativeFrame(frame.to_polars(), "polars")
    if frame.implementation.is_pyarrow():
        return NativeFrame(frame.to_polars(), "pyarrow", seconds)
    if frame.implementation.is_pandas():
        columns = [_column(name, column) for name, column in zip(names, frame.iter_columns(), strict=True)]
        return NativeFrame(pl.DataFrame(columns), "pandas", tuple(map(str, seconds)), notes + _offset_notes(frame))
    return None


def _with_index(source: Any) -> tuple[Any, tuple[str, ...]]:
    """A pandas frame or series with its index as columns, where the index holds ids or times."""
    if nw.dependencies.is_pandas_series(source):
        source = source.to_frame(source.name if source.name is not None else "y")
    if not nw.dependencies.is_pandas_dataframe(source):
        return source, ()
    index = source.index
    named = [name for name in index.names if name is not None]
    times = type(index).__name__ in ("DatetimeIndex", "PeriodIndex")
    if not times and (not named or set(named) & set(source.columns)):
        return source, ()
    if times and not named:
        index = index.rename("ds")
        source = source.set_axis(index, axis=0)
        named = ["ds"]
    if set(named) & set(source.columns):
        return source, ()
    return source.reset_index(), (f"The index became the column{'s' if len(named) > 1 else ''} {listed(named)}.",)


def _column(name: str, column: nw.Series[Any]) -> pl.Series:
    """One pandas column as a polars column."""
    native, dtype = column.to_native(), column.dtype
    if type(native.dtype).__name__ == "PeriodDtype":
        native = native.dt.to_timestamp()
        column = nw.from_native(native, series_only=True)
        dtype = column.dtype
    if isinstance(dtype, nw.Datetime):
        return _timestamps(name, column, dtype)
    if dtype.is_numeric() and not dtype.is_decimal():
        if not column.is_null().any():
            return pl.Series(name, np.ascontiguousarray(column.to_numpy()))
        return pl.Series(name, column.cast(nw.Float64).to_numpy(), nan_to_null=True)
    if isinstance(dtype, (nw.Categorical, nw.Enum)):
        return pl.Series(name, column.cast(nw.String).to_list(), dtype=pl.String).cast(pl.Categorical)
    values = [None if value is None or value != value else value for value in column.to_list()]
    try:
        return pl.Series(name, values, strict=True)
    except (TypeError, pl.exceptions.PolarsError):
        # A column of mixed types is read as text; what cannot be understood as text is told where it is used.
        return pl.Series(name, [None if value is None else str(value) for value in values], dtype=pl.String)


def _timestamps(name: str, column: nw.Series[Any], dtype: nw.Datetime) -> pl.Series:
    zone = dtype.time_zone
    if zone is not None:
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    raw = np.asarray(column.to_numpy(), f"datetime64[{dtype.time_unit}]")
    unit: Any = dtype.time_unit if dtype.time_unit != "s" else "ms"
    times = pl.Series(name, raw.astype(f"datetime64[{unit}]"))
    return times if zone is None else times.dt.replace_time_zone("UTC").dt.convert_time_zone(_known_zone(zone))


def _offset_notes(frame: nw.DataFrame[Any]) -> tuple[str, ...]:
    zones = {dtype.time_zone for dtype in frame.schema.values() if isinstance(dtype, nw.Datetime) and dtype.time_zone}
    unknown = sorted(zone for zone in zones if _known_zone(zone) != zone)
    return tuple(f"{zone} is an offset and no zone: times come back in UTC." for zone in unknown)


def _known_zone(zone: str) -> str:
    try:
        return ZoneInfo(zone).key
    except (ZoneInfoNotFoundError, ValueError):
        return "UTC"

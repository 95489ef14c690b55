"""Results as frames of the kind that came in, with ids and times of their own type and zone."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foregate.core import DataError, Forecast, FrameSpec, Panel, Times, UsageError, levels_to_quantiles, listed
from foregate.data.later import pl
from foregate.data.targets import TARGET, given_roles, group_targets, wide_targets

__all__ = [
    "forecast_frame",
    "id_column",
    "native_frame",
    "panel_frame",
    "paths_frame",
    "quantile_columns",
    "series_keys",
    "target_keys",
    "time_column",
]


def forecast_frame(
    forecast: Forecast,
    spec: FrameSpec,
    *,
    name: str = "LSTM",
    levels: Sequence[float] = (),
    quantiles: Sequence[float] = (),
) -> Any:
    """A forecast as a frame with one row per series and step.

    Args:
        forecast: S series and K steps; must hold the median and every quantile that is asked for.
        spec: what the frame looked like that came in.
        name: column of the median; bounds become ``name-lo-90`` and ``name-hi-90``, quantiles ``name-q-0.1``.
        levels: percentages of central intervals.
        quantiles: probabilities between 0 and 1.

    Returns:
        A pandas, polars or pyarrow frame (see `native_frame`) of S·K rows: ids (if there were any), times, the median,
        then the bounds of each level and each quantile in the order in which they were asked for. Where there are
        several targets, a row per series and step as it came in, and for each target these columns under its own name,
        in place of `name`: ``load``, ``load-lo-90``, ``load-hi-90``, ``price``, …

    Raises:
        UsageError: the forecast does not hold a level or quantile, or two columns would have the same name.

    Examples:
        >>> one = Forecast(np.array(["a"]), np.array([[3, 4]]), np.array([2]), (0.1, 0.5, 0.9), np.ones((1, 2, 3)))
        >>> forecast_frame(one, FrameSpec(kind="polars", time_unit="step"), levels=[80]).columns
        ['unique_id', 'ds', 'LSTM', 'LSTM-lo-80', 'LSTM-hi-80']
    """
    ids, times, named = forecast.ids, forecast.times, {name: forecast}
    if spec.target_cols:
        ids, which, _ = group_targets(ids, spec)
        times = times[np.unique(which, return_index=True)[1]]
        wide = wide_targets(forecast.values, forecast.ids, spec)
        named = {target: replace(forecast, ids=ids, times=times, values=values) for target, values in wide.items()}
    columns = _keys(np.repeat(ids, forecast.horizon), times.reshape(-1), spec)
    for column, one in named.items():
        said = quantile_columns(one.quantile, column, levels=levels, quantiles=quantiles)
        twice = sorted(set(said) & set(columns))
        if twice:
            raise UsageError(
                f"columns of a forecast must differ, but two would be {listed(twice)}. Rename the targets."
            )
        columns |= {part: values.reshape(-1) for part, values in said.items()}
    return native_frame(columns, spec)


def paths_frame(
    paths: NDArray[Any], ids: NDArray[np.str_], times: Times, spec: FrameSpec, *, name: str = "LSTM"
) -> Any:
    """Futures as a frame with one row per series, future and step.

    Args:
        paths: (S, n, K) values.
        ids: (S,) of the series.
        times: (S, K) of the steps.
        spec: what the frame looked like that came in.
        name: column of the values.

    Returns:
        A frame of S·n·K rows: ids (if there were any), times, ``sample_id`` and the values; several targets side by
        side, under their own names.

    Examples:
        >>> spec = FrameSpec(kind="polars", time_unit="step")
        >>> paths_frame(np.ones((1, 2, 3)), np.array(["a"]), np.array([[5, 6, 7]]), spec).columns
        ['unique_id', 'ds', 'sample_id', 'LSTM']
    """
    named = {name: paths}
    if spec.target_cols:
        own, which, _ = group_targets(ids, spec)
        named, ids, times = wide_targets(paths, ids, spec), own, times[np.unique(which, return_index=True)[1]]
    _, n, K = paths.shape
    every = np.repeat(times[:, None], n, 1)
    columns = _keys(np.repeat(ids, n * K), every.reshape(-1), spec)
    columns["sample_id"] = np.tile(np.repeat(np.arange(n), K), len(ids))
    return native_frame(columns | {column: values.reshape(-1) for column, values in named.items()}, spec)


def quantile_columns(
    at: Callable[[float], NDArray[Any]], name: str, *, levels: Sequence[float] = (), quantiles: Sequence[float] = ()
) -> dict[str, NDArray[Any]]:
    """The median, the bounds of each level and each quantile, under the names that they go by in every table.

    Args:
        at: gives the forecast at a probability.
        name, levels, quantiles: see `forecast_frame`.

    Examples:
        >>> list(quantile_columns(lambda q: np.array([q]), "Naive", levels=[95]))
        ['Naive', 'Naive-lo-95', 'Naive-hi-95']
    """
    columns = {name: at(0.5)}
    for level in levels:
        low, _, high = levels_to_quantiles([level])
        columns |= {f"{name}-lo-{level:g}": at(low), f"{name}-hi-{level:g}": at(high)}
    return columns | {f"{name}-q-{q:g}": at(q) for q in quantiles}


def panel_frame(panel: Panel) -> Any:
    """The rows of a panel as a frame like the one it was read from; values are float32, missing ones are empty.

    A panel with several targets becomes a table of a row per series, ``target`` and time.

    Examples:
        >>> panel_frame(Panel.from_arrays([np.array([1.0, 2.0])])).columns.to_list()
        ['unique_id', 'ds', 'y']
    """
    if panel.spec.target_cols:
        return _frame_of_targets(panel)
    columns = _keys(np.repeat(panel.ids, panel.lengths), panel.times, panel.spec)
    columns[panel.spec.target_col] = np.where(panel.mask, panel.values, np.float32(np.nan))
    columns |= {name: _covariate_column(panel, name) for name in panel.covariates}
    return native_frame(columns, panel.spec)


def target_keys(ids: NDArray[np.str_], spec: FrameSpec) -> dict[str, pl.Series | NDArray[Any]]:
    """The columns that say which series and target rows are for, from ids such as ``a / load``.

    Examples:
        >>> list(target_keys(np.array(["a / load"]), FrameSpec(target_cols=("load", "price"))))
        ['unique_id', 'target']
    """
    groups, which, target = group_targets(ids, spec)
    keys: dict[str, pl.Series | NDArray[Any]] = {spec.id_col: id_column(groups[which], spec)} if spec.has_ids else {}
    return keys | {TARGET: np.array(spec.target_cols, np.str_)[target]}


def series_keys(ids: NDArray[np.str_], spec: FrameSpec) -> dict[str, pl.Series | NDArray[Any]]:
    """The columns that say which series a row is about; none where the table held one series and no ids.

    Examples:
        >>> list(series_keys(np.array(["a"]), FrameSpec(id_col="shop")))
        ['shop']
    """
    if spec.target_cols:
        return target_keys(ids, spec)
    return {spec.id_col: id_column(ids, spec)} if spec.has_ids else {}


def _frame_of_targets(panel: Panel) -> Any:
    """A panel with several targets: a row per series, target and time."""
    ids = np.repeat(panel.ids, panel.lengths)
    columns = target_keys(ids, panel.spec) | {panel.spec.time_col: time_column(panel.times, panel.spec)}
    columns[panel.spec.target_col] = np.where(panel.mask, panel.values, np.float32(np.nan))
    for name in given_roles(((name, c.role) for name, c in panel.covariates.items()), panel.spec):
        columns[name] = _covariate_column(panel, name)
    return native_frame(columns, panel.spec)


def _covariate_column(panel: Panel, name: str) -> pl.Series | NDArray[Any]:
    """A covariate as it came, one value per row."""
    covariate = panel.covariates[name]
    values = np.repeat(covariate.values, panel.lengths) if covariate.role == "static" else covariate.values
    return _decoded(values, covariate.categories) if covariate.categories else values


def _keys(ids: NDArray[np.str_], times: Times, spec: FrameSpec) -> dict[str, pl.Series | NDArray[Any]]:
    """The columns that say which series and time a row is for; without ids when the table had none."""
    columns: dict[str, pl.Series | NDArray[Any]] = {}
    if spec.has_ids:
        columns[spec.id_col] = id_column(ids, spec)
    columns[spec.time_col] = time_column(times, spec)
    return columns


def id_column(ids: NDArray[np.str_], spec: FrameSpec) -> pl.Series:
    """Ids in the type they had.

    Examples:
        >>> id_column(np.array(["7", "8"]), FrameSpec(id_dtype="int64")).to_list()
        [7, 8]
    """
    unique, codes = np.unique(ids, return_inverse=True)
    text = pl.Series(spec.id_col, unique.tolist(), dtype=pl.String).gather(codes.reshape(-1))
    if spec.id_dtype == "category":
        return text.cast(pl.Categorical)
    return text if spec.id_dtype == "str" else text.cast(getattr(pl, _INTEGERS[spec.id_dtype]))


def time_column(times: Times, spec: FrameSpec) -> pl.Series:
    """Times in the type, resolution and zone they had.

    A wall clock time that the zone skips, such as 02:30 on the day that summer time begins, becomes one hour later;
    one that it repeats is the first of the two.

    Raises:
        DataError: a time lies beyond what the resolution can hold: nanoseconds end in the year 2262.
    """
    if spec.time_unit == "step":
        return pl.Series(spec.time_col, np.asarray(times, np.int64))
    column = pl.Series(spec.time_col, np.asarray(times, "datetime64[us]"))
    if spec.time_unit == "date":
        return column.cast(pl.Date)
    if spec.time_zone is not None:
        column = _zoned(column, spec.time_zone, wall_clock=spec.wall_clock)
    if spec.time_unit == "ns":
        _refuse_beyond_nanoseconds(np.asarray(times, "datetime64[us]"))
    return column.dt.cast_time_unit("ms" if spec.time_unit == "s" else spec.time_unit)


def native_frame(columns: Mapping[str, pl.Series | NDArray[Any]], spec: FrameSpec) -> Any:
    """Columns of equal length as a frame of the library in `spec`, or of polars where that one is not installed.

    Args:
        columns: numpy arrays, or what `id_column` and `time_column` give. NaN of an array is missing.
        spec: says which library, and the resolution of times where it keeps whole seconds.
    """
    frame = pl.DataFrame([_series(name, values) for name, values in columns.items()])
    if spec.kind == "polars" or importlib.util.find_spec(spec.kind) is None:  # a model may run where it was not made
        return frame
    return _to_pyarrow(frame, spec) if spec.kind == "pyarrow" else _to_pandas(frame, spec)


_INTEGERS = {f"{kind.lower()}{bits}": f"{kind}{bits}" for kind in ("Int", "UInt") for bits in (8, 16, 32, 64)}
"""What polars calls the whole numbers."""


def _refuse_beyond_nanoseconds(times: Times) -> None:
    most = np.iinfo(np.int64).max // 1000
    beyond = np.abs(times.astype(np.int64)) > most
    if beyond.any():
        raise DataError(
            f"times in nanoseconds must lie between the years 1677 and 2262, but got {times[beyond][0]} and "
            f"{beyond.sum() - 1} more. Ask for a shorter horizon, or give times in microseconds."
        )


def _series(name: str, values: pl.Series | NDArray[Any]) -> pl.Series:
    if isinstance(values, pl.Series):
        return values.alias(name)
    if values.dtype.kind in "UO":
        return pl.Series(name, values.tolist(), dtype=pl.String)
    return pl.Series(name, values, nan_to_null=values.dtype.kind == "f")


def _decoded(codes: NDArray[np.float32], categories: Sequence[str]) -> pl.Series:
    missing = np.isnan(codes)
    text = pl.Series(categories, dtype=pl.String).gather(np.where(missing, 0, codes).astype(np.int64))
    return text.set(pl.Series(missing), None)


def _zoned(column: pl.Series, zone: str, *, wall_clock: bool) -> pl.Series:
    if not wall_clock:
        return column.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    zoned = column.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    if not zoned.null_count():
        return zoned
    later = column.dt.offset_by("1h").dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return zoned.zip_with(zoned.is_not_null(), later)


def _to_pandas(frame: pl.DataFrame, spec: FrameSpec) -> Any:
    """Column by column, since polars' own way needs pyarrow, which pandas does not bring."""
    import pandas as pd

    def converted(column: pl.Series) -> Any:
        if isinstance(column.dtype, pl.Datetime):
            zone = column.dtype.time_zone
            raw = column.to_physical().to_numpy().view(f"datetime64[{column.dtype.time_unit}]")
            times = pd.Series(raw.astype("datetime64[s]") if spec.time_unit == "s" else raw)
            return times if zone is None else times.dt.tz_localize("UTC").dt.tz_convert(zone)
        if column.dtype == pl.Categorical:
            return pd.Categorical(column.to_list(), categories=column.unique(maintain_order=True).to_list())
        if column.dtype == pl.Date:
            return pd.Series(column.to_list(), dtype=object)
        return pd.Series(column.to_list()) if column.dtype == pl.String else column.to_numpy()

    return pd.DataFrame({column.name: converted(column) for column in frame})


def _to_pyarrow(frame: pl.DataFrame, spec: FrameSpec) -> Any:
    import pyarrow as pa

    table = frame.to_arrow()
    for i, field in enumerate(table.schema):
        if pa.types.is_large_string(field.type):
            table = table.set_column(i, field.name, table[i].cast(pa.string()))
        elif pa.types.is_timestamp(field.type) and spec.time_unit == "s":
            table = table.set_column(i, field.name, table[i].cast(pa.timestamp("s", field.type.tz)))
    return table

"""`read`: a table from anywhere becomes a panel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from foregate.core import DataError, FrameSpec, Frequency, Panel, Role, Times, UsageError
from foregate.core.errors import listed
from foregate.data.infer import infer_frequency
from foregate.data.later import pl
from foregate.data.read.assemble import TypedColumns, assemble, ids_as_text
from foregate.data.read.dates import Clock, clock_of, nanoseconds_lost, parse_times, to_inner, years_to_dates
from foregate.data.read.numbers import looks_numeric, parse_numbers
from foregate.data.read.options import ReadOptions
from foregate.data.read.roles import Named, Roles, find_roles, find_time
from foregate.data.read.sources import Table, load
from foregate.data.read.wording import check_column
from foregate.data.targets import stack_targets

__all__ = ["read", "read_rows"]


def read(  # noqa: PLR0913 - the door takes what people type
    source: Any,
    *,
    id_col: str | None = None,
    time_col: str | None = None,
    target_col: str | None = None,
    target_cols: Sequence[str] | None = None,
    covariates: Mapping[str, Role] | None = None,
    freq: Frequency | str | int | None = None,
    query: str | None = None,
    wide: bool = False,
    options: ReadOptions | None = None,
) -> Panel:
    """Read series from a file, an address, a database or a frame.

    Columns that are not named are found: first by the names ``unique_id``, ``ds`` and ``y``, then where only one
    column can be meant. Everything that was decided stands in `Panel.notes`. Series come in the order in which their
    ids first appear, and their rows in order of time; repeated times and gaps are kept for `audit` to tell.

    Args:
        source: path of a CSV or TSV (also gzipped), Parquet, JSON or NDJSON file; http(s) address of one; database
            URL as SQLAlchemy takes it; pandas, polars or pyarrow frame; or a panel, which is returned as it is.
        id_col: column that names the series. A table without one holds a single series.
        time_col: column of dates, timestamps or whole numbers.
        target_col: column of the numbers to forecast.
        target_cols: several such columns, to be predicted together: each becomes a series that is told what the others
            of the same row did.
        covariates: other columns to keep, by name: ``"static"`` (one value per series), ``"past"`` (known up to now)
            or ``"future"`` (known for the horizon too). Text becomes categories.
        freq: step between rows, as a pandas or polars offset or an integer; inferred when not given.
        query: SQL, for a database.
        wide: whether the table has one column per series instead of one row per value.
        options: overrides of what is sniffed, such as the date format.

    Returns:
        The panel. Rows without a target are kept and masked, also at both ends.

    Raises:
        DataError: the data has a problem; the message says what, where and what to do.
        UsageError: an argument is wrong.
        MissingExtraError: a database is read without the "sql" extra.

    Examples:
        >>> panel = read(pl.DataFrame({"day": ["01.02.2024", "02.02.2024"], "units": [3, 5]}))
        >>> panel.freq, panel.values
        (Frequency('D'), array([3., 5.], dtype=float32))
        >>> panel.notes[0]
        "'day' was taken for the time; 'units' was taken for the target."
    """
    named = Named(id_col, time_col, target_col, covariates, target_cols)
    if not isinstance(options, ReadOptions | None):
        raise UsageError(
            f"options must be ReadOptions, but got {options!r}. Give for example ReadOptions(decimal=',')."
        )
    frequency = None if freq is None else Frequency.parse(freq)
    if isinstance(source, Panel):
        return source if frequency is None else source.with_freq(frequency)
    table = load(source, query, options or ReadOptions(), [id_col or "unique_id"])
    if options is not None and table.options == ReadOptions():
        table = replace(table, options=options)
    _check_shape(table, wide=wide)
    if wide:
        table, named = _lengthened(table, named)
    roles = find_roles(table.frame, named)
    panel = _to_panel(table, roles, named.covariates or {}, frequency)
    del table  # it is several times as large as the panel, and what is inferred from that needs room too
    return panel if frequency is not None else _with_inferred_freq(panel)


def read_rows(
    source: Any,
    spec: FrameSpec,
    columns: Sequence[str],
    options: ReadOptions | None = None,
    *,
    optional: Sequence[str] = (),
) -> tuple[pl.Series | None, Times, Mapping[str, pl.Series]]:
    """Ids as text, times as the panel of `spec` holds them, and other columns, of a table that belongs to that panel.

    Args:
        source: whatever `read` takes, save a panel.
        spec: names, types and zone of the panel's own table.
        columns: the other columns to take.
        options: overrides of what is sniffed.
        optional: more columns, which are taken if they are there.

    Raises:
        DataError: a column is missing, times do not parse, or they are dates where the panel counts in integers.
    """
    table = load(source, None, options or ReadOptions(), [spec.id_col])
    wanted = [spec.id_col] * spec.has_ids + [spec.time_col, *columns]
    missing = [name for name in wanted if name not in table.frame.columns]
    if missing:
        raise DataError(
            f"the table must have the columns {listed(wanted)}, but {listed(missing)} "
            f"{'are' if len(missing) > 1 else 'is'} not among {listed(table.frame.columns)}. Add what is missing."
        )
    times = parse_times(table.frame[spec.time_col], table.options)
    if times.dtype.is_temporal() != (spec.time_unit != "step"):
        holds, got = ("whole numbers", "dates") if spec.time_unit == "step" else ("dates", "whole numbers")
        raise DataError(
            f"column {spec.time_col!r} must hold {holds} like the panel, but got {got}. Write times in the same way."
        )
    ids = ids_as_text(table.frame[spec.id_col])[0].cast(pl.String) if spec.has_ids else None
    clock = Clock(spec.time_unit, spec.time_zone, spec.wall_clock)
    taken = [*columns, *(name for name in optional if name in table.frame.columns)]
    return ids, to_inner(times, clock), {name: _covariate(table, name) for name in taken}


def _check_shape(table: Table, *, wide: bool) -> None:
    frame = table.frame
    if frame.width == 0 or frame.height == 0:
        what = f"it has the columns {listed(frame.columns)} and no rows" if frame.width else "it is empty"
        raise DataError(f"{table.name} must hold at least one row, but {what}. Check that it was written completely.")
    if frame.width == 1:
        raise DataError(
            f"{table.name} must have a column of times and a column of values, but it has only "
            f"{listed(frame.columns)}. Add the times, or give the separator: options=ReadOptions(separator=…)."
            if table.is_text and not wide
            else f"{table.name} must have a column of times and a column of values, but it has only "
            f"{listed(frame.columns)}. Add the other one."
        )


def _lengthened(table: Table, named: Named) -> tuple[Table, Named]:
    """A wide table as a long one: a row per column and time, series in the order of the columns."""
    if named.id_col or named.target_col or named.targets or named.covariates:
        raise UsageError(
            "id_col, target_col and covariates must be left out with wide=True, where every column but the time is a "
            "series, but got one of them. Leave them out, or read a long table."
        )
    frame = table.frame
    if named.time_col is not None:
        check_column("time_col", named.time_col, frame.columns)
    time = named.time_col or find_time(frame, frame.columns)
    if time in ("unique_id", "y"):
        frame, time = frame.rename({time: "ds"}), "ds"
    series = [name for name in frame.columns if name != time]
    numbers = frame.select(frame[time], *(parse_numbers(frame[name], table.options) for name in series))
    long = numbers.unpivot(series, index=time, variable_name="unique_id", value_name="y")
    note = f"A wide table was read: {len(series)} columns besides {time!r} became series."
    return replace(table, frame=long, notes=(*table.notes, note)), Named("unique_id", time, "y")


def _to_panel(table: Table, roles: Roles, covariates: Mapping[str, Role], freq: Frequency | None) -> Panel:
    frame, notes = table.frame, [*table.notes, *roles.notes]
    ids, id_dtype = (None, "str") if roles.id_col is None else ids_as_text(frame[roles.id_col])
    times = parse_times(frame[roles.time_col], table.options)
    if freq is not None and not times.dtype.is_temporal() and not freq.is_integer:
        times = years_to_dates(times, freq)
        notes.append(f"Years in {roles.time_col!r} were read as dates.")
    if freq is not None and times.dtype.is_temporal() and freq.is_integer:
        raise DataError(
            f"freq must be a step of the calendar where time is counted in dates, but got {freq.alias}. "
            "Give for example freq='D', or leave it out to have it inferred."
        )
    if nanoseconds_lost(times):
        notes.append(f"Times in {roles.time_col!r} are kept to the microsecond; finer parts were cut off.")
    clock = clock_of(times, freq)
    spec = FrameSpec(
        id_col=roles.id_col or "unique_id",
        time_col=roles.time_col,
        target_col=roles.targets[0],
        kind=table.kind,
        id_dtype=id_dtype,
        time_unit="s" if roles.time_col in table.in_seconds else clock.unit,
        time_zone=clock.zone,
        wall_clock=clock.wall_clock,
        has_ids=roles.id_col is not None,
    )
    inner, told = to_inner(times, clock), {name: (role, _covariate(table, name)) for name, role in covariates.items()}
    parts = {
        name: assemble(TypedColumns(ids, inner, parse_numbers(frame[name], table.options), told), spec, tuple(notes))
        for name in roles.targets
    }
    panel = parts[roles.targets[0]] if len(parts) == 1 else stack_targets(parts)
    return panel if freq is None else panel.with_freq(freq)


def _covariate(table: Table, name: str) -> pl.Series:
    """A column as Float64, or as text where it holds categories."""
    column = table.frame[name]
    if column.dtype in (pl.Categorical, pl.Enum):
        return column.cast(pl.String)
    if column.dtype == pl.String and not (table.is_text and looks_numeric(column)):
        return column
    return parse_numbers(column, table.options)


def _with_inferred_freq(panel: Panel) -> Panel:
    found = infer_frequency(panel)
    if found.freq is None:
        return replace(panel, notes=(*panel.notes, f"freq could not be inferred: {found.reason}."))
    note = f"freq inferred as {found.freq.alias} ({found.percent} of steps)."
    return replace(panel, freq=found.freq, notes=(*panel.notes, note))

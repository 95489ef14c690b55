"""Times that come as text or whole numbers, and times as the panel holds them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np

from foregate.core import DataError, Frequency, Times
from foregate.core.errors import listed
from foregate.data.later import pl
from foregate.data.read.options import ReadOptions
from foregate.data.read.wording import in_rows, marked_rows, rows_text

__all__ = [
    "Clock",
    "clock_of",
    "looks_like_times",
    "nanoseconds_lost",
    "parse_times",
    "to_inner",
    "years_to_dates",
]

TimeUnit = Literal["step", "date", "ms", "us", "ns", "s"]

# What the date may look like, and how to read it. The first that fits every value wins; day-first and month-first are
# told apart over the whole column.
_DATES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"\d{4}-\d{1,2}-\d{1,2}", ("%Y-%m-%d",)),
    (r"\d{4}/\d{1,2}/\d{1,2}", ("%Y/%m/%d",)),
    (r"\d{4}\.\d{1,2}\.\d{1,2}", ("%Y.%m.%d",)),
    (r"\d{8}", ("%Y%m%d",)),
    (r"\d{1,2}\.\d{1,2}\.\d{4}", ("%d.%m.%Y",)),
    (r"\d{1,2}\.\d{1,2}\.\d{2}", ("%d.%m.%y",)),
    (r"\d{1,2}/\d{1,2}/\d{4}", ("%d/%m/%Y", "%m/%d/%Y")),
    (r"\d{1,2}/\d{1,2}/\d{2}", ("%d/%m/%y", "%m/%d/%y")),
    (r"\d{1,2}-\d{1,2}-\d{4}", ("%d-%m-%Y", "%m-%d-%Y")),
    (r"\d{1,2} [A-Za-z]{3,9} \d{4}", ("%d %b %Y", "%d %B %Y")),
    (r"\d{1,2}-[A-Za-z]{3}-\d{4}", ("%d-%b-%Y",)),
    (r"\d{1,2}-[A-Za-z]{3}-\d{2}", ("%d-%b-%y",)),
    (r"[A-Za-z]{3,9} \d{1,2}, \d{4}", ("%b %d, %Y", "%B %d, %Y")),
    (r"\d{4}-\d{1,2}", ("%Y-%m",)),
    (r"\d{4}/\d{1,2}", ("%Y/%m",)),
    (r"[A-Za-z]{3,9} \d{4}", ("%b %Y", "%B %Y")),
    (r"[A-Za-z]{3}-\d{4}", ("%b-%Y",)),
    (r"\d{4}[ -]?[Qq][1-4]", ("quarter",)),
)
_CLOCK = r"(?P<gap>[T ])\d{1,2}:\d{2}(?P<s>:\d{2})?(?P<f>\.\d+)?(?P<p> ?[AaPp][Mm])?(?P<z> ?(Z|[+-]\d{2}:?\d{2}))?"
_SHAPES = tuple((re.compile(rf"(?P<date>{date})({_CLOCK})?"), formats) for date, formats in _DATES)
_YEARS = (1000, 9999)


@dataclass(frozen=True)
class Clock:
    """How times of a table are held inside the panel; the time fields of `FrameSpec`."""

    unit: TimeUnit = "us"
    """Resolution of the timestamps that came in; ``step`` for integers, ``date`` for dates."""
    zone: str | None = None
    """The zone they carried."""
    wall_clock: bool = False
    """Whether the panel holds the clock of `zone` instead of UTC."""


def looks_like_times(column: pl.Series) -> bool:
    """Whether a column holds dates or timestamps, judged by its type or by the first texts."""
    if column.dtype.is_temporal():
        return column.dtype in (pl.Date, pl.Datetime)
    if column.dtype == pl.String:
        first = column.drop_nulls().head(50).unique().to_list()
        return bool(first) and all(_formats(text.strip()) for text in first)
    return _are_compact_dates(column)


def _are_compact_dates(column: pl.Series) -> bool:
    """Whether whole numbers are dates written like 20241231, every one of them."""
    if not column.dtype.is_integer() or not column.len() or column.null_count() == column.len():
        return False
    low, high = int(column.min()), int(column.max())  # type: ignore[arg-type]
    if not (low >= 18000101 and high <= 21991231 and low < high):
        return False
    return column.unique().cast(pl.String).str.to_date("%Y%m%d", strict=False).null_count() == column.is_null().any()


def parse_times(column: pl.Series, options: ReadOptions) -> pl.Series:
    """A column of any type as Date, Datetime or Int64.

    Raises:
        DataError: times that are missing or cannot be read, with their rows; or dates that can be read in two ways.
    """
    empty = marked_rows(column.is_null())
    if len(empty):
        raise DataError(
            f"column {column.name!r} must have a time in every row, but it is empty in {rows_text(empty)}. "
            "Fill the times in, or leave these rows out."
        )
    if options.epoch is not None:
        return _from_epoch(column, options.epoch)
    if column.dtype.is_float() and bool((column == column.round()).all()):
        column = column.cast(pl.Int64)
    if column.dtype.is_integer():
        if options.date_format is None and not _are_compact_dates(column):
            return column.cast(pl.Int64)
        column = column.cast(pl.String)
    if column.dtype in (pl.Date, pl.Datetime):
        return column
    if column.dtype != pl.String:
        raise DataError(
            f"column {column.name!r} must hold dates, timestamps or whole numbers, but got values of type "
            f"{column.dtype}. Name the column of times: time_col=…."
        )
    return _from_text(column.str.strip_chars(), options)


def to_inner(column: pl.Series, clock: Clock) -> Times:
    """Parsed times as the panel holds them: datetime64[us] in UTC or wall clock, or int64."""
    if not column.dtype.is_temporal():
        whole: Times = column.cast(pl.Int64).to_numpy()
        return whole
    if isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone is not None:
        if clock.wall_clock and clock.zone is not None:
            column = column.dt.convert_time_zone(clock.zone)
        else:
            column = column.dt.convert_time_zone("UTC")
        column = column.dt.replace_time_zone(None)
    inner: Times = column.cast(pl.Datetime("us")).to_physical().to_numpy().view("datetime64[us]")
    return inner


def clock_of(column: pl.Series, freq: Frequency | None) -> Clock:
    """How parsed times are to be held: zoned days and longer steps by their wall clock, all else in UTC."""
    if column.dtype == pl.Date:
        return Clock("date")
    if not isinstance(column.dtype, pl.Datetime):
        return Clock("step")
    unit: TimeUnit = column.dtype.time_unit
    zone = column.dtype.time_zone
    if zone is None:
        return Clock(unit)
    if freq is not None:
        return Clock(unit, zone, wall_clock=freq.unit in ("D", "W", "B", "MS", "ME"))
    return Clock(unit, zone, wall_clock=column.dt.convert_time_zone(zone).dt.time().n_unique() == 1)


def years_to_dates(column: pl.Series, freq: Frequency) -> pl.Series:
    """Whole numbers as the first days of years, for a frequency that asks for dates.

    Raises:
        DataError: the numbers are no years, or the frequency is not yearly.
    """
    low, high = int(column.min()), int(column.max())  # type: ignore[arg-type]
    if freq.unit not in ("MS", "ME") or freq.count % 12 or not _YEARS[0] <= low <= high <= _YEARS[1]:
        raise DataError(
            f"freq must be an integer where time is counted in whole numbers, but got {freq.alias!r} and column "
            f"{column.name!r} holds numbers from {low} to {high}. Give freq=1, or say how the numbers are to be read: "
            "options=ReadOptions(date_format=…) or options=ReadOptions(epoch='s')."
        )
    month, day = (12, 31) if freq.unit == "ME" else (1, 1)
    return pl.select(pl.date(pl.lit(column), month, day)).to_series().alias(column.name)


def _formats(text: str) -> list[str]:
    """The strptime patterns that the shape of one text allows."""
    for shape, dates in _SHAPES:
        match = shape.fullmatch(text)
        if match is None:
            continue
        if match["gap"] is None:
            return list(dates)
        clock = "%I:%M" if match["p"] else "%H:%M"
        clock += ":%S%.f" if match["s"] else ""
        if match["p"]:
            clock += " %p" if match["p"].startswith(" ") else "%p"
        if match["z"]:
            clock += " %#z" if match["z"].startswith(" ") else "%#z"
        return [f"{date}{match['gap']}{clock}" for date in dates]
    return []


def _read(text: pl.Series, pattern: str) -> pl.Series:
    """Texts read by one pattern: Date when it has no clock, else Datetime; null where it does not fit."""
    if pattern == "quarter":
        parts = text.str.extract_groups(r"^(\d{4})[ -]?[Qq]([1-4])$").struct.unnest()
        year, quarter = pl.col("1").cast(pl.Int32), pl.col("2").cast(pl.Int8)
        return parts.select(pl.date(year, quarter * 3 - 2, 1)).to_series()
    if re.search(r"%[HIMSTRXc]", pattern):
        if not re.search(r"%[MTRXc]", pattern):
            # An hour alone is no time to the parser.
            text, pattern = text + ":00", pattern + ":%M"
        return text.str.to_datetime(pattern, strict=False, time_unit="us")
    # A month or a year alone stands for its first day.
    if not re.search(r"%[djeDFx]", pattern):
        text, pattern = text + "-01", pattern + "-%d"
        if not re.search(r"%[mbBh]", pattern):
            text, pattern = text + "-01", pattern + "-%m"
    return text.str.to_date(pattern, strict=False)


def _from_text(text: pl.Series, options: ReadOptions) -> pl.Series:
    unique = text.unique(maintain_order=True)
    patterns = [options.date_format] if options.date_format else _formats(unique[0])
    if not patterns:
        raise DataError(
            f"column {text.name!r} must hold dates, but got {unique[0]!r} in row 1. Name the column of times, "
            "time_col=…, or say how to read it: options=ReadOptions(date_format='%d/%m/%Y')."
        )
    readings = {pattern: _read(unique, pattern) for pattern in patterns}
    fits = [pattern for pattern, dates in readings.items() if dates.null_count() == 0]
    if len(fits) == 2 and not readings[fits[0]].equals(readings[fits[1]]):
        choices = " or ".join(f"options=ReadOptions(date_format={pattern!r})" for pattern in fits)
        raise DataError(
            f"column {text.name!r} must be readable in one way, but got dates such as "
            f"{listed(unique.head(3).to_list())}, where day and month may be either way round. Give {choices}."
        )
    best = min(patterns, key=lambda pattern: readings[pattern].null_count())
    if readings[best].null_count():
        wrong = marked_rows(text.is_in(unique.filter(readings[best].is_null()).implode()))
        raise DataError(
            f"column {text.name!r} must hold dates like {best!r} throughout, but got {in_rows(text, wrong)}. "
            "Correct these values, or say how to read them: options=ReadOptions(date_format=…)."
        )
    return _read(text, best).alias(text.name)


def _from_epoch(column: pl.Series, unit: str) -> pl.Series:
    if not column.dtype.is_numeric():
        numbers = column.cast(pl.String).str.strip_chars().cast(pl.Float64, strict=False)
        wrong = marked_rows(numbers.is_null())
        if len(wrong):
            raise DataError(
                f"column {column.name!r} must hold numbers of {unit} since 1970, but got {in_rows(column, wrong)}. "
                "Correct these values, or leave epoch out."
            )
        column = numbers
    per_us = {"s": 1_000_000, "ms": 1_000, "us": 1}
    if unit == "ns":
        return (column.cast(pl.Int64) // 1_000).cast(pl.Datetime("us"))
    scaled = column * per_us[unit] if column.dtype.is_integer() else (column * per_us[unit]).round()
    return scaled.cast(pl.Int64).cast(pl.Datetime("us"))


def nanoseconds_lost(column: pl.Series) -> bool:
    """Whether timestamps are finer than the microseconds that a panel keeps."""
    fine = isinstance(column.dtype, pl.Datetime) and column.dtype.time_unit == "ns"
    return fine and bool(np.any(column.to_physical().to_numpy() % 1_000))

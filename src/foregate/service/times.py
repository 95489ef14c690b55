"""Times as they come and go over HTTP, as they are stored, and as arrays have them: read and written here alone.

A time of the calendar is text of ISO 8601, in UTC where it names no zone, to the microsecond; inside it is microseconds
since 1970. Where a frequency is a whole number, times are whole numbers. What is written otherwise is refused, wherever
it comes in: nothing is cut off or guessed.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from foregate.core import Frequency, Times, UsageError

__all__ = [
    "Time",
    "ahead",
    "array",
    "later",
    "parsed",
    "read_times",
    "require_reach",
    "shown",
    "steps_after",
    "steps_between",
    "written_times",
]

Time = str | int
"""Of the calendar, or a whole number."""
ISO = r"(?!0000)\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)?"
PLAIN = re.compile(rf"(?:{ISO}\n)+", re.ASCII)
ZULU = re.compile(rf"(?:{ISO}Z\n)+", re.ASCII)
ONE = re.compile(rf"{ISO}(?:Z|[+-]\d\d:\d\d)?", re.ASCII)
EPOCH = dt.datetime(1970, 1, 1)
MICROSECOND = dt.timedelta(microseconds=1)
DAY, SECOND = 86_400_000_000, 1_000_000
"""Microseconds."""
LARGEST = 2**53
"""Whole numbers lie within this, so that JSON means the same everywhere."""
FIRST_YEAR, LAST_YEAR = 1000, 3000
"""Of what is stored: whatever is forecast from it can be written too."""
FIRST, LAST = np.datetime64("0001-01-01", "us"), np.datetime64("9999-12-31", "us")
YEAR = 31_556_952_000_000
"""Microseconds."""
PER_YEAR = {"MS": 12, "ME": 12, "B": 261}


def read_times(given: Sequence[Time], freq: Frequency) -> Times:
    """Times (N,) of rows, all of them at once.

    Raises:
        UsageError: one is of the other kind than the frequency, or none.

    Examples:
        >>> read_times(["2024-01-31", "2024-02-29T00:00:00+01:00"], Frequency.parse("D")).astype(str).tolist()
        ['2024-01-31T00:00:00.000000', '2024-02-28T23:00:00.000000']
    """
    try:
        if freq.is_integer:
            return np.array(list(map(_whole, given)), np.int64)
        if not all(isinstance(one, str) for one in given):
            raise _wrong(next(one for one in given if not isinstance(one, str)))
        text = "\n".join(map(str, given)) + "\n"
        if ZULU.fullmatch(text):
            text = text.replace("Z", "")
        if not PLAIN.fullmatch(text):
            return np.array([_moment(one) for one in given], "datetime64[us]")
        return np.array(text.split("\n")[:-1], "datetime64[us]")
    except ValueError as error:
        raise UsageError(f"times must fit freq={freq.alias!r}, but: {error}.") from None


def parsed(time: Time, freq: Frequency) -> int:
    """A time as it is stored.

    Raises:
        ValueError: it is of the other kind than the frequency, or none; or it lies far away.

    Examples:
        >>> parsed("1970-01-01T01:00:00+00:30", Frequency.parse("h"))
        1800000000
    """
    if freq.is_integer:
        return _whole(time)
    moment = _moment(time)
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"a time must lie in the years {FIRST_YEAR} to {LAST_YEAR}, but got {str(time)[:40]!r}")
    since = moment - EPOCH
    return since.days * DAY + since.seconds * SECOND + since.microseconds


def _whole(time: object) -> int:
    """A time where the frequency is a whole number."""
    if type(time) is not int or not -LARGEST <= time <= LARGEST:
        raise ValueError(
            f"a time must be a whole number within ±2^53 where freq is one, but got {str(time)[:40]!r}; say freq, such "
            "as 'h' or 'D', where times are dates"
        )
    return time


def _moment(time: object) -> dt.datetime:
    """A time of the calendar in UTC."""
    if not isinstance(time, str) or not ONE.fullmatch(time):
        raise _wrong(time)
    try:
        found = dt.datetime.fromisoformat(time)
        if found.tzinfo is not None and found.tzinfo is not dt.UTC:
            found = found.astimezone(dt.UTC)
        return found.replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise _wrong(time) from None


def _wrong(time: object) -> ValueError:
    return ValueError(
        f"a time must be ISO 8601 to the microsecond, such as 2024-05-31T12:00:00Z, but got {str(time)[:60]!r}"
    )


def require_reach(first: Times, freq: Frequency, steps: int) -> None:
    """Refuse times that run out of what can be written.

    Args:
        first: of a series' first row.
        freq: step between rows.
        steps: from there to the last one that is forecast.

    Raises:
        UsageError: they do.

    Examples:
        >>> require_reach(np.datetime64("2024-01-01", "us"), Frequency.parse("h"), 100)
    """
    if freq.is_integer:
        fine = abs(int(first)) + freq.count * steps <= LARGEST
    else:
        span = freq.microseconds
        forward = span * steps if span is not None else freq.count * steps * YEAR // PER_YEAR[freq.unit]
        fine = bool(FIRST <= first <= LAST) and int(first.astype(np.int64)) + forward <= int(LAST.astype(np.int64))
    if not fine:
        raise UsageError(f"times must lie in years 1 to 9999, or within ±2^53, but got more with freq={freq.alias!r}.")


def shown(time: int, freq: Frequency) -> Time:
    """A stored time as it goes out.

    Examples:
        >>> shown(1_800_000_000, Frequency.parse("h"))
        '1970-01-01T00:30:00Z'
    """
    return time if freq.is_integer else (EPOCH + time * MICROSECOND).isoformat() + "Z"


def written_times(times: Times) -> list[Time]:
    """Times (N,) as they go out, all with fractions of a second or none.

    Examples:
        >>> written_times(np.array(["2024-01-31T18:00"], "datetime64[us]"))
        ['2024-01-31T18:00:00Z']
    """
    if times.dtype.kind != "M":
        return list(times.tolist())
    whole = not (times.astype(np.int64) % SECOND).any()
    return list(np.datetime_as_string(times, unit="s" if whole else "us", timezone="UTC").tolist())


def ahead(origin: int, steps: int, freq: Frequency) -> list[Time]:
    """The times of so many steps after a stored one, as they go out.

    Examples:
        >>> ahead(0, 2, Frequency.parse("h"))
        ['1970-01-01T01:00:00Z', '1970-01-01T02:00:00Z']
    """
    return list(_ahead(origin, steps, freq))


@lru_cache(1024)  # the series of a service mostly stand at the same time
def _ahead(origin: int, steps: int, freq: Frequency) -> tuple[Time, ...]:
    if freq.is_integer or freq.microseconds is None:
        return tuple(shown(time, freq) for time in steps_after(origin, steps, freq))
    first, step = EPOCH + origin * MICROSECOND, freq.microseconds * MICROSECOND
    return tuple((first + k * step).isoformat() + "Z" for k in range(1, steps + 1))


def steps_after(origin: int, steps: int, freq: Frequency) -> list[int]:
    """The times of so many steps after a stored one, as they are stored.

    Examples:
        >>> steps_after(0, 2, Frequency.parse("h"))
        [3600000000, 7200000000]
    """
    step = freq.count if freq.is_integer else freq.microseconds
    if step is not None:
        return [origin + k * step for k in range(1, steps + 1)]
    found: list[int] = freq.shift(array(origin, freq), np.arange(1, steps + 1)).astype(np.int64).tolist()
    return found


def array(times: int | list[int] | NDArray[np.int64], freq: Frequency) -> Times:
    """Stored times as a panel holds them."""
    whole = np.asarray(times, np.int64)
    return whole if freq.is_integer else whole.view("datetime64[us]")


def later(time: int, steps: int, freq: Frequency) -> int:
    """A stored time so many steps later.

    Examples:
        >>> later(0, 2, Frequency.parse("h"))
        7200000000
    """
    step = freq.count if freq.is_integer else freq.microseconds
    if step is not None:
        return time + steps * step
    return int(freq.shift(array(time, freq), steps).astype(np.int64))


def steps_between(first: int, time: int, freq: Frequency) -> int | None:
    """How many steps a time lies after another one; None where it lies between two of them."""
    step = freq.count if freq.is_integer else freq.microseconds
    if step is not None:
        steps, rest = divmod(time - first, step)
        return None if rest else steps
    found, exact = freq.index(array(time, freq), array(first, freq))
    return int(found) if exact else None

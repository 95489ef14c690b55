"""Times as they come and go over HTTP, and as they are stored.

A time of the calendar is text of ISO 8601, in UTC where it names no zone, and microseconds since 1970 inside. Where a
frequency is a whole number, times are whole numbers.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
from numpy.typing import NDArray

from foregate.core import Frequency, Times

__all__ = ["Time", "ahead", "array", "later", "micros", "parsed", "shown", "steps_after", "steps_between"]

Time = str | int
"""Of the calendar, or a whole number."""
EPOCH = dt.datetime(1970, 1, 1)
MICROSECOND = dt.timedelta(microseconds=1)
LARGEST = 2**53
"""Whole numbers beyond are not the same in every program that reads JSON."""
LONGEST = 40
"""Characters of a time: more digits than these would be left out without a word."""
FIRST_YEAR, LAST_YEAR = 1000, 3000


def micros(text: str) -> int:
    """Microseconds since 1970 of a time of the calendar.

    Raises:
        ValueError: it is none, or lies far away.

    Examples:
        >>> micros("1970-01-01T01:00:00+00:30")
        1800000000
    """
    try:
        time = dt.datetime.fromisoformat(text if len(text) <= LONGEST else "")
        if time.tzinfo is not None:
            time = time.astimezone(dt.UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise ValueError(f"a time must be like 2024-05-31T12:00:00Z, but got {text[:40]!r}") from None
    if not FIRST_YEAR <= time.year <= LAST_YEAR:
        raise ValueError(f"a time must lie in the years {FIRST_YEAR} to {LAST_YEAR}, but got {text[:40]!r}")
    return (time - EPOCH) // MICROSECOND


def parsed(time: Time, freq: Frequency) -> int:
    """A time as it is stored.

    Raises:
        ValueError: it is of the other kind than the frequency, or none.
    """
    if freq.is_integer:
        if not isinstance(time, int) or isinstance(time, bool) or abs(time) > LARGEST:
            raise ValueError(f"a time of this series must be a whole number within ±2^53, but got {str(time)[:40]!r}")
        return time
    if not isinstance(time, str):
        raise ValueError(f"a time of this series must be text such as 2024-05-31T12:00:00Z, but got {time!r}")
    return micros(time)


def shown(time: int, freq: Frequency) -> Time:
    """A stored time as it goes out.

    Examples:
        >>> shown(1_800_000_000, Frequency.parse("h"))
        '1970-01-01T00:30:00Z'
    """
    return time if freq.is_integer else (EPOCH + time * MICROSECOND).isoformat() + "Z"


def ahead(origin: int, steps: int, freq: Frequency) -> list[Time]:
    """The times of so many steps after a stored one, as they go out.

    Examples:
        >>> ahead(0, 2, Frequency.parse("h"))
        ['1970-01-01T01:00:00Z', '1970-01-01T02:00:00Z']
    """
    if freq.is_integer or freq.microseconds is None:
        return [shown(time, freq) for time in steps_after(origin, steps, freq)]
    first, step = EPOCH + origin * MICROSECOND, freq.microseconds * MICROSECOND
    return [(first + k * step).isoformat() + "Z" for k in range(1, steps + 1)]


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

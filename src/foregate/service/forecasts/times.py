"""Times as JSON has them, and as arrays have them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from foregate.core import Frequency, Times, UsageError

__all__ = ["read_times", "require_reach", "written_times"]

ISO = r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)?"
PLAIN = re.compile(rf"(?:{ISO}\n)+")
ZULU = re.compile(rf"(?:{ISO}Z\n)+")
OFFSET = re.compile(rf"{ISO}(?:Z|[+-]\d\d:\d\d)?")
FIRST, LAST = np.datetime64("0001-01-01", "us"), np.datetime64("9999-12-31", "us")
LARGEST = 2**53
"""Integer times lie within this, so that JSON means the same everywhere."""
YEAR = 31_556_952_000_000
"""Microseconds."""
PER_YEAR = {"MS": 12, "ME": 12, "B": 261}


def read_times(given: Sequence[str | int], freq: Frequency) -> Times:
    """Times (N,) of rows: ISO 8601 as UTC, or whole numbers where the frequency is one.

    Raises:
        UsageError: one is neither, or not of the frequency's kind.

    Examples:
        >>> read_times(["2024-01-31", "2024-02-29T00:00:00+01:00"], Frequency.parse("D")).astype(str).tolist()
        ['2024-01-31T00:00:00.000000', '2024-02-28T23:00:00.000000']
    """
    if freq.is_integer:
        wrong = [one for one in given if not isinstance(one, int) or abs(one) > LARGEST]
        if wrong:
            raise UsageError(
                f"times must be whole numbers within ±2^53 where freq is one, but got {wrong[0]!r:.40}. Say freq, such "
                "as 'h' or 'D', where times are dates."
            )
        return np.array(given, np.int64)
    others = [one for one in given if not isinstance(one, str)]
    if others:
        raise UsageError(f"times must be ISO 8601 where freq is {freq.alias!r}, but got {others[0]!r:.40}.")
    text = "\n".join(map(str, given)) + "\n"
    if ZULU.fullmatch(text):
        text = text.replace("Z", "")
    if not PLAIN.fullmatch(text):
        return np.array([_read_one(str(one)) for one in given], "datetime64[us]")
    try:
        times = np.array(text.split("\n")[:-1], "datetime64[us]")
    except ValueError as error:
        raise UsageError(f"times must be ISO 8601, but got one that is none: {error}.") from None
    return times


def _read_one(text: str) -> datetime:
    try:
        if not OFFSET.fullmatch(text):
            raise ValueError(text)
        time = datetime.fromisoformat(text)
        return time if time.tzinfo is None else time.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise UsageError(f"times must be ISO 8601, such as '2024-01-31T18:00:00Z', but got {text!r:.60}.") from None


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
        ahead = span * steps if span is not None else freq.count * steps * YEAR // PER_YEAR[freq.unit]
        fine = bool(FIRST <= first <= LAST) and int(first.astype(np.int64)) + ahead <= int(LAST.astype(np.int64))
    if not fine:
        raise UsageError(f"times must lie in years 1 to 9999, or within ±2^53, but got more with freq={freq.alias!r}.")


def written_times(times: Times) -> list[str | int]:
    """Times (N,) for JSON: whole numbers, or ISO 8601 in UTC, without fractions where there are none.

    Examples:
        >>> written_times(np.array(["2024-01-31T18:00"], "datetime64[us]"))
        ['2024-01-31T18:00:00Z']
    """
    if times.dtype.kind != "M":
        return list(times.tolist())
    whole = not (times.astype(np.int64) % 1_000_000).any()
    return list(np.datetime_as_string(times, unit="s" if whole else "us", timezone="UTC").tolist())

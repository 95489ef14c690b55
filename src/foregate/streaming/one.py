"""A single observation as most of them come: a dictionary with a name, a time and a number."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from foregate.core import FrameSpec
from foregate.streaming.observations import LARGEST, LATEST

__all__ = ["One", "moment", "one"]

EPOCH = dt.datetime(1970, 1, 1)
MICROSECOND = dt.timedelta(microseconds=1)


class One(NamedTuple):
    """An observation."""

    id: str
    """Name of its series."""
    time: int
    """As a panel holds it, in microseconds since 1970 where it is no step."""
    value: float
    """As float32 holds it; NaN where nothing was observed."""


def one(row: Any, spec: FrameSpec, alone: Callable[[], str | None]) -> One | None:
    """Read an observation of the usual kind.

    Args:
        row: anything that `foregate.streaming.observations.observations` takes.
        spec: names of the columns, and how times are held.
        alone: tells the series that a row without an id belongs to.

    Returns:
        None for every other kind, and for all that is wrong: that is for `observations` to read or to refuse.

    Examples:
        >>> one({"unique_id": "a", "ds": 8, "y": 3}, FrameSpec(time_unit="step"), lambda: None)
        One(id='a', time=8, value=3.0)
        >>> one({"ds": 8, "y": "3"}, FrameSpec(time_unit="step"), lambda: "a") is None
        True
    """
    if type(row) is not dict:
        return None
    try:
        name, time, value = row.get(spec.id_col), row[spec.time_col], row[spec.target_col]
    except KeyError:
        return None
    name = alone() if name is None else name
    ticks = _step(time) if spec.time_unit == "step" else moment(time, spec)
    if not isinstance(name, str) or ticks is None:
        return None
    if value is None:
        return One(name, ticks, math.nan)
    if (not isinstance(value, float) and type(value) is not int) or abs(value) > LARGEST:
        return None
    return One(name, ticks, np.float32(value).item())


def _step(time: Any) -> int | None:
    return time if type(time) is int and abs(time) <= LATEST else None


def moment(time: Any, spec: FrameSpec) -> int | None:
    """A time of the calendar as a panel holds it, in microseconds since 1970; None where it takes the long way."""
    if type(time) is str:
        try:
            time = dt.datetime.fromisoformat(time.strip())
        except ValueError:
            return None
    if type(time) is not dt.datetime:
        return None
    if time.tzinfo is not None:
        if spec.wall_clock:
            return None
        try:
            time = time.astimezone(dt.UTC).replace(tzinfo=None)
        except OverflowError:  # the calendar of Python ends with the years 1 and 9999
            return None
    ticks: int = (time - EPOCH) // MICROSECOND
    return ticks

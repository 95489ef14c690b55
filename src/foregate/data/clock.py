"""The time of the day, of the week and of the year, as the network is told it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foregate.core import Frequency, Panel, Times, UsageError, require_regular

__all__ = ["CYCLES", "YEAR", "Clock", "Days", "days_of", "days_per_row"]

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]

YEAR = 365.2425
"""Days, of the Gregorian calendar, on average."""
CYCLES = {1.0: 1, 7.0: 2, YEAR: 3}
"""Days of each cycle, and how many of its harmonics are told."""
DAY = 86_400e6
"""Microseconds."""
WORKING_DAY = 7 / 5
"""Days: working days are told as if they were even, so that a weekday has its place in the week wherever a series
begins."""
MONDAY = np.datetime64("1969-12-29", "D")


@dataclass(frozen=True)
class Clock:
    """Which cycles the network is told, and how fast rows go through them. Even steps: no calendar is looked up.

    Examples:
        >>> Clock(1 / 24, (1.0,)).waves(np.array([0.0, 0.25])).round(2)
        array([[0., 1.],
               [1., 0.]], dtype=float32)
    """

    step: float = 0.0
    """Days from one row to the next; 0 where nothing is told."""
    cycles: tuple[float, ...] = ()
    """Days of each cycle, those of their harmonics among them."""

    def __post_init__(self) -> None:
        numbers = (self.step, *self.cycles)
        if not all(0 < days < math.inf for days in numbers) and numbers != (0.0,):
            raise UsageError(
                f"a clock must have a step and cycles of more than 0 days, but got {self.step} and {self.cycles}. Give "
                "for example 0.5 and (1.0, 7.0), or 0 and () for none."
            )

    @classmethod
    def of(cls, step: float, longest: float) -> Clock:
        """Of all cycles up to the longest, and those of their harmonics that take two steps of so many days or more.

        Examples:
            >>> Clock.of(1.0, 7.0).cycles, Clock.of(0.0, 7.0).cycles
            ((7.0, 3.5), ())
        """
        every = [days / n for days, most in CYCLES.items() for n in range(1, most + 1) if days <= longest]
        told = tuple(days for days in every if days >= 2 * step)
        return cls(step, told) if step and told else cls()

    def __bool__(self) -> bool:
        """Whether anything is told."""
        return bool(self.cycles)

    @property
    def width(self) -> int:
        """Columns of what is told, for the encoder and for each step."""
        return 2 * len(self.cycles)

    def after(self, first: FloatArray, rows: IntArray) -> FloatArray:
        """Days since 1970, so many rows after the first: live and batch alike."""
        return first + rows * self.step

    def waves(self, days: FloatArray) -> Float32Array:
        """Sine and cosine of each cycle at days since 1970: (...,) to (..., width)."""
        angles = 2 * np.pi * (days[..., None] / np.array(self.cycles) % 1)
        return np.concatenate([np.sin(angles), np.cos(angles)], -1).astype(np.float32)


def days_per_row(freq: Frequency) -> float:
    """Days from one row to the next; 0 for whole numbers, which have no calendar, and for months.

    The year of months is a season like any other.

    Examples:
        >>> days_per_row(Frequency.parse("6h")), days_per_row(Frequency.parse("MS")), days_per_row(Frequency.parse(1))
        (0.25, 0.0, 0.0)
    """
    if freq.unit == "B":
        return freq.count * WORKING_DAY
    return (freq.microseconds or 0) / DAY


def days_of(times: Times, freq: Frequency) -> FloatArray:
    """Days since 1970 at times (...,), working days spread evenly over the week; 0 for whole numbers.

    Examples:
        >>> days_of(np.array(["1970-01-03T12", "1969-12-31"], "datetime64[h]"), Frequency.parse("h"))
        array([ 2.5, -1. ])
    """
    if times.dtype.kind != "M":
        return np.zeros(times.shape)
    days: FloatArray = times.astype("datetime64[us]").astype(np.int64) / DAY
    if freq.unit == "B":
        count = np.busday_count(MONDAY, times.astype("datetime64[D]"))
        days = MONDAY.astype(np.int64) + np.asarray(count * WORKING_DAY, np.float64)
    return days


@dataclass(frozen=True)
class Days:
    """Days since 1970 at every row of a panel, and at those to come: even steps from the first row on."""

    clock: Clock
    first: FloatArray
    """(S,) at each series' first row."""
    begins: IntArray
    """(S,) those rows."""

    @classmethod
    def of(cls, panel: Panel, clock: Clock) -> Days:
        """Of a regular panel."""
        begins, freq = panel.offsets[:-1], require_regular(panel)
        filled = begins < panel.offsets[1:]
        first = np.zeros(len(panel))
        first[filled] = days_of(panel.times[begins[filled]], freq)
        return cls(clock, first, begins)

    def at(self, rows: IntArray, series: IntArray) -> FloatArray:
        """At panel rows (M,) of series (M,)."""
        return self.clock.after(self.first[series], rows - self.begins[series])

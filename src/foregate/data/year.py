"""The time of the year, of series that are seen over several: a season too long to be looked back on row by row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foregate.core import Frequency, Panel, Times

__all__ = ["YEAR_WIDTH", "Years", "first_phases", "phases_at", "rows_per_year", "waves"]

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]

DAYS = 365.2425
"""In a year of the Gregorian calendar, on average."""
ORDER = 3
"""Harmonics of the year that the network is told."""
YEAR_WIDTH = 2 * ORDER
SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3_600.0, "D": 86_400.0, "W": 604_800.0}
SECONDS["B"] = SECONDS["D"] * 7 / 5  # on average


def rows_per_year(freq: Frequency) -> float:
    """How many steps of a frequency make a year; 0 for whole numbers, which have no calendar, and for months.

    A year of months is a season like any other.

    Examples:
        >>> rows_per_year(Frequency.parse("h")), rows_per_year(Frequency.parse("MS")), rows_per_year(Frequency.parse(1))
        (8765.82, 0.0, 0.0)
    """
    return DAYS * 86_400 / (SECONDS[freq.unit] * freq.count) if freq.unit in SECONDS else 0.0


def first_phases(times: Times) -> FloatArray:
    """How much of a year has gone by at times (...,), as a share; whole numbers have no year.

    Examples:
        >>> first_phases(np.array(["1970-01-01", "2024-07-01"], "datetime64[s]")).round(2)
        array([0. , 0.5])
    """
    if times.dtype.kind != "M":
        return np.zeros(times.shape)
    days = times.astype("datetime64[s]").astype(np.int64) / 86_400
    shares: FloatArray = days / DAYS % 1
    return shares


def phases_at(first: FloatArray, rows: IntArray, year: float) -> FloatArray:
    """Share of the year that has gone by, plus whole years, so many rows after the first: live and batch alike."""
    return first + rows / year


def waves(phases: FloatArray) -> Float32Array:
    """Sine and cosine of the year and of its harmonics: (...,) to (..., YEAR_WIDTH)."""
    angles = 2 * np.pi * phases[..., None] * np.arange(1, ORDER + 1)
    return np.concatenate([np.sin(angles), np.cos(angles)], -1).astype(np.float32)


@dataclass(frozen=True)
class Years:
    """The time of the year at every row of a panel, and of those to come: even steps from the first row on."""

    first: FloatArray
    """(S,) share of the year that has gone by at each series' first row."""
    begins: IntArray
    """(S,) those rows."""
    rows: float
    """In a year."""

    @classmethod
    def of(cls, panel: Panel, rows: float) -> Years:
        """Of a regular panel with so many rows in a year."""
        begins = panel.offsets[:-1]
        filled = begins < panel.offsets[1:]
        first = np.zeros(len(panel))
        first[filled] = first_phases(panel.times[begins[filled]])
        return cls(first, begins, rows)

    def at(self, rows: IntArray, series: IntArray) -> FloatArray:
        """Share of the year that has gone by at panel rows (M,) of series (M,), plus whole years."""
        return phases_at(self.first[series], rows - self.begins[series], self.rows)

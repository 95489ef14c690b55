"""Calendar effects: what comes from months of unequal make-up and from holidays, in logarithms of the values.

Each function takes ``(rng, n, length)`` and gives (S, T). Real dates are drawn from 1970 to 2069, so that leap
years, the weekdays of a month and the distance between two Easters are as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType

import numpy as np

from foregate.data.synthetic.draws import Floats, Ints, spread

__all__ = ["CALENDARS", "easter", "month_table"]

Calendar = Callable[[np.random.Generator, int, int], Floats]

FIRST, YEARS = 1970, 100


def easter(year: int) -> tuple[int, int]:
    """Month and day of Easter Sunday in the Gregorian calendar (the anonymous algorithm of 1876; Meeus 1991, ch. 8).

    Examples:
        >>> easter(2024), easter(2025)
        ((3, 31), (4, 20))
    """
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    k = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    total = h + k - 7 * ((a + 11 * h + 22 * k) // 451) + 114
    return total // 31, total % 31 + 1


@cache
def month_table() -> tuple[Ints, Floats]:
    """How often each weekday falls into each month, (months, 7), and the share of Easter's week in it, (months,)."""
    months = np.arange(FIRST * 12, (FIRST + YEARS) * 12) - 1970 * 12
    begins = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    ends = (months + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    # Days up to a date that are weekday w: a step function whose difference counts them.
    counts = np.stack([(ends - w + 6) // 7 - (begins - w + 6) // 7 for w in range(7)], 1)
    shopping = np.zeros(months.size)
    for i in range(YEARS):
        month, day = easter(FIRST + i)
        late = min(day, 8) / 8 if month == 4 else 0.0
        shopping[12 * i + 2 : 12 * i + 4] = 1 - late, late
    return counts, shopping


@cache
def _day_table() -> tuple[Ints, Ints, Ints]:
    """Day of the year and of the month, counted from 0, and days from Easter, of each day."""
    dates = np.arange(np.datetime64(f"{FIRST}-01-01"), np.datetime64(f"{FIRST + YEARS}-01-01"))
    in_year = (dates - dates.astype("datetime64[Y]")).astype(np.int64)
    in_month = (dates - dates.astype("datetime64[M]")).astype(np.int64)
    year = dates.astype("datetime64[Y]").astype(np.int64)
    sundays = np.array(["{}-{:02}-{:02}".format(FIRST + i, *easter(FIRST + i)) for i in range(YEARS)], "datetime64[D]")
    return in_year, in_month, (dates - sundays[year]).astype(np.int64)


def months(rng: np.random.Generator, n: int, length: int) -> Floats:
    """Months: their length, trading days ``sum_w b_w n_w``, and Easter in March or April (Bell and Hillmer 1983)."""
    counts, shopping = month_table()
    at = (np.arange(length) + rng.integers(0, len(counts), (n, 1))) % len(counts)
    weights = spread(rng, (0.003, 0.03), n) * rng.standard_normal((n, 7))
    weights += (rng.random((n, 1)) < 0.5) / 30.4  # what is summed over a month grows with its days
    days = counts - counts.mean(0)
    effect = np.take_along_axis(weights @ days.T, at, 1)
    return np.asarray(effect + 0.08 * rng.standard_normal((n, 1)) * shopping[at], np.float64)


def days(rng: np.random.Generator, n: int, length: int) -> Floats:
    """Days: up to eight dates of the year and two that move with Easter, with days before and after; and pay days."""
    in_year, in_month, from_easter = _day_table()
    at = (np.arange(length) + rng.integers(0, len(in_year), (n, 1))) % len(in_year)
    dates = _spikes(rng, n, 366, 8)
    moving = np.concatenate([_spikes(rng, n, 120, 2), np.zeros((n, 1))], 1)
    effect = np.take_along_axis(dates, in_year[at], 1)
    effect += np.take_along_axis(moving, np.clip(from_easter[at] + 60, -1, 120) % 121, 1)
    pay = 0.15 * rng.standard_normal((n, 1)) * (rng.random((n, 1)) < 0.4)
    return np.asarray(effect + pay * np.exp(-in_month[at] / rng.uniform(2, 8, (n, 1))), np.float64)


def weeks(rng: np.random.Generator, n: int, length: int) -> Floats:
    """Weeks: the same dates, each felt in the week it falls into, so that the spike moves by a week in some years."""
    return days(rng, n, 7 * length)[:, ::7]


def _spikes(rng: np.random.Generator, n: int, size: int, most: int) -> Floats:
    """A table (S, size), empty but for up to `most` days with an effect of their own, which may begin days before."""
    table = np.zeros((n, size))
    heights = spread(rng, (0.05, 0.8), n) * rng.standard_normal((n, most))
    heights *= np.arange(most) < rng.integers(1, most + 1, (n, 1))
    # A closed day: down to a few percent.
    heights = np.where(rng.random((n, most)) < 0.08, np.minimum(heights, 0) * 4, heights)
    place, lead = rng.integers(0, size, (n, most)), rng.integers(1, 5, (n, 1))
    for back in range(4):
        fall = np.where(back < lead, 1 - back / lead, 0)
        np.add.at(table, (np.arange(n)[:, None], (place - back) % size), heights * fall)
    return table


CALENDARS: Mapping[int, Calendar] = MappingProxyType({7: days, 12: months, 52: weeks})
"""Calendar effects by the season that suggests them: 7 days, 12 months, 52 weeks."""

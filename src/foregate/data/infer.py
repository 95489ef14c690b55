"""Which step the rows of a panel keep, judged by the gaps between them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foregate.core import DataError, Frequency, Panel, Times
from foregate.data.later import pl

__all__ = ["FrequencyFinding", "infer_frequency", "require_freq"]

_LEAST_CONFIDENCE = 0.5
_LONGEST_GAP = 10
"""A gap counts as missing rows up to so many steps; longer ones speak for no frequency."""
_IRREGULAR = 0.05
_UNITS_US = (
    ("W", 604_800_000_000),
    ("D", 86_400_000_000),
    ("h", 3_600_000_000),
    ("min", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
    ("us", 1),
)
_DAY_US = 86_400_000_000
_EXAMPLES = "freq='h', freq='D' or freq='MS'"


@dataclass(frozen=True)
class FrequencyFinding:
    """What the gaps between rows say about the frequency."""

    freq: Frequency | None
    """The step between two rows; None when it cannot be told."""
    confidence: float
    """Share of the gaps that are a whole number of steps, at most 10; 0 to 1."""
    reason: str
    """One clause on how it was found, or why not, for people to read."""
    irregular: bool
    """Whether more than one gap in twenty is no whole number of steps, or there is no common step."""

    @property
    def percent(self) -> str:
        """The confidence for people, rounded down so that 100.0% means every gap."""
        return f"{math.floor(self.confidence * 1_000) / 10:.1f}%"


def infer_frequency(panel: Panel) -> FrequencyFinding:
    """Find the step between rows from the gaps of all series together.

    Missing rows make gaps of several steps and repeated times make none: neither confuses it. Steps of months are told
    from steps of 28 to 31 days by the days they fall on, and business days from days by empty weekends.

    Examples:
        >>> from dataclasses import replace
        >>> days = np.array(["2024-01-31", "2024-02-29", "2024-03-31"], "datetime64[us]")
        >>> panel = Panel.from_arrays([np.ones(3)])
        >>> infer_frequency(replace(panel, times=days)).freq
        Frequency('ME')
    """
    before, after = _neighbours(panel)
    if not len(before):
        return FrequencyFinding(None, 0.0, "no series has two rows at different times", irregular=False)
    if before.dtype.kind != "M":
        candidates = [_integer_step(before, after)]
    else:
        candidates = [*_calendar_steps(before, after), *_fixed_steps(before, after)]
    freq, confidence = max(candidates, key=lambda candidate: candidate[1])
    irregular = confidence < 1 - _IRREGULAR
    if confidence < _LEAST_CONFIDENCE:
        reason = f"the most common step, {freq.alias}, explains only {confidence:.1%} of the gaps between rows"
        return FrequencyFinding(None, confidence, reason, irregular=True)
    reason = f"{confidence:.1%} of {len(before)} gaps between rows are whole steps of {freq.alias}"
    return FrequencyFinding(freq, confidence, reason, irregular)


def require_freq(panel: Panel) -> Panel:
    """The same panel, with a frequency for certain.

    Raises:
        DataError: it has none and none can be inferred.
    """
    if panel.freq is not None:
        return panel
    found = infer_frequency(panel)
    if found.freq is None:
        raise DataError(f"freq must be known, but it cannot be inferred: {found.reason}. Give it, such as {_EXAMPLES}.")
    return panel.with_freq(found.freq)


def _neighbours(panel: Panel) -> tuple[Times, Times]:
    """Times of neighbouring rows of one series, earlier and later, without repeats."""
    within = np.ones(max(len(panel.times) - 1, 0), np.bool_)
    ends = panel.offsets[1:-1] - 1
    within[ends[(ends >= 0) & (ends < len(within))]] = False
    within &= panel.times[1:] != panel.times[:-1]
    return panel.times[:-1][within], panel.times[1:][within]


def _distinct(steps: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The numbers that there are, the most common first and of equally common ones the smallest; and how often."""
    counts = pl.Series("step", steps).value_counts(name="count").sort("count", "step", descending=[True, False])
    return counts["step"].to_numpy(), counts["count"].to_numpy().astype(np.int64)


def _share(steps: NDArray[np.int64], exact: NDArray[np.bool_], counts: NDArray[np.int64] | None = None) -> float:
    return float(np.average(exact & (steps >= 1) & (steps <= _LONGEST_GAP), weights=counts))


def _integer_step(before: Times, after: Times) -> tuple[Frequency, float]:
    gaps, counts = _distinct(after.astype(np.int64) - before.astype(np.int64))
    step = int(gaps[0])
    return Frequency(step, "step"), _share(gaps // step, gaps % step == 0, counts)


def _fixed_steps(before: Times, after: Times) -> list[tuple[Frequency, float]]:
    """The most common gap as a multiple of a unit of fixed length, and business days where it is one day."""
    gaps, counts = _distinct((after - before).view(np.int64))
    step = int(gaps[0])
    unit, length = next((unit, length) for unit, length in _UNITS_US if step % length == 0)
    fixed = (Frequency(step // length, unit), _share(gaps // step, gaps % step == 0, counts))
    if step != _DAY_US:
        return [fixed]
    first, last = before.astype("datetime64[D]"), after.astype("datetime64[D]")
    on_weekends = not np.all(np.is_busday(first)) or not np.all(np.is_busday(last))
    steps = np.busday_count(first, last).astype(np.int64)
    crosses_weekend = np.any(steps < (last - first).astype(np.int64))
    if on_weekends or not crosses_weekend:
        return [fixed]
    whole = (after - before).view(np.int64) % _DAY_US == 0
    return [(Frequency(1, "B"), _share(steps, whole)), fixed]


def _calendar_steps(before: Times, after: Times) -> list[tuple[Frequency, float]]:
    """Steps of months, ending on the last day or keeping the day of the month; none where gaps are shorter."""
    long = (after - before) >= np.timedelta64(27, "D")
    if np.mean(long) < _LEAST_CONFIDENCE:
        return []
    months = (after.astype("datetime64[M]") - before.astype("datetime64[M]")).astype(np.int64)
    count = max(int(_distinct(months)[0][0]), 1)
    whole = long & (months % count == 0) & (_clock(before) == _clock(after))
    day_before, end_before = _day_of_month(before)
    day_after, end_after = _day_of_month(after)
    ends = _share(months // count, whole & end_before & end_after)
    # A series on the 30th falls on the 28th or 29th of February and returns.
    same = (day_before == day_after) | (end_after & (day_before > day_after)) | (end_before & (day_after > day_before))
    return [(Frequency(count, "ME"), ends), (Frequency(count, "MS"), _share(months // count, whole & same))]


def _clock(times: Times) -> NDArray[np.int64]:
    clock: NDArray[np.int64] = (times - times.astype("datetime64[D]")).astype(np.int64)
    return clock


def _day_of_month(times: Times) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Day of the month from 0, and whether it is the month's last."""
    days, months = times.astype("datetime64[D]"), times.astype("datetime64[M]")
    day = (days - months.astype("datetime64[D]")).astype(np.int64)
    return day, (days + 1).astype("datetime64[M]") > months

"""One thing that the audit found, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from foregate.core import Panel

__all__ = ["Finding", "Severity", "Span", "finding_of_series", "runs", "spans", "stamp"]

Severity = Literal["error", "warning", "info"]

MOST_PLACES = 100
"""Ids and spans that a finding holds at most; its count tells how many there are."""


@dataclass(frozen=True)
class Span:
    """A stretch of one series."""

    id: str
    first: str | int
    """Time of the first step concerned, as text, or the integer step."""
    last: str | int
    """Time of the last step concerned."""
    count: int
    """Steps or rows concerned."""


@dataclass(frozen=True)
class Finding:
    """One thing that the audit found."""

    kind: str
    """A word to tell findings apart by, such as ``gaps``."""
    severity: Severity
    """``error``: the panel cannot be used like this. ``warning``: forecasts may suffer. ``info``: good to know."""
    message: str
    """One or two sentences for people: what, how much, and what to do."""
    ids: tuple[str, ...] = ()
    """Series concerned, at most a hundred."""
    count: int = 0
    """How many rows, steps or series are concerned, as the message says."""
    ranges: tuple[Span, ...] = ()
    """Where, longest first, at most a hundred."""


def stamp(time: Any, panel: Panel) -> str | int:
    """A time as people write it: an integer, a date for days and longer steps, else date and clock.

    Examples:
        >>> stamp(np.datetime64("2024-01-01T05:00", "us"), Panel.from_arrays([np.ones(2)], freq="h"))
        '2024-01-01 05:00:00'
        >>> stamp(np.datetime64("2024-01-01", "us"), Panel.from_arrays([np.ones(2)], freq="D"))
        '2024-01-01'
    """
    if not isinstance(time, np.datetime64):
        return int(time)
    text = str(time.astype("datetime64[us]")).replace("T", " ").removesuffix(".000000")
    days = panel.freq is not None and panel.freq.unit in ("D", "B", "W", "MS", "ME")
    return text.removesuffix(" 00:00:00") if days or panel.spec.time_unit == "date" else text


def spans(
    panel: Panel, series: NDArray[np.int64], first: NDArray[Any], last: NDArray[Any], count: NDArray[np.int64]
) -> tuple[Span, ...]:
    """The longest stretches as values; the arrays hold one entry per stretch."""
    order = np.argsort(-count, kind="stable")[:MOST_PLACES]
    return tuple(
        Span(str(panel.ids[series[i]]), stamp(first[i], panel), stamp(last[i], panel), int(count[i])) for i in order
    )


def runs(panel: Panel, marked: NDArray[np.bool_]) -> tuple[Span, ...]:
    """The longest runs of marked rows, none reaching from one series into the next."""
    rows = np.flatnonzero(marked)
    if not len(rows):
        return ()
    series = np.searchsorted(panel.offsets, rows, side="right") - 1
    starts = np.flatnonzero(np.concatenate([[True], (np.diff(rows) > 1) | (np.diff(series) > 0)]))
    ends = np.append(starts[1:], len(rows)) - 1
    return spans(panel, series[starts], panel.times[rows[starts]], panel.times[rows[ends]], ends - starts + 1)


def finding_of_series(
    panel: Panel, kind: str, severity: Severity, which: NDArray[np.bool_], message: str
) -> list[Finding]:
    """A finding on the series marked in `which` (S,), or none; ``{n}`` in the message becomes their number."""
    ids = panel.ids[which]
    if not len(ids):
        return []
    said = message.replace("{n}", f"{len(ids):,} of {len(panel):,} series")
    return [Finding(kind, severity, said, tuple(ids[:MOST_PLACES].tolist()), len(ids))]

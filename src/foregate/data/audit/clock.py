"""What the timestamps say: frequency, gaps, repeats, rows between two steps, clock changes, and ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foregate.core import Frequency, Panel, Times
from foregate.data.audit.findings import MOST_PLACES, Finding, Severity, spans, stamp
from foregate.data.grid import count_of_steps
from foregate.data.infer import FrequencyFinding

__all__ = ["Clock", "look_at_clock"]

Bools = NDArray[np.bool_]

_HOUR = np.timedelta64(1, "h")
# (month, which Sunday; -1 for the last): European Union, United States (now and before 2007), Australia, New Zealand.
_FORWARD = ((3, -1), (3, 2), (4, 1), (10, 1), (10, -1), (9, -1))
_BACK = ((10, -1), (11, 1), (4, 1), (3, -1))
_BLOCK = 5_000_000
"""Rows looked at at a time."""
_IRREGULAR = 0.05
"""Share of steps that are no whole number of the frequency, from which on timestamps count as irregular."""


@dataclass(frozen=True)
class Clock:
    """What the timestamps say, in numbers."""

    freq: Frequency | None
    confidence: float
    """Share of the steps from row to row that are whole numbers of `freq`, between 0 and 1."""
    reason: str
    irregular: bool
    gaps: int
    """Missing steps between rows, those of a clock change not counted."""
    repeats: int
    """Rows with the time of the row before, those of a clock change not counted."""
    switches: int
    """Dates on which the clock was changed."""
    broken: Bools
    """(S,) series that have rows between two steps."""
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class _Pairs:
    """Neighbouring rows that are not one step apart (M pairs): their series, times and the steps between them."""

    series: NDArray[np.int64]
    before: Times
    after: Times
    steps: NDArray[np.int64]
    whole: Bools
    total: int
    """Neighbouring rows in all, those one step apart included."""


def look_at_clock(panel: Panel, found: FrequencyFinding) -> Clock:
    """Read the timestamps of `panel` by its frequency if it is set, else by the one that was found."""
    freq = panel.freq or found.freq
    if freq is None:
        message = f"The frequency cannot be told: {found.reason}. Give it when reading, such as freq='h'."
        finding = Finding("frequency", "error", message, count=len(panel))
        unknown = np.ones(len(panel), np.bool_)
        findings = (finding, *_ends(panel, None))
        return Clock(None, found.confidence, found.reason, found.irregular, 0, 0, 0, unknown, findings)
    pairs = _odd_pairs(panel, freq)
    forward, back = _clock_changes(panel, pairs, freq)
    repeated, gap = (pairs.before == pairs.after) & ~back, (pairs.steps > 1) & ~forward
    broken = ~pairs.whole
    share = float(broken.sum()) / max(pairs.total, 1)
    broken_series = np.zeros(len(panel), np.bool_)
    broken_series[pairs.series[broken]] = True
    findings = (
        *_say_gaps(panel, pairs, freq, gap),
        *_say_repeats(panel, pairs, repeated),
        *_say_broken(panel, pairs, freq, broken),
        *_say_switches(panel, pairs, forward, back),
        *_ends(panel, freq),
    )
    return Clock(
        freq,
        1 - share if pairs.total else found.confidence,
        found.reason if freq == found.freq else f"as given; by the timestamps, {found.reason}",
        share > _IRREGULAR,
        int((pairs.steps[gap] - 1).sum()),
        int(repeated.sum()),
        _n_days(pairs, forward | back),
        broken_series,
        findings,
    )


def _odd_pairs(panel: Panel, freq: Frequency) -> _Pairs:
    """All neighbours that are not exactly one step apart, found block by block to bound memory."""
    found = []
    for begin in range(0, max(len(panel.times) - 1, 1), _BLOCK):
        rows = np.arange(begin + 1, min(begin + 1 + _BLOCK, len(panel.times)))
        series = np.searchsorted(panel.offsets, rows, side="right") - 1
        rows = rows[rows > panel.offsets[series]]
        steps, whole = freq.index(panel.times[rows], panel.times[rows - 1])
        odd = (steps != 1) | ~whole
        found.append((rows[odd], steps[odd], whole[odd]))
    rows, steps, whole = (np.concatenate(parts) for parts in zip(*found, strict=True))
    series = np.searchsorted(panel.offsets, rows, side="right") - 1
    total = len(panel.times) - int((panel.lengths > 0).sum())
    return _Pairs(series, panel.times[rows - 1], panel.times[rows], steps, whole, total)


def _n_days(pairs: _Pairs, where: Bools) -> int:
    return len(np.unique(pairs.after[where].astype("datetime64[D]"))) if where.any() else 0


def _clock_changes(panel: Panel, pairs: _Pairs, freq: Frequency) -> tuple[Bools, Bools]:
    """Pairs where an hour is missing or told twice because local clocks were changed.

    A single night hour that is missing on a Sunday of spring is no proof: it takes two such dates, or one and a repeat.
    """
    nothing = np.zeros(len(pairs.series), np.bool_)
    zoned = panel.spec.time_zone is not None and not panel.spec.wall_clock
    if freq.is_integer or zoned or freq.unit not in ("h", "min", "s") or pairs.before.dtype.kind != "M":
        return nothing, nothing
    step = freq.shift(np.zeros(1, "datetime64[us]"), 1)[0] - np.datetime64(0, "us")
    if step > _HOUR or _HOUR % step != np.timedelta64(0, "us"):
        return nothing, nothing
    skips = (pairs.after - pairs.before == step + _HOUR) & _on_switch(pairs.before + step, _FORWARD)
    repeats = (pairs.after == pairs.before) & _on_switch(pairs.after, _BACK)
    n_skips, n_repeats = _n_days(pairs, skips), _n_days(pairs, repeats)
    per_switch = int(_HOUR / step)
    full = n_repeats > 0 and repeats.sum() >= per_switch * n_repeats
    known = n_skips >= 2 or (n_skips >= 1 and full) or (full and n_repeats >= 2)
    return (skips, repeats) if known else (nothing, nothing)


def _on_switch(times: Times, rules: tuple[tuple[int, int], ...]) -> Bools:
    """Whether times lie in the first four hours of a Sunday on which some country changes its clocks."""
    days = times.astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    month = months.astype(np.int64) % 12 + 1
    nth = (days - months.astype("datetime64[D]")).astype(np.int64) // 7 + 1
    last = (days + 7).astype("datetime64[M]") > months
    sunday = (days.astype(np.int64) + 4) % 7 == 0  # 1970-01-01 was a Thursday
    hits = np.zeros(len(times), np.bool_)
    for rule_month, which in rules:
        hits |= (month == rule_month) & (last if which == -1 else nth == which)
    return np.asarray(hits & sunday & (times - days < 4 * _HOUR))


def _ids(panel: Panel, pairs: _Pairs, where: Bools) -> tuple[str, ...]:
    return tuple(panel.ids[np.unique(pairs.series[where])][:MOST_PLACES].tolist())


def _n_series(pairs: _Pairs, where: Bools) -> int:
    return len(np.unique(pairs.series[where]))


def _say_gaps(panel: Panel, pairs: _Pairs, freq: Frequency, gap: Bools) -> list[Finding]:
    if not gap.any():
        return []
    missing = pairs.steps[gap] - 1
    first, last = freq.shift(pairs.before[gap], 1), freq.shift(pairs.before[gap], missing)
    total, where = int(missing.sum()), _n_series(pairs, gap)
    message = (
        f"{count_of_steps(total, freq, 'missing')} in {int(gap.sum()):,} gap{'s' if gap.sum() > 1 else ''} of "
        f"{where:,} series. They count as missing values."
    )
    places = spans(panel, pairs.series[gap], first, last, missing)
    return [Finding("gaps", "warning", message, _ids(panel, pairs, gap), total, places)]


def _say_repeats(panel: Panel, pairs: _Pairs, repeated: Bools) -> list[Finding]:
    n = int(repeated.sum())
    if not n:
        return []
    message = (
        f"{n:,} row{'s repeat' if n > 1 else ' repeats'} the time of the row before, in {_n_series(pairs, repeated):,} "
        'series. Say which to keep: clean(panel, duplicates="first"), "last" or "mean".'
    )
    times = pairs.after[repeated]
    places = spans(panel, pairs.series[repeated], times, times, np.ones(n, np.int64))
    return [Finding("repeats", "error", message, _ids(panel, pairs, repeated), n, places)]


def _say_broken(panel: Panel, pairs: _Pairs, freq: Frequency, broken: Bools) -> list[Finding]:
    n = int(broken.sum())
    if not n:
        return []
    share = n / max(pairs.total, 1)
    message = (
        f"From one row to the next it is no whole number of steps of {freq.alias!r} {n:,} time{'s' if n > 1 else ''} "
        f"({share:.2%} of all), in {_n_series(pairs, broken):,} series; these are left out of what follows. "
    ) + (
        "The timestamps are irregular: aggregate them to a regular step."
        if share > _IRREGULAR
        else "Correct them, or give the frequency that the data has."
    )
    places = spans(panel, pairs.series[broken], pairs.before[broken], pairs.after[broken], np.ones(n, np.int64))
    kind = "irregular" if share > _IRREGULAR else "off_grid"
    return [Finding(kind, "error", message, _ids(panel, pairs, broken), n, places)]


def _say_switches(panel: Panel, pairs: _Pairs, forward: Bools, back: Bools) -> list[Finding]:
    both = forward | back
    if not both.any():
        return []
    skipped, doubled = _n_days(pairs, forward), _n_days(pairs, back)
    message = (
        f"The timestamps are local: on {skipped} Sunday{'s' * (skipped != 1)} an hour is missing and on {doubled} one "
        "is told twice, as clocks are changed for daylight saving. "
        + (
            "Give times in UTC or with their zone, or fold the repeats: clean(panel, duplicates='mean')."
            if doubled
            else "The missing hours never were; they count as missing values unless times come in UTC."
        )
    )
    first, last = np.minimum(pairs.before, pairs.after)[both], pairs.after[both]
    places = spans(panel, pairs.series[both], first, last, np.ones(int(both.sum()), np.int64))
    severity: Severity = "error" if doubled else "info"
    return [Finding("daylight_saving", severity, message, _ids(panel, pairs, both), int(both.sum()), places)]


def _ends(panel: Panel, freq: Frequency | None) -> list[Finding]:
    """Series that end before the last one does."""
    some = np.flatnonzero(panel.lengths > 0)
    if not len(some):
        return []
    ends = panel.last_times[some]
    final = ends.max()
    early = ends < final
    n = int(early.sum())
    if not n:
        return []
    behind = freq.index(np.repeat(final, n), ends[early])[0] if freq else np.ones(n, np.int64)
    most = f", by at most {count_of_steps(int(behind.max()), freq)}" if freq else ""
    message = (
        f"{n:,} of {len(panel):,} series end before {stamp(final, panel)}{most}. Each is forecast from its own end."
    )
    places = spans(panel, some[early], ends[early], np.repeat(final, n), behind)
    ids = tuple(panel.ids[some[early]][:MOST_PLACES].tolist())
    return [Finding("ends", "info", message, ids, n, places)]

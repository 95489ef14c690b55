"""How many rows of the past a forecast needs: what each way says of it, and what the rule of thumb is.

The rule of thumb by frequency is custom, not measurement: one to two of the longest cycle that most series of that
frequency have (a week of hours, four to eight weeks of days, a year of weeks, two to three years of months), as
tutorials and practitioners pass it on. It is for data that is too short to tell, and said as such.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foregate.core import Frequency, Panel
from foregate.data.dependence import LagCurve, LagEvidence
from foregate.data.seasons import SeasonEvidence
from foregate.models.options import LEAST_LOOKBACK, MOST_LOOKBACK

__all__ = ["Way", "candidates", "combined", "rule_of_thumb", "usual_lookback", "ways_of"]

CYCLES = 2
"""Seasons that a window holds: one to compare the other with, as where nobody says how long it is."""
APART = 1.3
"""Candidates differ at least by this factor."""
MOST_CANDIDATES = 5
LONGEST_SHARE = 3
"""A window is at most this part of a middling series: a third."""
_MINUTE, _HOUR, _DAY = 60e6, 3600e6, 86_400e6
_RULES = (
    (_MINUTE, _HOUR, (1, 2), "one to two days"),
    (_HOUR, _DAY, (7, 14), "one to two weeks"),
    (_DAY, 7 * _DAY, (28, 56), "four to eight weeks"),
)
"""Steps from and below so many microseconds -> days of the past, and in words."""
_CALENDAR: dict[str | int, tuple[tuple[int, int], str]] = {
    "W": ((52, 104), "one to two years"),
    "B": ((20, 40), "four to eight weeks"),
    1: ((24, 36), "two to three years"),
    3: ((8, 16), "two to four years"),
    12: ((5, 10), "five to ten years"),
}
"""Rows and words for weeks and working days, and for so many months."""


@dataclass(frozen=True)
class Way:
    """What one way of looking at the data says of the length."""

    name: str
    """Such as ``partial autocorrelation``."""
    rows: int | None
    """Rows of the past that it asks for; 0 if no past matters beyond the last value; None if it cannot tell."""
    reason: str
    """What it saw."""
    decides: bool = False
    """Whether the recommendation follows from it."""


def usual_lookback(seasons: Sequence[int]) -> int:
    """Rows of a window where nobody says how many: two of the longest season, from 24 to 192.

    Examples:
        >>> usual_lookback((24,)), usual_lookback(())
        (48, 24)
    """
    return min(max(CYCLES * max(seasons, default=1), LEAST_LOOKBACK), MOST_LOOKBACK)


def rule_of_thumb(freq: Frequency | None) -> tuple[tuple[int, int], str] | None:
    """From how many to how many rows custom gives a window, and what that is in words; None where there is none.

    Examples:
        >>> rule_of_thumb(Frequency.parse("h")), rule_of_thumb(Frequency.parse("D"))
        (((168, 336), 'one to two weeks'), ((28, 56), 'four to eight weeks'))
        >>> rule_of_thumb(Frequency.parse("MS")), rule_of_thumb(Frequency.parse(1))
        (((24, 36), 'two to three years'), None)
    """
    if freq is None or freq.is_integer:
        return None
    if freq.unit in ("MS", "ME"):
        return _CALENDAR.get(freq.count)
    step = freq.microseconds
    if step is None or step == 7 * _DAY:
        return _CALENDAR.get(freq.unit) if freq.count == 1 else None
    for least, below, days, words in _RULES:
        if least <= step < below:
            low, high = (max(1, round(each * _DAY / step)) for each in days)
            return (low, high), words
    return None


def ways_of(panel: Panel, lags: LagEvidence | None, evidence: Sequence[SeasonEvidence]) -> tuple[Way, ...]:
    """The answers that need no training, those that decide marked as such.

    Autocorrelation hands on what shorter lags do, so partial autocorrelation decides instead; mutual information does
    the same, and decides at the lags that no correlation shows.

    Args:
        panel: what was looked at.
        lags: what `foregate.data.dependence.lag_evidence` found; None where the data is too short.
        evidence: what `foregate.data.season_evidence` found.
    """
    ways = []
    if lags is not None:
        more = int(lags.changes)  # a change needs the value before it
        ways += [
            Way("autocorrelation", _rows(lags.autocorrelation, more), _said(lags.autocorrelation, lags)),
            Way("partial autocorrelation", _rows(lags.partial, more), _said(lags.partial, lags), decides=True),
            _informed(lags, more),
        ]
    ways.append(_seasonal(evidence))
    if not any(way.decides and way.rows is not None for way in ways) or lags is None:
        ways.append(_custom(panel))
    return tuple(ways)


def _rows(curve: LagCurve, more: int) -> int:
    return curve.furthest + more if curve.furthest else 0


def _said(curve: LagCurve, lags: LagEvidence) -> str:
    of = "of the changes from step to step, for the series wander" if lags.changes else ""
    looked = f"{len(curve.values)} lags looked at {of}".strip()
    if not curve.furthest:
        slight = f"; {len(curve.shown)} are outside the band, but negligible" if len(curve.shown) else ""
        return f"no lag matters ({looked}{slight})"
    end = ", up to the end of what was looked at" if curve.endless else ""
    return f"{curve.furthest} is the furthest lag that matters{end} ({looked})"


def _informed(lags: LagEvidence, more: int) -> Way:
    bent = [lag for lag in lags.bent.tolist() if lags.mutual.values[lag - 1] >= lags.mutual.least]
    if not bent:
        return Way("mutual information", _rows(lags.mutual, more), _said(lags.mutual, lags))
    some = ", ".join(map(str, bent[:5])) + (f" and {len(bent) - 5} more" if len(bent) > 5 else "")
    said = f"{_said(lags.mutual, lags)}; no correlation shows lag {some}: this dependence is not along a line"
    return Way("mutual information", max(bent) + more, said, decides=True)


def _seasonal(evidence: Sequence[SeasonEvidence]) -> Way:
    kept = [each for each in evidence if each.kept]
    if not kept:
        short = any(each.verdict == "too short" for each in evidence)
        return Way("seasonality", None if short else 0, "too short to tell" if short else "no season is shown")
    longest = max(each.length for each in kept)
    names = " and ".join(f"{each.length} ({each.verdict})" for each in kept)
    return Way("seasonality", CYCLES * longest, f"season {names}; two of the longest", decides=True)


def _custom(panel: Panel) -> Way:
    rule = rule_of_thumb(panel.freq)
    if rule is None:
        return Way("rule of thumb", None, "there is none for this step")
    (low, high), words = rule
    return Way(
        "rule of thumb", low, f"{words} ({low} to {high} rows) is custom at this step; not measured", decides=True
    )


def combined(panel: Panel, ways: Sequence[Way], seasons: Sequence[int]) -> tuple[int, str]:
    """The length that covers all ways that decide, and why it is that long.

    Returns:
        rows, at most a third of a middling series, and at least 2; and the reason.
    """
    lengths = panel.lengths - panel.first_observed
    most = max(2, int(np.median(lengths[lengths > 0])) // LONGEST_SHARE) if (lengths > 0).any() else 2
    deciding = [way for way in ways if way.decides and way.rows is not None]
    asked = {way.name: way.rows or 0 for way in deciding}
    if not any(asked.values()):
        usual = min(usual_lookback(seasons), most)
        return usual, f"no lag matters, so that no length is better than another: {usual} rows"
    name = max(asked, key=lambda each: asked[each])
    wanted = max(2, asked[name])
    if wanted > most:
        return most, f"{name} asks for {wanted:,} rows, of which a third of a middling series is {most:,}"
    return wanted, f"{name} asks for {wanted:,} rows, and no other way that decides for more"


def candidates(panel: Panel, ways: Sequence[Way], wanted: int, horizon: int) -> tuple[int, ...]:
    """Lengths to be tried, the most wanted first: what the ways say, the horizon, and half and twice what is wanted."""
    lengths = panel.lengths - panel.first_observed
    most = int(np.median(lengths[lengths > 0])) // LONGEST_SHARE if (lengths > 0).any() else 0
    proposed = [wanted, *(way.rows for way in ways if way.rows), 2 * wanted, wanted // 2, horizon]
    taken: list[int] = []
    for rows in proposed:
        if rows is None or not 2 <= rows <= most:
            continue
        if all(max(rows, other) >= APART * min(rows, other) for other in taken):
            taken.append(rows)
    return tuple(taken[:MOST_CANDIDATES])

"""`audit`: look at a panel from all sides and say what was found."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from foregate.core import Panel, evenly, require_panel
from foregate.data.audit.amounts import Amounts, look_at_amounts, outliers
from foregate.data.audit.clock import Clock, look_at_clock
from foregate.data.audit.findings import Finding, stamp
from foregate.data.audit.shape import Shape, look_at_shape
from foregate.data.clean import clean
from foregate.data.infer import infer_frequency
from foregate.data.seasons import SeasonEvidence, season_evidence

__all__ = ["Audit", "audit"]

SAMPLED_SERIES = 200
"""Series of a big panel that are searched for seasons and outliers, evenly spread."""
BIG = 3_000_000
"""Rows from which on a panel is big."""
_ORDER = {"error": 0, "warning": 1, "info": 2}


@dataclass(frozen=True)
class Audit:
    """What is in a panel."""

    n_series: int
    n_rows: int
    lengths: tuple[int, int, int]
    """Rows of the shortest, the middle and the longest series."""
    start: str | int | None
    """First time of all series."""
    end: str | int | None
    """Last time of all series."""
    freq: str | int | None
    """Step from row to row as a pandas alias or an integer; None if it cannot be told."""
    freq_confidence: float
    """Share of the steps from row to row that are whole numbers of `freq`, between 0 and 1."""
    freq_reason: str
    """How the frequency was found."""
    irregular: bool
    """Whether the timestamps follow no regular step."""
    gaps: int
    """Missing steps between rows, hours that a clock change skips not counted."""
    repeats: int
    """Rows that repeat the time of the row before, hours that a clock change tells twice not counted."""
    clock_changes: int
    """Dates on which local clocks were changed."""
    missing: int
    """Rows without a value."""
    constant: int
    """Series that never change."""
    negative: int
    """Values below 0."""
    zero: int
    """Values equal to 0."""
    outliers: int | None
    """Values far from their neighbours, in the series that were looked at; None if no series is regular."""
    seasons: tuple[int, ...] | None
    """Season lengths in steps, shortest first; None if no series is regular."""
    season_evidence: tuple[SeasonEvidence, ...]
    """What the data says about each season that was considered."""
    shape: Shape | None
    """Strength of trend and season, stationarity; None if not regular, too short, or statsmodels is not installed."""
    findings: tuple[Finding, ...]
    """What to know, worst first."""
    notes: tuple[str, ...]
    """What was decided when the panel was read."""

    @property
    def worst(self) -> str | None:
        """Severity of the worst finding; None if there is none."""
        return self.findings[0].severity if self.findings else None

    def to_dict(self) -> dict[str, Any]:
        """The audit in plain Python types, ready for JSON; what is infinite is None."""
        found = _plain(dataclasses.asdict(self))
        assert isinstance(found, dict)
        return found

    def rows(self) -> list[tuple[str, str]]:
        """Label and value pairs for a table, without the findings."""
        shortest, middle, longest = self.lengths
        freq = f"{self.freq} ({self.freq_reason})" if self.freq is not None else f"unknown ({self.freq_reason})"
        unknown = "unknown: the timestamps are not regular"
        seasons = ", ".join(map(str, self.seasons)) or "none" if self.seasons is not None else unknown
        rows = [
            ("series", f"{self.n_series:,}"),
            ("rows", f"{self.n_rows:,}, per series {shortest:,} / {middle:,} / {longest:,} (least / median / most)"),
            ("time", f"{self.start} to {self.end}" if self.start is not None else "no rows"),
            ("frequency", freq),
            ("gaps", f"{self.gaps:,} missing steps"),
            ("repeated times", f"{self.repeats:,}"),
            ("clock changes", f"{self.clock_changes:,}"),
            ("missing values", f"{self.missing:,} ({self.missing / max(self.n_rows, 1):.1%})"),
            ("constant series", f"{self.constant:,}"),
            ("zeros, negatives", f"{self.zero:,}, {self.negative:,}"),
            ("outliers", f"{self.outliers:,}" if self.outliers is not None else unknown),
            ("seasons", seasons),
        ]
        return rows + _rows_of(self.shape)


def audit(panel: Panel) -> Audit:
    """Look at a panel: timestamps, values, outliers, seasons, and the strength of trend and season.

    Nothing is changed. Big panels are sampled, series evenly spread, for what is expensive: outliers and seasons where
    there are more than three million rows, the strengths and tests always. Series with rows between two steps are left
    out of these. What is said on stationarity is a hint.

    Args:
        panel: Any panel; one without a frequency is looked at as if it had the one that its timestamps show.

    Returns:
        What was found, as a value: `Audit.findings` for people, `Audit.to_dict` for machines.

    Examples:
        >>> y = np.tile([5.0, 1, 2, 9, 4, 0, 3], 20)
        >>> found = audit(Panel.from_arrays([y, y[:-3]], freq="D"))
        >>> found.seasons
        (7,)
        >>> [finding.kind for finding in found.findings if finding.kind != "not_installed"]
        ['ends', 'zero']
    """
    require_panel(panel)
    clock = look_at_clock(panel, infer_frequency(_sample(panel)))
    panel = replace(panel, freq=clock.freq)
    amounts = look_at_amounts(panel)
    structure = _structure(panel, clock)
    findings = [*clock.findings, *amounts.findings, *structure.findings]
    return Audit(
        **_counts(panel, clock, amounts),
        outliers=structure.outliers,
        seasons=structure.seasons,
        season_evidence=structure.evidence,
        shape=structure.shape,
        findings=tuple(sorted(findings, key=lambda finding: _ORDER[finding.severity])),
        notes=panel.notes,
    )


@dataclass(frozen=True)
class _Structure:
    """What only a regular panel can show."""

    outliers: int | None = None
    seasons: tuple[int, ...] | None = None
    evidence: tuple[SeasonEvidence, ...] = ()
    shape: Shape | None = None
    findings: tuple[Finding, ...] = ()


def _sample(panel: Panel) -> Panel:
    """The panel, or of a big one some series, evenly spread, with their last rows."""
    if len(panel.values) <= BIG:
        return panel
    some = panel.take(evenly(len(panel), SAMPLED_SERIES))
    return some.tail(BIG // len(some))


def _structure(panel: Panel, clock: Clock) -> _Structure:
    whole = np.flatnonzero(~clock.broken)
    if clock.freq is None or not len(whole) or not len(panel.values):
        return _Structure()
    sample = _sample(panel if len(whole) == len(panel) else panel.take(whole))
    sample = clean(sample, duplicates="mean").panel
    evidence = tuple(season_evidence(sample))
    seasons = tuple(e.length for e in evidence if e.kept)[:2]
    count, findings = outliers(sample, seasons, len(panel))
    try:
        shape = look_at_shape(sample, seasons)
    except ImportError:
        message = 'Strength of trend and season and stationarity need statsmodels: pip install "foregate[train]".'
        return _Structure(count, seasons, evidence, None, (*findings, Finding("not_installed", "info", message)))
    return _Structure(count, seasons, evidence, shape, tuple(findings))


def _counts(panel: Panel, clock: Clock, amounts: Amounts) -> dict[str, Any]:
    lengths = panel.lengths
    some = len(panel.times) > 0
    return {
        "n_series": len(panel),
        "n_rows": len(panel.values),
        "lengths": (int(lengths.min()), int(np.median(lengths)), int(lengths.max())) if len(lengths) else (0, 0, 0),
        "start": stamp(panel.times.min(), panel) if some else None,
        "end": stamp(panel.times.max(), panel) if some else None,
        "freq": clock.freq.alias if clock.freq else None,
        "freq_confidence": clock.confidence,
        "freq_reason": clock.reason,
        "irregular": clock.irregular,
        "gaps": clock.gaps,
        "repeats": clock.repeats,
        "clock_changes": clock.switches,
        "missing": amounts.missing,
        "constant": amounts.constant,
        "negative": amounts.negative,
        "zero": amounts.zero,
    }


def _rows_of(shape: Shape | None) -> list[tuple[str, str]]:
    if shape is None:
        return []
    sample = f"median of {shape.n_series} series" if shape.n_series > 1 else "of one series"
    strength = f"trend {shape.trend:.2f}, season {shape.season:.2f}, remainder {shape.remainder:.2f} ({sample})"
    undecided = max(0.0, 1 - shape.stationary - shape.wandering)
    hint = f"{shape.stationary:.0%} keep to a level, {shape.wandering:.0%} wander, {undecided:.0%} undecided (a hint)"
    return [("strength", strength), ("stationarity", hint)]


def _plain(value: Any) -> Any:
    """The same in types that JSON knows."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value

"""What the values say one by one: missing, constant, negative, zero, stand-ins for missing, and outliers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foregate.core import Panel
from foregate.data.audit.findings import MOST_PLACES, Finding, finding_of_series, runs
from foregate.data.clean import hampel_bounds

__all__ = ["Amounts", "look_at_amounts", "outliers"]

STAND_INS = (-9999.0, -999.0, -99.0, 9999.0, 99999.0, -99999.0)
"""Numbers that are often written where there is no value."""
SHORT = 10
"""Series with fewer observed values than this are reported as short."""
MANY_ZEROS = 0.3
"""Share of zeros from which on a series counts as intermittent."""


@dataclass(frozen=True)
class Amounts:
    """What the values say, in numbers."""

    observed: int
    missing: int
    """Rows without a value."""
    constant: int
    """Series with one value only, seen at least twice."""
    negative: int
    """Values below 0."""
    zero: int
    """Values equal to 0."""
    findings: tuple[Finding, ...]


def look_at_amounts(panel: Panel) -> Amounts:
    """Count what is missing, constant, negative, zero, or stands in for missing."""
    seen = _per_series(panel, panel.mask)
    low, high = _extremes(panel, panel.mask)
    negative, zero = panel.mask & (panel.values < 0), panel.mask & (panel.values == 0)
    constant = (seen > 1) & (low == high)
    zeros = _per_series(panel, zero)
    intermittent = (zeros > MANY_ZEROS * seen) & ~constant
    findings = [
        *_missing(panel, seen),
        *finding_of_series(
            panel, "empty", "error", seen == 0, "{n} hold no value at all. Leave them out, or check the target column."
        ),
        *finding_of_series(
            panel,
            "short",
            "warning",
            (seen > 0) & (seen < SHORT),
            f"{{n}} have fewer than {SHORT} values. Their forecasts rest on what is usual, not on them.",
        ),
        *finding_of_series(panel, "constant", "warning", constant, "{n} never change."),
        *_signs(panel, negative, zero, intermittent),
        *_stand_ins(panel),
    ]
    return Amounts(
        int(panel.mask.sum()),
        int((~panel.mask).sum()),
        int(constant.sum()),
        int(negative.sum()),
        int(zero.sum()),
        tuple(findings),
    )


def outliers(panel: Panel, seasons: Sequence[int], whole: int) -> tuple[int, list[Finding]]:
    """Outliers by the Hampel filter; `whole` is the number of series of which `panel` may be a sample."""
    low, high = hampel_bounds(panel, seasons)
    marked = panel.mask & ((panel.values < low) | (panel.values > high))
    n = int(marked.sum())
    if not n:
        return 0, []
    where = _per_series(panel, marked) > 0
    among = f"{int(where.sum()):,} series" if len(panel) == whole else f"a sample of {len(panel):,} series"
    message = (
        f"{n:,} value{'s' if n > 1 else ''} ({n / max(int(panel.mask.sum()), 1):.2%} of all) in {among} "
        f"{'stand' if n > 1 else 'stands'} far out from the neighbours and from the same phase of other seasons. If "
        'these are faults: clean(panel, outliers="mask") or "winsorise".'
    )
    ids = tuple(panel.ids[where][:MOST_PLACES].tolist())
    return n, [Finding("outliers", "info", message, ids, n, runs(panel, marked))]


def _per_series(panel: Panel, marked: NDArray[np.bool_]) -> NDArray[np.int64]:
    count = np.zeros(len(panel), np.int64)
    some = panel.lengths > 0
    if some.any():
        count[some] = np.add.reduceat(marked, panel.offsets[:-1][some], dtype=np.int64)
    return count


def _extremes(panel: Panel, counted: NDArray[np.bool_]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Least and greatest counted value of each series; infinity and minus infinity where nothing is counted."""
    low, high = np.full(len(panel), np.inf, np.float32), np.full(len(panel), -np.inf, np.float32)
    some = panel.lengths > 0
    if some.any():
        begins = panel.offsets[:-1][some]
        low[some] = np.minimum.reduceat(np.where(counted, panel.values, np.float32(np.inf)), begins)
        high[some] = np.maximum.reduceat(np.where(counted, panel.values, np.float32(-np.inf)), begins)
    return low, high


def _missing(panel: Panel, seen: NDArray[np.int64]) -> list[Finding]:
    hidden = ~panel.mask
    n = int(hidden.sum())
    if not n:
        return []
    partly = seen < panel.lengths
    message = (
        f"{n:,} row{'s have' if n > 1 else ' has'} no value ({n / len(hidden):.2%} of all), in {int(partly.sum()):,} "
        "series. The network is told so; nothing is filled in unless you ask for it."
    )
    ids = tuple(panel.ids[partly][:MOST_PLACES].tolist())
    return [Finding("missing", "warning", message, ids, n, runs(panel, hidden))]


def _signs(
    panel: Panel, negative: NDArray[np.bool_], zero: NDArray[np.bool_], intermittent: NDArray[np.bool_]
) -> list[Finding]:
    findings = []
    for kind, marked, word in (("negative", negative, "below"), ("zero", zero, "equal to")):
        n, where = int(marked.sum()), _per_series(panel, marked) > 0
        if n:
            message = f"{n:,} value{'s are' if n > 1 else ' is'} {word} 0, in {int(where.sum()):,} series."
            findings.append(Finding(kind, "info", message, tuple(panel.ids[where][:MOST_PLACES].tolist()), n))
    message = f"{{n}} are 0 more than {MANY_ZEROS:.0%} of the time: percentage errors mean little there."
    return findings + finding_of_series(panel, "intermittent", "info", intermittent, message)


def _stand_ins(panel: Panel) -> list[Finding]:
    """Numbers that stand for missing: the extreme of their series, and further from the rest than the rest is wide."""
    findings = []
    for number in STAND_INS:
        marked = panel.mask & (panel.values == np.float32(number))
        if not marked.any():
            continue
        low, high = _extremes(panel, panel.mask & ~marked)
        with_rest = (_per_series(panel, marked) > 0) & np.isfinite(low)
        low, high = np.where(with_rest, low, 0), np.where(with_rest, high, 0)
        suspect = with_rest & ((low - number if number < 0 else number - high) > np.maximum(high - low, 1))
        marked &= np.repeat(suspect, panel.lengths)
        if marked.any():
            n, ids = int(marked.sum()), tuple(panel.ids[suspect][:MOST_PLACES].tolist())
            message = (
                f"{n:,} value{'s are' if n > 1 else ' is'} {number:g}, far from all others, in {len(ids):,} series: "
                "probably written for missing. Make them empty before reading."
            )
            findings.append(Finding("stand_in", "warning", message, ids, n, runs(panel, marked)))
    return findings

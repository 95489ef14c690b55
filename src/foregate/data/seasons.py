"""Which seasons the data shows.

A season of length m is looked for in what a centred moving average of length m leaves (the classical decomposition), by
the autocorrelation at lags m, 2m, 3m and 4m. The window makes the question fair: values m apart then share no common
level, so that white noise and random walks alike show nothing there, while a season shows at every multiple. How far
chance can go is Bartlett's formula over the lags below m.

A calendar proposes seasons (24 and 168 for hours); integer time and unusual steps do not, and there the peaks of the
autocorrelation of the changes do. A calendar's season is kept when the data shows it, and, if it is the first, also
when the data is too short to tell: the calendar is overturned by evidence, not by the lack of it. A season found in the
data alone must be plain. What varies smoothly over a long season leaves no peak in the changes and is not found there.

References:
    M. S. Bartlett (1946), On the theoretical specification and sampling properties of autocorrelated time-series.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from foregate.core import Panel, UsageError, require_panel
from foregate.data.correlation import Bools, Floats, Sample, alike, autocorrelation, clipped, differences
from foregate.data.grid import regularize

__all__ = ["SeasonEvidence", "find_seasons", "moving_average", "season_evidence"]

MOST_SERIES = 200
"""Series looked at, evenly spread over the panel."""
MOST_ROWS = 1_000_000
"""Rows looked at in all series together, unless ten of the longest season need more."""
LONGEST = 20_000
"""Rows per series that ten seasons may ask for."""
MULTIPLES = 4
"""Lags m, 2m, … at which a season of length m must show."""
SHOWN_Z = 2.6
"""Standard errors above zero from which a season of the calendar counts as shown (chance: half a percent)."""
FOUND_Z = 4.0
"""The same for a season that the data alone proposes; stricter, because many lags were tried."""
SHOWN_CORRELATION = 0.025
"""Least correlation of the first season of the calendar: sales of single items show little more …"""
PLAIN_CORRELATION = 0.1
"""… and of a season that is proposed by the data, or comes on top of a shorter one."""
MOST_PEAKS = 6
"""Peaks of the autocorrelation that are tried, highest first, for the first season and again for a longer one."""
TELLING_ERROR = 0.12
"""With a standard error above this the data is too short to tell."""
USUAL_CORRELATION = 0.3
"""What a season usually has at least; data that is too short, but speaks against this, refutes the calendar."""
ROWS_WITH_CYCLES = 1 / 3
"""Share of rows that must be in series with two full cycles; three if the season comes on top of a shorter one."""


@dataclass(frozen=True)
class SeasonEvidence:
    """What a panel says about one season length."""

    length: int
    """Steps."""
    source: Literal["calendar", "data"]
    """What proposed it: the frequency, or a peak of the autocorrelation."""
    correlation: float
    """Mean autocorrelation at the first multiples of `length`, of what trend and shorter seasons leave; pooled."""
    error: float
    """Standard error of `correlation` if there were no season."""
    share: float
    """Share of the rows in series that show the season by themselves."""
    rows: float
    """Share of the rows in series that are long enough for it."""
    verdict: Literal["shown", "assumed", "not shown", "too short"]
    """``assumed``: the calendar says so and the data cannot tell. ``too short``: see `rows`."""

    @property
    def kept(self) -> bool:
        """Whether the season is given to the network."""
        return self.verdict in ("shown", "assumed")


@dataclass(frozen=True)
class _Look:
    """Evidence per series: the mean autocorrelation at the multiples, its variance by chance, and its weight."""

    correlation: Floats
    variance: Floats
    weight: Floats
    alike: float
    """Mean squared correlation between two series: what moves together is no independent evidence."""

    @property
    def pooled(self) -> tuple[float, float]:
        total = self.weight.sum()
        if total == 0:
            return 0.0, float("inf")
        w = self.weight / total
        alone, together = w**2 @ self.variance, (w @ np.sqrt(self.variance)) ** 2
        return float(w @ self.correlation), float(np.sqrt((1 - self.alike) * alone + self.alike * together))

    @property
    def z(self) -> float:
        correlation, error = self.pooled
        return correlation / error if error else 0.0

    def share(self, total: float) -> float:
        shown = (self.correlation >= PLAIN_CORRELATION) & (self.correlation >= SHOWN_Z * np.sqrt(self.variance))
        return float(self.weight[shown].sum() / total) if total else 0.0


def find_seasons(panel: Panel, *, at_most: int = 2) -> tuple[int, ...]:
    """The season lengths that the panel shows, shortest first; empty when it shows none.

    Args:
        panel: The training part, with a known frequency. Gaps count as missing values.
        at_most: How many seasons to give at most; the shortest ones.

    Raises:
        DataError: the panel cannot be made regular.
        UsageError: `at_most` is negative.

    Examples:
        >>> hours = np.arange(24 * 40)
        >>> load = np.sin(2 * np.pi * hours / 24) + np.random.default_rng(0).normal(size=960) / 4
        >>> find_seasons(Panel.from_arrays([load], freq="h"))
        (24,)
        >>> find_seasons(Panel.from_arrays([load], freq=1))
        (24,)
        >>> find_seasons(Panel.from_arrays([np.random.default_rng(0).normal(size=960)], freq="h"))
        ()
    """
    require_panel(panel)
    if at_most < 0:
        raise UsageError(f"at_most must be 0 or more, but got {at_most}. Give 2 for a short and a long season.")
    return tuple(sorted(e.length for e in season_evidence(panel) if e.kept))[:at_most]


def season_evidence(panel: Panel) -> list[SeasonEvidence]:
    """What the panel says about each season that its frequency or its autocorrelation proposes, shortest first.

    Raises:
        DataError: the panel cannot be made regular.
    """
    panel = regularize(panel)
    lengths = panel.freq.seasons() if panel.freq else ()
    season = max(lengths, default=1)
    sample = _Sample.of(panel, MOST_SERIES, MOST_ROWS, min(10 * season, LONGEST))
    found = _judge_calendar(sample, lengths) if lengths else _search(sample)
    return sorted(found, key=lambda e: e.length)


def _judge_calendar(sample: _Sample, lengths: tuple[int, ...]) -> list[SeasonEvidence]:
    evidence: list[SeasonEvidence] = []
    for length in lengths:
        shorter = max((e.length for e in evidence if e.kept), default=None)
        evidence.append(_judge(sample, length, shorter, "calendar", usual=length == lengths[0]))
    return evidence


def _judge(
    sample: _Sample, length: int, shorter: int | None, source: Literal["calendar", "data"], *, usual: bool = False
) -> SeasonEvidence:
    """Weigh the evidence; `usual` for the season that the calendar proposes first."""
    look = sample.look(length, shorter)
    correlation, error = look.pooled
    least = SHOWN_CORRELATION if usual else PLAIN_CORRELATION
    z = SHOWN_Z if source == "calendar" else FOUND_Z
    rows = sample.rows_in_series_of(length * (2 if shorter is None else 3))
    open_question = error > TELLING_ERROR and correlation + 1.64 * error >= USUAL_CORRELATION
    verdict: Literal["shown", "assumed", "not shown", "too short"] = "not shown"
    if rows < ROWS_WITH_CYCLES:
        verdict = "too short"
    elif correlation >= least and correlation >= z * error:
        verdict = "shown"
    elif usual and open_question:
        verdict = "assumed"
    share = look.share(float(sample.lengths.sum()))
    return SeasonEvidence(length, source, correlation, error, share, rows, verdict)


def _search(sample: _Sample) -> list[SeasonEvidence]:
    """Seasons that the data proposes: for a high peak the shortest plain season that divides it, then a multiple."""
    peaks = sample.peaks()
    divisors = (int(d) for peak in peaks[:MOST_PEAKS] for d in np.sort(peaks[peak % peaks == 0]))
    base = next((e for d in dict.fromkeys(divisors) if (e := _plain(sample, d, None)).kept), None)
    if base is None:
        return []
    longer = [int(p) for p in peaks if p > base.length and p % base.length == 0][:MOST_PEAKS]
    evidence = [e for p in sorted(longer) if (e := _plain(sample, p, base.length)).kept]
    best = max((e.correlation for e in evidence), default=0.0)
    return [base, *[e for e in evidence if e.correlation >= 0.67 * best][:1]]


def _plain(sample: _Sample, length: int, shorter: int | None) -> SeasonEvidence:
    """The evidence for a season; it is none if a small multiple fits clearly better: 12 is not the season of 24."""
    evidence = _judge(sample, length, shorter, "data")
    if not evidence.kept:
        return evidence
    once, *more = (sample.look(length, shorter, lags=np.array([k * length])).pooled[0] for k in (1, 2, 3, 4))
    return replace(evidence, verdict="not shown") if max(more) > once + 0.1 else evidence


@dataclass(frozen=True)
class _Sample(Sample):
    """Series, and what they show of seasons."""

    def look(self, length: int, shorter: int | None, lags: NDArray[np.int64] | None = None) -> _Look:
        """Evidence at `lags` (default: the first multiples) for a season of `length` beyond a `shorter` one.

        A longer season may lie in the averages over the shorter one or in the changes from one to the next; the clearer
        of the two counts.
        """
        lags = length * np.arange(1, MULTIPLES + 1) if lags is None else lags
        if shorter is None:
            return _joined([_look(v, seen, length, lags) for v, seen in self.blocks()])
        levels = [_look(moving_average(v, seen, shorter), seen, length, lags) for v, seen in self.blocks()]
        changes = [_look(*differences(v, seen, shorter), length, lags) for v, seen in self.blocks()]
        return max(_joined(levels), _joined(changes), key=lambda look: look.z)

    def peaks(self) -> NDArray[np.int64]:
        """Lags at which the pooled autocorrelation of the changes has a peak that chance does not make, best first."""
        most = self.values.shape[1] // 3
        if most < 4:
            return np.zeros(0, np.int64)
        covered = self.lengths[:, None] >= 3 * np.arange(most + 1)
        total, pairs = np.zeros(most + 1), np.zeros(most + 1)
        done = 0
        for values, seen in self.blocks():
            changed, both = differences(values, seen, 1)
            rho, count = autocorrelation(clipped(changed, both), both, most)
            count = count * covered[done : done + len(values)]
            total += (rho * count).sum(0)
            pairs += count.sum(0)
            done += len(values)
        pooled = total / np.maximum(pairs, 1)
        support = (covered * self.lengths[:, None]).sum(0) / max(self.lengths.sum(), 1)
        inner = pooled[1:-1]
        high = (inner > pooled[:-2]) & (inner >= pooled[2:]) & (inner > 0.05) & (inner > 3 / np.sqrt(pairs[1:-1] + 1))
        lags = np.flatnonzero(high & (support[1:-1] >= ROWS_WITH_CYCLES)) + 1
        lags = lags[lags >= 3]
        return lags[np.argsort(-pooled[lags], kind="stable")]


def moving_average(values: Floats, seen: Bools, length: int) -> Floats:
    """Centred moving average (S, T) over the observed values of a window of `length`; shorter at the ends.

    An even length takes half weight at both ends, so that the window is centred ("2 x m" in the textbooks).
    """
    low, high = -(length // 2), length // 2 - (length % 2 == 0)
    total, count = _window_sum(values * seen, low, high), _window_sum(seen.astype(np.float64), low, high)
    if length % 2 == 0:
        total = total + _window_sum(values * seen, low + 1, high + 1)
        count = count + _window_sum(seen.astype(np.float64), low + 1, high + 1)
    return np.divide(total, count, out=np.zeros_like(total), where=count > 0)


def _window_sum(values: Floats, low: int, high: int) -> Floats:
    steps = values.shape[1]
    running = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, 1)], 1)
    at = np.arange(steps)
    summed: Floats = running[:, np.clip(at + high + 1, 0, steps)] - running[:, np.clip(at + low, 0, steps)]
    return summed


def _look(values: Floats, seen: Bools, length: int, lags: NDArray[np.int64]) -> _Look:
    rest = clipped(values - moving_average(values, seen, length), seen)
    lags = lags[lags < values.shape[1]]
    if not len(lags):
        nothing = np.zeros(len(values))
        return _Look(nothing, nothing, nothing, 0.0)
    rho, pairs = autocorrelation(rest, seen, int(lags[-1]))
    chance = 1 + 2 * (rho[:, 1:length] ** 2).sum(1)  # Bartlett: variance x pairs, if nothing is left from lag m on
    rows = np.where(seen.any(1), seen.shape[1] - np.argmax(seen, 1), 0)
    usable = (pairs[:, lags] > 0) & ((lags + length <= rows[:, None]) | (lags == lags[0]))
    used = np.maximum(usable.sum(1), 1)
    inverse = np.divide(1, pairs[:, lags], out=np.zeros((len(values), len(lags))), where=usable)
    weight = np.where((rows >= 2 * length) & usable[:, 0], pairs[:, lags[0]], 0)
    return _Look((rho[:, lags] * usable).sum(1) / used, chance * inverse.sum(1) / used**2, weight, alike(rest, seen))


def _joined(looks: list[_Look]) -> _Look:
    return _Look(
        np.concatenate([look.correlation for look in looks]),
        np.concatenate([look.variance for look in looks]),
        np.concatenate([look.weight for look in looks]),
        float(np.mean([look.alike for look in looks])),
    )

"""Which lags of the past say something of the present: three ways to ask, each with what chance can do.

- *Autocorrelation*: how alike values k steps apart are. Chance: the large-lag band, whose standard error grows with
  what was found at shorter lags (Bartlett 1946; Box and Jenkins 1970, 2.1.6).
- *Partial autocorrelation*: the same after all shorter lags had their say, by the recursion of Durbin (1960). An
  autoregression of order p shows p lags and no more. Chance: one standard error is one over the root of the pairs
  (Quenouille 1949).
- *Mutual information*: any dependence, bent ones too, between values k steps apart, in nats (Fraser and Swinney 1986).
  Estimated on ranks in a few bins of equal size, so that neither units nor outliers matter, less what chance makes of
  finite tables: the mean over permutations of the series. (The k-nearest-neighbour estimator of Kraskov et al. 2004 is
  sharper in single relations, but costs the square of the rows at every lag and permutation, while all lags of a binned
  series are one Fourier transform.) Chance: the largest value at any lag in permutations of the series (Westfall and
  Young 1993); as far as a series is correlated with itself, this is wider by the same factor as the large-lag band.

Bands hold for all lags of all three ways together: white noise shows no lag at all in 95 of 100 cases. What wanders,
which an augmented Dickey-Fuller test says, is looked at as changes from step to step, since correlations of what has no
level say nothing. Series are pooled: each is brought to mean 0 and spread 1, pairs count alike, and series that move
together count as fewer.

References:
    M. S. Bartlett (1946), On the theoretical specification and sampling properties of autocorrelated time-series.
    J. Durbin (1960), The fitting of time-series models.
    M. H. Quenouille (1949), Approximate tests of correlation in time-series.
    A. M. Fraser, H. L. Swinney (1986), Independent coordinates for strange attractors from mutual information.
    A. Kraskov, H. Stögbauer, P. Grassberger (2004), Estimating mutual information.
    P. H. Westfall, S. S. Young (1993), Resampling-based multiple testing.
    J. Cohen (1988), Statistical power analysis for the behavioral sciences.
    D. A. Dickey, W. A. Fuller (1979), Distribution of the estimators for autoregressive time series with a unit root.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from foregate.core import Panel, UsageError, at_least, require_panel
from foregate.data.correlation import Bools, Floats, Sample, alike, autocorrelation, differences
from foregate.data.grid import regularize
from foregate.data.later import pl

if TYPE_CHECKING:
    import polars

__all__ = ["LagCurve", "LagEvidence", "lag_evidence", "longest_lag"]

CHANCE = 0.05
"""Share of panels of white noise in which some lag of some way stands out …"""
WAYS = 3
"""… of so many ways, between which it is divided."""
SMALL = 0.1
"""A correlation that is called small (Cohen 1988, 3.2.1). With much data less is sure too, and still of no use."""
LEAST_LAGS = 3
"""With fewer lags to look at, or …"""
LEAST_VALUES = 40
"""… fewer observed values in all, the data is too short to tell."""
USUAL_LAGS, MOST_LAGS = 40, 400
"""Lags looked at where there is no season, and at most."""
PER_LAG = 3
"""Rows that a middling series must have per lag."""
MOST_SERIES, MOST_ROWS = 200, 200_000
"""Series and rows of all of them that correlations are taken over."""
BINNED_SERIES, BINNED_ROWS = 20, 6_000
"""The same for mutual information, which is taken for every permutation anew."""
PERMUTATIONS = 199
FEWEST_BINS, MOST_BINS, PER_CELL = 3, 6, 10
"""Bins of a series, as many as leave that many pairs for a cell of the table."""
WANDERING_SERIES = 20
"""Series that are tested for whether they wander …"""
WANDERING_ROWS = 2_000
"""… on so many of their last rows."""
UNIT_ROOT = -2.86
"""The statistic above which a series is taken to wander: the 5 % point of Dickey and Fuller with a constant."""


@dataclass(frozen=True)
class LagCurve:
    """A measure of dependence at lags 1 to L, and the band that chance keeps to."""

    name: str
    """``autocorrelation``, ``partial autocorrelation`` or ``mutual information``."""
    values: Floats
    """(L,) between -1 and 1, or nats."""
    low: Floats
    """(L,) lower end of the band."""
    high: Floats
    """(L,) upper end of the band."""
    least: float = SMALL
    """What is smaller is of no use, however sure."""

    @property
    def lags(self) -> NDArray[np.int64]:
        """(L,) 1, 2, … steps."""
        return np.arange(1, len(self.values) + 1)

    @property
    def shown(self) -> NDArray[np.int64]:
        """The lags outside the band, shortest first."""
        return self.lags[(self.values > self.high) | (self.values < self.low)]

    @property
    def furthest(self) -> int:
        """The longest lag that is shown and not negligible; 0 if no lag matters."""
        shown = self.shown
        return int(shown[np.abs(self.values[shown - 1]) >= self.least].max(initial=0))

    @property
    def endless(self) -> bool:
        """Whether it goes on to the last tenth of what was looked at, as it does with a season: it sets no length."""
        return self.furthest > 0.9 * len(self.values) > LEAST_LAGS

    def frame(self) -> polars.DataFrame:
        """One row per lag: ``lag``, ``value``, the band's ``low`` and ``high``, and whether it is ``shown``."""
        return pl.DataFrame(
            {
                "lag": self.lags,
                "value": self.values,
                "low": self.low,
                "high": self.high,
                "shown": np.isin(self.lags, self.shown),
            }
        )


@dataclass(frozen=True)
class LagEvidence:
    """What a panel says of its lags, in three ways."""

    autocorrelation: LagCurve
    partial: LagCurve
    mutual: LagCurve
    changes: bool
    """Whether the series wander, and changes from step to step were looked at instead of values."""
    n_series: int
    """Series looked at."""
    n_values: int
    """Observed values of these."""

    @property
    def curves(self) -> tuple[LagCurve, LagCurve, LagCurve]:
        """All three."""
        return self.autocorrelation, self.partial, self.mutual

    @property
    def bent(self) -> NDArray[np.int64]:
        """Lags that mutual information shows and no correlation does: dependence that is not along a line."""
        straight = [*self.autocorrelation.shown, *self.partial.shown]
        return self.mutual.shown[~np.isin(self.mutual.shown, straight)]


def longest_lag(panel: Panel, seasons: Sequence[int] = ()) -> int:
    """How far back is looked: two of the longest season, 40 steps at least, 400 at most, and a third of a series.

    Args:
        panel: a regular panel.
        seasons: season lengths that the data may have, in steps; those that do not fit twice are left out.

    Examples:
        >>> longest_lag(Panel.from_arrays([np.ones(2000)]), (24, 168)), longest_lag(Panel.from_arrays([np.ones(60)]))
        (338, 20)
    """
    rows = panel.lengths - panel.first_observed
    third = int(np.median(rows[rows > 0])) // PER_LAG if (rows > 0).any() else 0
    fitting = [2 * season + 2 for season in seasons if 2 * season <= min(third, MOST_LAGS)]
    return min(max([USUAL_LAGS, *fitting]), MOST_LAGS, third)


def lag_evidence(
    panel: Panel, *, max_lag: int | None = None, seasons: Sequence[int] = (), seed: int = 0
) -> LagEvidence | None:
    """Which lags matter, by autocorrelation, partial autocorrelation and mutual information.

    Args:
        panel: The training part, with a known frequency. Gaps count as missing values.
        max_lag: L, the longest lag to look at; decided by `longest_lag` when not given.
        seasons: what `longest_lag` is told.
        seed: of the permutations.

    Returns:
        the three, or None where the data is too short to tell: fewer than 40 values, or less than 3 lags.

    Raises:
        DataError: the panel cannot be made regular.
        UsageError: `max_lag` or `seed` is no such number.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> y = rng.normal(size=600)
        >>> for t in range(2, 600):
        ...     y[t] += 0.6 * y[t - 2]
        >>> found = lag_evidence(Panel.from_arrays([y], freq=1))
        >>> found.partial.shown, found.changes
        (array([2]), False)
    """
    require_panel(panel)
    at_least(0, seed=seed)
    panel = regularize(panel)
    most = longest_lag(panel, seasons) if max_lag is None else _checked(max_lag, panel)
    if most < LEAST_LAGS or int(panel.mask.sum()) < LEAST_VALUES:
        return None
    wandering = _wanders(Sample.of(panel, WANDERING_SERIES, WANDERING_SERIES * WANDERING_ROWS))
    many = _looked_at(Sample.of(panel, MOST_SERIES, MOST_ROWS, 4 * most), wandering=wandering)
    few = _looked_at(Sample.of(panel, BINNED_SERIES, BINNED_ROWS, 4 * most), wandering=wandering)
    straight, partial = _correlations(*many, most)
    widened = np.concatenate([[1.0], 1 + 2 * np.cumsum(straight.values[:-1] ** 2)])
    mutual = _information(*few, most, widened, seed)
    seen = many[1]
    return LagEvidence(straight, partial, mutual, wandering, int(seen.any(1).sum()), int(seen.sum()))


def _checked(max_lag: int, panel: Panel) -> int:
    at_least(1, max_lag=max_lag)
    longest = int(panel.lengths.max(initial=0))
    if max_lag >= longest:
        raise UsageError(
            f"max_lag must be less than the rows of the longest series, but got {max_lag} for {longest} rows. Leave it "
            "out to have it decided."
        )
    return int(max_lag)


def _looked_at(sample: Sample, *, wandering: bool) -> tuple[Floats, Bools]:
    """(S, T) values or changes, and what was observed."""
    return differences(sample.values, sample.seen, 1) if wandering else (sample.values, sample.seen)


def _wanders(sample: Sample) -> bool:
    """Whether most rows lie in series that have no level, by an augmented Dickey-Fuller test with a constant."""
    votes = np.zeros(2)
    for values, seen in zip(sample.values, sample.seen, strict=True):
        first = int(np.argmax(seen))
        statistic = _dickey_fuller(values[first:], seen[first:])
        if statistic is not None:
            votes[int(statistic > UNIT_ROOT)] += seen.sum()
    return bool(votes[1] > votes[0])


def _dickey_fuller(values: Floats, seen: Bools) -> float | None:
    """t of the level in a regression of the changes on it, a constant and earlier changes; None where it cannot be."""
    changed, both = np.diff(values), seen[1:] & seen[:-1]
    lags = int(4 * (max(len(values), 1) / 100) ** 0.25)  # Schwert's shorter rule
    whole = [both] + [both] * lags
    for k in range(1, lags + 1):
        whole[k] = whole[k - 1] & np.concatenate([np.zeros(k, np.bool_), both[: max(len(both) - k, 0)]])[: len(both)]
    while lags and whole[lags].sum() < both.sum() / 2:  # rather fewer changes before than few rows
        lags -= 1
    rows = np.flatnonzero(whole[lags])
    x = np.column_stack([values[rows], np.ones(len(rows)), changed[rows[:, None] - np.arange(1, lags + 1)]])
    y = changed[rows]
    if len(y) < x.shape[1] + 10 or np.ptp(x[:, 0]) == 0:
        return None
    inverse = np.linalg.pinv(x.T @ x)
    weights = inverse @ x.T @ y
    variance = float(((y - x @ weights) ** 2).sum()) / (len(y) - x.shape[1])
    error = np.sqrt(variance * inverse[0, 0])
    return float(weights[0] / error) if error > 0 else None


def _correlations(values: Floats, seen: Bools, most: int) -> tuple[LagCurve, LagCurve]:
    """Autocorrelation and partial autocorrelation, pooled over the series."""
    rho, pairs = autocorrelation(values, seen, most)
    total = np.maximum(pairs.sum(0), 1)
    pooled = (rho * pairs).sum(0) / total
    # Less than nothing is expected of what is measured from its own mean: -1/n of white noise, more of what persists.
    short = (pairs / np.maximum(pairs[:, :1], 2)).sum(0) / total
    together = alike(values, seen)
    spread = (1 - together) / total + together * (np.sqrt(pairs).sum(0) / total) ** 2
    before = np.concatenate([[1.0, 1.0], 1 + 2 * np.cumsum(pooled[1:-1] ** 2)])
    persisting = np.concatenate([[1.0, 1.0], 1 + 2 * np.cumsum(np.maximum(pooled[1:-1], 0))])
    z = NormalDist().inv_cdf(1 - CHANCE / WAYS / most / 2)
    expected = -short * np.minimum(persisting, 1 / np.maximum(short, 1e-9) / PER_LAG)
    width = z * np.sqrt(spread * before)
    straight = LagCurve("autocorrelation", pooled[1:], (expected - width)[1:], (expected + width)[1:])
    level = (pooled - expected) * np.maximum(1 - np.arange(most + 1) / total[0], 0)
    partial = _partial(level[1:])
    error = np.sqrt(spread[1:])
    if not seen[:, int(np.argmax(seen.any(0))) :].all():  # the recursion hands on what missing pairs leave unsure
        error = np.maximum(error, 1.4826 * np.median(np.abs(partial[partial != 0])) if partial.any() else 0)
    width = z * error
    return straight, LagCurve("partial autocorrelation", partial, -width, width)


def _partial(rho: Floats) -> Floats:
    """Partial autocorrelation at lags 1 to L from autocorrelation, by the Durbin-Levinson recursion.

    It ends with zeros where values missing have left correlations that no series can have.
    """
    partial = np.zeros(len(rho))
    weights, left = np.zeros(0), 1.0
    for k in range(len(rho)):
        own = (rho[k] - weights @ rho[:k][::-1]) / left
        if not abs(own) < 1:
            break
        partial[k] = own
        weights = np.append(weights - own * weights[::-1], own)
        left *= 1 - own**2
    return partial


def _information(values: Floats, seen: Bools, most: int, widened: Floats, seed: int) -> LagCurve:
    """Mutual information between ranks k steps apart, less what permutations of the series have."""
    pairs = max(1, int(seen.sum()))
    bins = int(np.clip(np.sqrt(pairs / PER_CELL), FEWEST_BINS, MOST_BINS))
    ranked = _ranks(values, seen, bins)
    raw = _table_information(ranked, bins, most)
    rng = np.random.default_rng(seed)
    order = np.argsort(~seen, axis=1, kind="stable")  # what was observed comes first
    count = seen.sum(1, keepdims=True)
    chance = np.empty((PERMUTATIONS, most))
    for i in range(PERMUTATIONS):
        keys = np.where(seen, rng.random(seen.shape[1]), 2.0)  # the same for all: what moves together goes on to
        drawn = np.take_along_axis(ranked, np.argsort(keys, axis=1, kind="stable"), 1)
        mixed = np.full_like(ranked, -1)
        np.put_along_axis(mixed, order, np.where(np.arange(seen.shape[1]) < count, drawn, -1), 1)
        chance[i] = _table_information(mixed, bins, most)
    mean = chance.mean(0)
    largest = np.sort((chance - mean).max(1))
    allowed = largest[-max(1, int((PERMUTATIONS + 1) * CHANCE / WAYS))]
    high = allowed * widened + mean * (widened - 1)
    return LagCurve("mutual information", raw - mean, np.full(most, -np.inf), high, -np.log(1 - SMALL**2) / 2)


def _ranks(values: Floats, seen: Bools, bins: int) -> NDArray[np.int64]:
    """(S, T) number of the bin that each value of a series lies in, equal ones in the same; -1 where missing."""
    ranked = np.full(values.shape, -1)
    for i, (row, there) in enumerate(zip(values, seen, strict=True)):
        own = row[there]
        ordered = np.sort(own)
        middle = (np.searchsorted(ordered, own, "left") + np.searchsorted(ordered, own, "right")) / 2
        ranked[i, there] = np.minimum((middle * bins / max(len(own), 1)).astype(np.int64), bins - 1)
    return ranked


def _table_information(ranked: NDArray[np.int64], bins: int, most: int) -> Floats:
    """Mutual information (L,) in nats of the tables of ranks k steps apart, series added up."""
    steps = ranked.shape[1]
    size = -(-(steps + most) // 256) * 256  # so long that no lag reaches round
    waves = np.fft.rfft(ranked == np.arange(bins)[:, None, None], size)  # (bins, S, frequencies)
    crossed = waves.transpose(2, 0, 1) @ waves.conj().transpose(2, 1, 0)
    tables = np.maximum(np.round(np.fft.irfft(crossed, size, axis=0)[1 : most + 1]), 0)
    total = np.maximum(tables.sum((1, 2), keepdims=True), 1)
    share = tables / total
    alone = share.sum(1, keepdims=True) * share.sum(2, keepdims=True)
    ratio = np.divide(share, alone, out=np.ones_like(share), where=share > 0)
    information: Floats = (share * np.log(ratio)).sum((1, 2))
    return information

"""Whether one forecaster is better than another, or only looks so: tests on losses, arrays in and arrays out.

Two: `diebold_mariano` takes the difference of their losses over origins for a stationary series and asks whether its
mean is 0. Forecasts whose targets overlap share errors, so the variance of that mean counts autocovariances as far as
they overlap; on few origins the statistic is shrunk and Student's t takes the place of the normal. Several: `rank`
orders them on every series and asks whether their mean ranks differ by more than chance.

Sources: Diebold and Mariano, "Comparing predictive accuracy" (1995); Harvey, Leybourne and Newbold, "Testing the
equality of prediction mean squared errors" (1997); Friedman (1937) with the F of Iman and Davenport (1980); Nemenyi's
critical distance as in Demšar, "Statistical comparisons of classifiers over multiple data sets" (2006), half of which
to either side is the interval of multiple comparisons with the best in Koning, Franses, Hibon and Stekler, "The M3
competition: statistical tests of the results" (2005).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from foregate.core import MissingExtraError, UsageError, at_least

__all__ = ["Alternative", "DieboldMariano", "Ranks", "diebold_mariano", "holm", "rank"]

Alternative: TypeAlias = Literal["two-sided", "less", "greater"]
"""What is held against "equally good": another loss, a lower one of the first, a higher one of the first."""


@dataclass(frozen=True)
class DieboldMariano:
    """The test of one pair on each of S series, or on any other sets of losses."""

    difference: NDArray[np.float64]
    """(S,) mean loss of the first less that of the second; negative where the first is better."""
    statistic: NDArray[np.float64]
    """(S,) of Student's t with `n` - 1 degrees of freedom; NaN where there are too few origins."""
    p_value: NDArray[np.float64]
    """(S,) 1 for two forecasts that are the same; NaN where there are too few origins."""
    n: NDArray[np.int64]
    """(S,) origins at which both losses are known."""
    lags: int
    """Origins before each that may share errors with it: autocovariances that the variance counts."""
    tapered: NDArray[np.bool_]
    """(S,) where these were given Bartlett's weights, since without them the variance would not have been positive."""


def stats() -> Any:
    """The distributions of scipy; asked for before long work, so that their absence is told first.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import scipy.stats
    except ImportError as e:
        raise MissingExtraError("Testing differences between forecasts", "train") from e
    return scipy.stats


def diebold_mariano(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    *,
    lags: int = 0,
    alternative: Alternative = "two-sided",
) -> DieboldMariano:
    """Whether two forecasters are equally good, on each of S series.

    Args:
        first, second: (S, W) losses at W evenly spaced origins, oldest first, or (W,) for one series; NaN where there
            is none. Where one lacks an origin, both do without it.
        lags: how many origins before each have targets that overlap with its own, h - 1 for forecasts h steps ahead
            from every row.
        alternative: what is held against equality; ``less``: the first has the lower loss.

    Returns:
        one result per series. Where there are not more than `lags` + 1 origins nothing can be said. A difference that
        is the same at every origin, and not 0, is beyond all doubt.

    Raises:
        UsageError: the shapes differ, or an option is unknown.
        MissingExtraError: scipy is not installed.

    Examples:
        >>> found = diebold_mariano(np.array([1.0, 2.0, 4.0, 3.0]), np.array([2.0, 1.0, 1.0, 2.0]))
        >>> found.difference, found.statistic.round(3), found.p_value.round(3)
        (array([1.]), array([1.225]), array([0.308]))
    """
    at_least(0, lags=lags)
    if alternative not in get_args(Alternative):
        raise UsageError(f"alternative must be one of {', '.join(get_args(Alternative))}, but got {alternative!r}.")
    if np.shape(first) != np.shape(second) or np.ndim(first) not in (1, 2):
        raise UsageError(
            f"first and second must have the same shape, (series, origins) or (origins,), but got {np.shape(first)} "
            f"and {np.shape(second)}. Give the losses of both at the same origins."
        )
    gaps = np.atleast_2d(np.asarray(first, np.float64) - np.asarray(second, np.float64))
    known = np.isfinite(gaps)
    n = known.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(known, gaps, 0).sum(axis=1) / n
        variance, tapered = _variance(np.where(known, gaps - mean[:, None], 0), n, lags)
        # Harvey, Leybourne and Newbold's factor, with h = lags + 1: (n + 1 - 2h + h(h - 1)/n) / n
        factor = np.sqrt(np.maximum((n - lags - 1) * (n - lags), 0)) / n
        statistic = np.where(mean == 0, 0.0, factor * mean / np.sqrt(variance))
    same = (n > 0) & (np.where(known, gaps, 0) == 0).all(axis=1)
    statistic[(n <= lags + 1) & ~same] = np.nan
    return DieboldMariano(mean, statistic, _p_value(statistic, n, alternative), n, lags, tapered)


def _variance(
    around: NDArray[np.float64], n: NDArray[np.int64], lags: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(S,) variance of the mean of gaps (S, W) around it, 0 where missing, and where it needed Bartlett's weights."""
    W = around.shape[1]
    covariance = [np.sum(around[:, : W - j] * around[:, j:], axis=1) / n for j in range(min(lags, W - 1) + 1)]
    later = np.array(covariance[1:]).reshape(-1, len(n))
    plain = covariance[0] + 2 * later.sum(axis=0)
    weights = 1 - np.arange(1, len(later) + 1) / (lags + 1)
    tapered = (plain <= 0) & (covariance[0] > 0)
    total = np.where(tapered, covariance[0] + 2 * weights @ later, np.maximum(plain, 0))
    return total / n, tapered


def _p_value(statistic: NDArray[np.float64], n: NDArray[np.int64], alternative: Alternative) -> NDArray[np.float64]:
    t, degrees = stats().t, np.maximum(n - 1, 1)
    if alternative == "two-sided":
        two_sided: NDArray[np.float64] = np.minimum(2 * t.sf(np.abs(statistic), degrees), 1)
        return two_sided
    one_sided: NDArray[np.float64] = t.sf(statistic if alternative == "greater" else -statistic, degrees)
    return one_sided


def holm(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same p-values, made larger for having asked so many questions; NaN stays and does not count.

    Source: Holm, "A simple sequentially rejective multiple test procedure" (1979).

    Examples:
        >>> holm(np.array([0.01, 0.04, 0.03]))
        array([0.03, 0.06, 0.06])
    """
    adjusted = np.array(p_values, np.float64)
    order = np.argsort(adjusted)[: int(np.isfinite(adjusted).sum())]  # NaN is sorted to the end
    adjusted[order] = np.minimum(np.maximum.accumulate(adjusted[order] * np.arange(len(order), 0, -1)), 1)
    return adjusted


@dataclass(frozen=True)
class Ranks:
    """How M forecasters come out when they are put in order on each of many series."""

    mean: NDArray[np.float64]
    """(M,) mean rank: 1 for the best, ties share theirs."""
    n: int
    """Series on which they were put in order."""
    statistic: float
    """Friedman's chi-squared with M - 1 degrees of freedom, corrected for ties."""
    p_value: float
    """Of Iman and Davenport's F: the chance of such differences if all were equally good."""
    critical_distance: float
    """Nemenyi's: mean ranks that lie further apart differ at `alpha`, all pairs taken together."""
    alpha: float
    """Chance of finding any difference where there is none."""

    @property
    def lower(self) -> NDArray[np.float64]:
        """(M,) intervals of multiple comparisons: two forecasters whose intervals do not touch differ."""
        return self.mean - self.critical_distance / 2

    @property
    def upper(self) -> NDArray[np.float64]:
        """(M,) the upper ends of these intervals."""
        return self.mean + self.critical_distance / 2

    @property
    def with_the_best(self) -> NDArray[np.bool_]:
        """(M,) whether a forecaster cannot be told from the one with the best mean rank."""
        close: NDArray[np.bool_] = self.mean - self.mean.min() <= self.critical_distance
        return close


def rank(losses: NDArray[np.float64], *, alpha: float = 0.05) -> Ranks:
    """Put M forecasters in order on each of many series, and say which mean ranks differ by more than chance.

    Args:
        losses: (M, S) loss of each forecaster on each series; series on which one is not known are left out.
        alpha: chance of finding any difference where there is none.

    Raises:
        UsageError: there are fewer than two forecasters, no series has all losses, or alpha is no probability.
        MissingExtraError: scipy is not installed.

    Examples:
        >>> found = rank(np.array([[1.0, 2.0, 1.0, 3.0], [2.0, 3.0, 5.0, 2.0], [3.0, 4.0, 6.0, 4.0]]))
        >>> found.mean, round(found.critical_distance, 3), found.with_the_best
        (array([1.25, 1.75, 3.  ]), 1.657, array([ True,  True, False]))
    """
    if not 0 < alpha < 1:
        raise UsageError(f"alpha must be between 0 and 1, but got {alpha}. Give for example 0.05.")
    known = np.asarray(losses, np.float64)
    known = known[:, np.isfinite(known).all(axis=0)]
    M, n = known.shape
    if M < 2 or n < 1:
        raise UsageError(
            f"losses must be of two forecasters or more on at least one series, but got {M} on {n} where all are known."
        )
    distributions = stats()
    ranks = distributions.rankdata(known, axis=0)
    mean = ranks.mean(axis=1)
    spread = np.sum((ranks - (M + 1) / 2) ** 2)  # 0 where all tie everywhere; n M (M² - 1) / 12 without ties
    statistic = float(n**2 * (M - 1) * np.sum((mean - (M + 1) / 2) ** 2) / spread) if spread else 0.0
    room = n * (M - 1) - statistic
    F = (n - 1) * statistic / room if room > 1e-9 else np.inf
    p_value = 1.0 if n == 1 or not spread else float(distributions.f.sf(F, M - 1, (M - 1) * (n - 1)))
    reach = float(distributions.studentized_range.ppf(1 - alpha, M, np.inf))
    return Ranks(mean, n, statistic, p_value, reach * float(np.sqrt(M * (M + 1) / (12 * n))), alpha)

"""Whether quantile forecasts mean what they say: of what was given a chance of 10 %, did a tenth come?

**Reliability.** Below the forecast quantile q there should lie a share q of the outcomes. **PIT** (probability integral
transform): the place of each outcome within its forecast distribution should be anywhere with the same chance.
Forecasts are quantiles, so the place is known up to the two between which an outcome lies: the bins of the histogram
are those between the quantiles, whatever their width. An outcome that equals a quantile, as zeros of sparse demand do,
may lie on either side of it: of counts a forecast of 10 % promises at most a tenth below and at least a tenth not
above, and nothing that can be told from quantiles alone says more. (Spreading it over its step of the distribution, as
Czado, Gneiting and Held do in "Predictive model assessment for count data", 2009, needs the height of that step.) So
ties are shared out as speaks most for the forecasts, at each quantile as many below as bring the share nearest to what
was promised: a perfect forecaster is flat there too, and what is uneven is so however ties are shared.

**What is chance.** Outcomes of one forecast are wrong together, and so are those of origins whose targets overlap. They
form a cluster: all outcomes of a series within as many rows as a forecast reaches. The variance between clusters says
how many outcomes there are in effect (Kish's design effect); intervals of shares are Wilson's (1927) with that many,
and the chi-squared test of a flat histogram is corrected for clusters (Rao and Scott, 1984; Thomas and Rao, 1987).
Clusters are taken for independent: where different series surprise on the same day, intervals are too narrow and
p-values too small.

Sources: Dawid (1984); Diebold, Gunther and Tay (1998); Gneiting, Balabdaoui and Raftery, "Probabilistic forecasts,
calibration and sharpness" (2007).
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from foregate.core import UsageError
from foregate.evaluation.backtest import Backtest
from foregate.evaluation.significance import stats

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Calibration", "calibration"]


@dataclass(frozen=True)
class Calibration:
    """How the outcomes of a backtest lie within the forecasts of one model."""

    model: str
    quantiles: NDArray[np.float64]
    """(Q,) the probabilities that were forecast, ascending."""
    observed: NDArray[np.float64]
    """(Q,) share of the outcomes below each quantile; of those that equal it as many as bring it nearest to nominal."""
    lower: NDArray[np.float64]
    """(Q,) lower bound of an interval for that share."""
    upper: NDArray[np.float64]
    """(Q,) its upper bound."""
    alpha: float
    """Chance that such an interval does not hold the true share."""
    edges: NDArray[np.float64]
    """(Q + 2,) bounds of the bins of the PIT histogram: 0, the quantiles, 1."""
    shares: NDArray[np.float64]
    """(Q + 1,) share of the outcomes in each bin; expected is the width of the bin."""
    n: int
    """Outcomes."""
    clusters: int
    """Groups of outcomes that are taken for independent of one another."""
    effective: float
    """So many independent outcomes would say as much about a share, at least 1 and at most `n`."""
    statistic: float
    """F of a flat histogram; NaN where all outcomes are of one cluster."""
    p_value: float
    """The chance of so uneven a histogram, were the forecasts perfect; NaN where all outcomes are of one cluster."""

    @property
    def density(self) -> NDArray[np.float64]:
        """(Q + 1,) heights of the PIT histogram: 1 everywhere if perfect; high at both ends if too narrow."""
        height: NDArray[np.float64] = self.shares / np.diff(self.edges)
        return height

    def frame(self) -> pl.DataFrame:
        """The reliability diagram as a table: a row per quantile, with nominal and observed share and its interval."""
        import polars as pl

        columns = {"quantile": self.quantiles, "observed": self.observed, "lower": self.lower, "upper": self.upper}
        return pl.DataFrame(
            {"model": [self.model] * len(self.quantiles), **columns, "n": [self.n] * len(self.quantiles)}
        )

    def histogram(self) -> pl.DataFrame:
        """The PIT histogram as a table: a row per bin, with the shares expected and observed and their ratio."""
        import polars as pl

        bins = {"from": self.edges[:-1], "to": self.edges[1:], "expected": np.diff(self.edges)}
        observed = {"observed": self.shares, "density": self.density}
        return pl.DataFrame({"model": [self.model] * len(self.shares), **bins, **observed})


def calibration(backtest: Backtest, model: str, *, alpha: float = 0.05) -> Calibration:
    """Where the outcomes of a backtest lie within the forecasts of one model.

    Raises:
        UsageError: the model was not in the backtest, nothing was observed, or alpha is no probability.
        MissingExtraError: scipy is not installed.

    Examples:
        >>> from foregate.core import Panel
        >>> from foregate.evaluation import Naive, Plan, backtest
        >>> walk = Panel.from_arrays([np.random.default_rng(0).normal(size=3000).cumsum()])
        >>> found = calibration(backtest(Naive(), walk, Plan(horizon=1, n_windows=2000)), "Naive")
        >>> found.n, found.p_value > 0.05, abs(float(found.observed[1]) - 0.1) < 0.02
        (2000, True, True)
    """
    if not 0 < alpha < 1:
        raise UsageError(f"alpha must be between 0 and 1, but got {alpha}. Give for example 0.05.")
    outcomes = backtest.outcomes(model)
    known = np.isfinite(outcomes.actual)
    n = int(known.sum())
    if n == 0:
        raise UsageError(f"outcomes must be known for {model} to be judged, but no held-out value was observed.")
    quantiles = np.array(outcomes.quantiles)
    edges = np.concatenate([[0.0], quantiles, [1.0]])
    below = _below(outcomes.actual[known], outcomes.values[known], quantiles)
    cluster = np.unique(_clusters(backtest)[np.nonzero(known)[:2]], return_inverse=True)[1].reshape(-1)
    within = _by_cluster(below, cluster)
    shares, widths = within.sum(axis=0) / n, np.diff(edges)
    observed = np.cumsum(shares)[:-1]
    effective = n / _design_effect(within)
    lower, upper = _wilson(observed, effective, alpha)
    statistic, p_value = _flatness(within, widths)
    return Calibration(
        model=model,
        quantiles=quantiles,
        observed=observed,
        lower=lower,
        upper=upper,
        alpha=alpha,
        edges=edges,
        shares=shares,
        n=n,
        clusters=len(within),
        effective=effective,
        statistic=statistic,
        p_value=p_value,
    )


def _below(
    actual: NDArray[np.float64], values: NDArray[np.float64], quantiles: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(n, Q) whether each outcome lies below each quantile; of those that equal it, the part that is said to."""
    less, ties = values > actual[:, None], values == actual[:, None]
    least, tied = less.mean(axis=0), ties.mean(axis=0)
    part = np.divide(np.clip(quantiles - least, 0, tied), tied, out=np.zeros_like(tied), where=tied > 0)
    below: NDArray[np.float64] = less + part * ties
    return below


def _clusters(backtest: Backtest) -> NDArray[np.int64]:
    """(S, W) the cluster of each forecast: a series, and how many times the reach its origin lies before the newest."""
    origins = backtest.origins
    back = (origins.max(axis=1, keepdims=True) - origins) // backtest.plan.reach
    numbers: NDArray[np.int64] = np.arange(len(origins))[:, None] * (back.max() + 1) + back
    return numbers


def _by_cluster(below: NDArray[np.float64], cluster: NDArray[np.int64]) -> NDArray[np.float64]:
    """(G, Q + 1) outcomes of each cluster in each bin, of whether they lie `below` (n, Q) each quantile."""
    sums = np.stack([np.bincount(cluster, weights=one) for one in (*below.T, np.ones(len(below)))], axis=1)
    return np.diff(sums, axis=1, prepend=0)


def _design_effect(within: NDArray[np.float64]) -> float:
    """How many times the variance of shares is what it would be, were all outcomes independent; at least 1.

    The mean over the shares below the quantiles, each weighed by its variance. With one cluster nothing is known of the
    variance between clusters, and all its outcomes are taken for one.
    """
    below, sizes = np.cumsum(within, axis=1)[:, :-1], within.sum(axis=1)
    G, n = len(sizes), sizes.sum()
    if G == 1:
        return float(n)
    shares = below.sum(axis=0) / n
    between = G / (G - 1) * np.sum((below - sizes[:, None] * shares) ** 2)
    alone = n * np.sum(shares * (1 - shares))
    return float(np.clip(between / alone, 1, n)) if alone > 0 else 1.0


def _flatness(within: NDArray[np.float64], widths: NDArray[np.float64]) -> tuple[float, float]:
    """F and p-value of the chi-squared test that the bins hold outcomes by their widths, corrected for clusters.

    With the variance between clusters around what is expected, chi-squared is a weighted sum of chi-squared variables
    of one degree of freedom each: its first two moments are matched (Rao and Scott's second order), and F stands for
    the number of clusters (Thomas and Rao).
    """
    sizes = within.sum(axis=1)
    G, n = len(sizes), sizes.sum()
    if G == 1:
        return float("nan"), float("nan")
    beyond = (within - sizes[:, None] * widths) / np.sqrt(n * widths)
    chi_squared, weights = float(np.sum(beyond.sum(axis=0) ** 2)), beyond.T @ beyond
    if np.trace(weights) < 1e-12:  # as even as can be in every cluster
        return 0.0, 1.0
    F, degrees = chi_squared / np.trace(weights), np.trace(weights) ** 2 / np.sum(weights**2)
    return float(F), float(stats().f.sf(F, degrees, degrees * (G - 1)))


def _wilson(share: NDArray[np.float64], n: float, alpha: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    z = NormalDist().inv_cdf(1 - alpha / 2)
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return np.maximum(middle - half, 0), np.minimum(middle + half, 1)

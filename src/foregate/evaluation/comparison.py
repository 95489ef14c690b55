"""The models of a backtest put to the test: is one better than another by more than chance?

**Pairs.** Per series, `diebold_mariano` takes the difference of two models' losses over its origins. For all series
together it takes, at each origin, the mean of these differences over the series: a single series of W numbers, whose
variance holds whatever the series have in common at that time, so that fifty series which all go wrong on the same day
count as one surprise and not as fifty. (The test of equal average losses in a panel: Timmermann and Zhu, "Comparing
forecasting performance with panel data", 2019; clustering by time as Driscoll and Kraay, 1998.) What it can find
depends on the number of origins, not of series.

**Ranks.** The models are put in order on every series by their mean loss, or, where there is one series, at every
origin; see `foregate.evaluation.significance.rank`. Ranks compare with ranks, so no series weighs more for being large.
The test takes series for independent; where they rise and fall together, its intervals are too narrow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from foregate.core import FrameSpec, UsageError, at_least, listed
from foregate.data.frames import native_frame, series_keys
from foregate.evaluation.backtest import Backtest
from foregate.evaluation.metrics import ERRORS, measure
from foregate.evaluation.significance import Alternative, DieboldMariano, Ranks, diebold_mariano, holm, rank, stats

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Comparison", "Kind", "compare"]

Kind: TypeAlias = Literal["pairs", "series", "ranks"]
"""Which frame of a comparison: the pairs over all series, the pairs on each series, or the ranks."""


@dataclass(frozen=True)
class Comparison:
    """How the models of a backtest differ, and what of that may be chance."""

    models: tuple[str, ...]
    losses: Mapping[str, NDArray[np.float64]]
    """model -> (S, W) loss of each forecast."""
    measure: str
    """The error that is the loss."""
    step: int | None
    """The step ahead that is compared, from 1; None for all steps of a forecast together."""
    lags: int
    """Origins before each whose targets overlap with its own."""
    pooled: Mapping[tuple[str, str], DieboldMariano]
    """(model, against) -> the test on the mean difference over all series, with one entry."""
    by_series: Mapping[tuple[str, str], DieboldMariano]
    """(model, against) -> the test on each of S series."""
    ranks: Ranks
    """Of the models, in their order."""
    ranked: Literal["series", "origins"]
    """On what they were put in order."""
    ids: NDArray[np.str_]
    """(S,)"""
    spec: FrameSpec
    notes: tuple[str, ...] = ()
    """What the reader should know."""

    def frame(self, kind: Kind = "pairs") -> pl.DataFrame:
        """One of the tables.

        Args:
            kind: ``pairs``: one row per pair, over all series; ``p_holm`` is the p-value made larger for the number of
                pairs. ``series``: one row per pair and series. ``ranks``: one row per model, best first.

        Examples:
            >>> from foregate.core import Panel
            >>> from foregate.evaluation import Drift, Naive, Plan, backtest
            >>> noise = Panel.from_arrays([np.random.default_rng(0).normal(size=80)])
            >>> found = compare(backtest({"Drift": Drift(), "Naive": Naive()}, noise, Plan(2, n_windows=20)))
            >>> found.frame().columns
            ['model', 'against', 'difference', 'statistic', 'p_value', 'n', 'p_holm']
        """
        if kind not in get_args(Kind):
            raise UsageError(f"kind must be one of {', '.join(get_args(Kind))}, but got {kind!r}.")
        columns = {"pairs": self._pairs, "series": self._series, "ranks": self._ranks}[kind]()
        frame: pl.DataFrame = native_frame(columns, replace(self.spec, kind="polars"))
        return frame

    def _pairs(self) -> dict[str, Any]:
        columns = _tested(self.pooled)
        return columns | {"p_holm": holm(columns["p_value"])}

    def _series(self) -> dict[str, Any]:
        tested = _tested(self.by_series)
        keys = series_keys(np.tile(self.ids, len(self.by_series)), self.spec)
        return {name: tested.pop(name) for name in ("model", "against")} | keys | tested

    def _ranks(self) -> dict[str, Any]:
        order = np.argsort(self.ranks.mean, kind="stable")
        columns = {
            "model": np.array(self.models, np.str_),
            "rank": self.ranks.mean,
            "lower": self.ranks.lower,
            "upper": self.ranks.upper,
            "with_the_best": self.ranks.with_the_best,
        }
        return {name: values[order] for name, values in columns.items()} | {"n": np.full(len(order), self.ranks.n)}

    def verdict(self, model: str, against: str) -> str:
        """One plain sentence: can the two be told apart, over all series?"""
        turned = (against, model) in self.pooled
        test = self.pooled.get((against, model) if turned else (model, against))
        if test is None:
            raise UsageError(f"models must be two of {listed(self.models)}, but got {model!r} and {against!r}.")
        difference, p = float(test.difference[0]) * (-1 if turned else 1), float(test.p_value[0])
        if not np.isfinite(p):
            return f"{_too_few(int(test.n[0]))} to tell {model} and {against} apart: {_more(self.lags)}"
        label, told = self.measure.upper(), f"p = {p:.2g}" if p >= 0.001 else "p < 0.001"
        if p > self.ranks.alpha:
            return f"{model} and {against} cannot be told apart by {label} on {test.n[0]} origins ({told})."
        side = "lower" if difference < 0 else "higher"
        return f"{model} has a {side} {label} than {against}, by more than chance on {test.n[0]} origins ({told})."


def compare(
    backtest: Backtest,
    measure: str = "mase",
    *,
    step: int | None = None,
    alternative: Alternative = "two-sided",
    alpha: float = 0.05,
) -> Comparison:
    """Test every pair of models of a backtest, on each series and on all, and rank the models.

    Args:
        backtest: of two models or more.
        measure: the error that is the loss of a forecast, see `foregate.evaluation.metrics`. Where MASE is defined
            nowhere, the mean absolute error is used, and said so.
        step: compare the forecasts of this step ahead alone, from 1; all steps together if not given.
        alternative: see `foregate.evaluation.diebold_mariano`; ``less``: the model has the lower loss.
        alpha: chance of finding a difference where there is none, for ranks and verdicts.

    Raises:
        UsageError: there are fewer than two models, or an argument is wrong.
        MissingExtraError: scipy or utilsforecast is not installed.

    Examples:
        >>> from foregate.core import Panel
        >>> from foregate.evaluation import Naive, Plan, SeasonalNaive, backtest
        >>> rng, t = np.random.default_rng(0), np.arange(120)
        >>> seasonal = Panel.from_arrays([5 * np.sin(np.pi * t / 2) + rng.normal(size=120) for _ in range(4)])
        >>> models = {"SeasonalNaive": SeasonalNaive(4), "Naive": Naive()}
        >>> compare(backtest(models, seasonal, Plan(4, n_windows=10))).verdict("SeasonalNaive", "Naive")
        'SeasonalNaive has a lower MASE than Naive, by more than chance on 10 origins (p < 0.001).'
    """
    if not isinstance(backtest, Backtest) or len(backtest.models) < 2:
        raise UsageError("backtest must be a Backtest of two models or more. Give it a baseline to compare with.")
    if measure not in ERRORS:
        raise UsageError(f"measure must be one of {', '.join(ERRORS)}, but got {measure!r}.")
    stats()
    losses, used = _losses(backtest, measure, step)
    notes = [f"MASE is defined nowhere: compared by {used.upper()} instead."] if used != measure else []
    pairs, lags = [*combinations(backtest.models, 2)], _overlap(backtest, step)
    by_series, pooled = {}, {}
    for a, b in pairs:
        by_series[a, b] = diebold_mariano(losses[a], losses[b], lags=lags, alternative=alternative)
        gaps = _over_series(losses[a] - losses[b])
        pooled[a, b] = diebold_mariano(gaps, np.zeros_like(gaps), lags=lags, alternative=alternative)
    on_series = len(backtest.ids) > 1
    each = np.stack([_over_series(losses[m].T) if on_series else losses[m][0] for m in backtest.models])
    return Comparison(
        models=backtest.models,
        losses=losses,
        measure=used,
        step=step,
        lags=lags,
        pooled=pooled,
        by_series=by_series,
        ranks=rank(each, alpha=alpha),
        ranked="series" if on_series else "origins",
        ids=backtest.ids,
        spec=backtest.spec,
        notes=(*notes, *_cautions(backtest, lags)),
    )


def _tested(tests: Mapping[tuple[str, str], DieboldMariano]) -> dict[str, NDArray[Any]]:
    """Columns of some tests, one below the other."""
    sizes = [len(test.n) for test in tests.values()]
    names = [np.repeat([pair[side] for pair in tests], sizes) for side in (0, 1)]
    fields = ("difference", "statistic", "p_value", "n")
    told = {name: np.concatenate([getattr(test, name) for test in tests.values()]) for name in fields}
    return {"model": names[0], "against": names[1], **told}


def _losses(backtest: Backtest, name: str, step: int | None) -> tuple[dict[str, NDArray[np.float64]], str]:
    """model -> (S, W), and the measure that was used."""
    outcomes = {model: backtest.outcomes(model) for model in backtest.models}
    if step is not None:
        at_least(1, step=step)
        if step > backtest.plan.horizon:
            raise UsageError(f"step must be at most the horizon, {backtest.plan.horizon}, but got {step}.")
        outcomes = {model: one.only(step) for model, one in outcomes.items()}
    if name == "mase" and not np.any(backtest.scale > 0):
        name = "mae"
    return {model: measure(one, only=[name])[name] for model, one in outcomes.items()}, name


def _overlap(backtest: Backtest, step: int | None) -> int:
    """Origins before each that lie less far back than its last target ahead, and so share errors with it."""
    plan = backtest.plan
    if plan.scheme == "blocked":
        return 0
    return -(-(plan.gap + (step or plan.horizon)) // (plan.step or plan.horizon)) - 1


def _over_series(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(S, W) to (W,): the mean of what is known, NaN where nothing is."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    return np.where(count > 0, np.where(known, values, 0).sum(axis=0) / np.maximum(count, 1), np.nan)


def _cautions(backtest: Backtest, lags: int) -> list[str]:
    present, n_windows = backtest.origins >= 0, backtest.origins.shape[1]
    notes = []
    if n_windows <= lags + 1:
        notes.append(f"{_too_few(n_windows)} to compare models: {_more(lags)}")
    elif lags and n_windows < 8 * (lags + 1):
        notes.append(
            f"Targets of {lags + 1} origins overlap, and there are only {n_windows}: p-values are too small. Give more "
            "windows, or a longer step."
        )
    times = backtest.cutoffs
    if any(len(np.unique(times[present[:, w], w])) > 1 for w in range(n_windows)):
        notes.append(
            "Series end at different times: over all series, origins are compared by their number from the end, and "
            "what series have in common on a date is not accounted for."
        )
    return notes


def _too_few(n: int) -> str:
    return "1 origin is too few" if n == 1 else f"{n} origins are too few"


def _more(lags: int) -> str:
    return f"give more than {lags + 1} window{'s' * (lags > 0)}."

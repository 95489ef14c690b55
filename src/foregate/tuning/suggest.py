"""`suggest`: look at a panel and say which settings suit it, with evidence."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from foregate.core import DataError, ModelError, Panel, UsageError, at_least
from foregate.data import read, regularize, require_freq, season_evidence, split_known_future
from foregate.data.dependence import lag_evidence
from foregate.data.seasons import SeasonEvidence
from foregate.forecaster.given import recipe_of
from foregate.persistence import load_shipped
from foregate.pipeline.plan import plan_weights
from foregate.pipeline.recipe import Recipe
from foregate.pipeline.start import Start
from foregate.tuning.lengths import candidates, combined, usual_lookback, ways_of
from foregate.tuning.lookbacks import LookbackScore, Trial, chosen, try_lookbacks
from foregate.tuning.rates import RateCurve, rate_curve
from foregate.tuning.sizes import Setting, settings_of
from foregate.tuning.suggestion import Suggestion

__all__ = ["Asked", "look", "suggest"]

BUDGET = 120.0
"""Seconds for all that is trained, unless others are said."""
FOR_LENGTHS = 0.6
"""Share of the budget that is for lengths; the rest is for the range test."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """What a suggestion is asked for."""

    horizon: int
    """Steps ahead."""
    season_length: tuple[int, ...] | None = None
    """Their lengths, shortest first; None to find them."""
    test: int | None = None
    """Rows at the end of each series that are not looked at; None for the horizon."""
    train: bool = True
    """Whether lengths are tried out, and the learning rate, which takes a while."""
    budget: float = BUDGET
    """Seconds after which nothing else is begun that trains."""
    seed: int = 0
    """Of permutations and networks."""

    def __post_init__(self) -> None:
        at_least(1, horizon=self.horizon)
        at_least(0, seed=self.seed, test=0 if self.test is None else self.test)
        if not isinstance(self.train, bool):
            raise UsageError(f"train must be True or False, but got {self.train!r}. Give False to train nothing.")
        if isinstance(self.budget, bool) or not isinstance(self.budget, (int, float)) or not self.budget > 0:
            raise UsageError(f"budget must be seconds above 0, but got {self.budget!r}. Give for example 60.")

    @property
    def held_back(self) -> int:
        """Rows that are not looked at."""
        return self.horizon if self.test is None else int(self.test)


def suggest(
    data: Any,
    horizon: int,
    *,
    season_length: int | Sequence[int] | None = None,
    test: int | None = None,
    train: bool = True,
    budget: float = BUDGET,
    seed: int = 0,
) -> Suggestion:
    """Which sequence length, sizes and learning rate suit the data, with the evidence for each.

    The length is asked in four ways: autocorrelation and partial autocorrelation; mutual information by lag; seasons;
    and small networks that read windows of different lengths, on rolling origins, beside the universal network, which
    carries its state and needs no length. Sizes are those that a fit decides by itself, or it is said why not. The
    learning rate is tested by raising it (`foregate.tuning.rates`).

    Args:
        data: a panel, or anything that `foregate.read` takes.
        horizon: steps ahead that are to be forecast.
        season_length: as in `foregate.Forecaster`; found when not given.
        test: rows at the end of each series that nothing of this looks at, so that they can be scored on later; the
            horizon when not given.
        train: False to do only what needs no training, which takes seconds and no torch.
        budget: seconds after which no other candidate, nor the range test, is begun. What was left out is told.
        seed: same seed, same data, and a budget that was not spent: same suggestion.

    Raises:
        DataError: the data has a problem, or nothing is left of it without the test part.
        UsageError: an argument is wrong.

    Examples:
        >>> from foregate.data import generate
        >>> found = suggest(generate(3, 200), 7, train=False)
        >>> found.lookback, found.seasons, found.options
        (14, (7,), {})
        >>> found.forecaster()
        Forecaster(horizon=7, season_length=(7,))
    """
    lengths: Any = season_length
    if lengths is not None and (isinstance(lengths, str) or not isinstance(lengths, Iterable)):
        lengths = () if lengths == 1 else (lengths,)
    asked = Asked(horizon, None if lengths is None else tuple(lengths), test, train, budget, seed)
    panel = data if isinstance(data, Panel) else read(data)
    return look(panel, asked)


def look(panel: Panel, asked: Asked, say: Say = lambda text: None) -> Suggestion:
    """`suggest` for a panel, telling what is being done."""
    began = time.monotonic()
    recipe = recipe_of(None, model=None, season_length=asked.season_length, horizon=asked.horizon, seed=asked.seed)
    part = _known(panel, asked)
    say("looking for seasons")
    evidence = tuple(season_evidence(part))
    seasons = tuple(e.length for e in evidence if e.kept)[:2] if asked.season_length is None else asked.season_length
    evidence = evidence if asked.season_length is None else _given(seasons)
    say("looking at lags")
    usual = part.freq.seasons() if part.freq else ()
    lags = lag_evidence(part, seasons=(*seasons, *usual), seed=asked.seed)
    ways = ways_of(part, lags, evidence)
    wanted, why = combined(part, ways, seasons)
    scores: tuple[LookbackScore, ...] = ()
    notes: list[str] = []
    training = asked.train and importlib.util.find_spec("torch") is not None
    if asked.train and not training:
        notes.append('Lengths and rates were not tried out, which needs torch: pip install "foregate[train]".')
    if training:
        trial = Trial(asked.horizon, seasons, asked.seed, FOR_LENGTHS * asked.budget)
        scores, told = try_lookbacks(part, candidates(part, ways, wanted, asked.horizon), trial, say)
        notes += told
    rows, windowed, reason = _decided(wanted, why, seasons, scores)
    model = f"patched+lookback={rows}" if windowed else None
    recipe = recipe_of(None, model=model, season_length=seasons, horizon=asked.horizon, seed=asked.seed)
    start = None if windowed else load_shipped(plan_weights(recipe, part))
    rates = None
    if training:
        rates, told = _rates(recipe, part, start, asked.budget - (time.monotonic() - began), say)
        notes += told
    settings = settings_of(recipe, part, seasons, start, rates)
    return Suggestion(
        asked.horizon,
        rows,
        _with_dropout(model, settings),
        reason,
        settings,
        seasons,
        evidence,
        lags,
        ways,
        scores,
        rates,
        asked.held_back,
        asked.seed,
        tuple(notes),
    )


def _known(panel: Panel, asked: Asked) -> Panel:
    """The regular panel without the test part; what has nothing left is left out."""
    whole, _ = split_known_future(panel)
    whole = regularize(require_freq(whole))
    part = whole.cut(np.maximum(whole.lengths - asked.held_back, 0))
    seen = np.bincount(part.row_series[part.mask], minlength=len(part))
    if not (seen >= 2).any():
        raise DataError(
            f"at least one series must have 2 observed values before its last {asked.held_back} rows, which are held "
            f"back for testing, but got at most {seen.max(initial=0)}. Give longer series, or test=0 to hold back none."
        )
    return part.take(np.flatnonzero(seen > 0))


def _given(seasons: Sequence[int]) -> tuple[SeasonEvidence, ...]:
    return tuple(SeasonEvidence(m, "calendar", float("nan"), float("nan"), 1.0, 1.0, "assumed") for m in seasons)


def _decided(wanted: int, why: str, seasons: Sequence[int], scores: Sequence[LookbackScore]) -> tuple[int, bool, str]:
    """Rows of a window; whether to take a network that has one; and the reason."""
    usual = usual_lookback(seasons)
    than = f"; the usual length is {usual}" if usual != wanted else "; that is the usual length"
    best = chosen(scores)
    if best is None:
        return wanted, False, f"{why}{than}. The universal network carries its state and needs no length."
    windows = [score for score in scores if score.rows is not None]
    if best.rows is None:
        ahead = "did best" if best.behind == 0 else f"is within a standard error of the best, {scores[0].name},"
        tried = ""
        if windows:
            tried = (
                f" Of the windows, {windows[0].name} did best ({windows[0].error:.3g} against {best.error:.3g} MASE)."
            )
        return wanted, False, f"{why}{than}. A state that is {best.name} {ahead} and needs no length.{tried}"
    carried = min((score for score in scores if score.rows is None), key=lambda score: score.error)
    told = (
        f"a window of {best.name} forecast better than a carried state ({best.error:.3g} against {carried.error:.3g} "
        f"MASE, with a standard error of {carried.doubt:.2g}) in small networks; before trying, {why}."
    )
    return best.rows, True, told


def _rates(
    recipe: Recipe, panel: Panel, start: Start | None, left: float, say: Say
) -> tuple[RateCurve | None, tuple[str, ...]]:
    if left <= 0:
        return None, ("the learning rate was not tried out, for the budget was spent.",)
    say("trying learning rates")
    try:
        return rate_curve(recipe, panel, start=start), ()
    except (DataError, ModelError) as error:
        return None, (f"the learning rate could not be tried out: {error}",)


def _with_dropout(model: str | None, settings: Sequence[Setting]) -> str | None:
    """The model as it is named with the dropout that is suggested."""
    dropped = next((each for each in settings if each.name == "dropout" and each.differs), None)
    return model if dropped is None or model is None else f"{model}+dropout={dropped.value:g}"

"""Lengths of the past tried out: small networks, alike in all but the window, on rolling origins of the past.

What is compared is the window alone: every network is small, from scratch, with few steps of training. Beside those
that read a window stands one of the same size that carries its state over the whole history and has no such length, and
the pretrained one as it is. All of them are told the values one and two seasons back by their inputs, as any network of
Foregate is; a window can only win by what lies between.

References:
    L. Breiman, J. H. Friedman, R. A. Olshen, C. J. Stone (1984), Classification and regression trees, 3.4.3 (of what is
    within one standard error of the best, the simplest).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foregate.core import DataError, ModelError, Panel, evenly
from foregate.evaluation import Plan
from foregate.evaluation import backtest as run_backtest
from foregate.forecaster import Forecaster
from foregate.forecasting.fitted import Fitted

__all__ = ["CARRIED", "INSTANT", "LookbackScore", "Trial", "chosen", "try_lookbacks"]

CARRIED, INSTANT = "carried", "carried, pretrained"
"""Names of the candidates that have no length."""
MOST_SERIES = 24
"""Series that are tried, evenly spread over the panel."""
FEWEST_WINDOWS, WANTED_WINDOWS, MOST_WINDOWS = 2, 24, 8
"""Origins per series, and over all series together."""
TRAINED_SHARE = 2 / 3
"""Share of a middling series that lies before the first origin, if there is more than one."""
MOST_ROWS = 2_000
"""Rows of each series, but eight windows at least."""
SMALL = {"hidden": 16, "layers": 1, "decoder": 16, "steps": 60, "start": "scratch", "members": 1}
"""Sizes of every network."""


@dataclass(frozen=True)
class Trial:
    """How lengths are tried."""

    horizon: int
    """Steps ahead."""
    seasons: tuple[int, ...] = ()
    """Season lengths that the inputs are told."""
    seed: int = 0
    """Of the networks."""
    budget: float = 120.0
    """Seconds after which no other candidate is begun."""


@dataclass(frozen=True)
class LookbackScore:
    """How one candidate did."""

    name: str
    """``carried``, ``carried, pretrained``, or the rows of its window."""
    rows: int | None
    """Of its window; None for those without."""
    error: float
    """Mean absolute error in units of the seasonal naive forecast's (MASE), over series and origins."""
    behind: float
    """By how much that is above the best."""
    doubt: float
    """Standard error of `behind`, over series and origins; 0 for the best."""
    forecasts: int
    """How many of them: series times origins."""
    seconds: float
    """Time taken."""

    @property
    def level(self) -> bool:
        """Whether it is within one standard error of the best."""
        return self.behind <= self.doubt


def try_lookbacks(
    panel: Panel, lengths: Sequence[int], trial: Trial, say: Callable[[str], None] = lambda text: None
) -> tuple[tuple[LookbackScore, ...], tuple[str, ...]]:
    """Score windows of some lengths, and networks without one, on rolling origins of a regular panel.

    Every candidate is trained on what lies before the first origin, and forecasts from all of them. The clock is asked
    between two candidates only, and what was left out for lack of time is told: only then can another machine come to
    another result.

    Args:
        panel: what may be looked at.
        lengths: rows of the windows, the most wanted first.
        trial: horizon, seasons, seed and budget.
        say: told what is being tried.

    Returns:
        the scores, best first, and notes. No scores where no series is long enough for one origin.

    Raises:
        MissingExtraError: torch is not installed.
    """
    part, plan = _laid_out(panel, lengths, trial)
    began, left_out = time.monotonic(), []
    errors: dict[str, NDArray[np.float64]] = {}
    seconds: dict[str, float] = {}
    named: dict[str, int | None] = {CARRIED: None, INSTANT: None, **{f"{rows} rows": rows for rows in lengths}}
    notes = []
    for name, rows in named.items():
        if errors and time.monotonic() - began > trial.budget:
            left_out.append(name)
            continue
        say(f"trying {name}")
        once = time.monotonic()
        try:
            errors[name] = _errors(part, plan, trial, name, rows)
        except DataError as error:
            if not errors:
                return (), (f"no length was tried: {error}",)
            notes.append(f"{name} could not be tried: {error}")
        except ModelError as error:
            notes.append(f"{name} could not be tried: {error}")
        else:
            seconds[name] = time.monotonic() - once
    if left_out:
        notes.append(f"not tried, since the {trial.budget:g} s for lengths were spent: {', '.join(left_out)}.")
    return _scores(errors, named, seconds), tuple(notes)


def chosen(scores: Sequence[LookbackScore]) -> LookbackScore | None:
    """What to take: a network without a window if one is within a standard error of the best, else the shortest such.

    Examples:
        >>> better = LookbackScore("48 rows", 48, 0.8, 0.0, 0.0, 24, 1.0)
        >>> carried = LookbackScore("carried", None, 0.82, 0.02, 0.03, 24, 1.0)
        >>> chosen([better, carried]).name
        'carried'
    """
    level = [score for score in scores if score.level]
    return min(level, key=lambda score: (score.rows or 0, score.error), default=None)


def _laid_out(panel: Panel, lengths: Sequence[int], trial: Trial) -> tuple[Panel, Plan]:
    """The series and rows that are tried on, and their origins."""
    some = panel.take(evenly(len(panel), MOST_SERIES))
    spare = np.median(some.lengths) * (1 - TRAINED_SHARE) // trial.horizon
    wanted = np.clip(-(-WANTED_WINDOWS // max(len(some), 1)), FEWEST_WINDOWS, MOST_WINDOWS)
    windows = int(max(1, min(wanted, spare)))
    rows = max(MOST_ROWS, 8 * max(lengths, default=1)) + windows * trial.horizon
    season = max([*trial.seasons[:1], 1])
    return some.tail(rows), Plan(trial.horizon, windows, levels=(80.0,), quantiles=(), season=season)


def _errors(panel: Panel, plan: Plan, trial: Trial, name: str, rows: int | None) -> NDArray[np.float64]:
    """(S, W) mean absolute error of each forecast in units of the seasonal naive one's; NaN where there is none."""

    def fit(part: Panel) -> Fitted:
        told: dict[str, Any] = {"season_length": trial.seasons, "seed": trial.seed, "verbose": False}
        if name == INSTANT:
            return Forecaster(trial.horizon, effort="instant", options={"weights": "tiny"}, **told).fit(part).fitted_
        model = None if rows is None else f"patched+lookback={rows}"
        return Forecaster(trial.horizon, model=model, effort="fast", options=SMALL, **told).fit(part).fitted_

    test = run_backtest({name: fit}, panel, plan)
    outcomes = test.outcomes(name)
    wrong = np.abs(outcomes.at(0.5) - outcomes.actual)
    known = np.isfinite(wrong)
    mean = np.where(known, wrong, 0).sum(-1) / np.maximum(known.sum(-1), 1)
    usable = known.any(-1) & (test.scale > 0)
    errors = np.full(mean.shape, np.nan)
    errors[usable] = mean[usable] / test.scale[usable]
    return errors


def _scores(
    errors: dict[str, NDArray[np.float64]], named: dict[str, int | None], seconds: dict[str, float]
) -> tuple[LookbackScore, ...]:
    means = {name: float(np.nanmean(each)) for name, each in errors.items() if np.isfinite(each).any()}
    if not means:
        return ()
    best = min(means, key=lambda name: means[name])
    scores = []
    for name, mean in means.items():
        apart = (errors[name] - errors[best])[np.isfinite(errors[best])]
        doubt = float(apart.std(ddof=1) / np.sqrt(len(apart))) if len(apart) > 1 else 0.0
        scores.append(LookbackScore(name, named[name], mean, mean - means[best], doubt, len(apart), seconds[name]))
    return tuple(sorted(scores, key=lambda score: score.error))

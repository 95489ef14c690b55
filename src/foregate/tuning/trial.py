"""One trial: a forecaster with the settings of a point, scored at origins of the training part."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from foregate.core import ForegateError, Panel
from foregate.evaluation import Backtest, Plan, backtest, scoreboard
from foregate.forecaster import Forecaster
from foregate.forecaster.given import arguments_of
from foregate.forecasting.fitted import Fitted
from foregate.pipeline.recipe import Recipe
from foregate.training.events import Event

if TYPE_CHECKING:
    from optuna.trial import Trial

__all__ = ["APART", "Outcome", "Stopped", "TimeUp", "Watch", "backtest_of", "score_of", "scores_in", "tried"]

APART, KINDS_APART = 100, 100_000
"""Checks of one network and the next are told apart by so much, and those of networks that begin otherwise."""
LET_BE = 5
"""Checks of a network that nobody judges: the rate still rises, and a score says little."""
NAME = "LSTM"


class Stopped(Exception):  # noqa: N818 - nothing is wrong
    """A trial is to end before its time; the message says why."""


class TimeUp(Stopped):
    """A trial is to end since the time is up; another call may take it up anew."""


@dataclass(frozen=True)
class Outcome:
    """What came of a trial."""

    state: str
    """``COMPLETE``, ``PRUNED`` or ``FAIL``; ``RUNNING`` where it is left to be taken up anew."""
    value: float | None = None
    """Its score, where it is complete."""
    reason: str = ""
    """Why it is not."""
    seconds: float = 0.0
    """Time that it took."""


class Watch:
    """A callback of training that hands validation scores to a pruner, and looks at the clock.

    Args:
        trial: is told every score, and says whether it is worth going on; None to look at the clock alone.
        deadline: by `time.monotonic`; infinite for none.
        prunes: whether the trial may be stopped by its scores.
        kind: number of the kind of trials that it is compared with. What begins with random weights is behind what
            begins with others for a long time, and may still end before it.
    """

    def __init__(self, trial: Trial | None, deadline: float, *, prunes: bool = True, kind: int = 0) -> None:
        self._trial, self._deadline, self._prunes, self._first = trial, deadline, prunes, KINDS_APART * kind
        self._fits = -1

    def __call__(self, event: Event) -> None:
        """Look at an event.

        Raises:
            TimeUp: the time is up.
            Stopped: scores are worse than those of others at the same check.
        """
        if event.name == "started" and event.member == 0:
            self._fits += 1
        if time.monotonic() > self._deadline:
            raise TimeUp
        known = event.score is not None and np.isfinite(event.score)
        if self._trial is None or event.name != "checked" or not known:
            return
        network, check = self._fits * event.members + event.member, len(event.history)
        self._trial.report(float(event.score or 0), self._first + network * APART + check)
        if self._prunes and check > LET_BE and self._trial.should_prune():
            raise Stopped(f"validation was worse than that of others at step {event.step} of {event.steps}")


def tried(trial: Trial, recipe: Recipe, part: Panel, plan: Plan, measure: str, watch: Watch) -> Outcome:
    """Run a trial: whatever goes wrong is an outcome, not an error.

    Args:
        trial: is told what it would be made of.
        recipe: what to make.
        part: the training part.
        plan: origins to be scored at.
        measure: what is to be small.
        watch: looks on while it trains.
    """
    began = time.perf_counter()
    try:
        value = score_of({NAME: recipe}, part, plan, measure, watch)[NAME]
        outcome = Outcome("COMPLETE", value)
        if not np.isfinite(value):
            outcome = Outcome("FAIL", None, f"{measure} is not defined at any origin")
    except TimeUp:
        outcome = Outcome("RUNNING")
    except Stopped as stopped:
        outcome = Outcome("PRUNED", None, str(stopped))
    except ForegateError as error:
        outcome = Outcome("FAIL", None, str(error))
    except Exception as error:  # one that nobody foresaw is the trial's too: the others go on
        outcome = Outcome("FAIL", None, f"{type(error).__name__}: {error}")
    return Outcome(outcome.state, outcome.value, outcome.reason, round(time.perf_counter() - began, 3))


def score_of(
    recipes: Mapping[str, Recipe], panel: Panel, plan: Plan, measure: str, watch: Watch | None = None
) -> dict[str, float]:
    """The mean of a measure over all origins, for each of some recipes.

    Args:
        recipes: by name.
        panel: all that they may know, and what they are scored by.
        plan: which origins.
        measure: one of `foregate.evaluation.ERRORS`.
        watch: looks on while they train.
    """
    return scores_in(backtest_of(recipes, panel, plan, watch), measure)


def backtest_of(recipes: Mapping[str, Recipe], panel: Panel, plan: Plan, watch: Watch | None = None) -> Backtest:
    """Train some recipes on what may be known, and let them forecast; see `score_of`."""
    callbacks = () if watch is None else (watch,)

    def making(recipe: Recipe) -> Any:
        def train(known: Panel) -> Fitted:
            model = Forecaster(**arguments_of(recipe), freq=known.freq, verbose=False)
            return model.fit(known, callbacks=callbacks).fitted_

        return train

    return backtest({name: making(recipe) for name, recipe in recipes.items()}, panel, plan)


def scores_in(result: Backtest, measure: str) -> dict[str, float]:
    """The mean of a measure over all origins of a backtest, for each of its models."""
    return {score.model: float(score.overall[measure]) for score in scoreboard(result).scores}

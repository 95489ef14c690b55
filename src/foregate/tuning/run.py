"""Search for better settings, and say honestly what it brought."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from foregate.core import ModelError, Panel, UsageError, listed, require_torch
from foregate.core.addresses import shown_address
from foregate.data import read, regularize, require_freq, split_known_future
from foregate.evaluation import Plan
from foregate.evaluation.metrics import losses
from foregate.forecaster import Forecaster
from foregate.forecaster.given import OWN, arguments_of, recipe_of
from foregate.pipeline.recipe import Recipe
from foregate.tuning.duel import duel
from foregate.tuning.importance import importances, interactions
from foregate.tuning.job import Job, Say, run_together, work
from foregate.tuning.names import applied
from foregate.tuning.result import Gain, TrialRecord, Tuning
from foregate.tuning.search import Search, fingerprint, held_back, plans
from foregate.tuning.space import Space, usual_space
from foregate.tuning.study import INTERRUPTED, Book, check_address, require_optuna

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

__all__ = ["Task", "tune"]

STATES = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}


def tune(
    data: Any,
    horizon: int,
    *,
    space: Space | Mapping[str, Any] | None = None,
    forecaster: Forecaster | None = None,
    study: str | Path | None = None,
    say: Say | None = None,
    **search: Any,
) -> Tuning:
    """Search for settings that forecast better than the default, at origins of the past.

    1. The last windows of every series are held back. No trial sees them.
    2. The default is the first trial; others follow, each trained on what came before the origins that it is scored at
       and stopped early where its validation scores fall behind.
    3. Default and winner, the trial with the lowest score, are trained once more on all but the held-back part and
       scored on it: the gain. The winner takes the place of the default only if it is better there by more than luck.
    4. Whichever of them it is, is fitted on everything.

    A search that was stopped, however it was, goes on when the same call is made with the same study; so does one with
    a larger budget. Several calls with the same study share the work.

    Args:
        data: a panel, or anything that `foregate.read` takes.
        horizon: steps ahead.
        space: name of a setting -> what it may be, in place of what is usual for it; a `Space` for nothing else.
        forecaster: the default; what it says itself is not tried unless `space` does. `Forecaster(horizon)` if not
            given.
        study: file for the journal of the study, or the address of a PostgreSQL server (``postgresql://…``) for several
            machines. If not given, a file that is gone at the end.
        say: told a line about every trial.
        search: fields of `foregate.tuning.Search`: ``n_trials``, ``seconds``, ``n_jobs``, ``sampler``, ``pruner``,
            ``windows``, ``test_windows``, ``refit``, ``measure``, ``luck``, ``seed``.

    Raises:
        UsageError: an argument is wrong or contradicts others; nothing was run.
        DataError: the data has a problem, or is too short to hold anything back; nothing was run.
        ModelError: every trial failed; says why.
        MissingExtraError: optuna or torch is not installed.

    Examples:
        >>> from foregate.data import generate
        >>> from foregate.tuning import Choice, Space
        >>> small = Forecaster(3, season_length=7, effort="fast", options={"steps": 2, "hidden": 4, "start": "scratch"})
        >>> tuning = tune(generate(2, 60), 3, space=Space({"rate": Choice(0.001, 0.01)}), forecaster=small, n_trials=3)
        >>> tuning.leaderboard.shape[0], tuning.gain.trials
        (3, 3)
        >>> forecasts = Forecaster(**tuning.best).fit(generate(2, 60)).predict()
    """
    task = Task.of(horizon, space, forecaster, study, Search(**_known(search)))
    return task.run(read(data, freq=task.forecaster.freq), say)


@dataclass(frozen=True)
class Task:
    """A search that makes sense, before any data is read."""

    forecaster: Forecaster
    """The default."""
    recipe: Recipe
    """Of it."""
    space: Space
    """What is tried, checked for that recipe."""
    search: Search
    """How."""
    study: str | None
    """Where the study is; None for a file that is gone at the end."""

    @classmethod
    def of(
        cls,
        horizon: int,
        space: Space | Mapping[str, Any] | None,
        forecaster: Forecaster | None,
        study: str | Path | None,
        search: Search,
    ) -> Task:
        """Check everything that can be checked without data.

        Raises:
            UsageError: something is wrong, or contradicts something else.
            MissingExtraError: what is needed is not installed.
        """
        if not isinstance(forecaster, Forecaster | None):
            raise UsageError(
                f"forecaster must be a Forecaster, but got {forecaster!r}. Leave it out for the usual one."
            )
        own = Forecaster(horizon) if forecaster is None else forecaster
        if own.horizon != horizon:
            raise UsageError(
                f"horizon must be that of the forecaster, but got {horizon} and {own.horizon}. Give both the same."
            )
        if not isinstance(space, Space | Mapping | None):
            raise UsageError(
                f"space must be a dict from names to what they may be, or a Space, but got {space!r}. Give for example "
                '{"hidden": Choice(32, 64)}.'
            )
        recipe = recipe_of(own.options, **{name: getattr(own, name) for name in OWN})
        if recipe.effort == "instant":
            raise UsageError(
                "effort must be one that trains, but got 'instant', which has nothing to tune. Choose effort='fast'."
            )
        usual = usual_space(recipe)
        whole = space if isinstance(space, Space) else usual.changed(space or {})
        for needed in (require_torch, require_optuna, losses):
            needed()
        if study is not None:
            check_address(study)
        checked = whole.within(recipe)
        search.check(checked, recipe)
        return cls(own, recipe, checked, search, None if study is None else str(study))

    def run(self, given: Panel, say: Say | None = None) -> Tuning:
        """Do it.

        Args:
            given: as it was read.
            say: told a line about every trial.

        Raises:
            DataError: the data has a problem; nothing was run.
            ModelError: every trial failed.
        """
        panel = regularize(require_freq(split_known_future(given)[0]))
        own, test = plans(panel, self.recipe.horizon, self.search)
        season = max([*(self.recipe.season_length or ())[:1], 1]) if self.recipe.season_length is not None else None
        own, test = (replace(plan, season=season or plan.season_of(panel)) for plan in (own, test))
        part = held_back(panel, own, test, self.search.measure)
        with tempfile.TemporaryDirectory() as folder:
            address = self.study or str(Path(folder, "study.journal"))
            prints = fingerprint(part, self.recipe, self.space, self.search, own)
            job = Job(part, self.recipe, self.space, self.search, own, address, prints)
            with job.book() as book:
                self._search(job, book, say or (lambda _: None))
                begun = (trial for trial in book.trials() if trial.state.name != "WAITING")
                trials = tuple(map(partial(_record, self.space), begun))
                winner = _winner(trials)
                recipe = applied(self.recipe, {**self.space.fixed, **winner.point}) if winner.point else self.recipe
                gain, notes = self._gain(book, panel, test, recipe, trials)
                recipe = recipe if gain.taken else self.recipe
                mattered = importances(book.study)
        began = time.perf_counter()
        model = Forecaster(**arguments_of(recipe), freq=panel.freq, verbose=self.forecaster.verbose).fit(given)
        gain = replace(gain, final_seconds=gain.final_seconds + time.perf_counter() - began)
        complete = [trial for trial in trials if trial.score is not None and trial.point]
        together = interactions([t.point for t in complete], np.array([t.score for t in complete], np.float64))
        return Tuning(recipe, trials, gain, mattered, together, model, shown_address(self.study or ""), notes)

    def _search(self, job: Job, book: Book, say: Say) -> None:
        """Run trials, here or in several processes, and tell of each."""
        deadline = math.inf if self.search.seconds is None else time.monotonic() + self.search.seconds
        known = {trial.number for trial in book.trials() if trial.state.is_finished()}
        if known:
            say(f"going on with a study of {len(known)} trials")

        def tell() -> None:
            for trial in book.trials():
                if trial.number not in known and trial.state.is_finished():
                    known.add(trial.number)
                    say(_line(_record(self.space, trial), self.search.measure))

        if self.search.n_jobs == 1:
            work(job, book, deadline, tell)
        else:
            book.begin()
            run_together(job, deadline, tell)
        tell()

    def _gain(
        self, book: Book, panel: Panel, test: Plan, recipe: Recipe, trials: tuple[TrialRecord, ...]
    ) -> tuple[Gain, tuple[str, ...]]:
        """Default and winner on what was held back; each winner is scored once, however often the call is made."""
        key = [repr(arguments_of(recipe)), test.n_windows]
        before: list[dict[str, Any]] = book.study.user_attrs.get("held_back", [])
        place = next((i for i, one in enumerate(before) if one["of"] == key and "chance" in one), None)
        if place is None:
            fought = duel(self.recipe, recipe, panel, test, self.search.measure)
            before = [*before, {"of": key, **asdict(fought)}]
            place = len(before) - 1
            book.study.set_user_attr("held_back", before)
        found = before[place]
        # Every look at the part is a chance to be lucky there, and the first one is worth as much as it was.
        chance = None if found["chance"] is None else min(1.0, found["chance"] * (place + 1))
        gain = Gain(
            self.search.measure,
            found["default"],
            found["winner"],
            test.n_windows,
            sum(trial.state != "interrupted" for trial in trials),
            sum(trial.seconds or 0.0 for trial in trials),
            found["seconds"],
            chance,
            taken=recipe == self.recipe or (1.0 if chance is None else chance) <= self.search.luck,
        )
        looked = (
            f"{len(before)} winners of this study were scored on the held-back part, one after the other: the last "
            "score is no longer quite unseen.",
        )
        return gain, looked if len(before) > 1 else ()


def _known(search: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a search by name.

    Raises:
        UsageError: one is none.
    """
    unknown = sorted(set(search) - set(Search.__dataclass_fields__))
    if unknown:
        raise UsageError(
            f"arguments of tune must be among {', '.join(Search.__dataclass_fields__)}, but got {listed(unknown)}."
        )
    return dict(search)


def _record(space: Space, trial: FrozenTrial) -> TrialRecord:
    """A trial as people read of it."""
    facts, state = trial.user_attrs, STATES.get(trial.state.name, INTERRUPTED)
    reason = facts.get("reason", "")
    params = {name: value for name, value in trial.params.items() if name in space.dimensions}
    return TrialRecord(
        number=trial.number,
        state=INTERRUPTED if INTERRUPTED in (reason, state) else state,
        point=space.restored(params),
        score=trial.value if state == "complete" else None,
        default=bool(facts.get("default")),
        seconds=facts.get("seconds"),
        reason=reason,
        validation=dict(sorted(trial.intermediate_values.items())),
    )


def _winner(trials: tuple[TrialRecord, ...]) -> TrialRecord:
    """The best complete trial.

    Raises:
        ModelError: there is none; says why.
    """
    complete = [trial for trial in trials if trial.score is not None]
    if complete:
        return min(complete, key=lambda trial: (trial.score, trial.number))
    failed = [trial for trial in trials if trial.state == "failed"]
    if failed:
        raise ModelError(
            f"at least one trial must go well, but all {len(failed)} failed, the first one for this reason: "
            f"{failed[0].reason}"
        )
    raise ModelError(
        "at least one trial must come to its end, but the time was up before. Give more seconds; a call with the same "
        "study goes on from there."
    )


def _line(trial: TrialRecord, measure: str) -> str:
    """A trial in a line."""
    what = "the default" if trial.default else ", ".join(f"{name}={_short(v)}" for name, v in trial.point.items())
    if trial.state == INTERRUPTED:
        return f"trial {trial.number}: interrupted before, and run anew ({what})"
    came = f"{measure} {trial.score:.4g}" if trial.score is not None else f"{trial.state}: {trial.reason}"
    return f"trial {trial.number}: {came}, {trial.seconds or 0:.1f} s ({what})"


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)

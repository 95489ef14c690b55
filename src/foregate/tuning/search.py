"""How to search, and for how long."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from numbers import Real
from typing import Any, Literal, get_args

import numpy as np

from foregate.core import DataError, Panel, UsageError, at_least
from foregate.evaluation import ERRORS, Plan, mase_scale
from foregate.evaluation.plan import lay_out
from foregate.pipeline.recipe import Recipe
from foregate.tuning.space import Space

__all__ = ["PRUNERS", "SAMPLERS", "Search", "fingerprint", "held_back", "plans"]

Sampler = Literal["tpe", "random", "grid"]
Pruner = Literal["median", "hyperband", "none"]
SAMPLERS: tuple[str, ...] = get_args(Sampler)
PRUNERS: tuple[str, ...] = get_args(Pruner)
MOST_WINDOWS = 8
"""Origins per series of each kind unless more are asked for: those of trials, whose winner would else be that of a few
lucky days, and those held back, which say whether it was. They cost little, since all are forecast after one fit."""
SCALED = ("training.scale_power", "season_length", "effort")
"""Settings that change what a validation score means, or when it is taken."""


@dataclass(frozen=True)
class Search:
    """How to search.

    Examples:
        >>> Search(sampler="random", n_trials=20).pruner
        'median'
    """

    sampler: Sampler = "tpe"
    """What chooses the next point: ``tpe`` by those before (Bergstra et al. 2011), ``random``, or ``grid``, all."""
    pruner: Pruner = "median"
    """What stops a trial by its validation scores: ``median``, worse than half of the others at the same check that
    began with random weights, or did not, as it did; ``hyperband``, not among the best third of all as it goes on (Li
    et al. 2018); ``none``."""
    n_trials: int | None = None
    """Trials of the whole study, the default and those of earlier runs included; None: 50, or all points of a grid."""
    seconds: float | None = None
    """Wall-clock time of this run's search; a trial that is running then is stopped. None for no limit."""
    n_jobs: int = 1
    """Processes on this machine."""
    windows: int | None = None
    """Origins per series of the training part that a trial is scored at; None: by the length of the series, up to 8."""
    test_windows: int | None = None
    """Origins per series that are held back until the end; None: by the length of the series, up to 8."""
    refit: bool = False
    """Whether a trial trains anew at each of its origins, and not only before the first."""
    measure: str = "mase"
    """What is to be small, one of `foregate.evaluation.ERRORS`."""
    luck: float = 0.05
    """How often, at most, a winner that is no better than the default may take its place; 1 takes any winner."""
    seed: int = 0
    """Of the sampler: the same seed and one process give the same trials."""

    def __post_init__(self) -> None:
        for name, known in (("sampler", SAMPLERS), ("pruner", PRUNERS), ("measure", ERRORS)):
            if getattr(self, name) not in known:
                raise UsageError(
                    f"{name} must be one of {', '.join(known)}, but got {getattr(self, name)!r}. Choose one of these."
                )
        several = {name: getattr(self, name) for name in ("n_trials", "windows", "test_windows")}
        at_least(1, n_jobs=self.n_jobs, **{name: value for name, value in several.items() if value is not None})
        at_least(0, seed=self.seed)
        if not isinstance(self.refit, bool):
            raise UsageError(f"refit must be True or False, but got {self.refit!r}. Give True to train at each origin.")
        if isinstance(self.luck, bool) or not isinstance(self.luck, Real) or not 0 < self.luck <= 1:
            raise UsageError(f"luck must be a number above 0, up to 1, but got {self.luck!r}. Give for example 0.05.")
        limit = self.seconds
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, Real) or not 0 < limit < math.inf):
            raise UsageError(f"seconds must be a number above 0, but got {limit!r}. Give for example 600.")

    def check(self, space: Space, recipe: Recipe) -> None:
        """Refuse what does not go together.

        Raises:
            UsageError: a grid without end, or validation scores that cannot be compared.
        """
        if self.sampler == "grid":
            space.grid()
        if self.pruner == "none":
            return
        tried = [name for name in SCALED if name in space.dimensions]
        if tried:
            raise UsageError(
                f"the pruner must be 'none' where {' and '.join(tried)} is tried, since validation scores cannot be "
                f"compared then, but got {self.pruner!r}. Choose pruner='none'."
            )
        if not recipe.validate or "validate" in space.settings:
            raise UsageError(
                f"validate must be True where trials are stopped by validation scores, but it is not, or is tried, and "
                f"the pruner is {self.pruner!r}. Choose pruner='none'."
            )


def plans(panel: Panel, horizon: int, search: Search) -> tuple[Plan, Plan]:
    """Where trials are scored, and what is held back.

    Args:
        panel: all rows.
        horizon: steps ahead.
        search: says how many windows, or leaves it to the length of the series.

    Examples:
        >>> own, test = plans(Panel.from_arrays([np.arange(100.0)]), 12, Search())
        >>> own.n_windows, test.n_windows
        (1, 1)
    """
    usual = max(
        1, int(np.median(panel.lengths) // (8 * horizon))
    )  # a quarter of a middling series at most, or one each
    own = Plan(horizon, search.windows or min(usual, MOST_WINDOWS), refit=search.refit)
    return own, Plan(horizon, search.test_windows or min(usual, MOST_WINDOWS))


def held_back(panel: Panel, own: Plan, test: Plan, measure: str) -> Panel:
    """The training part: every series up to its first origin of the test part. Nothing later is in it.

    Args:
        panel: all rows, regular.
        own: where trials will be scored.
        test: what is held back.
        measure: by which.

    Raises:
        DataError: nothing is left to hold back, to score trials on, or to measure them by.

    Examples:
        >>> part = held_back(Panel.from_arrays([np.arange(9.0)], freq=1), Plan(2), Plan(2), "mae")
        >>> part.values
        array([0., 1., 2., 3., 4., 5., 6.], dtype=float32)
    """
    course, _ = lay_out(panel, test)
    there = course.origins >= 0
    first = np.where(there, course.origins, np.iinfo(np.int64).max).min(1) + 1
    ends = panel.lengths.copy()
    ends[np.isin(panel.ids, course.panel.ids)] = first
    part = panel.cut(ends)
    course, _ = lay_out(part, own)
    if measure == "mase" and not np.nansum(mase_scale(course.panel, course.origins, own.season_of(part))) > 0:
        raise DataError(
            "series must change over a season before an origin to be measured by mase, but got none that does: there "
            f"are at most {int(course.origins.max(initial=-1)) + 1} rows before. Give longer series or fewer windows, "
            "or choose measure='mae'."
        )
    return part


def fingerprint(part: Panel, recipe: Recipe, space: Space, search: Search, own: Plan) -> dict[str, str]:
    """What makes two runs go on with the same study: part -> a short hash of it.

    Budgets and the number of processes are not in it: they may change from run to run.
    """
    freq = None if part.freq is None else part.freq.alias
    arrays = [part.ids.tolist(), freq, sorted((name, c.role, c.categories) for name, c in part.covariates.items())]
    data = hashlib.sha256(json.dumps(arrays).encode())
    for array in (part.offsets, part.times, part.values, part.mask, *(c.values for c in part.covariates.values())):
        data.update(array.tobytes())
    said = {
        "data": data.hexdigest(),
        "forecaster": asdict(recipe),
        "space": space.document(),
        "sampler": [search.sampler, search.seed],
        "pruner": search.pruner,
        "windows": [own.horizon, own.n_windows, search.refit],
        "measure": search.measure,
    }
    return {name: _hash(value) for name, value in said.items()}


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=list).encode()).hexdigest()[:16]

"""What chooses the next point, and what stops a trial: optuna's, made so that a study can be taken up again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from foregate.tuning.search import Search

if TYPE_CHECKING:
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler

__all__ = ["new_pruner", "new_sampler"]

STARTUP = 10
"""Points that TPE draws at random before it learns from any."""
COMPARED, ALIKE = 4, 3
"""Trials that must have ended before the median says anything, and those of them that began alike."""
THIRD = 3
"""One of so many goes on at each rung of hyperband."""


def new_sampler(search: Search, number: int) -> BaseSampler:
    """A sampler for one trial, whose draws follow from the seed, the number and the trials before.

    What this process drew before does not matter, so the trials of a study that was stopped and taken up again are
    those of one that never stopped.

    Args:
        search: names it.
        number: trials that were begun before, without those that were interrupted.
    """
    from optuna.samplers import RandomSampler, TPESampler

    seed = int(np.random.SeedSequence([search.seed, number]).generate_state(1)[0])
    if search.sampler == "tpe":  # settings that matter only with others are no vector
        return TPESampler(seed=seed, n_startup_trials=STARTUP, multivariate=False)
    return RandomSampler(seed=seed)


def new_pruner(search: Search, checks: int) -> BasePruner:
    """What stops a trial by its validation scores.

    Args:
        search: names it.
        checks: of a run.
    """
    from optuna.pruners import HyperbandPruner, MedianPruner, NopPruner

    if search.pruner == "median":
        return MedianPruner(n_startup_trials=COMPARED, n_min_trials=ALIKE)
    if search.pruner == "hyperband":
        return HyperbandPruner(min_resource=1, max_resource=max(checks, THIRD), reduction_factor=THIRD)
    return NopPruner()

"""Whether what a search found beats the default by more than luck.

The best of many noisy trials looks better than the default where nothing is. No correction for the number of trials
mends that at the origins that they were scored at: a sampler goes where trials did well, and so learns these origins
by heart. At origins that no trial saw there are two candidates and one question, which the test of Diebold and Mariano
answers whatever was tried before. Letters: S series, W origins of each.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from foregate.core import Panel
from foregate.evaluation import Backtest, Plan, compare, diebold_mariano
from foregate.pipeline.recipe import Recipe
from foregate.tuning.trial import backtest_of, scores_in

__all__ = ["Duel", "chance_of", "duel"]

DEFAULT, WINNER = "default", "winner"
FEWEST_ORIGINS, FEWEST_SERIES = 4, 12
"""On fewer of both nothing can be told."""


@dataclass(frozen=True)
class Duel:
    """Default and winner at the origins that were held back."""

    default: float
    """Its score."""
    winner: float
    """The other's."""
    chance: float | None
    """How often a winner that is no better than the default would be ahead so clearly; None where there are too few
    origins and series to tell, or where the winner is the default."""
    seconds: float
    """Time that it took."""


def duel(default: Recipe, winner: Recipe, panel: Panel, plan: Plan, measure: str) -> Duel:
    """Train two recipes on what came before the origins of a plan, and score both there.

    Args:
        default, winner: what to train; once where they are the same.
        panel: all rows.
        plan: which origins were held back.
        measure: one of `foregate.evaluation.ERRORS`.
    """
    began = time.perf_counter()
    recipes = {WINNER: winner} | ({DEFAULT: default} if default != winner else {})
    result = backtest_of(recipes, panel, plan)
    scores = scores_in(result, measure)
    chance = chance_of(result, measure) if len(recipes) > 1 else None
    return Duel(scores.get(DEFAULT, scores[WINNER]), scores[WINNER], chance, time.perf_counter() - began)


def chance_of(result: Backtest, measure: str) -> float | None:
    """How often the winner would be ahead so clearly of a default that is as good.

    Where each series has four origins or more, the differences at the origins are tested, each the mean over all
    series, so that series which go wrong on the same day count once; else the differences of the series, which are
    taken for independent, if there are a dozen.

    Args:
        result: a backtest of two models, ``winner`` and ``default``.
        measure: one of `foregate.evaluation.ERRORS`.
    """
    found = compare(result, measure, alternative="less")
    ours, theirs = found.losses[WINNER], found.losses[DEFAULT]
    test = found.pooled[WINNER, DEFAULT]
    if test.n[0] < FEWEST_ORIGINS:
        gaps = ours - theirs
        known = np.isfinite(gaps)
        there = known.any(1)
        if there.sum() < FEWEST_SERIES:
            return None
        means = np.where(known, gaps, 0).sum(1)[there] / known.sum(1)[there]
        test = diebold_mariano(means, np.zeros_like(means), alternative="less")
    return float(test.p_value[0])

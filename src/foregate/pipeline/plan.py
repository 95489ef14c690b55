"""Rules that turn a recipe and a panel into sizes: steps, crops, batches and what is held out."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from foregate.core import Panel, UsageError, require_regular
from foregate.data.clock import YEAR, Clock, days_per_row
from foregate.models.names import HeadName
from foregate.models.options import ModelOptions
from foregate.pipeline.recipe import BEST_MEMBERS, Recipe
from foregate.training.options import TrainingOptions

__all__ = [
    "HoldOut",
    "hold_out",
    "plan_clock",
    "plan_members",
    "plan_training",
    "plan_unchecked",
    "plan_weights",
    "plan_window",
    "planned_kinds",
]

IntArray = NDArray[np.int64]

STEPS = {"fast": 8.0, "standard": 20.0, "best": 30.0}
"""Training steps per fourth root of the number of observed values."""
FEWEST_STEPS = {"fast": 40, "standard": 60, "best": 120}
MOST_STEPS = {"fast": 400, "standard": 2_000, "best": 4_000}
CELLS = 16_000
"""Rows read per training step, about."""
TILE = 16
"""Crops of a step come in multiples of this, as matrices are multiplied: in bfloat16, 83 take twice as long as 80."""
MOST_HELD_OUT = 0.15
"""Share of a series' rows that may be held out, unless the horizon itself is longer."""
RATES = {"pretrained": 2e-3, "scratch": 4e-3}
"""Highest learning rate, by what training begins with."""
PRETRAINED_SHARE = 0.35
"""Pretrained weights are trained for this share of the steps that random ones are: most has been learnt already. Not so
where there are covariates, whose weights begin at zero."""
UNCHECKED_STEPS, UNCHECKED_RATE = 0.7, 0.25
"""Shares of steps and rate that pretrained weights are trained with where nothing could be held out to check them."""
FEW_ROWS = {"instant": 300_000, "standard": 2_000_000, "best": 2_000_000}
"""Panels of up to so many rows get the larger pretrained network, which costs them seconds at once, and a few times as
much to fit."""
OTHER_HEAD: HeadName = "student-t"
"""Of networks from scratch beside a pretrained one, so that they say what that does not."""
FURTHEST = 400
"""Steps ahead that pretraining has seen. Further ahead the pretrained weights are a burden, and patches a help."""
SEEN = 0.9
"""Share of a cycle that series must have been seen through for it to be told: what lies between is near enough."""
FEWEST_WINDOWS, WANTED_WINDOWS = 4, 60
"""Held-out windows per series, if it can spare them, and over all series together."""


@dataclass(frozen=True)
class HoldOut:
    """What is kept from training to choose weights and calibrate intervals."""

    limits: IntArray
    """(S,) rows of each series that are trained on."""
    origins: IntArray
    """(S, O) rows to forecast from; -1 where a series gives none."""


def hold_out(panel: Panel, horizon: int, season: int, most: float = MOST_HELD_OUT) -> HoldOut:
    """The last origins of each series that is long enough to spare them.

    A series gives its last `horizon` rows if what is left still has the horizon and two seasons. Where the share `most`
    of it is more than that, further windows lie before, as far apart as they fit and at most a horizon. Rows before the
    first observation do not count.
    """
    first = panel.first_observed
    lengths = panel.lengths - first
    spare = lengths - horizon >= np.maximum(horizon, 2 * season) + 3
    wanted = int(np.clip(math.ceil(WANTED_WINDOWS / max(1, int(spare.sum()))), FEWEST_WINDOWS, WANTED_WINDOWS))
    room = np.maximum((most * lengths).astype(np.int64) - horizon, 0)
    stride = np.clip(room // (wanted - 1), 1, horizon)
    windows = np.minimum(wanted, 1 + room // stride)
    limits = first + np.where(spare, lengths - horizon - stride * (windows - 1), lengths)
    number = np.arange(wanted)
    origins = limits[:, None] - 1 + stride[:, None] * number
    return HoldOut(limits, np.where(spare[:, None] & (number < windows[:, None]), origins, -1))


def plan_window(seasons: tuple[int, int]) -> int:
    """Rows over which level and scale are averaged: two long seasons, and 50 at least."""
    return max(50, 2 * max(seasons))


def plan_clock(recipe: Recipe, panel: Panel, seasons: tuple[int, int]) -> Clock:
    """Which time the network is told: of the day, the week and the year, where most series were seen through one.

    A year that is a season already is not told twice.

    Args:
        recipe: of the whole.
        panel: what is trained on, held-out rows included.
        seasons: short and long, in rows.

    Raises:
        UsageError: it is asked for, and the times of the panel have none.
    """
    freq = require_regular(panel)
    step = days_per_row(freq)
    if recipe.clock is False:
        return Clock()
    rows = panel.lengths - panel.first_observed
    seen = step * float(np.median(rows[rows > 0])) if (rows > 0).any() else 0.0
    longest = YEAR if recipe.clock or max(seasons) * step < SEEN * YEAR else SEEN * YEAR
    clock = Clock.of(step, longest if recipe.clock else min(longest, seen / SEEN))
    if recipe.clock and not clock:
        raise UsageError(
            f"clock must be None or False for a step of {freq.alias!r}, but got True. Leave it out, or give times that "
            "are dates, with steps shorter than months."
        )
    return clock


def plan_weights(recipe: Recipe, panel: Panel) -> str:
    """The size of the pretrained weights: the larger one for panels that it does not make wait.

    Who is in a hurry to learn (``fast``) gets the smaller one; so does who asks for a width or depth, since its sizes
    are the usual ones of a network from scratch, and who has covariates, which take as long to learn as from scratch.
    """
    if recipe.weights is not None:
        return recipe.weights
    learnt = bool(panel.covariates) and recipe.effort != "instant"
    small = len(panel.values) <= FEW_ROWS.get(recipe.effort, 0) and not learnt
    return "base" if small and (recipe.hidden, recipe.layers, recipe.decoder) == (None, None, None) else "tiny"


def plan_members(
    recipe: Recipe, *, pretrained: bool, checked: bool = True, members: int | None = None
) -> tuple[Recipe, ...]:
    """What each network is made by: other seeds, and every other one from scratch, with a head of another kind.

    Networks from scratch are as good as pretrained ones where there is much to learn from, worse where there is not,
    and wrong in other places, so that their mean is better than both on most sets. Where nothing can be held out to
    tell how good they are, there are none beside pretrained ones. Further ahead than pretraining has seen, all are from
    scratch, and every other one reads patches.

    Args:
        recipe: of the whole.
        pretrained: whether there are weights to begin with.
        checked: whether anything is held out.
        members: how many there are already.
    """
    kinds = [replace(recipe, start="pretrained" if pretrained else "scratch")]
    if pretrained and checked:
        _, beside, far = planned_kinds(recipe.model)
        if recipe.horizon > FURTHEST:
            kinds = [replace(recipe, start="scratch", model=far)]
        kinds.append(replace(recipe, start="scratch", model=beside))
    usual = {"standard": len(kinds), "best": BEST_MEMBERS}.get(recipe.effort, 1)
    count = members or recipe.members or usual
    return tuple(replace(kinds[i % len(kinds)], seed=recipe.seed + i) for i in range(count))


def planned_kinds(usual: ModelOptions) -> tuple[ModelOptions, ModelOptions, ModelOptions]:
    """What `plan_members` makes of the usual network: itself, what is put beside it, and what looks far."""
    return usual, replace(usual, head=OTHER_HEAD), replace(usual, encoder="patched")


def plan_training(
    recipe: Recipe, panel: Panel, seasons: tuple[int, int], *, pretrained: bool = False
) -> TrainingOptions:
    """Sizes of the training run; see the constants above for the rules."""
    observed = max(1, int(panel.mask.sum()))
    steps = np.clip(STEPS[recipe.effort] * observed**0.25, FEWEST_STEPS[recipe.effort], MOST_STEPS[recipe.effort])
    most_is_learnt = pretrained and not panel.covariates
    steps = recipe.steps or int(steps * (PRETRAINED_SHARE if most_is_learnt else 1))
    longest = int(panel.lengths.max())
    crop = recipe.crop or int(min(longest, np.clip(2 * max(seasons), 100, 192)))
    batch = recipe.batch or int(np.clip(round(CELLS / crop / TILE) * TILE, TILE, 96))
    checks = int(np.clip(steps // 5, 1, 20))  # a check after every step would use up the patience on noise
    rate = recipe.rate or RATES["pretrained" if most_is_learnt else "scratch"]
    given = {"checks": checks} | recipe.training
    return TrainingOptions(steps=steps, batch=batch, crop=crop, rate=rate, seed=recipe.seed, **given)


def plan_unchecked(recipe: Recipe, options: TrainingOptions) -> TrainingOptions:
    """The same run with more care, unless the recipe says how long and how fast."""
    steps = options.steps if recipe.steps else max(1, round(UNCHECKED_STEPS * options.steps))
    rate = options.rate if recipe.rate else UNCHECKED_RATE * options.rate
    return replace(options, steps=steps, rate=rate)

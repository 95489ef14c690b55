"""Which learning rate: a range test.

The rate rises exponentially from step to step while the loss is watched. It is too low where the loss stays as it is,
about right where it falls fastest, and too high where it rises again (Smith 2015, section 3.3; exponential steps and
the steepest point as in Gugger 2018). Fastest is meant in proportion: in absolute terms most is won in the first steps,
at rates that are too low. The steepest point is right within a factor of ten, as a rule, and no more.

The loss of a batch says first of all how hard that batch is. So each is divided by the loss of the first weights on the
same batch: 1 is where it begins. What is left is smoothed by a bell over neighbouring steps, before and after, since an
average over earlier steps alone would find everything too late.

References:
    L. N. Smith (2015), Cyclical learning rates for training neural networks.
    S. Gugger (2018), How do you find a good learning rate.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from foregate.core import Panel, UsageError, at_least
from foregate.data.later import pl

if TYPE_CHECKING:
    import polars

    from foregate.pipeline.recipe import Recipe
    from foregate.pipeline.start import Start

__all__ = ["RateCurve", "range_test", "rate_curve"]

Floats = NDArray[np.float64]

MOST_CROPS = 24
"""Crops of a batch of the test."""
BLOWN_UP = 4.0
"""The test ends where the loss is so many times the least one so far."""
BELL = 0.03
"""Standard deviation of the bell that smooths, as a share of the steps."""
NOTHING = 1e-3
"""A loss of less, as a share of the first, is none: how fast it falls further is no matter."""
FEWEST_STEPS = 20
FELL = 0.02
"""Share of the first loss that it must fall by; less is chance, and the rate is then judged by where it rises."""
BELOW = 0.1
"""Share of the rate at which the loss rises that is suggested where it does not fall."""


@dataclass(frozen=True)
class RateCurve:
    """What became of the loss while the learning rate rose."""

    rates: Floats
    """(n,) learning rate of each step, ascending."""
    losses: Floats
    """(n,) loss before each step, relative to that of the first weights on the same batch."""
    smoothed: Floats
    """(n,) the same without its noise."""
    suggestion: float | None
    """Where it falls fastest, or well below where it rises; None if neither was seen."""
    ceiling: float | None
    """The rate from which on the loss is above where it began; None if it never was."""

    @property
    def fell(self) -> bool:
        """Whether anything was learnt while the rate rose."""
        return bool(len(self.smoothed)) and float(self.smoothed.min()) < 1 - FELL

    def frame(self) -> polars.DataFrame:
        """One row per step: ``rate``, ``loss`` and ``smoothed``."""
        return pl.DataFrame({"rate": self.rates, "loss": self.losses, "smoothed": self.smoothed})


def range_test(step: Callable[[float], float], *, steps: int = 100, low: float = 1e-5, high: float = 1.0) -> RateCurve:
    """Let the rate rise exponentially from `low` to `high` and watch the loss.

    Args:
        step: takes a step of the optimizer at a rate, and says the loss before it, relative to where it began.
        steps: at most; it ends where the loss blows up.
        low, high: first and last rate.

    Raises:
        UsageError: the rates do not rise, or the steps are too few.

    Examples:
        >>> weight = [1.0]
        >>> def step(rate):  # half a square: a rate of 1 is best, from 2 on it is unstable
        ...     loss = weight[0] ** 2
        ...     weight[0] -= rate * weight[0]
        ...     return loss
        >>> 0.1 < range_test(step, low=1e-3, high=10).suggestion < 2
        True
    """
    at_least(FEWEST_STEPS, steps=steps)
    if not 0 < low < high < math.inf:
        raise UsageError(f"low and high must be rates of which the second is higher, but got {low} and {high}.")
    rates, losses, best = np.geomspace(low, high, steps), [], math.inf
    for rate in rates:
        loss = float(step(float(rate)))
        if not math.isfinite(loss) or (best < math.inf and loss > BLOWN_UP * max(best, FELL)):
            break
        losses.append(loss)
        best = min(best, loss)
    return _curve(rates[: len(losses)], np.array(losses), steps, blown_up=float(rates[min(len(losses), steps - 1)]))


def _curve(rates: Floats, losses: Floats, steps: int, blown_up: float) -> RateCurve:
    if len(losses) < 3:
        return RateCurve(rates, losses, losses, None, None)
    smoothed = _smoothed(losses, BELL * steps)
    lowest = int(np.argmin(smoothed))
    above = np.flatnonzero((smoothed > 1 + FELL) & (np.arange(len(smoothed)) > lowest))
    ceiling = float(rates[above[0]]) if len(above) else blown_up if len(losses) < steps else None
    suggestion = None if ceiling is None else BELOW * ceiling
    if smoothed[lowest] < 1 - FELL and lowest:
        slopes = np.gradient(np.log(smoothed), np.log(rates))[: lowest + 1]
        suggestion = float(rates[np.argmin(slopes)])
    return RateCurve(rates, losses, smoothed, suggestion, ceiling)


def _smoothed(losses: Floats, width: float) -> Floats:
    """A moving geometric mean weighted by a bell, narrower at the ends."""
    at = np.arange(len(losses))
    weights = np.exp(-0.5 * ((at[:, None] - at) / max(width, 1e-9)) ** 2)
    averaged: Floats = np.exp(weights @ np.log(np.maximum(losses, NOTHING)) / weights.sum(1))
    return averaged


def rate_curve(recipe: Recipe, panel: Panel, *, start: Start | None = None, steps: int = 60) -> RateCurve:
    """The range test of the network that a fit would train, from 1e-4 up to 1.

    Batches have 24 crops at most, since the best rate grows with the root of the batch at most and the test is no
    finer. Held-out rows are no part of them. Nothing is kept of what is learnt.

    Args:
        recipe: what to make.
        panel: what to learn from; regular.
        start: pretrained weights, if it begins with these.
        steps: of the test.

    Raises:
        MissingExtraError: torch is not installed.
        DataError: there is nothing to learn from.
    """
    from foregate.core import require_torch

    require_torch()
    step = _stepper(recipe, panel, start)
    return range_test(step, steps=steps, low=1e-4)


def _stepper(recipe: Recipe, panel: Panel, start: Start | None) -> Callable[[float], float]:
    """A step of the optimizer on the next batch at a rate; the loss before it, beside that of the first weights."""
    import torch

    from foregate.data.inputs import Inputs
    from foregate.pipeline.fit import input_spec
    from foregate.pipeline.member import Task, prepared
    from foregate.pipeline.plan import hold_out
    from foregate.pipeline.prepare import choose_seasons
    from foregate.training.batches import Crops
    from foregate.training.loop import batch_loss
    from foregate.training.optimizers import limit_gradient, new_optimizer

    seasons = choose_seasons(recipe, panel)
    held = hold_out(panel, recipe.horizon, max(seasons))
    inputs = Inputs(panel, input_spec(recipe, panel, held, seasons))
    network, options, horizon = prepared(recipe, Task(inputs, held, np.zeros(0, np.int64)), start)
    options = replace(options, batch=min(options.batch, MOST_CROPS))
    crops = Crops(inputs, held.limits, horizon, options)
    first, parameters = copy.deepcopy(network).eval(), list(network.parameters())
    optimizer = new_optimizer(network, options)
    drawn = iter(range(2**31))

    def step(rate: float) -> float:
        batch = crops.draw(next(drawn))
        with torch.no_grad():
            usual = batch_loss(first, batch).item()
        for group in optimizer.param_groups:
            group["lr"] = rate
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(recipe.seed)
            loss = batch_loss(network.train(), batch)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            limit_gradient(parameters, value=options.clip_value, norm=options.clip)
            optimizer.step()
        return loss.item() / usual if usual else math.nan

    return step

"""The learning rate of every step, as a function of the step, the options and the checks so far. No torch.

Nothing is carried from step to step, so that a run which is taken up again has the rates of one that never stopped.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from foregate.training.options import TrainingOptions

__all__ = ["learning_rate"]


def learning_rate(step: int, options: TrainingOptions, scores: Iterable[float] = ()) -> float:
    """The learning rate of a step: it rises over the warm-up, then goes as the schedule says.

    Args:
        step: steps done, 0 up to, not including, ``options.steps``.
        options: of the run.
        scores: of the checks so far, lower is better; only ``plateau`` asks for them.

    Returns:
        above 0, and at most ``options.rate``.

    Examples:
        >>> options = TrainingOptions(steps=100, rate=0.01, schedule="step", schedule_options={"every": 0.5})
        >>> [round(learning_rate(step, options), 4) for step in (0, 9, 49, 50)]
        [0.001, 0.01, 0.01, 0.001]
    """
    warm = max(1, round(options.warm_up * options.steps)) if options.warm_up else 0
    given = options.of_schedule
    if step < warm:
        if options.schedule == "one-cycle":
            return options.rate * _cosine(step / warm, given["first"], 1.0)
        return options.rate * (step + 1) / warm
    done = (step - warm) / max(1, options.steps - warm)
    match options.schedule:
        case "cosine":  # Loshchilov and Hutter 2017
            return options.rate * (given["last"] + (1 - given["last"]) * 0.5 * (1 + math.cos(math.pi * done)))
        case "one-cycle":  # Smith and Topin 2019
            return options.rate * _cosine(done, 1.0, given["last"])
        case "step":
            every = max(1, round(given["every"] * options.steps))
            return float(options.rate * given["factor"] ** (step // every))
        case "plateau":
            return float(options.rate * given["factor"] ** _plateaus(scores, int(given["wait"])))
        case "constant":
            return options.rate


def _cosine(done: float, first: float, last: float) -> float:
    """From `first` to `last` along a half cosine, `done` being 0 to 1."""
    return last + (first - last) * 0.5 * (1 + math.cos(math.pi * done))


def _plateaus(scores: Iterable[float], wait: int) -> int:
    """How often `wait` checks in a row brought nothing better than the best before."""
    best, waited, found = math.inf, 0, 0
    for score in scores:
        waited = 0 if score < best else waited + 1
        best = min(best, score)
        if waited == wait:
            found, waited = found + 1, 0
    return found

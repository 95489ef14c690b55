"""Claims about several steps ahead."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.lab.claim import Claim, Experiment, Figures, Found, Statement, more
from benchmarks.lab.claims.places import FEW, FEW_OWN

__all__ = ["HORIZONS", "faster_growth", "growth", "worse_with_little"]

LITTLE = 0.1
"""Share of the training rows."""


def growth(steps: list[float]) -> float:
    """Error over the last third of the steps ahead, relative to that of the first third.

    Examples:
        >>> growth([1.0, 1.0, 2.0, 3.0, 3.0, 3.0])
        3.0
    """
    third = max(1, len(steps) // 3)
    return float(np.mean(steps[-third:]) / np.mean(steps[:third]))


def faster_growth(contender: str, than: str) -> Callable[[Found], Figures]:
    """By how many per cent more a contender's error grows with the step ahead than another's."""

    def figure(found: Found) -> Figures:
        one, other = found.of(contender, "steps"), found.of(than, "steps")
        return {
            place: {
                s: 100 * (growth(steps) / growth(other[place][s]) - 1)
                for s, steps in seeds.items()
                if s in other[place]
            }
            for place, seeds in one.items()
            if place in other
        }

    return figure


def worse_with_little(found: Found) -> Figures:
    """By how many per cent direct loses more than recursive where the rows are few, relative to where they are not."""
    few = more("direct, a tenth", "recursive, a tenth")(found)
    all_of = more("direct", "recursive")(found)
    return {
        place: {
            seed: 100 * ((1 + value / 100) / (1 + all_of[place][seed] / 100) - 1)
            for seed, value in seeds.items()
            if seed in all_of[place]
        }
        for place, seeds in few.items()
        if place in all_of
    }


CONTENDERS: dict[str, dict[str, Any]] = {
    "direct": {},
    "recursive": {"strategy": "recursive"},
    "encoder–decoder": {"strategy": "seq2seq"},
}

HORIZONS = (
    Claim(
        "horizon",
        "Several steps ahead",
        "The error of a recursive forecast, which feeds its own values back, grows with the horizon; that of an "
        "encoder–decoder and of direct forecasts grows less. Direct needs more data.",
        "The textbook network trained for one step and fed back, with a decoder that is trained by teacher forcing, "
        "and with an output for each step; 12 to 24 steps ahead. Growth is the error over the last third of the "
        "steps by that over the first. Foregate's network likewise, with medians fed back. Direct needs more data "
        "if it loses to recursive on a tenth of the rows by more than on all of them.",
        (
            Experiment("forecast", FEW, CONTENDERS),
            Experiment(
                "forecast",
                FEW,
                {
                    f"{name}, a tenth": each | {"share": LITTLE}
                    for name, each in CONTENDERS.items()
                    if name != "encoder–decoder"
                },
            ),
            Experiment(
                "own",
                FEW_OWN,
                {
                    "direct": {"model": "direct"},
                    "recursive": {"model": "recursive+draws=0"},
                    "encoder–decoder": {"model": "seq2seq"},
                    "parallel": {},
                },
                "Foregate",
            ),
        ),
        (
            Statement(
                "Recursive error grows faster than direct",
                faster_growth("recursive", "direct"),
                1e-9,
                math.inf,
                what="faster growth",
            ),
            Statement(
                "Recursive error grows faster than the encoder–decoder's",
                faster_growth("recursive", "encoder–decoder"),
                1e-9,
                math.inf,
                what="faster growth",
            ),
            Statement(
                "Recursive is worse than direct", more("recursive", "direct"), 1e-9, math.inf, what="higher error"
            ),
            Statement(
                "Direct needs more data than recursive",
                worse_with_little,
                1e-9,
                math.inf,
                what="more lost with a tenth of the data",
            ),
        ),
    ),
)

"""Claims about what is read."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from benchmarks.lab.claim import Claim, Experiment, Figures, Found, Statement, best, gain, more
from benchmarks.lab.claims.places import FEW, FEW_OWN

__all__ = ["INPUTS", "power"]

LENGTHS = (8, 24, 48, 96, 192)
LONG = 500
"""Steps from which on costs that do not depend on the length hardly count."""
LINEAR, SQUARE = (0.8, 1.2), (1.8, 2.2)
"""Exponents that are called so."""


def power(contender: str, key: str) -> Callable[[Found], Figures]:
    """The slope of the logarithm of a cost over that of the length, from `LONG` steps on where that are two or more."""

    def figure(found: Found) -> Figures:
        lengths, out = found.of(contender, "lengths"), {}
        for place, seeds in found.of(contender, key).items():
            for seed, costs in seeds.items():
                x = np.array(lengths[place][seed])
                some = x >= LONG if (x >= LONG).sum() > 1 else x > 0
                slope = np.polyfit(np.log(x[some]), np.log(np.array(costs)[some]), 1)[0]
                out.setdefault(place, {})[seed] = float(slope)
        return out

    return figure


INPUTS = (
    Claim(
        "length",
        "How long a sequence",
        "Sequences of 20–100 steps are best.",
        "Windows of 8 to 192 values. Best are 20–100 if the best of 24, 48 and 96 is at most 1 % worse than the "
        "best of 8 and 192, both chosen by the other seeds. Foregate's network with a window (`windowed`) instead "
        "of a carried state.",
        (
            Experiment("forecast", (*FEW, "made waves"), {str(n): {"lookback": n} for n in LENGTHS}),
            Experiment(
                "own",
                FEW_OWN,
                {str(n): {"model": f"windowed+lookback={n}"} for n in (48, 192)} | {"carried": {}},
                "Foregate",
            ),
        ),
        (
            Statement("Sequences of 20–100 steps are best", best(["24", "48", "96"], ["8", "192"]), -1, math.inf),
            Statement("Sequences of 192 are no better", best(["192"], ["24", "48", "96"]), -math.inf, 1),
        ),
    ),
    Claim(
        "cost",
        "What length costs",
        "The cost of an LSTM is linear in the length of its sequences, that of a Transformer quadratic.",
        "Training steps on batches of 2 sequences of 100 to 2,000 steps, in turns, with an LSTM and a one-layer "
        "Transformer of equal width: seconds of the processor, and bytes that are kept for the gradient. The figure "
        "is the exponent from 500 steps on, the slope of the logarithm of the cost over that of the length: linear "
        "is from 0.8 to 1.2, quadratic from 1.8 to 2.2. "
        "The Transformer has torch's attention, which does not keep its matrix, and one written out, which does.",
        (
            Experiment(
                "lengths",
                ("pjm_zones", "made waves"),
                {
                    "lstm": {"network": "lstm"},
                    "transformer": {"network": "transformer"},
                    "transformer, written out": {"network": "transformer, written out"},
                },
                together=True,
            ),
        ),
        (
            Statement("An LSTM's time is linear in length", power("lstm", "ms"), *LINEAR, "", "exponent"),
            Statement("An LSTM's memory is linear in length", power("lstm", "MiB"), *LINEAR, "", "exponent"),
            Statement("A Transformer's time is quadratic", power("transformer", "ms"), *SQUARE, "", "exponent"),
            Statement("A Transformer's memory is quadratic", power("transformer", "MiB"), *SQUARE, "", "exponent"),
            Statement(
                "The same with attention written out: time",
                power("transformer, written out", "ms"),
                *SQUARE,
                "",
                "exponent",
            ),
            Statement(
                "The same with attention written out: memory",
                power("transformer, written out", "MiB"),
                *SQUARE,
                "",
                "exponent",
            ),
        ),
        (
            ("ms", "milliseconds of the processor by length"),
            ("MiB", "MiB kept for the gradient by length"),
        ),
    ),
    Claim(
        "scaling",
        "How values are scaled",
        "Scale to 0 … 1 by minimum and maximum: gates and tanh want it so.",
        "Windows scaled by the range of their series' training part, by its mean and standard deviation, and by the "
        "mean and mean absolute deviation of the window itself, which looks at nothing else (causal).",
        (
            Experiment(
                "forecast",
                FEW,
                {"min–max": {"scaling": "minmax"}, "standard": {"scaling": "standard"}, "causal": {}},
            ),
        ),
        (
            Statement("Min–max is better than standard", gain("min–max", "standard"), 1e-9, math.inf),
            Statement("Min–max is better than causal", gain("min–max", "causal"), 1e-9, math.inf),
            Statement("Standard is better than causal", gain("standard", "causal"), 1e-9, math.inf),
        ),
    ),
    Claim(
        "truncation",
        "Truncated back-propagation",
        "Back-propagation that is cut off after some tens of steps loses little.",
        "Windows of 96 steps whose gradient goes back over all of them, over the last 48, and over the last 24. "
        "Foregate's network on crops of 192 rows, and read from beginning to end in crops of 48 whose state is "
        "carried on and whose gradient is not (`stateful`). Losing little is an error that is at most 2 % higher.",
        (
            Experiment(
                "forecast",
                (*FEW, "made echo"),
                {
                    "all 96": {"lookback": 96},
                    "48": {"lookback": 96, "truncate": 48},
                    "24": {"lookback": 96, "truncate": 24},
                },
            ),
            Experiment(
                "own",
                FEW_OWN,
                {"all 96": {"crop": 192}, "48": {"crop": 48, "training": {"stateful": True}}},
                "Foregate",
            ),
        ),
        (
            Statement(
                "A gradient cut to half loses at most 2 %",
                more("48", "all 96"),
                -math.inf,
                2,
                what="higher error",
            ),
            Statement(
                "A gradient cut to a quarter loses at most 2 %", more("24", "all 96"), -math.inf, 2, what="higher error"
            ),
        ),
    ),
)

"""Claims about training."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.lab.claim import Claim, Experiment, Figures, Found, Statement, best, gain, told
from benchmarks.lab.claims.places import FEW_OWN

__all__ = ["TRAINING", "best_rate", "root"]

BATCHES = (8, 64, 512)
RATES = (3e-4, 1e-3, 1e-2, 3e-2, 1e-1)
GRID: dict[str, dict[str, Any]] = {f"{b}, {r:g}": {"batch": b, "rate": r} for b in BATCHES for r in RATES}
OWN_BATCHES: dict[str, dict[str, Any]] = {"own 16": {}, "own 64": {"batch": 64, "length": 1 / 4}}
OWN_RATES = {f"own rate {r:g}": {"rate": r} for r in (5e-4, 1e-3, 1e-2, 3e-2)}

SMALL: dict[str, Any] = {"hidden": 64, "length": 2.0, "share": 0.25}
MEANS: dict[str, dict[str, Any]] = {
    "dropout": {"dropout": 0.2},
    "recurrent dropout": {"recurrent_dropout": 0.2},
    "weight decay": {"decay": 0.1},
    "augmentation": {"jitter": 0.1},
    "early stopping": {"early": True},
}
OWN_MEANS: dict[str, dict[str, Any]] = {
    "dropout": {"model": "dropout=0.2"},
    "recurrent dropout": {"model": "recurrent_dropout=0.2"},
    "weight decay": {"training": {"decay": 1e-2}},
    "augmentation": {"augment": {"jitter": 0.1, "magnitude_warp": 0.05}},
    "early stopping": {"training": {"patience": 6, "keep": "best"}},
}
OWN_NONE: dict[str, Any] = {"training": {"decay": 0.0, "patience": 20, "keep": "last"}}
RIVALS = ("nn5_daily", "aus_retail", "made months")
WHOLE: dict[str, Any] = dict.fromkeys(("hidden", "decoder", "batch", "crop", "members")) | {"start": "pretrained"}
STANDARD = {"by": "Foregate", "effort": "standard", "training": {"precision": "float32"}} | WHOLE
OTHERS: dict[str, dict[str, Any]] = {"AutoARIMA": {"by": "AutoARIMA"}, "Prophet": {"by": "Prophet"}}


def best_rate(errors: Mapping[float, float]) -> float:
    """The rate at the foot of the parabola through the lowest error and its neighbours, in logarithms.

    Examples:
        >>> round(best_rate({1e-3: 2.0, 1e-2: 1.0, 1e-1: 2.0}), 6)
        0.01
        >>> best_rate({1e-3: 3.0, 1e-2: 2.0, 1e-1: 1.0})
        0.1
    """
    rates = sorted(errors)
    at = min(range(len(rates)), key=lambda i: errors[rates[i]])
    if at in (0, len(rates) - 1):
        return rates[at]
    x = np.log([rates[at + i] for i in (-1, 0, 1)])
    a, b, _ = np.polyfit(x, [errors[rates[at + i]] for i in (-1, 0, 1)], 2)
    return float(np.exp(-b / (2 * a))) if a > 0 else rates[at]


def root(batches: Sequence[int] = BATCHES, rates: Sequence[float] = RATES) -> Any:
    """The slope of the logarithm of the best rate over that of the batch, in each place and by each seed."""

    def figure(found: Found) -> Figures:
        every = {(b, r): found.of(f"{b}, {r:g}", "mase") for b in batches for r in rates}
        out: Figures = {}
        for place, seeds in every[batches[0], rates[0]].items():
            for seed in seeds:
                errors = {key: each.get(place, {}).get(seed) for key, each in every.items()}
                if None in errors.values():
                    continue
                chosen = [best_rate({r: errors[b, r] for r in rates}) for b in batches]
                out.setdefault(place, {})[seed] = float(np.polyfit(np.log(batches), np.log(chosen), 1)[0])
        return out

    return figure


def _merged(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Settings together: names of models are joined, what is told to training too."""
    out: dict[str, Any] = {}
    for part in parts:
        for name, value in part.items():
            if name == "model" and name in out:
                out[name] = f"{out[name]}+{value}"
            elif name == "training":
                out[name] = out.get(name, {}) | value
            else:
                out[name] = value
    return out


def _alone(first: Mapping[str, Any], means: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """None of the means, each of them alone, and all together."""
    alone = {name: _merged([first, each]) for name, each in means.items()}
    return {"none": dict(first)} | alone | {"all": _merged([first, *means.values()])}


def _inside(batches: Sequence[int], rates: Sequence[float]) -> list[str]:
    return [f"{b}, {r:g}" for b in batches for r in rates]


def _helps(name: str, words: str) -> Statement:
    return Statement(words, gain(name, "none"), 1e-9, math.inf)


TRAINING = (
    Claim(
        "batch",
        "Batch and learning rate",
        "Batches of 32–128 and learning rates of 1e-3 to 1e-2 are best; the rate should grow with the root of the "
        "batch.",
        "Batches of 8 to 512 windows, with rates of AdamW from 3e-4 to 1e-1 each, all reading as many windows. "
        "Being best is an error at most 1 % above that of the best setting outside the range, both chosen by the "
        "other seeds. The power is the slope of the logarithm of the best rate over that of the batch: 0.5 is the "
        "root, from 0.25 to 0.75 counts as that. Foregate's network with batches of 16 and 64 crops, each with 24 "
        "origins, and with other rates.",
        (
            Experiment("forecast", ("pjm_zones", "made hours"), GRID),
            Experiment("own", FEW_OWN, OWN_BATCHES | OWN_RATES, "Foregate"),
        ),
        (
            Statement(
                "Batches of 32–128 are best",
                best([*_inside((64,), RATES), "own 64"], [*_inside((8, 512), RATES), "own 16"]),
                -1,
                math.inf,
            ),
            Statement(
                "Rates of 1e-3 to 1e-2 are best",
                best(
                    [*_inside(BATCHES, (1e-3, 1e-2)), "own rate 0.001", "own rate 0.01"],
                    [*_inside(BATCHES, (3e-4, 3e-2, 1e-1)), "own rate 0.0005", "own rate 0.03"],
                ),
                -1,
                math.inf,
            ),
            Statement("The best rate grows with the root of the batch", root(), 0.25, 0.75, "", "power"),
        ),
    ),
    Claim(
        "regularisation",
        "Against learning by heart",
        "Dropout, recurrent dropout, weight decay, augmentation and early stopping each lower the error, and "
        "together more.",
        "The textbook network, twice as wide and trained twice as long on a quarter of the rows, with none of them, "
        "with each alone and with all: dropout of 0.2, recurrent dropout of 0.2, weight decay of 0.1, noise and "
        "factors of 0.1, and a sixth of the rows held out to stop by. Foregate's network likewise, on all rows.",
        (
            Experiment("forecast", FEW_OWN, _alone(SMALL, MEANS)),
            Experiment("own", FEW_OWN, _alone(OWN_NONE, OWN_MEANS), "Foregate"),
        ),
        (
            _helps("dropout", "Dropout helps"),
            _helps("recurrent dropout", "Recurrent dropout helps"),
            _helps("weight decay", "Weight decay helps"),
            _helps("augmentation", "Augmentation helps"),
            _helps("early stopping", "Early stopping helps"),
            _helps("all", "All together help"),
            Statement("All together are better than the best one", best(["all"], list(MEANS)), 1e-9, math.inf),
        ),
    ),
    Claim(
        "tuning",
        "Tuning",
        "Tuning saves 40 % of the time and 15 % of the error.",
        "A search of a dozen trials by TPE over rate, batch, hidden size, layers, window and dropout of the "
        "textbook network, and `foregate.tune` over its usual space, scored at origins before those that are held "
        "back. Winner and default are then trained on all that is known and judged on what was held back. Time is "
        "that of training one network with the settings of each; what the search took comes on top.",
        (
            Experiment("search", ("nn5_daily", "made hours"), {"tuned": {}}),
            Experiment("tune", ("nn5_daily",), {"tuned": {"length": 0.5}}, "Foregate"),
        ),
        (
            Statement("Tuning saves 15 % of the error or more", told("tuned", "error saved"), 15, math.inf),
            Statement("Tuning saves any error at all", told("tuned", "error saved"), 1e-9, math.inf),
            Statement(
                "Tuning saves 40 % of the time or more", told("tuned", "time saved"), 40, math.inf, what="less time"
            ),
        ),
        (
            ("default", "MASE of the default"),
            ("winner", "MASE of the winner"),
            ("search", "time of the search, in trainings of the default"),
        ),
    ),
    Claim(
        "rivals",
        "LSTM, ARIMA, Prophet",
        "An LSTM beats ARIMA and Prophet on MAE and RMSE.",
        "A few series of each set, 240 rows before the first of two origins. AutoARIMA and Prophet are estimated "
        "anew for each series and origin, and told the season; the textbook network is trained on these series "
        "alone, once; Foregate is fitted on them with effort `fast` and, as it is by default, `standard`. MAE and "
        "RMSE are divided by the mean seasonal change of each series.",
        (
            Experiment("rival", RIVALS, {"LSTM": {"by": "textbook"}} | OTHERS),
            Experiment(
                "rival",
                RIVALS,
                {"LSTM": {"by": "Foregate"} | WHOLE} | OTHERS,
                "Foregate",
            ),
            Experiment("rival", RIVALS, {"LSTM": STANDARD} | OTHERS, "Foregate standard"),
        ),
        tuple(
            Statement(f"An LSTM beats {other.removeprefix('Auto')} on {word}", gain("LSTM", other, key), 1e-9, math.inf)
            for other in OTHERS
            for key, word in (("mase", "MAE"), ("rmsse", "RMSE"))
        ),
        (("mase", "MAE by seasonal change"), ("rmsse", "RMSE by seasonal change")),
    ),
)

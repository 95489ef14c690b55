"""Claims about cells and what is built of them."""

from __future__ import annotations

import math
from typing import Any

from benchmarks.lab.claim import Claim, Experiment, Statement, best, gain, more, points, told
from benchmarks.lab.claims.places import FEW, FEW_OWN, OWN, PLACES

__all__ = ["CELLS"]

GATES: dict[str, dict[str, Any]] = {
    "torch's own": {"forget": "torch"},
    "0": {"forget": "0"},
    "1": {},
    "short": {"forget": "short"},
    "noisy": {"forget": "noisy"},
    "long": {"forget": "long"},
    "chrono": {"forget": "chrono"},
}
OWN_GATES: dict[str, dict[str, Any]] = {
    "0": {"model": "forget_bias=0"},
    "1": {},
    "short": {"model": "forget=short"},
    "long": {"model": "forget=long"},
    "chrono": {"model": "chrono=100"},
}

CELLS = (
    Claim(
        "gru",
        "GRU or LSTM",
        "A GRU has three quarters of the weights, trains 10–15 % faster than an LSTM and is as accurate.",
        "Training steps of both, in turns: the textbook network with torch's fused layers and with cells written "
        "out gate by gate, and Foregate's own network. Accuracy after as many steps of training; as accurate is an "
        "error within 2 %.",
        (
            Experiment(
                "pace", ("pjm_zones", "made hours"), {"lstm": {}, "gru": {"cell": "gru"}}, "fused", together=True
            ),
            Experiment(
                "written",
                ("pjm_zones", "made hours"),
                {"lstm": {}, "gru": {"cell": "gru"}},
                "written out",
                together=True,
            ),
            Experiment(
                "pace of own",
                ("pjm_zones", "made hours"),
                {"lstm": {}, "gru": {"model": "gru"}},
                "Foregate",
                together=True,
            ),
            Experiment("forecast", PLACES, {"lstm": {}, "gru": {"cell": "gru"}}, cheap=True),
            Experiment("own", OWN, {"lstm": {}, "gru": {"model": "gru"}}, "Foregate"),
        ),
        (
            Statement(
                "A GRU trains 10–15 % faster",
                more("gru", "lstm", "cpu", percent=False),
                0.85,
                0.9,
                "×",
                "times the time",
            ),
            Statement("A GRU is as accurate (within 2 %)", more("gru", "lstm"), -2, 2, what="higher error"),
        ),
        (("cpu", "milliseconds of the processor per step"), ("mase", "MASE")),
    ),
    Claim(
        "gradient",
        "What is left of a gradient",
        "An RNN's gradient is gone after 100 steps, where an LSTM keeps 0.85 of it.",
        "The norm of the gradient of the forecast with respect to the state 100 steps before the origin, as a share "
        "of that at the origin (of an LSTM its memory), after training on windows of 128 steps, and Foregate's "
        "network with stacked layers of each cell. Gone is less than 1 %; 0.85 is from 0.75 to 0.95.",
        (
            Experiment(
                "gradient",
                ("pjm_zones", "made waves"),
                {
                    "rnn": {"cell": "rnn-tanh"},
                    "lstm": {},
                    "lstm, gate at 0.998": {"forget": "6.2"},
                    "lstm, chrono": {"forget": "chrono"},
                },
            ),
            Experiment(
                "gradient of own",
                ("pjm_zones", "made waves"),
                {
                    "rnn": {"model": "rnn-tanh+stacked"},
                    "lstm": {"model": "stacked"},
                    "lstm, gate at 0.998": {"model": "stacked+forget_bias=6.2"},
                    "lstm, chrono": {"model": "stacked+chrono=128"},
                },
                "Foregate",
            ),
        ),
        (
            Statement(
                "An RNN's gradient is gone after 100 steps", told("rnn", "trained"), -math.inf, 0.01, "", "share left"
            ),
            Statement("An LSTM keeps 0.85 of it", told("lstm", "trained"), 0.75, 0.95, "", "share left"),
            Statement(
                "An LSTM whose gates begin at 0.998 keeps 0.85 of it",
                told("lstm, gate at 0.998", "trained"),
                0.75,
                0.95,
                "",
                "share left",
            ),
        ),
        (("trained", "share left after training"), ("untrained", "share left with the first weights")),
    ),
    Claim(
        "bidirectional",
        "Reading in both directions",
        "A bidirectional LSTM costs 1.8 to 2 times as much; it helps to classify sequences, not to forecast.",
        "Training steps of both, in turns. Classes are told by the last states of both directions; judged is the "
        "share of right answers, the mean over classes, on a half that was not trained on. Forecasts read their "
        "window both ways. Not helping is an error that is at most 1 % lower.",
        (
            Experiment(
                "pace",
                ("pjm_zones", "made hours"),
                {"one way": {}, "both ways": {"bidirectional": True}},
                together=True,
            ),
            Experiment(
                "pace of own",
                ("pjm_zones", "made hours"),
                {"one way": {"model": "windowed+lookback=48"}, "both ways": {"model": "bidirectional+lookback=48"}},
                "Foregate",
                together=True,
            ),
            Experiment(
                "classify",
                ("ucr_wafer", "ucr_gunpoint", "made first", "made order"),
                {"one way": {}, "both ways": {"bidirectional": True}},
            ),
            Experiment("forecast", PLACES, {"one way": {}, "both ways": {"bidirectional": True}}),
            Experiment(
                "own",
                ("nn5_daily",),
                {"one way": {"model": "windowed+lookback=48"}, "both ways": {"model": "bidirectional+lookback=48"}},
                "Foregate",
            ),
        ),
        (
            Statement(
                "Reading both ways costs 1.8 to 2 times as much",
                more("both ways", "one way", "cpu", percent=False),
                1.8,
                2.0,
                "×",
                "times the time",
            ),
            Statement(
                "Reading both ways helps classification",
                points("both ways", "one way", "right"),
                1e-9,
                math.inf,
                " points",
                "more right",
            ),
            Statement("Reading both ways does not help forecasting", gain("both ways", "one way"), -math.inf, 1),
        ),
        (
            ("cpu", "milliseconds of the processor per step"),
            ("right", "per cent right, the mean over classes"),
            ("mase", "MASE"),
        ),
    ),
    Claim(
        "attention",
        "Attention",
        "Attention over the states of an LSTM gains 3–10 % on sequences of more than 50 steps.",
        "Additive attention of the last state over all states of the window, beside the last state alone: windows "
        "of 96 steps, and of 24 for comparison. Foregate's own network with and without attention over 96 rows.",
        (
            Experiment(
                "forecast",
                (*PLACES, "made echo"),
                {"without": {"lookback": 96}, "attention": {"lookback": 96, "attention": "additive"}},
            ),
            Experiment(
                "forecast",
                PLACES,
                {"without, 24": {"lookback": 24}, "attention, 24": {"lookback": 24, "attention": "additive"}},
            ),
            Experiment("own", OWN, {"without": {}, "attention": {"model": "additive+lookback=96"}}, "Foregate"),
        ),
        (
            Statement("Attention gains 3–10 % on sequences over 50 steps", gain("attention", "without"), 3, 10),
            Statement("Attention gains less than 3 % on 24 steps", gain("attention, 24", "without, 24"), -math.inf, 3),
        ),
    ),
    Claim(
        "forget",
        "How the forget gate begins",
        "The setting of the forget gate is worth 5–15 %.",
        "The same network with forget gates that begin with a bias of 1 (half the memory is left after 2.2 steps) "
        "and with others: torch's own, near 0; 0; presets that keep half for 2 steps (short), 12 (noisy) and 100 "
        "(long); and chrono, from 2 steps to the window. The best one in a place is chosen by the other seeds.",
        (
            Experiment("forecast", (*PLACES, "made echo"), GATES),
            Experiment("own", OWN, OWN_GATES, "Foregate"),
        ),
        (
            Statement("A forget bias of 1 gains 5–15 % over 0", gain("1", "0"), 5, 15),
            Statement(
                "The best forget setting gains 5–15 % over the custom of 1",
                best(["0", "short", "long", "chrono"], ["1"]),
                5,
                15,
            ),
        ),
    ),
    Claim(
        "layers",
        "How many layers",
        "More than four layers do not pay.",
        "One to six layers, each reading the one below, and Foregate's, which add to what they read. Not paying is "
        "an error that is at most 1 % lower than that of the best of fewer layers, both chosen by the other seeds.",
        (
            Experiment("forecast", FEW, {"1": {}, "4": {"layers": 4}, "6": {"layers": 6}}),
            Experiment("own", FEW_OWN, {"2": {}, "4": {"layers": 4}, "6": {"layers": 6}}, "Foregate"),
        ),
        (
            Statement(
                "Six layers are no better than the best of one to four", best(["6"], ["1", "2", "4"]), -math.inf, 1
            ),
            Statement("Four layers are no better than one", gain("4", "1"), -math.inf, 1),
        ),
    ),
)

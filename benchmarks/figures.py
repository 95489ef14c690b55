"""Which models are measured beside the usual one, and the table of what the log says of them. No torch."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

__all__ = ["LOG", "MODELS", "SETS", "figures"]

LOG = Path(__file__).parent / "results" / "family.jsonl"

SETS = {"m4_weekly": "M4 Weekly", "nn5_daily": "NN5", "vic_elec": "Victoria", "etth1": "ETTh1"}
"""Name of a set, and what it is called in the table."""
MODELS = {
    "lstm": (
        "the usual one: any series, any horizon; residual, carried, parallel",
        "C_t = f⊙C_{t-1} + i⊙c̃, h_t = o⊙tanh C_t; layer l + 1 reads x + h of layer l",
    ),
    "gru": ("a quarter fewer weights, no memory beside the output", "h_t = z⊙h_{t-1} + (1 - z)⊙h̃"),
    "rnn-tanh": ("the baseline that gates are measured by", "h_t = tanh(W x_t + U h_{t-1} + b)"),
    "rnn-relu": ("the same without an upper bound", "h_t = max(0, W x_t + U h_{t-1} + b)"),
    "stacked": ("the textbook's stack: layers read one another", "layer l + 1 reads h of layer l"),
    "gru+stacked": ("the same of GRUs", "the GRU's; layer l + 1 reads h of layer l"),
    "dilated": ("the state of a season ago as a neighbour", "h_t goes on from h_{t-d}, d = 1 and the season"),
    "windowed": (
        "a window read anew at every origin: nothing older is remembered",
        "h_{t-L} = 0, then the last L rows",
    ),
    "bidirectional": ("a window read in both directions at every origin", "[h→_t; h←_{t-L+1}] of the last L rows"),
    "patched": ("long windows in few steps, for horizons of hundreds", "x = p rows at once, L/p steps"),
    "additive": (
        "a look back at past states, compared by a small network",
        "e_j = v·tanh(W s + U h_j), c = Σ softmax(e)_j h_j",
    ),
    "dot": ("the same by inner products", "e_j = s·h_j"),
    "general": ("the same after a learnt matrix", "e_j = s·W h_j"),
    "multi-head": ("several looks side by side", "e_j = q·k_j/√d in each head"),
    "direct": ("output weights of its own for each step", "ŷ_{t+k} = W_k s_t"),
    "each": ("a model of its own for each step", "ŷ_{t+k} = model k of y_1 … y_t"),
    "recursive": (
        "one step, drawn and fed back: uncertainty goes on by itself",
        "ŷ_{t+k} drawn from p(y | y_1 … y_t, ŷ_{t+1} … ŷ_{t+k-1})",
    ),
    "recursive+draws=0": ("one step, its median fed back", "ŷ_{t+k} is the median of that"),
    "seq2seq": ("encoder–decoder with teacher forcing", "s_k = LSTM(s_{k-1}, ŷ_{t+k-1}); in training y_{t+k-1}"),
    "seq2seq+additive": ("the same that looks back at every step", "the same with the context c_k of s_{k-1}"),
    "point": ("a number alone; intervals from calibration", "loss (y - ŷ)², or |y - ŷ|, or Huber's"),
    "gaussian": ("a normal distribution", "y ~ N(μ, σ)"),
    "student-t": ("heavy tails", "y ~ t_ν(μ, σ)"),
    "mixture": ("more than one peak", "y ~ Σ π_i N(μ_i, σ_i)"),
    "negative-binomial": ("counts", "y ~ NB(μ, r), variance μ + μ²/r"),
    "recurrent_dropout=0.2": ("small panels: one mask of states for all steps", "U (m⊙h_{t-1}), one m for all t"),
    "forget=long": ("a memory that begins at 100 steps", "σ(b_f)^100 = 1/2"),
    "forget=short": ("a memory that begins at 2 steps", "σ(b_f)^2 = 1/2"),
    "forget=noisy": ("a memory that begins as an average over 12 steps", "σ(b_f)^12 = 1/2, b_i = -b_f"),
    "chrono=200": ("memories of 2 to 200 steps from the beginning", "b_f = log U(1, 199), b_i = -b_f"),
}
"""The name of every model, as `--model` takes it, what it is for, and its equation, where it differs from the usual."""


def figures(log: Path = LOG) -> str:
    """A row per model, as Markdown: MASE is the mean over the newest line of each seed, costs are the newest."""
    costs: dict[str, dict[str, float]] = {}
    errors: dict[tuple[str, str], dict[int, float]] = {}
    for line in map(json.loads, log.read_text(encoding="utf-8").splitlines() if log.exists() else ()):
        if "cost" in line:
            costs[line["model"]] = line["cost"]
        else:
            errors.setdefault((line["model"], line["set"]), {})[line["seed"]] = line["mase"]
    mase = {of: float(np.mean(list(seeds.values()))) for of, seeds in errors.items()}
    head = ["model", "for", "equation", "weights", "time per step", *SETS.values()]
    rows = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for model, (purpose, equation) in MODELS.items():
        cost = costs.get(model)
        spent = "– | –" if cost is None else f"{cost['parameters']:,} | {cost['step']:.1f}"
        cells = [_cell(mase.get((model, name)), mase.get(("lstm", name))) for name in SETS]
        rows.append(f"| `{model}` | {purpose} | {equation} | {spent} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _cell(mase: float | None, usual: float | None) -> str:
    """A figure, in bold where it is a hundredth better than the usual network's."""
    if mase is None:
        return "–"
    return f"**{mase:.3f}**" if usual is not None and mase < 0.99 * usual else f"{mase:.3f}"

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
    "lstm": "the usual one: any series, any horizon; residual, carried, parallel",
    "gru": "a quarter fewer weights, no memory beside the output",
    "rnn-tanh": "the baseline that gates are measured by",
    "rnn-relu": "the same without an upper bound",
    "stacked": "the textbook's stack: layers read one another",
    "gru+stacked": "the same of GRUs",
    "dilated": "the state of a season ago as a neighbour",
    "windowed": "a window read anew at every origin: nothing older is remembered",
    "bidirectional": "a window read in both directions at every origin",
    "patched": "long windows in few steps, for horizons of hundreds",
    "additive": "a look back at past states, compared by a small network",
    "dot": "the same by inner products",
    "general": "the same after a learnt matrix",
    "multi-head": "several looks side by side",
    "direct": "output weights of its own for each step",
    "each": "a model of its own for each step",
    "recursive": "one step, drawn and fed back: uncertainty goes on by itself",
    "recursive+draws=0": "one step, its median fed back",
    "seq2seq": "encoder–decoder with teacher forcing",
    "seq2seq+additive": "the same that looks back at every step",
    "point": "a number alone; intervals from calibration",
    "gaussian": "a normal distribution",
    "student-t": "heavy tails",
    "mixture": "more than one peak",
    "negative-binomial": "counts",
    "recurrent_dropout=0.2": "small panels: one mask of states for all steps",
    "forget=long": "a memory that begins at 100 steps",
    "forget=short": "a memory that begins at 2 steps",
    "forget=noisy": "a memory that begins as an average over 12 steps",
    "chrono=200": "memories of 2 to 200 steps from the beginning",
}
"""The name of every model, as `--model` takes it, and what it is for."""


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
    head = ["model", "for", "weights", "time per step", *SETS.values()]
    rows = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for model, purpose in MODELS.items():
        cost = costs.get(model)
        spent = "– | –" if cost is None else f"{cost['parameters']:,} | {cost['step']:.1f}"
        cells = [_cell(mase.get((model, name)), mase.get(("lstm", name))) for name in SETS]
        rows.append(f"| `{model}` | {purpose} | {spent} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _cell(mase: float | None, usual: float | None) -> str:
    """A figure, in bold where it is a hundredth better than the usual network's."""
    if mase is None:
        return "–"
    return f"**{mase:.3f}**" if usual is not None and mase < 0.99 * usual else f"{mase:.3f}"

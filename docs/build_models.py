"""Write the tables of docs/models.md: names from the code, figures from benchmarks/results/family.jsonl.

    python docs/build_models.py

The text is written by hand; what stands between two marks is made.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from foregate.models.options import PARTS

PAGE = Path(__file__).with_name("models.md")
LOG = Path(__file__).parents[1] / "benchmarks" / "results" / "family.jsonl"

SETS = {"m4_weekly": "M4 Weekly", "nn5_daily": "NN5", "vic_elec": "Victoria", "etth1": "ETTh1"}
PURPOSE = {
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


def parts() -> str:
    """What a model is made of, by name."""
    rows = ["| part | name | what it does |", "|---|---|---|"]
    rows += [f"| {part} | `{name}` | {what} |" for part, names in PARTS.items() for name, what in names.items()]
    return "\n".join(rows)


def figures() -> str:
    """The newest figures of every model."""
    found: dict[str, dict[str, Any]] = {}
    for line in map(json.loads, LOG.read_text(encoding="utf-8").splitlines()):
        row = found.setdefault(line["model"], {})
        row |= {"cost": line["cost"]} if "cost" in line else {line["set"]: line["mase"]}
    head = ["model", "for", "weights", "time per step", *SETS.values()]
    rows = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    usual = found["lstm"]
    for model, purpose in PURPOSE.items():
        row = found.get(model, {})
        cost = row.get("cost")
        spent = "– | –" if cost is None else f"{cost['parameters']:,} | {cost['step']:.1f}"
        cells = [_cell(row.get(name), usual.get(name)) for name in SETS]
        rows.append(f"| `{model}` | {purpose} | {spent} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _cell(mase: float | None, usual: float | None) -> str:
    """A figure, in bold where it is a hundredth better than the usual network's."""
    if mase is None:
        return "–"
    return f"**{mase:.3f}**" if usual is not None and mase < 0.99 * usual else f"{mase:.3f}"


def page(text: str | None = None) -> str:
    """The page with what is made put in its places."""
    text = PAGE.read_text(encoding="utf-8") if text is None else text
    for name, made in (("parts", parts()), ("figures", figures())):
        begin, end = f"<!-- {name} -->\n", f"\n<!-- end of {name} -->"
        before, rest = text.split(begin)
        text = before + begin + made + end + rest.split(end)[1]
    return text


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")

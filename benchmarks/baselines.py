"""SeasonalNaive, computed when it is asked for, and AutoETS, whose figures are kept: it takes minutes.

Kept are figures alone, in ``results/baselines.json``, with the task they belong to: where that has changed they are
computed anew. AutoETS is statsforecast's with its defaults and the season of the task.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path

from benchmarks.scores import QUANTILES, Figures, Score
from benchmarks.tasks import Part, Task
from foregate.evaluation import SeasonalNaive
from foregate.evaluation.statistical import statistical

__all__ = ["FILE", "autoets", "seasonal_naive"]

FILE = Path(__file__).parent / "results" / "baselines.json"
COMMAND = "python -m benchmarks.instant --baselines --again"


def seasonal_naive(task: Task, part: Part) -> Figures:
    """Repeats the last season; the last value where the season is 1."""
    began, score = time.perf_counter(), Score(task)
    model = SeasonalNaive(task.season)
    for each in task.rounds(part):
        score.add(each, model.forecast(each.past, task.horizon, QUANTILES))
    return score.figures(time.perf_counter() - began)


def autoets(task: Task, part: Part, *, again: bool = False) -> Figures:
    """The figures that were kept, or new ones, which are then kept."""
    kept = json.loads(FILE.read_text()) if FILE.exists() else {}
    key = f"{task.name}: {part}"
    if not again and key in kept.get("AutoETS", {}) and kept["AutoETS"][key]["task"] == json.loads(_facts(task)):
        return Figures(**kept["AutoETS"][key]["figures"])
    print(f"  AutoETS on {key} …", file=sys.stderr, flush=True)
    figures = _run(task, part)
    kept = json.loads(FILE.read_text()) if FILE.exists() else {}  # another process may have written meanwhile
    kept |= {
        "command": COMMAND,
        "versions": {"statsforecast": version("statsforecast"), "python": platform.python_version()},
    }
    kept.setdefault("AutoETS", {})[key] = {"figures": asdict(figures), "task": json.loads(_facts(task))}
    kept["AutoETS"] = dict(sorted(kept["AutoETS"].items()))
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(json.dumps(kept, indent=1) + "\n")
    return figures


def _run(task: Task, part: Part) -> Figures:
    began, score = time.perf_counter(), Score(task)
    for each in task.rounds(part):
        model = statistical("AutoETS", task.season)(each.past)
        said = model.forecast(each.past, task.horizon, QUANTILES)
        for note in said.notes:
            print(f"    {note}", file=sys.stderr)
        score.add(each, said)
    figures = score.figures(time.perf_counter() - began)
    rounded = {name: round(value, 4) for name, value in asdict(figures).items() if isinstance(value, float)}
    return replace(figures, **rounded)


def _facts(task: Task) -> str:
    """The task without what is only given to the forecaster, as JSON gives it back."""
    return json.dumps({name: value for name, value in task.facts.items() if name != "seasons"})

"""The tables of accuracy: at once, and after fitting."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.baselines import autoets, seasonal_naive
from benchmarks.networks import Contender, Other, start_with
from benchmarks.scores import Figures, Score
from benchmarks.tasks import ROLLING, TASKS, Part, Task
from foregate.pipeline.recipe import Effort

if TYPE_CHECKING:
    from foregate.models.network import Network

__all__ = ["Table", "fitted", "judge", "zero_shot"]

Table = dict[str, dict[str, Figures]]
"""Figures by set and forecaster."""
NOMINAL = 80
BASELINES = ("SeasonalNaive", "AutoETS")


def zero_shot(contender: Contender, names: Iterable[str], part: Part, *, again: bool = False) -> Table:
    """Print a line per set, as soon as it is there, and what they come to."""
    print(f"\nat once, {part} windows")
    print(f"{'':28}{'instant':>9}{'SeasonalNaive':>15}{'AutoETS':>9}{'':8}{'80 % covers':>13}{'seconds':>9}")
    out: Table = {}
    for name in names:
        task = TASKS[name]
        out[name] = {
            "instant": scored(contender, task, part, "instant"),
            "SeasonalNaive": seasonal_naive(task, part),
            "AutoETS": autoets(task, part, again=again),
        }
        own, *others = (each.headline(task) for each in out[name].values())
        told = "".join(f"{figure:{width}.3f}" for figure, width in zip((own, *others), (9, 15, 9), strict=True))
        verdict = "wins" if own < min(others) else "loses"
        figures = out[name]["instant"]
        print(f"{_label(task)}{told}{verdict:>8}{figures.coverage:11.1f} %{figures.seconds:9.1f}", flush=True)
    _summary(out)
    return out


def fitted(contender: Contender, names: Iterable[str], part: Part, effort: Effort) -> Table:
    """Print what fitting makes of it, and how long it took; rolling origins are fitted anew at each."""
    print(f"\nfitted with effort={effort!r}, {part} windows")
    print(f"{'':28}{'fitted':>9}{'instant':>9}{'80 % covers':>13}{'seconds':>9}")
    out: Table = {}
    for name in names:
        task = TASKS[name]
        own, instant = (scored(contender, task, part, each) for each in (effort, "instant"))
        out[name] = {"fitted": own, "instant": instant}
        told = f"{own.headline(task):9.3f}{instant.headline(task):9.3f}"
        print(f"{_label(task)}{told}{own.coverage:11.1f} %{own.seconds:9.1f}", flush=True)
    return out


def scored(contender: Contender, task: Task, part: Part, effort: Effort) -> Figures:
    """All windows of a task; seconds are those of fitting and forecasting alone."""
    seconds, score = 0.0, Score(task)
    for each in task.rounds(part):
        began = time.perf_counter()
        said = contender(each.past, task, effort)
        seconds += time.perf_counter() - began
        score.add(each, said)
    return score.figures(seconds)


def judge(network: Network, recent: int) -> Table:
    """A quick look at a network that is in memory, on validation windows."""
    start = start_with(network, recent, "in memory", "as it is")
    return zero_shot(Other(start), TASKS, Part(quick=True))


def _label(task: Task) -> str:
    return f"{task.name:22}{'MASE' if task.naive2 is None else 'OWA':6}"


def _summary(out: Table) -> None:
    rolling = [out[name] for name in out if name in ROLLING]
    if rolling:
        won = sum(f["instant"].mase < min(f[name].mase for name in BASELINES) for f in rolling)
        print(f"better than {' and '.join(BASELINES)} on {won} of {len(rolling)} sets with rolling origins")
    off = {name: abs(f["instant"].coverage - NOMINAL) for name, f in out.items()}
    worst = max(off, key=lambda name: off[name])
    mean = np.mean(list(off.values()))
    print(f"coverage is off {NOMINAL} % by {mean:.1f} points on average, {off[worst]:.1f} at most ({worst})")
    for name in BASELINES:
        ratio = np.exp(np.mean([np.log(f["instant"].mase / f[name].mase) for f in out.values()]))
        print(f"MASE is {ratio:.3f} times that of {name} (geometric mean over sets)")

"""Forecasts of series that the network has never seen: accuracy and coverage beside SeasonalNaive and AutoETS.

    python -m benchmarks.instant                          # validation windows, for choices
    python -m benchmarks.instant --quick                  # a sample of them, under a minute
    python -m benchmarks.instant --weights FOLDER         # a network in training instead of the one shipped
    python -m benchmarks.instant --sets m1_yearly nn5_daily
    python -m benchmarks.instant --test                   # official test parts and newest windows: the final print

What is forecast, from where and from how much history: see `benchmarks.tasks`.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np

from benchmarks.baselines import autoets, seasonal_naive
from benchmarks.scores import Figures, Score
from benchmarks.tasks import ROLLING, TASKS, Part, Task
from foregate.core import Forecast, Panel

__all__ = ["zero_shot"]

Contender = Callable[[Panel, Task], Forecast]

NOMINAL = 80


def zero_shot(
    contender: Contender, names: list[str], part: Part, *, again: bool = False
) -> dict[str, dict[str, Figures]]:
    """Print a line per set and what they come to; return the figures by set and forecaster."""
    print(f"zero-shot, {part} windows")
    print(f"{'':22}{'':6}{'instant':>9}{'SeasonalNaive':>15}{'AutoETS':>9}{'':8}{'80 % covers':>13}{'seconds':>9}")
    out: dict[str, dict[str, Figures]] = {}
    for name in names:
        task = TASKS[name]
        began, score = time.perf_counter(), Score(task)
        for each in task.rounds(part):
            score.add(each, contender(each.past, task))
        figures = {
            "instant": score.figures(time.perf_counter() - began),
            "SeasonalNaive": seasonal_naive(task, part),
            "AutoETS": autoets(task, part, again=again),
        }
        out[name] = figures
        own, *others = (each.headline(task) for each in figures.values())
        verdict = "wins" if own < min(others) else "loses"
        measure = "MASE" if task.naive2 is None else "OWA"
        print(
            f"{name:22}{measure:6}{own:9.3f}{others[0]:15.3f}{others[1]:9.3f}{verdict:>8}"
            f"{figures['instant'].coverage:11.1f} %{figures['instant'].seconds:9.1f}",
            flush=True,
        )
    _summary(out)
    return out


def _summary(out: dict[str, dict[str, Figures]]) -> None:
    rolling = [name for name in out if name in ROLLING]
    won = sum(
        f["instant"].mase < min(f["SeasonalNaive"].mase, f["AutoETS"].mase) for f in (out[name] for name in rolling)
    )
    if rolling:
        print(f"better than SeasonalNaive and AutoETS on {won} of {len(rolling)} rolling sets")
    off = {name: abs(f["instant"].coverage - NOMINAL) for name, f in out.items()}
    ratio = {
        name: np.exp(np.mean([np.log(f["instant"].mase / f[name].mase) for f in out.values()]))
        for name in ("SeasonalNaive", "AutoETS")
    }
    worst = max(off, key=lambda name: off[name])
    mean = np.mean(list(off.values()))
    print(f"coverage is off {NOMINAL} % by {mean:.1f} points on average, {off[worst]:.1f} at most ({worst})")
    print("MASE over all sets, geometric mean: " + ", ".join(f"{r:.3f} of {name}'s" for name, r in ratio.items()))


def record(arguments: argparse.Namespace, facts: dict[str, object], began: float) -> None:
    """Append what was found to the log, one JSON object per line."""
    versions = {name: version(name) for name in ("foregate", "torch", "numpy", "statsforecast", "onnxruntime")}
    line = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "arguments": {k: str(v) if isinstance(v, Path) else v for k, v in vars(arguments).items() if k != "log"},
        "versions": versions | {"python": platform.python_version()},
        "seconds": round(time.perf_counter() - began, 1),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        **facts,
    }
    arguments.log.parent.mkdir(parents=True, exist_ok=True)
    with arguments.log.open("a") as file:
        file.write(json.dumps(line) + "\n")


def main() -> None:
    """Parse, forecast, print, record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=list(TASKS), default=list(TASKS), metavar="NAME")
    parser.add_argument("--test", action="store_true", help="official test parts and newest windows: the final print")
    parser.add_argument("--quick", action="store_true", help="a sample of series and windows")
    parser.add_argument("--weights", type=Path, metavar="FOLDER", help="checkpoint of a network in training")
    parser.add_argument("--which", choices=("best", "average", "network"), default="best", help="weights of it")
    parser.add_argument("--again", action="store_true", help="compute the figures of AutoETS anew")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log", type=Path, default=Path("build/instant.jsonl"), help="JSON line per run")
    arguments = parser.parse_args()
    began = time.perf_counter()
    from benchmarks.networks import described, network_of

    facts: dict[str, object] = {"network": described(arguments.weights)}
    contender = network_of(arguments.weights, arguments.which)
    print(json.dumps(facts["network"]))
    found = zero_shot(contender, arguments.sets, Part(arguments.test, arguments.quick), again=arguments.again)
    facts["zero_shot"] = {name: {who: asdict(f) for who, f in each.items()} for name, each in found.items()}
    record(arguments, facts, began)


if __name__ == "__main__":
    main()

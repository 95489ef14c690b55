"""One pretrained network for every series: how good at once, how good after fitting, and what it costs.

    python -m benchmarks.instant                          # at once, on validation windows: for choices
    python -m benchmarks.instant --quick                  # on a sample of them, in seconds
    python -m benchmarks.instant --weights FOLDER         # another network, such as one in training
    python -m benchmarks.instant --fitted --cost          # also after fitting, and the costs: minutes
    python -m benchmarks.instant --test --fitted --cost   # official test parts and newest windows: the final print
    python -m benchmarks.instant --baselines --again      # compute the figures of AutoETS anew

What is forecast, from where and from how much history: see `benchmarks.tasks`. Forecasters are told the seasons of a
set, as anyone would who knows what a week is. One line of JSON per run is appended to the log.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import time
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.accuracy import Table, fitted, zero_shot
from benchmarks.baselines import autoets
from benchmarks.costs import FROM_SCRATCH, costs, saving
from benchmarks.networks import Contender, Other, Shipped, start_of
from benchmarks.tasks import COMPETITIONS, TASKS, Part


def main() -> None:
    """Parse, forecast, print, record."""
    arguments = _parsed()
    began, part = time.perf_counter(), Part(arguments.test, arguments.quick)
    names = arguments.sets or list(TASKS)
    if arguments.baselines:
        for name in names:
            for quick in (True, False):
                autoets(TASKS[name], Part(arguments.test, quick), again=arguments.again)
        return
    contender: Contender = Shipped(arguments.seed, told=not arguments.untold)
    if arguments.weights:
        start = start_of(arguments.weights, arguments.which)
        print(start.label)
        contender = Other(start, arguments.seed, told=not arguments.untold, calibrated=not arguments.uncalibrated)
    found: dict[str, object] = {}
    found["instant"] = _plain(zero_shot(contender, names, part, again=arguments.again))
    if arguments.fitted:
        fit = arguments.sets or COMPETITIONS
        found[arguments.effort] = _plain(fitted(contender, fit, part, arguments.effort))
    if arguments.cost:
        from foregate.persistence.shipped import load_shipped

        found["costs"] = costs()
        found["saving"] = saving(FROM_SCRATCH, start if arguments.weights else load_shipped(), arguments.seed)
    _record(arguments, {**contender.facts, "found": found}, began)


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=list(TASKS), metavar="NAME", help=", ".join(TASKS))
    parser.add_argument("--test", action="store_true", help="official test parts and newest windows: the final print")
    parser.add_argument("--quick", action="store_true", help="a sample of series and windows")
    parser.add_argument("--fitted", action="store_true", help="also after fitting, on the competition sets or --sets")
    parser.add_argument("--effort", default="standard", choices=("fast", "standard", "best"), help="of --fitted")
    parser.add_argument("--cost", action="store_true", help="also seconds and memory")
    parser.add_argument("--weights", type=Path, metavar="FOLDER", help="of weights, or of a checkpoint of a run")
    parser.add_argument("--which", choices=("best", "average", "network"), default="best", help="of a checkpoint")
    parser.add_argument("--uncalibrated", action="store_true", help="the network's own intervals, with --weights")
    parser.add_argument("--untold", action="store_true", help="seasons are not told but found in the data")
    parser.add_argument("--baselines", action="store_true", help="only compute figures of AutoETS that are not there")
    parser.add_argument("--again", action="store_true", help="compute those of AutoETS anew")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log", type=Path, default=Path("build/instant.jsonl"), metavar="FILE", help="of all runs")
    return parser.parse_args()


def _plain(table: Table) -> dict[str, dict[str, object]]:
    return {name: {who: asdict(figures) for who, figures in row.items()} for name, row in table.items()}


def _record(arguments: argparse.Namespace, facts: dict[str, object], began: float) -> None:
    """Append what was found to the log."""
    versions = {name: version(name) for name in ("foregate", "torch", "numpy", "statsforecast", "onnxruntime")}
    given = {name: str(value) if isinstance(value, Path) else value for name, value in vars(arguments).items()}
    line = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "arguments": given,
        "versions": versions | {"python": platform.python_version()},
        "seconds": round(time.perf_counter() - began, 1),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        **facts,
    }
    arguments.log.parent.mkdir(parents=True, exist_ok=True)
    with arguments.log.open("a") as file:
        file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()

"""The defaults against SeasonalNaive on rolling origins of real sets: the README's scoreboard, wins and losses.

    python -m benchmarks.scoreboard                      # all sets of benchmarks.sets
    python -m benchmarks.scoreboard nn5_daily vic_elec

The forecaster is given the horizon and, where a set has them, the names of its covariates; nothing else.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from benchmarks.sets import SETS, load
from foregate import Forecaster, backtest, scoreboard

HEADER = ("set", "MASE", "SeasonalNaive", "CRPS vs SN", "covers 80 %", "95 %", "seasons", "seconds", "")


def run(name: str) -> tuple[str, ...]:
    """One row of the table."""
    task, panel = SETS[name], load(name)
    began = time.perf_counter()
    result = backtest(Forecaster(task.horizon), panel, n_windows=task.windows)
    seconds = time.perf_counter() - began
    if not np.isfinite(result.forecasts["LSTM"][result.origins >= 0]).all():
        sys.exit(f"{name}: a forecast is not a number")
    board = scoreboard(result)
    own, naive = board["LSTM"].overall, board["SeasonalNaive"].overall
    ratio = own["crps"] / naive["crps"]
    verdict = "wins" if own["mase"] < naive["mase"] else "loses"
    return (
        f"{name} ({len(panel)} series, {task.windows} x {task.horizon} steps; {task.note})",
        f"{own['mase']:.3f}",
        f"{naive['mase']:.3f}",
        f"{ratio:.2f}",
        f"{own['coverage-80']:.0f}",
        f"{own['coverage-95']:.0f}",
        str(result.season),
        f"{seconds:.0f}",
        verdict,
    )


def main() -> None:
    """Print a Markdown table, a row as soon as it is there."""
    print("| " + " | ".join(HEADER) + " |\n|" + "---|" * len(HEADER))
    for name in sys.argv[1:] or SETS:
        print("| " + " | ".join(run(name)) + " |", flush=True)


if __name__ == "__main__":
    main()

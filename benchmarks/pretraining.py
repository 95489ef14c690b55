"""Pretrain on made-up series, then forecast real ones that the network has never seen.

    python -m benchmarks.pretraining --steps 2000 --checkpoint build/pretraining

Prints MASE on the last horizon of the training parts (validation), beside SeasonalNaive, and what 80 % intervals cover.
The same command goes on from its checkpoint if it was stopped.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.sets import table
from foregate.core import Forecast, Panel
from foregate.data import regularize
from foregate.data.inputs import InputSpec
from foregate.evaluation import SeasonalNaive
from foregate.forecasting.fitted import Fitted
from foregate.forecasting.intervals import Calibration
from foregate.models.network import Network
from foregate.pipeline.plan import plan_window
from foregate.pipeline.pretraining import pretrain
from foregate.pipeline.recipe import LEVELS, Recipe
from foregate.training.engine import TorchEngine
from foregate.training.loop import Progress
from foregate.training.options import TrainingOptions

SETS = {
    "m1_yearly": (6, (1, 1)),
    "m1_quarterly": (8, (4, 1)),
    "m1_monthly": (18, (12, 1)),
    "m4_weekly": (13, (52, 1)),
    "m4_hourly": (48, (24, 168)),
    "nn5_daily": (56, (7, 1)),
    "aus_retail": (24, (12, 1)),
    "pjm_zones": (24, (24, 168)),
    "vic_elec": (48, (48, 336)),
}
LONGEST = 2_000
"""Rows of history that are read."""


def panels(name: str, horizon: int) -> tuple[Panel, np.ndarray]:
    """The validation task: series long enough to spare a horizon, cut there, and what came (S, K)."""
    parts = [p["y"].to_numpy().astype(np.float64) for p in table(name).partition_by("unique_id", maintain_order=True)]
    parts = [p for p in parts if len(p) >= 2 * horizon + 3 and np.isfinite(p[:-horizon]).sum() > 3]
    past = Panel.from_arrays([p[:-horizon][-LONGEST:] for p in parts], ids=[str(i) for i in range(len(parts))])
    return regularize(past), np.stack([p[-horizon:] for p in parts])


def mase(forecast: Forecast, panel: Panel, actual: np.ndarray, season: int) -> float:
    """Mean over series of the absolute error over the mean absolute seasonal change of the history."""
    error = np.nanmean(np.abs(forecast.median - actual), 1)
    changes = [np.abs(y[season:] - y[:-season]) for y in map(panel.series, range(len(panel)))]
    scale = np.array([np.nanmean(c) if np.isfinite(c).any() else np.nan for c in changes])
    good = scale > 0
    return float(np.mean(error[good] / scale[good]))


def judge(network: Network) -> None:
    """Print a line per set."""
    for name, (horizon, seasons) in SETS.items():
        panel, actual = panels(name, horizon)
        spec = InputSpec(seasons, window=plan_window(seasons))
        model = Fitted(TorchEngine(network), spec, LEVELS, Calibration(np.ones((1, len(LEVELS)))), horizon, 0.1)
        began = time.perf_counter()
        said = model.forecast(panel, horizon, (0.1, 0.5, 0.9))
        seconds = time.perf_counter() - began
        naive = SeasonalNaive(seasons[0]).forecast(panel, horizon, (0.1, 0.5, 0.9))
        low, high = said.interval(80)
        seen = np.isfinite(actual)
        covers = float(np.mean(((actual >= low) & (actual <= high))[seen]))
        season = 1 if name == "m4_weekly" else seasons[0]
        own, other = (mase(each, panel, actual, season) for each in (said, naive))
        print(
            f"  {name:14} MASE {own:.3f}  SeasonalNaive {other:.3f}  80 % covers {covers:.2f}  {seconds:.1f} s",
            flush=True,
        )


def main() -> None:
    """Parse, pretrain, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=2_000)
    parser.add_argument("--hidden", type=int, default=96)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--checks", type=int, default=10)
    parser.add_argument("--checkpoint", type=Path)
    arguments = parser.parse_args()
    options = TrainingOptions(
        arguments.steps, batch=96, crop=200, rate=arguments.rate, checks=arguments.checks, patience=arguments.checks
    )

    def say(progress: Progress) -> None:
        if progress.step % 100 == 0:
            print(progress, file=sys.stderr, flush=True)

    began = time.perf_counter()
    network, result = pretrain(
        Recipe(1, hidden=arguments.hidden), options, on_step=say, checkpoint=arguments.checkpoint
    )
    print(f"{result.steps} steps, {time.perf_counter() - began:.0f} s, held-back score {result.best_score:.4f}")
    judge(network)


if __name__ == "__main__":
    main()

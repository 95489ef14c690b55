"""M4 Hourly and Weekly: the default forecaster against the competition's official measure.

    python -m benchmarks.m4 hourly weekly                # official test parts, the final print
    python -m benchmarks.m4 hourly weekly --validation   # the last horizon of the training parts instead, for choices
    python -m benchmarks.m4 weekly --validation --option crop=200 --option batch=64

OWA is the mean of sMAPE and MASE, each relative to Naive2 (Makridakis et al. 2020). Naive2's official scores are used
for both parts, so validation figures compare with one another and not with published ones.
"""

from __future__ import annotations

import argparse
import json
import resource
import time

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.sets import table
from foregate import Forecaster
from foregate.core import Forecast, Panel
from foregate.evaluation import SeasonalNaive

TASKS = {
    "hourly": {"horizon": 48, "season_length": [24, 168], "mase_season": 24, "naive2": (18.383, 2.395)},
    "weekly": {"horizon": 13, "season_length": 52, "mase_season": 1, "naive2": (9.161, 2.777)},
}


def scores(forecast: Forecast, past: list[NDArray[np.float64]], future: list[NDArray[np.float64]], task: dict) -> dict:
    """sMAPE in percent, MASE, OWA and coverage of the 80 and 95 % intervals, averaged over series."""
    actual, median, m = np.stack(future), forecast.median, task["mase_season"]
    error = np.abs(median - actual)
    smape = float(np.mean(200 * error / (np.abs(median) + np.abs(actual))))
    scale = np.array([np.mean(np.abs(y[m:] - y[:-m])) for y in past])
    mase = float(np.mean(error.mean(1) / scale))
    row = {"sMAPE": smape, "MASE": mase, "OWA": 0.5 * (smape / task["naive2"][0] + mase / task["naive2"][1])}
    for level in (80, 95):
        low, high = forecast.interval(level)
        row[f"covers {level} %"] = float(np.mean((actual >= low) & (actual <= high)))
    return row


def run(name: str, settings: dict, *, validation: bool) -> None:
    """Fit, forecast, score and print one set."""
    task = TASKS[name]
    h = task["horizon"]
    train = table(f"m4_{name}")
    if validation:
        test = train.group_by("unique_id", maintain_order=True).tail(h)
        train = train.join(test.select("unique_id", "ds"), on=["unique_id", "ds"], how="anti", maintain_order="left")
    else:
        test = table(f"m4_{name}", "test")
    past, future = (parts(frame) for frame in (train, test))
    print(f"M4 {name}, {'validation' if validation else 'official test'} part, {len(past)} series, horizon {h}")
    began = time.perf_counter()
    model = Forecaster(horizon=h, freq=1, season_length=task["season_length"], **settings).fit(train)
    fitted = time.perf_counter()
    forecast = model.forecast(level=[80, 95])
    predicted = time.perf_counter()
    panel: Panel = model.panel_
    naive = SeasonalNaive(task["mase_season"]).forecast(panel, h, (0.025, 0.1, 0.5, 0.9, 0.975))
    for label, result in (("LSTM", forecast), ("SeasonalNaive", naive)):
        figures = scores(result, past, future, task)
        print(f"  {label:14}" + "  ".join(f"{key} {value:.3f}" for key, value in figures.items()))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    facts = model.report_
    steps = f"{facts['steps']} + {facts['finish_steps']} steps, best at {facts['best_step']}"
    seconds = f"fitted in {fitted - began:.0f} s ({steps}), forecast in {predicted - fitted:.1f} s"
    print(f"  {seconds}, peak memory {peak:.0f} MiB")


def parts(frame: pl.DataFrame) -> list[NDArray[np.float64]]:
    """The values of each series, in order of the ids."""
    return [part["y"].to_numpy().astype(np.float64) for part in frame.partition_by("unique_id", maintain_order=True)]


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", default=["hourly", "weekly"], choices=list(TASKS))
    parser.add_argument("--validation", action="store_true")
    parser.add_argument("--effort", default="standard")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--option", action="append", default=[], metavar="FIELD=VALUE", help="a field of Recipe")
    arguments = parser.parse_args()
    options = {name: json.loads(value) for name, value in (pair.split("=", 1) for pair in arguments.option)}
    settings = {"effort": arguments.effort, "seed": arguments.seed, "options": options}
    for name in arguments.sets:
        run(name, settings, validation=arguments.validation)


if __name__ == "__main__":
    main()

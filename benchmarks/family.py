"""Every architecture beside the usual one: what it costs, and how well it forecasts four sets.

    python -m benchmarks.family                          # all of them, on all sets: hours
    python -m benchmarks.family gru seq2seq+additive --sets m4_weekly
    python -m benchmarks.family --table                  # the figures so far, as the table of docs/models.md

All are trained from scratch, told the seasons, with the effort that `--effort` says. Scored are windows that lie before
the test parts of any other table, but for one of 28 of electricity, so that this one may be chosen by: MASE of the
median. Costs are of one training step of the same batch, relative to the usual network's in the same run. A JSON line
per model and set goes to `--log`.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import numpy as np
import torch

from benchmarks.figures import LOG, MODELS, figures
from benchmarks.sets import table
from foregate import Forecaster, ModelOptions, Panel
from foregate.data import read, regularize
from foregate.data.inputs import Inputs, InputSpec
from foregate.pipeline.fit import new_network
from foregate.pipeline.recipe import Recipe
from foregate.training.batches import Crops
from foregate.training.loop import batch_loss
from foregate.training.options import TrainingOptions

REPEATS = 5
"""Training steps of each kind that are timed, in turns with the usual network's."""


@dataclass(frozen=True)
class Judged:
    """A set, and the windows at its end that are forecast."""

    horizon: int
    """Steps ahead."""
    seasons: tuple[int, ...]
    """Told to the forecaster."""
    mase_season: int
    """Of the scale of errors."""
    windows: int = 1
    """One after the other, at the end of what is used."""
    used: int | None = None
    """Rows of each series that are used, from its beginning; None for all."""
    spared: int = 0
    """Rows at the end that are not."""

    def panel(self, name: str) -> Panel:
        """The rows that are used."""
        panel = regularize(read(table(name).select("unique_id", "ds", "y")))
        lengths = panel.lengths - self.spared if self.used is None else np.minimum(panel.lengths, self.used)
        return panel.cut(lengths)


TASKS = {
    "m4_weekly": Judged(13, (52,), 1),
    "nn5_daily": Judged(56, (7,), 7, windows=2),
    "vic_elec": Judged(48, (48, 336), 48, windows=14, spared=14 * 48),
    "etth1": Judged(96, (24, 168), 24, windows=30, used=16 * 30 * 24),
}
"""Of ETTh1 the official 12 months for training and 4 for choices, of Victoria the fortnight before the last, of the
others the end of the training part."""

TOO_MANY = 20
"""Steps ahead beyond which no model is trained for each one."""


def main() -> None:
    """Parse, run, record, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL", help="as --model takes them; all if left out")
    parser.add_argument("--sets", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--effort", default="fast")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--log", type=Path, default=LOG, metavar="FILE")
    parser.add_argument("--table", action="store_true", help="print what the log holds, and run nothing")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if not arguments.table:
        for model in arguments.models or MODELS:
            for line in run(model, arguments):
                print(json.dumps(line), flush=True)
                arguments.log.parent.mkdir(exist_ok=True)
                with arguments.log.open("a") as file:
                    file.write(json.dumps(line) + "\n")
    print(figures(arguments.log))


def run(model: str, arguments: argparse.Namespace):
    """What is found of a model: its costs, then a line per set."""
    about = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": model,
        "versions": {name: metadata.version(name) for name in ("foregate", "torch", "numpy")},
        "threads": arguments.threads,
    }
    yield about | {"cost": cost(model)}
    for name in arguments.sets:
        if model == "negative-binomial" or (model == "each" and TASKS[name].horizon > TOO_MANY):
            continue  # no set is one of counts
        found = score(model, name, arguments.effort, arguments.seed)
        yield about | {"set": name, "effort": arguments.effort, "seed": arguments.seed} | found


def score(model: str, name: str, effort: str, seed: int) -> dict[str, float]:
    """MASE and coverage of a model that is trained on what lies before the windows."""
    task = TASKS[name]
    panel = task.panel(name)
    span = task.horizon * task.windows
    past = panel.cut(panel.lengths - span)
    began = time.perf_counter()
    forecaster = Forecaster(
        task.horizon,
        model=model,
        season_length=task.seasons,
        effort=effort,
        seed=seed,
        options={"start": "scratch"},
        verbose=False,
    ).fit(past)
    fitted = time.perf_counter() - began
    origins = past.lengths[:, None] - 1 + task.horizon * np.arange(task.windows)
    said = forecaster.fitted_.forecast_origins(panel, origins, task.horizon, (0.1, 0.5, 0.9))
    seconds = time.perf_counter() - began
    errors, inside, m = [], [], task.mase_season
    for i in range(len(panel)):
        y, before = panel.series(i), past.series(i)
        scale = np.nanmean(np.abs(before[m:] - before[:-m]))
        came = y[origins[i][:, None] + np.arange(1, task.horizon + 1)]
        known = np.isfinite(came)
        if scale > 0 and known.any():
            errors.append(np.abs(said[i, ..., 1] - came)[known].mean() / scale)
            inside.append(((came >= said[i, ..., 0]) & (came <= said[i, ..., 2]))[known])
    return {
        "mase": float(np.mean(errors)),
        "coverage": 100 * float(np.concatenate(inside).mean()),
        "fit_seconds": round(fitted, 1),
        "seconds": round(seconds, 1),
        "parameters": forecaster.report_["parameters"],
    }


def cost(model: str) -> dict[str, float]:
    """Weights of a network, and the time of a training step relative to the usual network's: 24 steps ahead, seasons
    of 24 and 168."""
    t = np.arange(600)
    waves = 9 * np.sin(2 * np.pi * t / 24) + 5 * np.sin(t / 26.7)
    panel = Panel.from_arrays([np.rint(50 + i + waves) for i in range(20)])
    spec = InputSpec((24, 168), window=336)
    options = ModelOptions.parse(model)
    ahead = 1 if options.strategy == "recursive" else 24
    networks = [new_network(Recipe(24, (24, 168), "fast", model=each), spec) for each in (ModelOptions(), options)]
    sizes = TrainingOptions(1, batch=32, crop=192, origins=8 if options.strategy == "seq2seq" else 24, every_step=True)
    batches = [Crops(Inputs(panel, spec), panel.lengths, k, sizes).draw(0) for k in (24, ahead)]
    seconds: list[list[float]] = [[], []]
    for _ in range(REPEATS):
        for network, batch, taken in zip(networks, batches, seconds, strict=True):
            began = time.perf_counter()
            batch_loss(network.train(), batch).backward()
            taken.append(time.perf_counter() - began)
    usual, own = (float(np.median(taken)) for taken in seconds)
    return {"parameters": sum(p.numel() for p in networks[1].parameters()), "step": round(own / usual, 2)}


if __name__ == "__main__":
    main()

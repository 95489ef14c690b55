"""The table of speed: what was asked for, and what was measured, as ratios within one run.

    python -m benchmarks.speed                       # all of it: half an hour on one core, most of it neuralforecast's
    python -m benchmarks.speed share precision       # some
    python -m benchmarks.speed passing predict       # those that need `make peers`; passing also reads FOREGATE_DATA

- passing: processor seconds of neuralforecast's LSTM (its defaults: 1,000 steps) on M4 Hourly and Weekly, over those
  that Foregate takes to pass its final OWA on the last horizon of the training part: at once where that passes it,
  otherwise after the least effort that does.
- share: of a training step, drawing the batch and all, what is spent in the kernels of the LSTM; batch 32 x 336.
- precision: time of a training step in float32 over that in bfloat16, step about step; default crops and batch.
- predict: neuralforecast's time to forecast 414 series x 48 steps x 9 quantiles over that of a model of Foregate, saved
  and loaded: its own series for the first time and from then on, and 414 new histories of 960 rows.
- backtest: the time of forecasts from 100 origins in every series over that of one forecast, which reads as much.
- gpu: where there is one, the time of a training step on the processor over that on it.

Times are of the processor, since other programs hardly lengthen these. Series are made up but for `passing`. Appends a
line of JSON to the log.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.cases import CASES
from benchmarks.contenders.own import panel_of
from benchmarks.growth import series
from benchmarks.job import Job
from benchmarks.run import ROOT, environment, machine, python_of
from benchmarks.scoring import figures
from foregate import Forecaster, Panel, load

__all__ = ["MEASURES", "Row", "made_up", "ratio", "table"]

LEADING = "neuralforecast LSTM"
LOG = ROOT / "benchmarks" / "results" / "speed.jsonl"
NINE = tuple(round(0.1 * i, 1) for i in range(1, 10))
SERIES, ROWS, HORIZON, SEASONS = 414, 960, 48, (24, 168)
ORIGINS = 100
EFFORTS = ("instant", "fast", "standard")
"""From the quickest on."""
UNTRAINED: dict[str, Any] = {"steps": 1, "validate": False}
"""Options of models that are timed and not judged."""


@dataclass(frozen=True)
class Row:
    """A figure of the table."""

    what: str
    asked: float
    """The ratio asked for; 0 where none was."""
    measured: float
    """The ratio."""
    most: bool = False
    """Whether the ratio asked for is the most that it may be, and not the least."""
    note: str = ""

    @property
    def reached(self) -> bool:
        """Whether it is what was asked for."""
        return self.measured <= self.asked if self.most else self.measured >= self.asked


def table(rows: Iterable[Row]) -> str:
    """Markdown.

    Examples:
        >>> print(table([Row("bfloat16", 1.3, 2.04, note="a step takes 50 ms")]))
        | what | asked | measured | reached | |
        |---|---|---|---|---|
        | bfloat16 | 1.3 at least | 2.04 | yes | a step takes 50 ms |
    """
    lines = ["| what | asked | measured | reached | |", "|---|---|---|---|---|"]
    for row in rows:
        asked = f"{row.asked:g} at {'most' if row.most else 'least'}" if row.asked else "none"
        reached = ("yes" if row.reached else "no") if row.asked else ""
        lines.append(f"| {row.what} | {asked} | {row.measured:.3g} | {reached} | {row.note} |")
    return "\n".join(lines)


def ratio(slow: Callable[[], Any], quick: Callable[[], Any], times: int = 5) -> tuple[float, float, float]:
    """Median seconds of processor of two tasks done by turns, after a turn that does not count, and their ratio."""
    found: tuple[list[float], list[float]] = ([], [])
    for turn in range(times + 1):
        for task, seconds in zip((slow, quick), found, strict=True):
            used = _seconds(task)
            if turn:
                seconds.append(used)
    a, b = map(statistics.median, found)
    return a / b, a, b


def _seconds(task: Callable[[], Any]) -> float:
    began = time.process_time()
    task()
    return time.process_time() - began


def passing() -> Iterator[Row]:
    """How much sooner the leading library's accuracy is passed."""
    for name in ("m4_hourly", "m4_weekly"):
        job = CASES[name].job(name, test=False)
        theirs, said = _peer(job)
        owa, tried = figures(job, said)["owa"], []
        for effort in EFFORTS:
            own, seconds = _own(job, effort)
            tried.append(f"{effort} {own:.3f} in {seconds:.1f} s")
            if own < owa:
                break
        note = f"neuralforecast {owa:.3f} in {theirs['fit']:.0f} s; {', '.join(tried)}"
        yield Row(f"time to pass neuralforecast's LSTM, {name}", 50, theirs["fit"] / seconds * (own < owa), note=note)


def _own(job: Job, effort: Any) -> tuple[float, float]:
    """OWA of an effort, and seconds of fitting and forecasting."""
    panel, order = panel_of(job, covariates=False)
    past = panel.cut(job.known[order, 0])
    began = time.process_time()
    model = Forecaster(job.horizon, season_length=job.seasons, effort=effort, verbose=False).fit(past)
    values = model.forecast(quantiles=job.quantiles).values
    seconds = time.process_time() - began
    said = np.empty((len(order), 1, *values.shape[1:]))
    said[order, 0] = values
    return figures(job, said)["owa"], seconds


def _peer(job: Job, *steps: int) -> tuple[dict[str, Any], Any]:
    """What the leading library took on a job, and what it said."""
    with tempfile.TemporaryDirectory() as place:
        job.save(Path(place))
        command = [python_of(LEADING), "-m", "benchmarks.speed_peer", place, *map(str, steps)]
        subprocess.run(command, cwd=ROOT, env=environment(), check=True, capture_output=True)
        return json.loads((Path(place) / "speed.json").read_text()), np.load(Path(place) / "said.npy")


def share() -> Iterator[Row]:
    """How much of a step is the LSTM."""
    for precision in ("float32", "bfloat16"):
        parts = _profiled(_steps(precision, batch=32, crop=336))
        note = ", ".join(f"{name} {part:.0%}" for name, part in parts.items() if name != "LSTM")
        yield Row(f"share of a step in the kernels of the LSTM, {precision}", 0.8, parts["LSTM"], note=note)


def _profiled(step: Callable[[], Any], times: int = 7) -> dict[str, float]:
    """Median shares of a step: the LSTM's kernels, the drawing of the batch, and all else."""
    from torch.profiler import ProfilerActivity, profile, record_function

    from foregate.training.memory import freed_memory_kept

    found = []
    with freed_memory_kept():
        for _ in range(2):
            step()
        for _ in range(times):
            with profile(activities=[ProfilerActivity.CPU]) as seen, record_function("whole"):
                step()
            events = {event.key: event for event in seen.key_averages()}
            kernels = sum(e.self_cpu_time_total for key, e in events.items() if "mkldnn_rnn_layer" in key)
            whole = events["whole"].cpu_time_total
            found.append({"LSTM": kernels / whole, "drawing": events["draw"].cpu_time_total / whole})
    middle = {name: statistics.median(each[name] for each in found) for name in found[0]}
    return middle | {"else": 1 - sum(middle.values())}


def precision() -> Iterator[Row]:
    """What half precision saves, and what is done unasked."""
    from foregate.training.memory import freed_memory_kept
    from foregate.training.precision import arithmetic

    for hidden in (32, 96, 256):
        sizes = {"batch": 80, "crop": 192, "hidden": hidden}
        with freed_memory_kept():
            gain, slow, quick = ratio(_steps("float32", **sizes), _steps("bfloat16", **sizes))
        usual = arithmetic("auto", _network(hidden))
        note = f"{1e3 * slow:.0f} and {1e3 * quick:.0f} ms; unasked here: {usual}"
        yield Row(f"float32 over bfloat16, a step with {hidden} units", 1.3 if hidden == 96 else 0, gain, note=note)


def _network(hidden: int) -> Any:
    from foregate.data.inputs import InputSpec
    from foregate.pipeline.fit import new_network
    from foregate.pipeline.plan import plan_window
    from foregate.pipeline.recipe import Recipe

    recipe = Recipe(HORIZON, SEASONS, start="scratch", hidden=hidden)
    return new_network(recipe, InputSpec(SEASONS, recipe.recent, plan_window(SEASONS)))


def _steps(precision: Any, *, device: str = "cpu", hidden: int = 96, batch: int, crop: int) -> Callable[[], Any]:
    """A function that takes the next step of a training run of the usual network."""
    from torch.profiler import record_function

    from foregate.data.inputs import Inputs, InputSpec
    from foregate.pipeline.plan import plan_window
    from foregate.training.batches import Crops
    from foregate.training.loop import batch_loss
    from foregate.training.options import TrainingOptions
    from foregate.training.processes import team_of
    from foregate.training.run import Run

    panel = Panel.from_arrays(list(series(0, 100, 1_000)), freq="h")
    options = TrainingOptions(steps=1_000, batch=batch, crop=crop, precision=precision, device=device)
    crops = Crops(Inputs(panel, InputSpec(SEASONS, window=plan_window(SEASONS))), panel.lengths, HORIZON, options)
    run = Run(_network(hidden).to(device), options, team_of(device))

    def step() -> None:
        with record_function("draw"):
            drawn = crops.draw(run.step)
        run.advance(drawn, lambda given: batch_loss(run.network, given, precision))

    return step


def predict() -> Iterator[Row]:
    """Forecasts of a model that was loaded, beside those of the leading library."""
    theirs, _ = _peer(made_up(SERIES, ROWS), 1)
    panel, new = (Panel.from_arrays(list(series(first, SERIES, ROWS)), freq="h") for first in (0, 1_000))
    for effort in EFFORTS:
        model = _loaded(panel, effort)
        for what, asked, data, key in (
            ("its own series, at first", 0, None, "fitted"),
            ("its own series, from then on", 10, None, "fitted"),
            ("new histories", 1, new, "new"),
        ):
            times = 1 if "first" in what else 2 if data is not None else 5
            forecast = partial(model.predict, data, quantiles=NINE)
            own = statistics.median(_seconds(forecast) for _ in range(times))
            note = f"neuralforecast {theirs[key]:.3f} s, {effort} {own:.3f} s"
            yield Row(f"predict, {effort}, {what}", asked, theirs[key] / own, note=note)


def made_up(count: int, length: int) -> Job:
    """A job of made-up hourly series with one origin, after so many rows."""
    rows = length + HORIZON
    ids = np.repeat([f"load_{i:06}" for i in range(count)], rows)
    frame = pl.DataFrame({"unique_id": ids, "ds": np.tile(np.arange(rows), count), "y": series(0, count, rows).ravel()})
    return Job("made up", HORIZON, 24, SEASONS, "1", frame, np.full((count, 1), length), quantiles=NINE)


def _loaded(panel: Panel, effort: Any) -> Forecaster:
    """A model of so much effort, hardly trained, that was saved and loaded."""
    options = {} if effort == "instant" else UNTRAINED
    model = Forecaster(HORIZON, season_length=SEASONS, effort=effort, options=options, verbose=False).fit(panel)
    with tempfile.TemporaryDirectory() as place:
        model.save(Path(place) / "model")
        return load(Path(place) / "model")


def backtest() -> Iterator[Row]:
    """Forecasts from many origins in one pass."""
    panel = Panel.from_arrays(list(series(0, SERIES, ROWS)), freq="h")
    origins = np.broadcast_to(ROWS - HORIZON - 1 - 4 * np.arange(ORIGINS)[::-1], (SERIES, ORIGINS))
    for effort in EFFORTS:
        fitted = _loaded(panel, effort).fitted_
        cost, many, once = ratio(
            partial(fitted.forecast_origins, panel, origins, HORIZON, NINE),
            partial(fitted.forecast, panel, HORIZON, NINE),
            times=1,
        )
        note = f"{many:.1f} and {once:.1f} s"
        yield Row(f"{ORIGINS} origins over one forecast, {effort}", 3, cost, most=True, note=note)


def gpu() -> Iterator[Row]:
    """A training step there and here, by the clock; nothing where there is none."""
    import torch

    if not torch.cuda.is_available():
        return
    seconds = {}
    for device in ("cpu", "cuda"):
        step = _steps("float32", device=device, batch=80, crop=192)
        found = []
        for _ in range(8):
            began = time.perf_counter()
            step()
            torch.cuda.synchronize()
            found.append(time.perf_counter() - began)
        seconds[device] = statistics.median(found[2:])
    note = f"{1e3 * seconds['cpu']:.0f} and {1e3 * seconds['cuda']:.0f} ms on {torch.cuda.get_device_name()}"
    yield Row("processor over GPU, a step by the clock", 0, seconds["cpu"] / seconds["cuda"], note=note)


MEASURES: dict[str, Callable[[], Iterator[Row]]] = {
    each.__name__: each for each in (passing, share, precision, predict, backtest, gpu)
}


def main() -> None:
    """Parse, measure, print, record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measures", nargs="*", choices=[*MEASURES, []], metavar="NAME", help=", ".join(MEASURES))
    parser.add_argument("--log", type=Path, default=LOG, metavar="FILE")
    given = parser.parse_args()
    rows = []
    for name in given.measures or MEASURES:
        for row in MEASURES[name]():
            rows.append(row)
            print(table([row]).splitlines()[-1], flush=True)
    print("\n" + table(rows))
    line = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": {"python": platform.python_version(), **{n: version(n) for n in ("foregate", "torch", "numpy")}},
        "rows": [asdict(row) for row in rows],
    }
    given.log.parent.mkdir(parents=True, exist_ok=True)
    with given.log.open("a") as file:
        file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()

"""The table of costs: seconds from a cold start, and for many series, with peak memory; and what a good start saves.

    python -m benchmarks.costs
    python -m benchmarks.costs --saving    # also how soon fitting from pretrained weights is as good as from scratch

What runs without training runs in processes of its own in which everything of the ``train`` extra is hidden, so that
nothing of it can be used. Series are made up here; a start is judged on two real sets.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from benchmarks.cases import CASES
from benchmarks.contenders.own import panel_of
from benchmarks.process import held

if TYPE_CHECKING:
    from foregate.pipeline.start import Start

__all__ = ["costs", "run_many", "saving"]

HIDDEN = ("torch", "scipy", "statsmodels", "utilsforecast", "matplotlib", "onnx", "statsforecast", "prophet")
"""Not there on the installation that only runs models."""
STARTS = 5
"""Processes started; the median is printed."""
NINE = tuple(round(0.1 * i, 1) for i in range(1, 10))
FITTED = ("m1_monthly", "m4_hourly")
"""Sets that a start is judged on."""


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--saving", action="store_true", help="also what a good start saves: minutes")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    costs()
    if given.saving:
        saving(given.seed)


def costs() -> None:
    """Print seconds and peak memory."""
    print(f"costs on {os.cpu_count()} cores, OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS', 'not set')}")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        seconds = statistics.median(_command(place / "one.csv") for _ in range(STARTS))
        print(f"foregate forecast, one monthly series of 120 steps, from process start: {seconds:.2f} s", flush=True)
        for label, n, length, season, horizon in (
            ("414 hourly series of 960 steps, 48 steps x 9 quantiles", 414, 960, 24, 48),
            ("100,000 series of 100 steps, 12 steps x 9 quantiles", 100_000, 100, 12, 12),
        ):
            file = place / "series.parquet"
            _many(n, length, season).write_parquet(file)
            told = _child("from benchmarks.costs import run_many", f"run_many({str(file)!r}, {horizon}, {season})")
            instant = f"instant {told['instant']:.1f} s ({told['cpu']:.1f} s of processor)"
            print(f"{label}: reading {told['read']:.1f} s, {instant}, peak {told['peak_mib']:,.0f} MiB", flush=True)


def run_many(file: str, horizon: int, season: int) -> None:
    """In a process of its own: read, forecast, tell what it took."""
    from foregate import Forecaster, read

    began = time.perf_counter()
    panel = read(file)
    done, used = time.perf_counter(), time.process_time()
    model = Forecaster(horizon, effort="instant", season_length=season, verbose=False).fit(panel)
    frame = model.predict(quantiles=NINE)
    ended, cpu = time.perf_counter(), time.process_time() - used
    peak = held()
    print(json.dumps({"read": done - began, "instant": ended - done, "cpu": cpu, "peak_mib": peak, "rows": len(frame)}))


def saving(seed: int) -> None:
    """Print how soon fitting from pretrained weights is as good on held-out origins as from scratch at its end."""
    from foregate.persistence.shipped import load_shipped

    print("\nfitting from pretrained weights, to the validation score that fitting from scratch ends with")
    for name in FITTED:
        scratch, pretrained = (_course(name, start, seed) for start in (None, load_shipped()))
        score, whole = scratch[-1].score, scratch[-1].seconds
        reached = next((at for at in pretrained if at.score <= score), None)
        told = "not reached"
        if reached is not None:
            told = f"{reached.seconds:.1f} s, {reached.seconds / whole:.2f} of it ({reached.step} steps)"
        last = f"{pretrained[-1].score:.4f} in {pretrained[-1].seconds:.0f} s"
        begun = f"from scratch {score:.4f} in {whole:.0f} s ({scratch[-1].step} steps)"
        print(f"{name:14} {begun}; pretrained {told}; it ends at {last}", flush=True)


class _At(NamedTuple):
    """How far a fit is."""

    step: int
    seconds: float
    score: float
    """The best on held-out origins so far."""


def _course(name: str, start: Start | None, seed: int) -> list[_At]:
    """Every check of a fit; one before the first step where training has a start."""
    from foregate.pipeline.fit import fit
    from foregate.pipeline.recipe import Recipe
    from foregate.training.events import Event

    job = CASES[name].job(name, test=False)
    panel, order = panel_of(job, covariates=False)
    panel = panel.cut(job.known[order, 0])
    seen: list[_At] = []
    began = time.perf_counter()

    def note(event: Event) -> None:
        if event.name == "checked" and event.score is not None:
            seen.append(_At(event.step, round(time.perf_counter() - began, 2), event.score))

    _, report = fit(Recipe(job.horizon, job.seasons, members=1, seed=seed), panel, start=start, callbacks=[note])
    first = report.facts()["instant_validation"]
    seen = [_At(0, 0.0, first), *seen] if first is not None else seen
    best = np.minimum.accumulate([at.score for at in seen])
    return [at._replace(score=float(score)) for at, score in zip(seen, best, strict=True)]


def _command(file: Path) -> float:
    """Seconds of `foregate forecast` as anyone would call it."""
    months = pl.datetime_range(pl.datetime(2010, 1, 1), pl.datetime(2019, 12, 1), "1mo", eager=True)
    _many(1, 120, 12).with_columns(ds=months.dt.date()).write_csv(file)
    words = ["foregate", "forecast", str(file), "--horizon", "12", "--effort", "instant"]
    began = time.perf_counter()
    _run("import sys; from foregate.cli.app import main", f"sys.argv = {words!r}; main()")
    return time.perf_counter() - began


def _many(n: int, length: int, season: int) -> pl.DataFrame:
    """Series with a level, a slope, a season and noise, in the long format."""
    rng, t = np.random.default_rng(0), np.arange(length)
    level, slope, height = (rng.uniform(low, high, (n, 1)) for low, high in ((50, 500), (-0.1, 0.3), (2, 20)))
    wave = height * np.sin(2 * np.pi * (t / season + rng.random((n, 1))))
    values = (level + slope * t + wave + rng.normal(0, 4, (n, length))).astype(np.float32)
    ids = pl.Series("unique_id", [f"s{i:06}" for i in range(n)]).gather(np.repeat(np.arange(n), length))
    return pl.DataFrame({"unique_id": ids, "ds": np.tile(t, n), "y": values.ravel()})


def _child(imports: str, call: str) -> dict[str, float]:
    told: dict[str, float] = json.loads(_run(imports, call).splitlines()[-1])
    return told


def _run(imports: str, call: str) -> str:
    hide = f"import sys; sys.modules.update(dict.fromkeys({HIDDEN!r}))"
    done = subprocess.run([sys.executable, "-c", f"{hide}; {imports}; {call}"], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"a process that should have been measured failed:\n{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()

"""The leading library's side of `benchmarks.speed`: seconds of processor, in the environment of the peers.

    build/peers/bin/python -m benchmarks.speed_peer FOLDER [STEPS]

Fits neuralforecast's LSTM on the job in the folder, at its defaults but for the number of steps, forecasts what follows
the fitted series and what follows the same rows handed over anew, and writes ``said.npy`` (S, 1, K, Q) and
``speed.json``.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.contenders.neural import made, quiet, rows_of, values_of
from benchmarks.contenders.windows import Windows, first_fit, whole
from benchmarks.job import Job

REPEATS = 5
"""Forecasts, after one that is not counted; the median is told."""


def main() -> None:
    """Fit, forecast, write."""
    folder = Path(sys.argv[1])
    steps = {"max_steps": int(sys.argv[2])} if len(sys.argv) > 2 else {}
    quiet()
    job = whole(Job.load(folder))
    rows = rows_of(first_fit(job), job)
    forecaster, _ = made(job, {"model": "LSTM", **steps}, seed=0)
    began, used = time.perf_counter(), time.process_time()
    forecaster.fit(rows)
    told: dict[str, Any] = {"fit": time.process_time() - used, "fit_elapsed": time.perf_counter() - began}
    told["fitted"] = _typical(forecaster.predict)
    told["new"] = _typical(lambda: forecaster.predict(rows))
    told["versions"] = {name: version(name) for name in ("neuralforecast", "torch", "numpy")}
    said = np.full((len(job.ids), 1, job.horizon, len(job.quantiles)), np.nan)
    Windows(job, [0]).put(said, *values_of(forecaster.predict(), job))
    np.save(folder / "said.npy", said)
    (folder / "speed.json").write_text(json.dumps(told))


def _typical(forecast: Callable[[], Any]) -> float:
    """Median seconds of processor of a forecast."""
    forecast()
    found = []
    for _ in range(REPEATS):
        used = time.process_time()
        forecast()
        found.append(time.process_time() - used)
    return statistics.median(found)


if __name__ == "__main__":
    main()

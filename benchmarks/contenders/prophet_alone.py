"""Prophet: one model per series, fitted anew at every origin; for small sets."""

from __future__ import annotations

import logging
import time
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from prophet import Prophet

from benchmarks.contenders.windows import START, Windows, left_out, period, told_times, whole
from benchmarks.job import Job, Said

__all__ = ["answer"]

MOST_FITS = 200


def answer(job: Job, settings: dict[str, Any], seed: int) -> Said:
    """Settings are arguments of the model; covariates known ahead are extra regressors."""
    fits = int((job.known > 0).sum())
    if fits > MOST_FITS:
        raise SystemExit(
            f"{job.name}: Prophet must be fitted {MOST_FITS} times at most, but got {fits} series and origins. "
            "Choose a smaller set."
        )
    for name in ("prophet", "cmdstanpy"):
        logging.getLogger(name).setLevel(logging.ERROR)
    job = whole(job)
    shape = (len(job.ids), job.windows, job.horizon)
    said, mean = np.full((*shape, len(job.quantiles)), np.nan), np.full(shape, np.nan)
    seconds = np.zeros(2)
    for window in range(job.windows):
        windows = Windows(job, [window])
        coming = windows.ahead().partition_by("unique_id", as_dict=True)
        for key, rows in windows.raw().partition_by("unique_id", as_dict=True, maintain_order=True).items():
            paths, expected, took = _forecast(job, rows, coming[key], settings, seed)
            windows.put(said, [str(key[0])], np.quantile(paths, job.quantiles, axis=-1).T[None])
            windows.put(mean, [str(key[0])], expected[None])
            seconds += took
    return Said(said, float(seconds[0]), float(seconds[1]), _notes(job), mean)


def _forecast(
    job: Job, rows: pl.DataFrame, coming: pl.DataFrame, settings: dict[str, Any], seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Paths (K, samples) of one series from one origin, expected values (K,), seconds of fitting and of forecasting."""
    past, ahead = _table(rows, ["y", *job.future()]), _table(coming, job.future())
    if job.whole_numbers:
        dates = pd.period_range(START, periods=len(past) + len(ahead), freq=period(job)).to_timestamp()
        past["ds"], ahead["ds"] = dates[: len(past)], dates[len(past) :]
    began = time.perf_counter()
    model = Prophet(**settings)
    for name in job.future():
        model.add_regressor(name)
    model.fit(past, seed=seed)
    fitted = time.perf_counter()
    np.random.seed(seed)  # noqa: NPY002 - what the library draws from
    paths = model.predictive_samples(ahead)["yhat"]
    expected = model.predict(ahead, vectorized=True)["yhat"].to_numpy()
    return paths, expected, np.array([fitted - began, time.perf_counter() - fitted])


def _table(rows: pl.DataFrame, columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame({name: rows[name].to_numpy() for name in ("ds", *columns)})


def _notes(job: Job) -> tuple[str, ...]:
    notes = ["one model per series, fitted anew at every origin"]
    return (*notes, *told_times(job), *left_out(job, "left missing"))

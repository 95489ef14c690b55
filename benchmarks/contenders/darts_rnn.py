"""darts' RNNModel with quantile regression: fitted once on what is known at the first origins.

Values are scaled to between 0 and 1 by what is known of each series at first, as the library's `Scaler` does in all of
its examples with networks (https://unit8co.github.io/darts/examples/04-RNN-examples.html).
"""

from __future__ import annotations

import logging
import math
import time
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from darts import TimeSeries
from darts.models import RNNModel
from darts.utils.likelihood_models import QuantileRegression

from benchmarks.contenders.windows import Windows, left_out, whole
from benchmarks.job import Job, Said

__all__ = ["answer"]

SAMPLES = 100
EXAMPLE = (14, 20)
"""Steps of input, and of training, in the library's example, of a monthly series."""
SAMPLES_OF_EPOCH = 3_200
"""About as many are drawn in an epoch, a hundred batches: the library warns that all of long series are too many."""
QUIET = {"enable_progress_bar": False, "enable_model_summary": False}


def answer(job: Job, settings: dict[str, Any], seed: int) -> Said:
    """Settings are arguments of the model."""
    warnings.simplefilter("ignore")
    for name in ("pytorch_lightning", "darts"):
        logging.getLogger(name).setLevel(logging.ERROR)
    job, low, span = _scaled(whole(job))
    inputs, length = _lengths(job)
    model = RNNModel(
        input_chunk_length=inputs,
        training_length=length,
        likelihood=QuantileRegression(list(job.quantiles)),
        random_state=seed,
        pl_trainer_kwargs=QUIET,
        **settings,
    )
    series, covariates, _ = _series(Windows(job, [0]), None, ahead=False)
    stride = _stride(job, sum(max(len(each) - length, 1) for each in series))
    began = time.perf_counter()
    model.fit(series, future_covariates=covariates, stride=stride)
    fitted = time.perf_counter()
    shape = (len(job.ids), job.windows, job.horizon)
    said, mean = np.full((*shape, len(job.quantiles)), np.nan), np.full(shape, np.nan)
    for windows in Windows.all(job, inputs):
        series, covariates, names = _series(windows, inputs, ahead=True)
        found = model.predict(job.horizon, series, future_covariates=covariates, num_samples=SAMPLES)
        paths = np.stack([each.all_values()[:, 0] for each in found])  # (N, K, samples)
        windows.put(said, names, np.moveaxis(np.quantile(paths, job.quantiles, axis=-1), 0, -1))
        windows.put(mean, names, paths.mean(-1))
    done = time.perf_counter()
    said, mean = (
        said * span[:, None, None, None] + low[:, None, None, None],
        mean * span[:, None, None] + low[:, None, None],
    )
    return Said(said, fitted - began, done - fitted, _notes(job, inputs, length, stride), mean)


def _scaled(job: Job) -> tuple[Job, np.ndarray, np.ndarray]:
    """Values and covariates between 0 and 1 on what is known at the first origin of each series; offsets and spans."""
    first = np.where(job.known > 0, job.known, np.iinfo(np.int64).max).min(1)
    known = pl.int_range(pl.len()).over("unique_id") < pl.Series(np.repeat(first, np.diff(job.starts)))
    columns = ["y", *job.future()]
    seen = job.rows.filter(known).group_by("unique_id", maintain_order=True)
    low, high = seen.agg(pl.col(columns).min()), seen.agg(pl.col(columns).max())
    rows = job.rows
    for name in columns:
        ranges = pl.DataFrame({"unique_id": low["unique_id"], "low": low[name], "span": high[name] - low[name]})
        ranges = ranges.with_columns(
            pl.col("low").fill_null(0.0), span=pl.when(pl.col("span") > 0).then("span").otherwise(1.0)
        )
        rows = rows.join(ranges, on="unique_id", how="left", maintain_order="left")
        rows = rows.with_columns(((pl.col(name) - pl.col("low")) / pl.col("span")).alias(name)).drop("low", "span")
        if name == "y":
            offset, span = (ranges[column].to_numpy() for column in ("low", "span"))
    return replace(job, rows=rows), offset, span


def _lengths(job: Job) -> tuple[int, int]:
    """Input of two seasons, or as in the example if there is none; training in its proportion; both fit all series."""
    season = max((job.season, *(job.seasons or ())[:1]))
    inputs = 2 * season if season > 1 else EXAMPLE[0]
    length = round(inputs * EXAMPLE[1] / EXAMPLE[0])
    shortest = int(job.known[job.known > 0].min())
    length = min(length, shortest - 1)
    return min(inputs, length), length


def _stride(job: Job, windows: int) -> int:
    """Steps between windows to train on; in no rhythm with the season, so that they begin anywhere in it."""
    stride = max(1, windows // SAMPLES_OF_EPOCH)
    while math.gcd(stride, job.season) > 1:
        stride += 1
    return stride


def _series(
    windows: Windows, most: int | None, *, ahead: bool
) -> tuple[list[TimeSeries], list[TimeSeries] | None, list[str]]:
    """Series and covariates known ahead as the library wants them, numbered by steps; names of the series."""
    job = windows.job
    names, series, covariates = [], [], []
    coming = windows.ahead().partition_by("unique_id", as_dict=True) if ahead and job.future() else {}
    for key, rows in windows.past(most).partition_by("unique_id", as_dict=True, maintain_order=True).items():
        names.append(str(key[0]))
        series.append(_steps(rows.select("y")))
        if job.future():
            parts = [rows, coming[key]] if ahead else [rows]
            covariates.append(_steps(pl.concat([part.select(job.future()) for part in parts])))
    return series, covariates or None, names


def _steps(values: pl.DataFrame) -> TimeSeries:
    return TimeSeries.from_times_and_values(pd.RangeIndex(len(values)), values.to_numpy().astype(np.float32))


def _notes(job: Job, inputs: int, length: int, stride: int) -> tuple[str, ...]:
    notes = [
        f"fitted once, at the first origins; input of {inputs} steps, trained on {length}",
        f"quantiles and mean of {SAMPLES} paths",
    ]
    if stride > 1:
        notes.append(f"trained on one window in {stride}")
    return (*notes, *left_out(job, "interpolated"))

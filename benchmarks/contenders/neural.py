"""neuralforecast: fitted once on what is known at the first origins, then forecasting from every window."""

from __future__ import annotations

import logging
import time
import warnings
from typing import Any

import numpy as np
import polars as pl
from neuralforecast import NeuralForecast
from neuralforecast.losses.pytorch import MQLoss
from neuralforecast.models import GRU, LSTM, NHITS, PatchTST

from benchmarks.contenders.windows import Windows, filled, first_fit, missing, whole
from benchmarks.job import Job, Said

__all__ = ["answer", "made", "quiet", "rows_of", "values_of"]

MODELS = {model.__name__: model for model in (LSTM, GRU, NHITS, PatchTST)}
INPUTS = 3
"""Horizons of input where nothing is said: what the library takes for a size of -1."""
QUIET = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}


def answer(job: Job, settings: dict[str, Any], seed: int) -> Said:
    """The model of the settings; `inputs` counts horizons of input, all others are arguments of that model."""
    quiet()
    job = whole(job)
    forecaster, told = made(job, dict(settings), seed)
    size = forecaster.models[0].input_size
    began = time.perf_counter()
    forecaster.fit(rows_of(first_fit(job), job), val_size=_validation(job, told))
    fitted = time.perf_counter()
    said = np.full((len(job.ids), job.windows, job.horizon, len(job.quantiles)), np.nan)
    for windows in Windows.all(job, size):
        ahead = windows.ahead() if job.future() else None
        windows.put(said, *values_of(forecaster.predict(rows_of(windows.raw(size), job), futr_df=ahead), job))
    done = time.perf_counter()
    return Said(said, fitted - began, done - fitted, _notes(job, size, told))


def quiet() -> None:
    """No warnings and no word on progress."""
    warnings.simplefilter("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)


def made(job: Job, told: dict[str, Any], seed: int) -> tuple[NeuralForecast, dict[str, Any]]:
    """A forecaster of one model, and the arguments this was given beyond those that the job decides."""
    kind = MODELS[told.pop("model")]
    inputs = told.pop("inputs", INPUTS) * job.horizon
    if not _validation(job, told):
        told.pop("early_stop_patience_steps", None)
    known = {
        "hist_exog_list": job.of_the_past() if kind.EXOGENOUS_HIST else [],
        "futr_exog_list": job.future() if kind.EXOGENOUS_FUTR else [],
    }
    given = {name: columns for name, columns in known.items() if columns}
    shortest = int(job.known[job.known[:, 0] > 0, 0].min()) - _validation(job, told)
    if shortest < inputs:
        told["start_padding_enabled"] = True
    loss = MQLoss(quantiles=list(job.quantiles))
    model = kind(h=job.horizon, input_size=inputs, loss=loss, random_seed=seed, **given, **told, **QUIET)
    return NeuralForecast([model], 1 if job.whole_numbers else job.step), told


def values_of(table: pl.DataFrame, job: Job) -> tuple[list[str], np.ndarray]:
    """Names of N series and their quantiles (N, K, Q) from what the library says."""
    names = table["unique_id"].unique(maintain_order=True).to_list()
    columns = [name for name in table.columns if name not in ("unique_id", "ds")]
    return names, table.select(columns).to_numpy().reshape(len(names), job.horizon, len(job.quantiles))


def _validation(job: Job, told: dict[str, Any]) -> int:
    """Rows to stop early by, where settings want that and the protocol of the set keeps some."""
    return job.validation if "early_stop_patience_steps" in told else 0


def rows_of(raw: pl.DataFrame, job: Job) -> pl.DataFrame:
    """Gaps interpolated; where some were, a mask that keeps them out of the loss and of the scale of a window."""
    rows = filled(raw, "y", *job.of_the_past())
    return rows.with_columns(available_mask=raw["y"].is_not_null().cast(pl.Float64)) if missing(job) else rows


def _notes(job: Job, inputs: int, told: dict[str, Any]) -> tuple[str, ...]:
    notes = [f"fitted once, at the first origins; input of {inputs} steps"]
    if told:
        notes.append(", ".join(f"{name}={value}" for name, value in told.items()))
    if missing(job):
        notes.append("missing values are interpolated and marked in available_mask")
    return tuple(notes)

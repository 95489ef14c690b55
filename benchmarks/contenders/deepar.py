"""gluonts' DeepAR for torch: fitted once on what is known at the first origins, then forecasting from every window."""

from __future__ import annotations

import logging
import tempfile
import time
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import torch
from gluonts.dataset.common import ListDataset
from gluonts.torch.model.deepar import DeepAREstimator
from lightning.pytorch import seed_everything

from benchmarks.contenders.windows import START, Windows, left_out, period, told_times, whole
from benchmarks.job import Job, Said

__all__ = ["answer"]

SAMPLES = 100
"""Paths, the library's default."""
ENDS = {"M": "ME", "Q": "QE", "Y": "YE"}
"""Names of offsets, where they differ from those of periods."""


def answer(job: Job, settings: dict[str, Any], seed: int) -> Said:
    """Settings are arguments of the estimator."""
    warnings.simplefilter("ignore")
    for name in ("lightning.pytorch", "gluonts"):
        logging.getLogger(name).setLevel(logging.ERROR)
    seed_everything(seed)
    job = whole(job)
    known = Windows(job, [0])
    with tempfile.TemporaryDirectory() as folder:
        estimator = _estimator(job, settings, folder)
        began = time.perf_counter()
        predictor = estimator.train(ListDataset(list(_items(known, ahead=False)), freq=period(job)))
        fitted = time.perf_counter()
    torch.manual_seed(seed)
    shape = (len(job.ids), job.windows, job.horizon)
    said, mean = np.full((*shape, len(job.quantiles)), np.nan), np.full(shape, np.nan)
    for windows in Windows.all(job):
        data = ListDataset(list(_items(windows, ahead=True)), freq=period(job))
        for forecast in predictor.predict(data, num_samples=SAMPLES):
            values = np.quantile(forecast.samples, job.quantiles, axis=0).T
            windows.put(said, [forecast.item_id], values[None])
            windows.put(mean, [forecast.item_id], forecast.samples.mean(0)[None])
    done = time.perf_counter()
    return Said(said, fitted - began, done - fitted, _notes(job, settings), mean)


def _estimator(job: Job, settings: dict[str, Any], folder: str) -> DeepAREstimator:
    trainer = {
        "logger": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "default_root_dir": folder,
        **settings.get("trainer_kwargs", {}),
    }
    told = {name: value for name, value in settings.items() if name != "trainer_kwargs"}
    return DeepAREstimator(
        freq=ENDS.get(period(job), period(job)),
        prediction_length=job.horizon,
        num_feat_dynamic_real=len(job.future()),
        trainer_kwargs=trainer,
        **told,
    )


def _items(windows: Windows, *, ahead: bool) -> Iterator[dict[str, Any]]:
    """Series as the library wants them; to forecast `ahead`, covariates go on over the steps asked for."""
    job = windows.job
    coming = windows.ahead().partition_by("unique_id", as_dict=True) if ahead and job.future() else {}
    for key, rows in windows.raw().partition_by("unique_id", as_dict=True, maintain_order=True).items():
        start = START if job.whole_numbers else rows["ds"][0]
        item = {"item_id": key[0], "start": pd.Period(start, freq=period(job)), "target": rows["y"].to_numpy()}
        if job.future():
            parts = [rows, coming[key]] if ahead else [rows]
            item["feat_dynamic_real"] = np.concatenate([part.select(job.future()).to_numpy() for part in parts]).T
        yield item


def _notes(job: Job, settings: dict[str, Any]) -> tuple[str, ...]:
    notes = [f"fitted once, at the first origins; quantiles and mean of {SAMPLES} paths"]
    if settings:
        notes.append(", ".join(f"{name}={value}" for name, value in settings.items()))
    return (*notes, *told_times(job), *left_out(job, "left missing"))

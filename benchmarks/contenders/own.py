"""Foregate itself: fitted once, on what is known at the first origins, and read on from there."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from benchmarks.job import Job, Said
from foregate import Forecaster
from foregate.data import read, regularize

__all__ = ["answer"]


def answer(job: Job, settings: dict[str, Any], seed: int) -> Said:
    """The defaults with the effort that the settings say; instant knows nothing of covariates."""
    covariates = {} if settings["effort"] == "instant" else dict(job.covariates)
    rows = job.rows.select("unique_id", "ds", "y", *covariates)
    panel = regularize(read(rows, covariates=covariates, freq=1 if job.whole_numbers else None))
    order = [job.ids.index(str(name)) for name in panel.ids]
    known = job.known[order]
    which = known[:, 0] > 0
    began = time.perf_counter()
    model = Forecaster(job.horizon, **_seasons(job), seed=seed, verbose=False, **settings).fit(
        panel.take(np.flatnonzero(which)).cut(known[which, 0])
    )
    fitted = time.perf_counter()
    newest = known.max(1)
    seen = panel.cut(newest + job.horizon)
    values = model.fitted_.forecast_origins(seen, np.where(known > 0, known, 1) - 1, job.horizon, job.quantiles)
    done = time.perf_counter()
    out = np.empty_like(values)
    out[order] = values
    return Said(out, fitted - began, done - fitted, tuple(model.report_["notes"]))


def _seasons(job: Job) -> dict[str, Any]:
    """Told where times are whole numbers, of which no calendar can be known; else they are found."""
    return {} if job.seasons is None else {"season_length": job.seasons}

"""Foregate itself: fitted once, on what is known at the first origins, and read on from there."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.job import Job, Said
from foregate import Forecaster, Panel
from foregate.data import read, regularize
from foregate.forecasting.fitted import Fitted

__all__ = ["answer", "answered", "panel_of"]

Fit = Callable[[Panel], tuple[Fitted, Sequence[str]]]
"""Makes a forecaster of a panel, with notes."""


def answer(job: Job, settings: dict[str, Any], seed: int) -> Said:
    """The defaults with the effort that the settings say; instant knows nothing of covariates."""

    def fit(panel: Panel) -> tuple[Fitted, Sequence[str]]:
        # Told where times are whole numbers, of which no calendar can be known; else None, and they are found.
        model = Forecaster(job.horizon, season_length=job.seasons, seed=seed, verbose=False, **settings).fit(panel)
        return model.fitted_, model.report_["notes"]

    return answered(job, fit, covariates=settings["effort"] != "instant")


def answered(job: Job, fit: Fit, *, covariates: bool) -> Said:
    """What a forecaster says from all origins that is fitted at the first ones."""
    panel, order = panel_of(job, covariates=covariates)
    known = job.known[order]
    which = known[:, 0] > 0
    began = time.perf_counter()
    model, notes = fit(panel.take(np.flatnonzero(which)).cut(known[which, 0]))
    fitted = time.perf_counter()
    seen = panel.cut(known.max(1) + job.horizon)
    values = model.forecast_origins(seen, np.where(known > 0, known, 1) - 1, job.horizon, job.quantiles)
    done = time.perf_counter()
    out = np.empty_like(values)
    out[order] = values
    return Said(out, fitted - began, done - fitted, tuple(notes))


def panel_of(job: Job, *, covariates: bool) -> tuple[Panel, NDArray[np.int64]]:
    """The series of a job as a panel, and which of the job's (S,) each of these is."""
    roles = dict(job.covariates) if covariates else {}
    rows = job.rows.select("unique_id", "ds", "y", *roles)
    panel = regularize(read(rows, covariates=roles, freq=1 if job.whole_numbers else None))
    return panel, np.array([job.ids.index(str(name)) for name in panel.ids])

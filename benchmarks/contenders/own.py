"""Foregate itself: fitted once, on what is known at the first origins, and read on from there."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.job import Job, Said
from foregate import Forecaster, Panel
from foregate.data import read, regularize
from foregate.forecasting.fitted import Fitted

__all__ = ["alone", "answer", "answered", "excerpts", "panel_of", "refitted"]

Fit = Callable[[Panel], tuple[Fitted, Sequence[str]]]
"""Makes a forecaster of a panel, with notes."""


def answer(job: Job, settings: dict[str, Any], seed: int) -> Said:
    """The defaults with the effort that the settings say; instant knows nothing of covariates."""
    asked = dict(settings)
    history, refit = asked.pop("history", None), asked.pop("refit", False)

    def fit(panel: Panel) -> tuple[Fitted, Sequence[str]]:
        # Told where times are whole numbers, of which no calendar can be known; else None, and they are found.
        model = Forecaster(job.horizon, season_length=job.seasons, seed=seed, verbose=False, **asked).fit(panel)
        return model.fitted_, model.report_["notes"]

    covariates = asked["effort"] != "instant"
    if refit:
        return refitted(job, fit, covariates=covariates)
    return answered(job, fit, covariates=covariates, history=history)


def answered(job: Job, fit: Fit, *, covariates: bool, history: int | None = None) -> Said:
    """What a forecaster says from all origins that is fitted at the first ones.

    With `history`, no more than so many rows before an origin are read to forecast from it.
    """
    panel, order = panel_of(job, covariates=covariates)
    known = job.known[order]
    which = known[:, 0] > 0
    began = time.perf_counter()
    model, notes = fit(panel.take(np.flatnonzero(which)).cut(known[which, 0]))
    fitted = time.perf_counter()
    seen, origins = panel.cut(known.max(1) + job.horizon), np.where(known > 0, known, 1) - 1
    if history is not None:
        seen, origins = excerpts(seen, origins, history)
    values = model.forecast_origins(seen, origins, job.horizon, job.quantiles)
    values = values.reshape(*known.shape, *values.shape[2:])
    done = time.perf_counter()
    out = np.empty_like(values)
    out[order] = values
    return Said(out, fitted - began, done - fitted, tuple(notes))


def refitted(job: Job, fit: Fit, *, covariates: bool) -> Said:
    """What a forecaster says that is fitted anew at every origin, as competitors do from round to round."""
    said = [answered(alone(job, number), fit, covariates=covariates) for number in range(job.windows)]
    values = np.concatenate([each.values for each in said], 1)
    notes = tuple(dict.fromkeys(note for each in said for note in each.notes))
    seconds = (sum(getattr(each, name) for each in said) for name in ("fit_seconds", "predict_seconds"))
    return Said(values, *seconds, (f"fitted anew at each of {job.windows} origins.", *notes))


def alone(job: Job, window: int) -> Job:
    """The job of one window, which knows of nothing later."""
    known, lengths = job.known[:, [window]], np.diff(job.starts)
    last = np.where(known[:, 0] > 0, known[:, 0] + job.horizon, lengths)  # a series without an origin is not looked at
    place = np.arange(len(job.rows)) - np.repeat(job.starts[:-1], lengths)
    rows = job.rows.filter(place < np.repeat(last, lengths))
    return replace(job, rows=rows, known=known, asked=None if job.asked is None else job.asked[[window]])


def excerpts(panel: Panel, origins: NDArray[np.int64], history: int) -> tuple[Panel, NDArray[np.int64]]:
    """A series for each origin (S, W), of the last rows up to it, and its last row (S * W, 1): nothing is carried."""
    if panel.covariates or not 1 <= history <= origins.min() + 1:
        raise ValueError(f"series must be without covariates, and have {history} rows before every origin")
    rows = ((panel.offsets[:-1, None] + origins)[..., None] + np.arange(1 - history, 1)).reshape(-1)
    alone = Panel(
        ids=np.array([f"{i}" for i in range(origins.size)]),
        offsets=np.arange(origins.size + 1) * history,
        values=panel.values[rows],
        mask=panel.mask[rows],
        times=panel.times[rows],
        freq=panel.freq,
        spec=panel.spec,
    )
    return alone, np.full((origins.size, 1), history - 1)


def panel_of(job: Job, *, covariates: bool) -> tuple[Panel, NDArray[np.int64]]:
    """The series of a job as a panel, and which of the job's (S,) each of these is."""
    roles = dict(job.covariates) if covariates else {}
    rows = job.rows.select("unique_id", "ds", "y", *roles)
    panel = regularize(read(rows, covariates=roles, freq=1 if job.whole_numbers else None))
    return panel, np.array([job.ids.index(str(name)) for name in panel.ids])

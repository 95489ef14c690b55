"""statsforecast: classical methods, estimated anew at every origin, all series and windows over all cores."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from statsforecast import StatsForecast
from statsforecast.models import AutoCES, AutoETS, AutoTheta, SeasonalNaive

from benchmarks.contenders.windows import Windows, missing, whole
from benchmarks.job import Job, Said

__all__ = ["answer"]

MODELS = {model.__name__: model for model in (SeasonalNaive, AutoETS, AutoTheta, AutoCES)}
LOOKBACK = 2_000
"""Rows before an origin that are read at most."""
ROWS = 200_000
"""Handed over in one call: results of all processes are held at once."""


def answer(job: Job, settings: dict[str, Any], seed: int) -> Said:
    """The median over the models that the settings name, quantile by quantile; `seed` has nothing to decide."""
    job = whole(job)
    names = tuple(settings["models"])
    said = np.full((len(job.ids), job.windows, job.horizon, len(job.quantiles)), np.nan)
    fell = dict.fromkeys(names, 0)
    began = time.perf_counter()
    for windows in Windows.all(job, LOOKBACK, rows=ROWS):
        found, ids = _forecasts(windows, names)
        naive = found.pop("naive")
        for name, values in found.items():
            bad = ~np.isfinite(values).all((1, 2))
            values[bad] = naive[bad]
            fell[name] += int((values == naive).all((1, 2)).sum()) if name != "SeasonalNaive" else 0
        windows.put(said, ids, np.median(list(found.values()), 0))
    seconds = time.perf_counter() - began
    return Said(said, seconds, 0.0, _notes(job, names, fell))


def _forecasts(windows: Windows, names: tuple[str, ...]) -> tuple[dict[str, np.ndarray], list[str]]:
    """Quantiles (N, K, Q) of each model, and of a fallback as "naive"; names of the N series."""
    job = windows.job
    models = [MODELS[name](season_length=job.season, alias=name) for name in names]
    naive = SeasonalNaive(season_length=job.season, alias="naive")
    forecaster = StatsForecast([*models, naive], 1 if job.whole_numbers else job.step, n_jobs=-1, fallback_model=naive)
    levels = {q: _number(round(100 * abs(1 - 2 * q), 6)) for q in job.quantiles}
    past = windows.past(LOOKBACK).select("unique_id", "ds", "y")
    table = forecaster.forecast(job.horizon, past, level=sorted({level for level in levels.values() if level}))
    columns = {q: f"-{'lo' if q < 0.5 else 'hi'}-{level}" if level else "" for q, level in levels.items()}
    ids = table["unique_id"].unique(maintain_order=True).to_list()
    found = {
        name: table.select(name + columns[q] for q in job.quantiles).to_numpy().reshape(len(ids), job.horizon, -1)
        for name in (*names, "naive")
    }
    return {name: np.array(values) for name, values in found.items()}, ids


def _number(level: float) -> float:
    """As columns are named by it: whole where it is whole."""
    return int(level) if level == int(level) else level


def _notes(job: Job, names: tuple[str, ...], fell: dict[str, int]) -> tuple[str, ...]:
    notes = [
        f"estimated anew at every origin on the last {LOOKBACK:,} rows at most, in one step with forecasting",
        "memory of the processes that estimate is not counted",
        f"told a season of {job.season}",
    ]
    if job.covariates:
        notes.append("covariates are not used")
    if missing(job):
        notes.append("missing values are interpolated, as these methods need a value at every step")
    if job.season > 24 and "AutoETS" in names:
        notes.append(f"AutoETS takes no season longer than 24: of {job.season} it knows nothing")
    many = int((job.known > 0).sum())
    notes += [f"{name} says what SeasonalNaive says on {n} of {many}: where it failed" for name, n in fell.items() if n]
    return tuple(notes)

"""One model through all windows of a backtest: fit, forecast until the next fit, and so on."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from foregate.core import Fit, Forecast, Future, Model, ModelError, OriginModel, Panel
from foregate.evaluation.baselines import Baseline
from foregate.evaluation.plan import Course

__all__ = ["Contender", "Run", "Seconds", "run"]

Contender: TypeAlias = Fit | Model
"""What can be tested: a function that fits on a panel and returns a model, or a model as it is."""


@dataclass(frozen=True)
class Seconds:
    """Wall-clock time that one model took."""

    fit: float
    """All its fits together."""
    predict: float
    """All its forecasts together."""


@dataclass(frozen=True)
class Run:
    """What one model said in every window."""

    name: str
    values: NDArray[np.float64]
    """(S, W, K, Q); NaN where there is no origin."""
    seconds: Seconds
    seen: bool
    """Whether the model was given fitted, and so may know the test windows."""
    notes: tuple[str, ...] = ()


def run(name: str | None, contender: Contender, course: Course) -> Run:
    """Forecast every window of a course with one model.

    Raises:
        ModelError: the model returned something else than finite, ascending quantiles of the steps asked for.
    """
    n_series, n_windows = course.origins.shape
    values = np.full((n_series, n_windows, course.plan.horizon, len(course.plan.all_quantiles)), np.nan)
    seconds = Seconds(0.0, 0.0)
    notes: list[str] = []
    given = isinstance(contender, Model)
    every = int(course.plan.refit) if course.plan.refit and not given else n_windows
    for first in range(0, n_windows, every):
        windows = np.arange(first, min(first + every, n_windows))
        began = time.perf_counter()
        model = contender if isinstance(contender, Model) else contender(_known_at(course, first))
        fitted = time.perf_counter()
        notes += _forecast(model, course, windows, values)
        seconds = Seconds(seconds.fit + fitted - began, seconds.predict + time.perf_counter() - fitted)
    values[course.origins < 0] = np.nan
    name = name or model.name
    seen = given and not isinstance(contender, Baseline)
    if seen:
        notes.insert(0, f"{name} was given fitted: it may have been fitted on data that includes the test windows.")
    return Run(name, values, seconds, seen, tuple(dict.fromkeys(notes)))


def _present(course: Course, window: int) -> NDArray[np.int64]:
    """Numbers of the series that have an origin in a window."""
    return np.flatnonzero(course.origins[:, window] >= 0)


def _known_at(course: Course, window: int) -> Panel:
    """What may be known at the origins of a window; later rows do not exist."""
    which = _present(course, window)
    return course.panel.take(which).cut(course.origins[which, window] + 1)


def _forecast(model: Model, course: Course, windows: NDArray[np.int64], values: NDArray[np.float64]) -> tuple[str, ...]:
    """Fill in `values` (S, W, K, Q) of some windows, and return the model's notes."""
    plan, quantiles = course.plan, course.plan.all_quantiles
    notes: list[str] = []
    if isinstance(model, OriginModel):
        which = _present(course, windows[-1])
        newest = course.origins[which, windows[-1]]
        origins = course.origins[which][:, windows]
        origins = np.where(origins >= 0, origins, newest[:, None])  # any origin will do: it is not looked at
        panel = course.panel.take(which).cut(newest + 1 + plan.reach)
        said = model.forecast_origins(panel, origins, plan.reach, quantiles)
        _refuse_unusable(model.name, said, (*origins.shape, plan.reach, len(quantiles)))
        values[np.ix_(which, windows)] = said[:, :, plan.gap :]
        return ()
    for window in windows:
        which = _present(course, window)
        forecast = model.forecast(_known_at(course, window), plan.reach, quantiles, _future(course, which, window))
        _refuse_unusable(model.name, forecast.values, (len(which), plan.reach, len(quantiles)))
        _refuse_misplaced(model.name, forecast, course, which, window)
        values[which, window] = forecast.values[:, plan.gap :]
        notes += forecast.notes
    return tuple(notes)


def _future(course: Course, which: NDArray[np.int64], window: int) -> Future | None:
    """Known-future covariates of the steps after the origins of a window."""
    rows = course.rows_ahead(which, window)
    known = {name: c.values[rows] for name, c in course.panel.covariates.items() if c.role == "future"}
    return known or None


def _refuse_unusable(name: str, values: NDArray[np.float64], shape: tuple[int, ...]) -> None:
    """A score must not be computed from part of the forecasts, nor from quantiles that cross."""
    if values.shape != shape:
        raise ModelError(
            f"{name} must forecast an array of shape {shape} (series, origins, steps, quantiles), but got "
            f"{values.shape}. Return one number for each."
        )
    unknown = ~np.isfinite(values)
    if np.any(unknown):
        raise ModelError(
            f"{name} must forecast finite numbers, but got {unknown.sum()} of {values.size} that are not. "
            "Let the model fall back to a simple rule, or leave it out."
        )
    if np.any(np.diff(values, axis=-1) < 0):
        raise ModelError(f"{name} must forecast ascending quantiles, but got some that cross. Sort them in the model.")


def _refuse_misplaced(name: str, forecast: Forecast, course: Course, which: NDArray[np.int64], window: int) -> None:
    """A forecast that is for other steps than those asked for would be scored against the wrong values."""
    times = course.panel.times[course.rows_ahead(which, window)]
    if not np.array_equal(forecast.ids, course.panel.ids[which]) or not np.array_equal(forecast.times, times):
        raise ModelError(
            f"{name} must forecast the {course.plan.reach} steps after the last row of each series, in order, but got "
            "other series or times. Begin one step after the last row."
        )

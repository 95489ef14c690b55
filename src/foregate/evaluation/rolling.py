"""One model through all windows of a backtest: fit, forecast until the next fit, and so on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from foregate.core import Fit, Forecast, Future, Model, ModelError, OriginModel
from foregate.evaluation.baselines import Baseline
from foregate.evaluation.plan import Course

__all__ = ["Contender", "Run", "Seconds", "Stretch", "assemble", "fits", "serve"]

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


@dataclass(frozen=True)
class Stretch:
    """What one fit said in the windows that it serves."""

    name: str
    """What the fitted model calls itself."""
    values: NDArray[np.float64]
    """(S, windows, K, Q); NaN where there is no origin."""
    seconds: Seconds
    notes: tuple[str, ...]


def fits(contender: Contender, course: Course) -> list[int]:
    """The windows at which a model is fitted: each fit serves until the next. A model as it is serves them all."""
    n_windows = course.origins.shape[1]
    return [0] if isinstance(contender, Model) else [*range(0, n_windows, course.plan.every)]


def serve(contender: Contender, course: Course, first: int) -> Stretch:
    """Fit at the origin of window `first`, and forecast that window and those up to the next fit.

    Raises:
        ModelError: the model returned something else than finite, ascending quantiles of the steps asked for.
    """
    n_series, n_windows = course.origins.shape
    after = [one for one in fits(contender, course) if one > first]
    windows = np.arange(first, after[0] if after else n_windows)
    values = np.full((n_series, n_windows, course.plan.horizon, len(course.plan.all_quantiles)), np.nan)
    began = time.perf_counter()
    model = contender if isinstance(contender, Model) else contender(course.known_at(first))
    fitted = time.perf_counter()
    notes = _forecast(model, course, windows, values)
    values[course.origins < 0] = np.nan
    seconds = Seconds(fitted - began, time.perf_counter() - fitted)
    return Stretch(model.name, values[:, windows], seconds, tuple(notes))


def assemble(name: str | None, contender: Contender, stretches: Sequence[Stretch]) -> Run:
    """Put together what the fits of one model said, oldest first."""
    name = name or stretches[0].name
    notes = [note for one in stretches for note in one.notes]
    seen = isinstance(contender, Model) and not isinstance(contender, Baseline)
    if seen:
        notes.insert(0, f"{name} was given fitted: it may have been fitted on data that includes the test windows.")
    return Run(
        name=name,
        values=np.concatenate([one.values for one in stretches], axis=1),
        seconds=Seconds(sum(one.seconds.fit for one in stretches), sum(one.seconds.predict for one in stretches)),
        seen=seen,
        notes=tuple(dict.fromkeys(notes)),
    )


def _forecast(model: Model, course: Course, windows: NDArray[np.int64], values: NDArray[np.float64]) -> tuple[str, ...]:
    """Fill in `values` (S, W, K, Q) of some windows, and return the model's notes."""
    plan, quantiles = course.plan, course.plan.all_quantiles
    notes: list[str] = []
    if isinstance(model, OriginModel) and course.one_pass:
        which = course.present(windows[-1])
        newest = course.origins[which, windows[-1]]
        origins = course.origins[which][:, windows]
        origins = np.where(origins >= 0, origins, newest[:, None])  # any origin will do: it is not looked at
        panel = course.panel.take(which).cut(newest + 1 + plan.reach)
        said = model.forecast_origins(panel, origins, plan.reach, quantiles)
        _refuse_unusable(model.name, said, (*origins.shape, plan.reach, len(quantiles)))
        values[np.ix_(which, windows)] = said[:, :, plan.gap :]
        return ()
    for window in windows:
        which = course.present(window)
        forecast = model.forecast(course.known_at(window), plan.reach, quantiles, _future(course, which, window))
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

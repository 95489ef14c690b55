"""What would be forecast if what is known of the future were otherwise: a price 10 % lower, a day that is a holiday.

The answer is the model's, of what went together in the past. It is an effect only where nothing else went along with
what is changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foregate.core import Covariate, DataError, Forecast, Panel, UsageError, at_least, listed
from foregate.data import align_future, native_frame, time_column
from foregate.data.frames import id_column, target_keys
from foregate.inspection.subject import series_of

__all__ = ["WhatIf", "what_if"]

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
MOVE = re.compile(r"([+-])\s*(\d+(?:\.\d+)?)\s*(%?)")


@dataclass(frozen=True)
class WhatIf:
    """Forecasts of S series for K steps, as they are and as they would be."""

    as_is: Forecast
    """By what is known of the future."""
    changed: Forecast
    """By what it was changed to."""
    panel: Panel
    """What was gone on from."""
    notes: tuple[str, ...] = ()
    """What the reader should know, such as values that were never seen."""

    @property
    def difference(self) -> FloatArray:
        """(S, K) how much higher the median would be, in the units of the data."""
        moved: FloatArray = self.changed.quantile(0.5) - self.as_is.quantile(0.5)
        return moved

    def frame(self) -> Any:
        """A row per series and step, in the kind of frame that the series came in.

        Columns: id, ``target`` if there are several, time, ``step``, the medians ``as_is`` and ``changed``, their
        ``difference``, and ``percent`` of what it was, empty where that was 0.
        """
        spec, ids = self.panel.spec, np.repeat(self.as_is.ids, self.as_is.horizon)
        columns: dict[str, Any] = target_keys(ids, spec) if spec.target_cols else {}
        if spec.has_ids and not spec.target_cols:
            columns[spec.id_col] = id_column(ids, spec)
        columns[spec.time_col] = time_column(self.as_is.times.reshape(-1), spec)
        was, moved = self.as_is.quantile(0.5).reshape(-1), self.difference.reshape(-1)
        columns["step"] = np.tile(np.arange(1, self.as_is.horizon + 1), len(self.as_is.ids))
        columns |= {"as_is": was, "changed": self.changed.quantile(0.5).reshape(-1), "difference": moved}
        columns["percent"] = np.where(was != 0, 100 * moved / np.where(was != 0, was, 1), np.nan)
        return native_frame(columns, spec)


def what_if(
    model: Any, data: Any, changes: Mapping[str, Any], *, future: Any = None, horizon: int | None = None
) -> WhatIf:
    """Forecast with other values of covariates that are known ahead.

    Args:
        model: a fitted `foregate.Forecaster`, with either runtime.
        data: see `Forecaster.predict`; None for what it was fitted on.
        changes: known-future covariate -> what becomes of its values at all steps ahead. Of numbers: text such as
            ``"-10%"``, ``"+5"`` or ``"-0.5"`` for a move, a number for that number, or an array (K,) or (S, K) of them.
            Of categories: one of them.
        future: the future as it is known, as `Forecaster.predict` takes it.
        horizon: steps ahead; those that the model was fitted for if None.

    Raises:
        UsageError: the model reads no known future, or a change is none that there is.
        DataError: the data has a problem, or the known future misses a step.

    Examples:
        >>> import polars as pl
        >>> from foregate import Forecaster
        >>> rows = {"ds": range(60), "y": [float(i % 7) for i in range(60)], "price": [2.0 + i % 2 for i in range(60)]}
        >>> model = Forecaster(horizon=2, freq=1, season_length=7, options={"steps": 2, "hidden": 8})
        >>> model = model.fit(pl.DataFrame(rows), covariates={"price": "future"})
        >>> ahead = pl.DataFrame({"ds": [60, 61], "price": [2.0, 3.0]})
        >>> what_if(model, None, {"price": "-10%"}, future=ahead).frame().columns
        ['ds', 'step', 'as_is', 'changed', 'difference', 'percent']
    """
    panel, rows = series_of(model, data)
    at_least(1, horizon=1 if horizon is None else horizon)
    fitted = model.fitted_
    known = {column.name for column in fitted.spec.columns if column.role == "future"}
    if not known:
        raise UsageError(
            "the model must read covariates that are known ahead, but got one that reads none. Fit with "
            'covariates={"name": "future"}.'
        )
    if not isinstance(changes, Mapping) or not changes or set(changes) - known:
        got = listed(sorted(map(str, set(changes) - known))) if isinstance(changes, Mapping) and changes else changes
        raise UsageError(
            f"changes must be of known-future covariates, {listed(sorted(known))}, but got {got}. Give for example "
            'changes={"price": "-10%"}.'
        )
    steps = fitted.horizon if horizon is None else horizon
    aligned = align_future(panel, rows if future is None else future, steps)
    notes = list(aligned.notes)
    moved = dict(aligned)
    for name, change in changes.items():
        moved[name] = _changed(name, panel.covariates[name], aligned[name], change)
        notes += _beyond(name, panel.covariates[name], moved[name])
    as_is, changed = (fitted.forecast(panel, steps, (0.05, 0.5, 0.95), each) for each in (aligned, moved))
    return WhatIf(as_is, changed, panel, tuple(notes))


def _changed(name: str, covariate: Covariate, values: Float32Array, change: Any) -> Float32Array:
    """Values (S, K) as a change says; what is missing stays so unless it is said what it shall be."""
    if covariate.categories:
        if change not in covariate.categories:
            raise UsageError(
                f"the change of {name!r} must be one of its categories, {listed(covariate.categories)}, but got "
                f"{change!r}."
            )
        return np.full_like(values, covariate.categories.index(change))
    if isinstance(change, str):
        move = MOVE.fullmatch(change.strip())
        if move is None:
            raise UsageError(
                f"the change of {name!r} must be a move such as '-10%' or '+5', a number or an array, but got "
                f"{change!r}."
            )
        size = float(move[2]) * (-1 if move[1] == "-" else 1)
        return (values * (1 + size / 100) if move[3] else values + size).astype(np.float32)
    if isinstance(change, bool) or not isinstance(change, (Real, np.ndarray, list, tuple)):
        raise UsageError(
            f"the change of {name!r} must be a move such as '-10%' or '+5', a number or an array, but got {change!r}."
        )
    given = np.asarray(change, np.float32)
    if given.shape not in ((), values.shape[1:], values.shape):
        raise DataError(
            f"the values of {name!r} must be one, {values.shape[1]} by step or {values.shape} by series and step, but "
            f"got shape {given.shape}."
        )
    return np.broadcast_to(given, values.shape).copy()


def _beyond(name: str, covariate: Covariate, values: Float32Array) -> list[str]:
    """What to say of numbers that lie outside of all that was seen."""
    seen = covariate.values[~np.isnan(covariate.values)]
    if covariate.categories or not len(seen):
        return []
    low, high = float(seen.min()), float(seen.max())
    outside = (values < low) | (values > high)
    if not outside.any():
        return []
    return [
        f"{int(outside.sum())} of {values.size} changed values of {name!r} lie outside of {low:g} to {high:g}, all "
        "that the series show: what is forecast there was never learnt."
    ]

"""Foregate's own network on the panels of the lab, from random weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.lab.data import Panel, panel
from benchmarks.lab.scale import Scale
from foregate import Forecaster
from foregate.core import Panel as Series
from foregate.data.augment import Augment

__all__ = ["estimator", "fit", "forecast", "said"]

FAST: dict[str, Any] = {"decoder": 32, "batch": 16, "crop": 96, "members": 1, "start": "scratch"}


def forecast(settings: dict[str, Any], data: str, scale: Scale, seed: int) -> dict[str, Any]:
    """Fit on a panel and forecast from its origins: errors. Settings are fields of a recipe, and ``model``."""
    given = panel(data, scale, seed)
    return given.errors(said(fit(settings, given, scale, seed), given))


def estimator(settings: dict[str, Any], given: Panel, scale: Scale, seed: int) -> Forecaster:
    """Not fitted yet. ``length`` in the settings multiplies the steps of training."""
    options = {"hidden": scale.hidden} | FAST | settings
    model, effort = options.pop("model", None), options.pop("effort", "fast")
    if "augment" in options:
        options["augment"] = Augment(**options["augment"])
    if options.get("start") == "scratch":
        options["steps"] = max(1, round(scale.own_steps * options.pop("length", 1.0)))
    return Forecaster(
        given.horizon,
        model=model,
        season_length=given.seasons,
        effort=effort,
        seed=seed,
        options={name: value for name, value in options.items() if value is not None},
        verbose=False,
    )


def fit(settings: dict[str, Any], given: Panel, scale: Scale, seed: int) -> Forecaster:
    """A forecaster of the rows that are trained on."""
    return estimator(settings, given, scale, seed).fit(past(given))


def past(given: Panel) -> Series:
    """The rows that are trained on."""
    return Series.from_arrays([y[:n] for y, n in zip(given.values, given.trained, strict=True)])


def said(forecaster: Forecaster, given: Panel) -> np.ndarray:
    """Medians (S, W, K) from all origins."""
    origins = given.trained[:, None] + given.origins - 1
    every = Series.from_arrays(list(given.values))
    return np.asarray(
        forecaster.fitted_.forecast_origins(every, origins, given.horizon, (0.1, 0.5, 0.9))[..., 1], np.float64
    )

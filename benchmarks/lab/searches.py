"""Searches for better settings, judged on origins that no trial has seen."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.lab.data import Panel, panel
from benchmarks.lab.learn import fitted, say
from benchmarks.lab.own import estimator
from benchmarks.lab.scale import Scale
from benchmarks.lab.settings import Settings
from foregate.core import Panel as Series

if TYPE_CHECKING:
    from optuna import Trial

__all__ = ["own", "textbook"]


def textbook(settings: dict[str, Any], data: str, scale: Scale, seed: int) -> dict[str, float]:
    """The textbook network as it is and as a search by TPE leaves it: both trained anew on all that is known.

    Trials are trained on what lies before, and scored at as many origins as are held back.
    """
    import optuna

    logging.getLogger("optuna").setLevel(logging.WARNING)
    given = panel(data, scale, seed)
    inner = _before(given)

    def score(trial: Trial) -> float:
        chosen = _asked(settings, trial, given.lookback)
        return float(inner.errors(say(*fitted(chosen, inner, scale, seed)))["mase"])

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    began = time.process_time()
    study.optimize(score, n_trials=scale.trials)
    search = time.process_time() - began
    usual = _measured(Settings(**settings), given, scale, seed)
    best = _measured(_chosen(settings, study.best_params), given, scale, seed)
    return _told(usual, best, search)


def own(settings: dict[str, Any], data: str, scale: Scale, seed: int) -> dict[str, float]:
    """`foregate.tune` on the same panel: what it says itself, and the seconds of the first and the best trial."""
    import foregate

    given = panel(data, scale, seed)
    tuning = foregate.tune(
        Series.from_arrays(list(given.values)),
        given.horizon,
        forecaster=estimator(settings, given, scale, seed),
        n_trials=scale.trials,
        seed=seed,
    )
    seconds = [trial.seconds or np.nan for trial in (tuning.trials[0], tuning.winner)]
    gain = tuning.gain
    return _told((gain.default, seconds[0]), (gain.winner, seconds[1]), gain.search_seconds)


def _before(given: Panel) -> Panel:
    """The panel as it was known at the first origin, with origins of its own at its end."""
    span = int(given.origins[-1]) + given.horizon
    known = tuple(y[:n] for y, n in zip(given.values, given.trained, strict=True))
    return replace(given, values=known, trained=given.trained - span)


def _asked(settings: dict[str, Any], trial: Trial, lookback: int) -> Settings:
    trial.suggest_float("rate", 1e-3, 5e-2, log=True)
    trial.suggest_categorical("batch", [16, 32, 64, 128])
    trial.suggest_categorical("hidden", [16, 32, 64])
    trial.suggest_int("layers", 1, 2)
    trial.suggest_categorical("lookback", [lookback // 2, lookback, 2 * lookback])
    trial.suggest_categorical("dropout", [0.0, 0.1, 0.3])
    return _chosen(settings, trial.params)


def _chosen(settings: dict[str, Any], params: dict[str, Any]) -> Settings:
    return Settings(**(settings | params))


def _measured(chosen: Settings, given: Panel, scale: Scale, seed: int) -> tuple[float, float]:
    """MASE on what was held back, and seconds of training."""
    began = time.process_time()
    network, windows = fitted(chosen, given, scale, seed)
    took = time.process_time() - began
    return float(given.errors(say(network, windows))["mase"]), took


def _told(usual: tuple[float, float], best: tuple[float, float], search: float) -> dict[str, float]:
    """Errors and seconds of both, what the search saved in per cent, and what it cost in trainings of the usual one."""
    found = {"default": usual[0], "winner": best[0], "seconds": usual[1], "seconds of the winner": best[1]}
    found |= {"error saved": 100 * (1 - best[0] / usual[0]), "time saved": 100 * (1 - best[1] / usual[1])}
    return {name: round(value, 4) for name, value in (found | {"search": search / usual[1]}).items()}

"""How far off forecasts were, over all windows of a task."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.tasks import Round, Task
from foregate.core import Forecast

__all__ = ["QUANTILES", "Figures", "Score"]

Floats = NDArray[np.float64]

QUANTILES = (0.1, 0.5, 0.9)
"""The median and the bounds of the 80 % interval."""


@dataclass(frozen=True)
class Figures:
    """Of one forecaster on one set."""

    mase: float
    """Mean over series and windows of the mean absolute error over the mean absolute seasonal change of the past."""
    smape: float
    """Percent, as M4 defines it."""
    coverage: float
    """Percent of the values that came inside the 80 % interval."""
    seconds: float
    """To forecast all windows, fitting included."""
    count: int
    """Series and windows in the mean."""

    def owa(self, task: Task) -> float:
        """Mean of sMAPE and MASE, each relative to Naive2's official score (Makridakis et al. 2020)."""
        if task.naive2 is None:
            raise ValueError(f"{task.name} has no official Naive2")
        return 0.5 * (self.smape / task.naive2[0] + self.mase / task.naive2[1])

    def headline(self, task: Task) -> float:
        """OWA where the competition judged by it, else MASE."""
        return self.mase if task.naive2 is None else self.owa(task)


class Score:
    """Adds up the rounds of a task. Series without a scale or without a value that came are left out of the means."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._mase: list[Floats] = []
        self._smape: list[Floats] = []
        self._inside = self._seen = 0

    def add(self, part: Round, said: Forecast) -> None:
        """Take in the forecasts of one round."""
        median, actual, m = said.median, part.actual, self._task.season
        known = np.isfinite(actual)
        able = known.any(1)
        scale = np.array([_mean(np.abs(y[m:] - y[:-m])) for y in map(part.past.series, range(len(part.past)))])
        good = able & (scale > 0)
        error = np.abs(median - actual)
        size = np.abs(median) + np.abs(actual)
        relative = np.where(size > 0, 200 * error / np.where(size > 0, size, 1), np.where(known, 0.0, np.nan))
        self._mase.append(np.nanmean(error[good], 1) / scale[good])
        self._smape.append(np.nanmean(relative[able], 1))
        low, high = said.interval(80)
        self._inside += int(((actual >= low) & (actual <= high))[known].sum())
        self._seen += int(known.sum())

    def figures(self, seconds: float) -> Figures:
        """The means."""
        mase, smape = np.concatenate(self._mase), np.concatenate(self._smape)
        return Figures(float(mase.mean()), float(smape.mean()), 100 * self._inside / self._seen, seconds, len(mase))


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")

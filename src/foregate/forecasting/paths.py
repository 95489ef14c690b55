"""Whole futures instead of quantiles of single steps: what a sum, a maximum or a first time is read from.

At every step the futures of a series lie where its quantiles do; which future is high when is what is added here. A
recursive network has drawn that itself. For the others, the rank of a future wanders from step to step as errors did on
held-out origins: as those of a first-order autoregression, with the correlation of `Calibration.persistence`. Laying
quantiles out by ranks from elsewhere is Schaake shuffle (Clark et al. 2004). Letters: S series, n futures, K steps.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from foregate.core import Future, Panel, at_least
from foregate.data.inputs import Inputs
from foregate.forecasting.fitted import Fitted
from foregate.forecasting.recursion import rolled_paths, states_at

__all__ = ["simulate"]

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


def simulate(fitted: Fitted, panel: Panel, horizon: int, n: int, seed: int, future: Future | None = None) -> FloatArray:
    """Futures (S, n, K) of every series, in the units of the data.

    Each series draws by its own name, so that its futures depend on nothing beside it.

    Args:
        fitted: the model.
        panel: a regular one, which the futures follow.
        horizon: K steps.
        n: futures of each series; at every step they are spread evenly over its distribution.
        seed: same seed, same futures.
        future: known-future covariates.

    Raises:
        DataError: see `Fitted.forecast`.
    """
    at_least(1, n=n, horizon=horizon)
    evenly = (np.arange(n) + 0.5) / n
    values = fitted.forecast(panel, horizon, evenly.tolist(), future).values  # (S, K, n), ascending
    seeds = [[seed, zlib.crc32(name.encode("utf-8", "surrogatepass"))] for name in panel.ids.tolist()]
    if fitted.engine.manner.strategy == "recursive":
        inputs = Inputs(panel, fitted.spec, future)
        state = states_at(fitted.engine, inputs, np.arange(len(panel)), panel.offsets[1:] - 1)
        drawn = rolled_paths(state, np.arange(len(panel)), horizon, n, seeds)
    else:
        drawn = np.stack([_wander(each, n, horizon, fitted.calibration.persistence) for each in seeds])
    ranks = drawn.argsort(1, kind="stable").argsort(1, kind="stable")  # (S, n, K)
    paths: FloatArray = np.take_along_axis(values.swapaxes(1, 2), ranks, 1)
    return paths


def _wander(seed: list[int], n: int, horizon: int, persistence: float) -> FloatArray:
    """Futures (n, K) of a first-order autoregression with variance 1."""
    noise = np.random.default_rng(seed).standard_normal((n, horizon))
    for step in range(1, horizon):
        noise[:, step] = persistence * noise[:, step - 1] + np.sqrt(1 - persistence**2) * noise[:, step]
    return noise

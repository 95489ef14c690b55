"""What the rooms of the house ask of one another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from foregate.core.forecast import Forecast
from foregate.core.panel import Panel

__all__ = ["Engine", "Fit", "Future", "Model", "OriginModel"]

Future = Mapping[str, NDArray[np.float32]]
"""Known-future covariates of the horizon: name -> (S, K), coded like the covariates of the panel."""


@runtime_checkable
class Model(Protocol):
    """Anything that can forecast a panel: the network, a baseline, a wrapper around another library."""

    @property
    def name(self) -> str:
        """The column that its forecasts go by, such as ``LSTM`` or ``SeasonalNaive``."""

    def forecast(
        self, panel: Panel, horizon: int, quantiles: Sequence[float], future: Future | None = None
    ) -> Forecast:
        """Forecast `horizon` steps after the last row of every series of a regular panel."""


@runtime_checkable
class OriginModel(Model, Protocol):
    """A model that can forecast from many origins of a series in one pass."""

    def forecast_origins(
        self, panel: Panel, origins: NDArray[np.int64], horizon: int, quantiles: Sequence[float]
    ) -> NDArray[np.float64]:
        """(S, O, K, Q): forecasts that know the rows up to and including row `origins[s, o]` of series s and no later
        target. Known-future covariates are taken from the panel, which must reach to the last origin + horizon."""


Fit = Callable[[Panel], Model]
"""A function that trains on a regular panel and returns a model: what `backtest` takes."""


class Engine(Protocol):
    """A network as a callable, whatever runs it: float32 arrays in, float32 arrays out."""

    def weights(self) -> Mapping[str, NDArray[np.float32]]:
        """Its parameters, by torch's names: the same whatever runs them."""

    def encode(
        self, features: NDArray[np.float32], carried: NDArray[np.float32] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Read features (B, T, F), going on from what is `carried` (2L, B, H), or from nothing.

        Returns:
            the states (B, T, H) after each step, and what to carry on: hidden and cell states of L layers (2L, B, H).
        """

    def decode(
        self,
        states: NDArray[np.float32],
        features: NDArray[np.float32],
        steps: NDArray[np.float32],
        profiles: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """States (B, H) and features (B, F) at origins, with step features (B, K, S) and profiles (B, K, P), to
        quantiles (B, K, Q) in units of each origin's scale above its level."""

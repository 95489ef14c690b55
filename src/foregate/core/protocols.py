"""What the rooms of the house ask of one another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from foregate.core.forecast import Forecast
from foregate.core.panel import Panel

__all__ = ["Ahead", "Engine", "Fit", "Future", "Manner", "Model", "OriginModel"]

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


class Ahead(NamedTuple):
    """What is known of K steps ahead of B origins."""

    k: NDArray[np.int64]
    """(K,) how far ahead, from 1 on, ascending."""
    steps: NDArray[np.float32]
    """(B, K, S) features of these steps."""
    paths: NDArray[np.float32]
    """(B, K, P) candidate paths, in units of each origin's scale above its level."""
    level: NDArray[np.float32]
    """(B,) what 0 stands for, in the units that the series is read in."""
    scale: NDArray[np.float32]
    """(B,) what 1 stands for above it; positive."""


class Manner(NamedTuple):
    """How a network forecasts: what must be known to ask it, and to understand what it says."""

    levels: tuple[float, ...]
    """Q probabilities that its intervals are judged and calibrated at, ascending, the median in the middle."""
    head: str = "quantiles"
    """What is said of a step: ordered quantiles at these levels, or the parameters of a distribution, see
    `foregate.forecasting.distributions`."""
    strategy: str = "parallel"
    """How several steps are forecast. Of ``recursive``, only the next one is asked for; of ``seq2seq``, all steps up to
    the last one are."""
    reach: int | None = None
    """Steps ahead that it can say anything of; None for any number."""
    draws: int = 0
    """Futures that a recursive forecast draws; 0 for one, of the medians."""


class Engine(Protocol):
    """A network as a callable, whatever runs it: float32 arrays in, float32 arrays out."""

    @property
    def manner(self) -> Manner:
        """How it forecasts."""

    @property
    def carries(self) -> int:
        """C, how many numbers of a series are carried on; zeros before anything was read."""

    @property
    def width(self) -> int:
        """W, numbers of a state."""

    def weights(self) -> Mapping[str, NDArray[np.float32]]:
        """Its parameters, by torch's names: the same whatever runs them."""

    def encode(
        self, features: NDArray[np.float32], columns: NDArray[np.int64], carried: NDArray[np.float32] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Read features (B, T, F), going on from what is `carried` (B, C), or from nothing.

        Returns:
            the states (B, O, W) at origins that lie at `columns` (B, O), 0 to T - 1, each of which has read the steps
            up to its own, and what to carry on (B, C).
        """

    def decode(self, states: NDArray[np.float32], features: NDArray[np.float32], ahead: Ahead) -> NDArray[np.float32]:
        """States (B, W) and features (B, F) at origins to what is said of the steps ahead (B, K, N), in units of each
        origin's scale above its level."""

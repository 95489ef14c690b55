"""Where attention has looked: how much each past row counted in the forecast after the last one."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from foregate.core import Future, Panel, UsageError, at_least, require_regular
from foregate.data.inputs import Inputs
from foregate.forecasting.ensemble import Ensemble
from foregate.forecasting.fitted import Fitted
from foregate.forecasting.origins import DECODER_CELLS, read_origins, require_reach
from foregate.models.decoders import Ahead, Written
from foregate.models.network import Network, One
from foregate.training.engine import TorchEngine

__all__ = ["attention_of"]

Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]


def attention_of(
    fitted: Fitted, panel: Panel, horizon: int | None = None, future: Future | None = None
) -> Float32Array:
    """How much a model looks at each of the last rows when it forecasts what comes after the end of every series.

    Args:
        fitted: run by torch, with attention.
        panel: regular, with the model's covariates.
        horizon: steps ahead; as many as it was made for, if left out.
        future: what is known of them.

    Returns:
        weights (S, K, A, L) of S series, K steps ahead, A heads and L rows back, the newest last. They sum to 1 over
        the rows that there were; the others are 0. K is the horizon where each step looks for itself (`seq2seq` and
        `each`), and 1 where the origin looks once for all of them.

    Raises:
        UsageError: the model has no attention, consists of several networks, or is not run by torch; or the horizon
            lies beyond its reach.
        DataError: the panel is not regular, or a covariate is missing.

    Examples:
        >>> from foregate import Forecaster
        >>> from foregate.data import generate
        >>> panel = generate(2, 60)
        >>> small = {"steps": 2, "hidden": 8}
        >>> model = Forecaster(3, model="dot+lookback=24", season_length=12, options=small).fit(panel)
        >>> attention_of(model.fitted_, model.panel_).shape
        (2, 1, 1, 24)
    """
    network = _network(fitted)
    horizon = fitted.horizon if horizon is None else horizon
    at_least(1, horizon=horizon)
    require_regular(panel)
    require_reach(network.spec.manner, horizon)
    built = network.spec.built
    inputs, heads = Inputs(panel, fitted.spec, future), built.heads if built.attention == "multi-head" else 1
    steps = horizon if built.strategy == "seq2seq" else (built.reach or 1) if built.strategy == "each" else 1
    weights = np.zeros((len(panel), steps, heads, built.rows_back), np.float32)
    ends = (panel.lengths - 1)[:, None]
    if isinstance(network, One) and network.spec.keeps_memory:
        for series, _, rows, states, features in read_origins(TorchEngine(network), inputs, ends):
            size = max(1, DECODER_CELLS // horizon)
            for part in (slice(i, i + size) for i in range(0, len(rows), size)):
                weights[series[part]] = _written(network, inputs, rows[part], states[part], features[part], horizon)
    else:
        for series, _, _, looked, _ in read_origins(_Looking(network, weights[0].size), inputs, ends):
            weights[series] = looked.reshape(-1, *weights.shape[1:])
    return weights[:, :horizon]


class _Looking(TorchEngine):
    """Reads as a network does, and hands out where it has looked instead of what it has understood."""

    def __init__(self, network: Network, width: int) -> None:
        super().__init__(network)
        self._width = width

    @property
    def width(self) -> int:
        """Numbers of an origin: the weights of every network, head and row."""
        return self._width

    def encode(
        self, features: Float32Array, columns: IntArray, carried: Float32Array | None = None
    ) -> tuple[Float32Array, Float32Array]:
        """Features (B, T, F) to weights (B, O, R·A·L) at columns (B, O) and what to carry on (B, C)."""
        with torch.inference_mode():
            before = None if carried is None else torch.from_numpy(carried)
            read = self.network.attention_weights(torch.from_numpy(features), torch.from_numpy(columns), before)
        return read[0].flatten(2).numpy(), read[1].numpy()


def _written(
    network: One, inputs: Inputs, rows: IntArray, states: Float32Array, features: Float32Array, horizon: int
) -> Float32Array:
    """Weights (B, K, A, L) of the steps that a decoder writes after origins at `rows` (B,)."""
    k = np.arange(1, horizon + 1)
    ahead = Ahead(*map(torch.from_numpy, (k, *inputs.steps(rows, k))))
    seen: list[Written] = []
    with torch.inference_mode():
        network.decode(torch.from_numpy(states), torch.from_numpy(features), ahead, seen)
        weights: Float32Array = torch.stack([each.weights for each in seen if each.weights is not None], 1).numpy()
    return weights


def _network(fitted: Fitted) -> Network:
    """The network of a model, which looks back."""
    engine = fitted.engine
    if isinstance(engine, Ensemble):
        raise UsageError(
            f"fitted must have one network, but got {len(engine.engines)}, each of which looks for itself. Give one: "
            "dataclasses.replace(fitted, engine=fitted.engine.engines[0])."
        )
    if not isinstance(engine, TorchEngine):
        raise UsageError("fitted must be run by torch, but got another engine. Load the model with runtime='torch'.")
    if engine.network.spec.built.attention is None:
        raise UsageError("fitted must have attention, but got a model without. Fit one such as model='additive'.")
    return engine.network

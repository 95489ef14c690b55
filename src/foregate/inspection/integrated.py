"""Integrated gradients of networks, in torch: what `foregate.inspection.attributions` tells of.

Sundararajan, Taly and Yan, "Axiomatic Attribution for Deep Networks" (2017). Between what a network is told, x, and a
reference x', the attribution of input i is (x_i - x'_i) ∫ ∂F/∂x_i dα along the straight line from x' to x. The sum over
all inputs is F(x) - F(x'), which is what tells a complete account from a plausible one. The integral is taken at the
nodes of Gauss and Legendre. These are a few lines of torch; tests hold them to captum, which does the same.

Letters: B origins, one of each series; T rows read before it, F features, K steps, S step features, P candidate paths.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from foregate.core import Engine, Panel, evenly
from foregate.data.feature_names import Feature, encoder_features, path_features, step_features
from foregate.data.inputs import Inputs
from foregate.forecasting.ensemble import Ensemble
from foregate.forecasting.origins import require_reach
from foregate.inspection.subject import Subject
from foregate.models.network import Ahead, Network

__all__ = ["attributed", "integrated"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

REFERENCES = 64
"""Origins of each series whose mean is what the decoder is told in the reference, at most."""


class Moved(NamedTuple):
    """What moved forecasts: the fields of `foregate.inspection.attributions.Attributions`, which says what they are."""

    ids: NDArray[np.str_]
    origins: IntArray
    steps: tuple[int, ...]
    features: tuple[Feature, ...]
    values: FloatArray
    by_distance: FloatArray
    by_row: FloatArray
    difference: FloatArray


def attributed(subject: Subject, step: int | None, nodes: int, which: NDArray[np.bool_] | None = None) -> Moved:
    """See `foregate.inspection.attributions.attributions`; of some of the series (B,) alone, if `which` is given."""
    fitted, panel = subject.fitted, subject.probed()
    panel = panel.take(np.flatnonzero(subject.origins(panel) >= 0))
    some = np.arange(len(panel)) if which is None else np.flatnonzero(which)
    manner = fitted.engine.manner
    horizon = 1 if manner.strategy == "recursive" else max(fitted.horizon, step or 1)
    require_reach(manner, horizon)
    wanted = np.arange(horizon) if step is None else np.array([min(step, horizon) - 1])
    told = _Told.of(Inputs(panel, fitted.spec), subject.origins(panel), horizon, subject.scope.rows).take(some)
    moved, difference = [np.zeros(each.shape) for each in told.x], np.zeros(len(some))
    for share, engine in _engines(fitted.engine):
        function = told.forecast_of(engine.network, wanted, told.carried(engine))
        pieces = integrated(function, told.x, told.reference, nodes)
        with torch.inference_mode():
            difference += share * (function(*told.x) - function(*told.reference)).double().numpy()
        for total, piece in zip(moved, pieces, strict=True):
            total += share * piece.double().numpy()
    spec = fitted.spec
    encoder = encoder_features(spec)
    return Moved(
        panel.ids[some],
        subject.origins(panel)[some],
        tuple((wanted + 1).tolist()),
        (*encoder, *step_features(spec), *path_features(spec)),
        np.concatenate([each.sum(1) for each in moved], 1),
        _by_distance(np.abs(moved[0]), told.column, [feature.lag or 0 for feature in encoder]),
        _by_distance(np.abs(moved[0]), told.column, [0] * len(encoder)),
        difference,
    )


def integrated(
    function: Callable[..., Tensor], x: tuple[Tensor, ...], reference: tuple[Tensor, ...], nodes: int
) -> tuple[Tensor, ...]:
    """Integrated gradients of a function of several arrays, each attribution shaped like what it is of.

    Args:
        function: of arrays (B, ...) to (B,), each of which depends on its own row of them alone.
        x: what is to be explained.
        reference: what it is compared with, shaped alike.
        nodes: of the integral.

    Examples:
        >>> x, nothing = torch.tensor([[1.0, 2.0]]), torch.zeros(1, 2)
        >>> integrated(lambda x: x[:, 0] * x[:, 1], (x,), (nothing,), nodes=2)[0]
        tensor([[1., 1.]])
    """
    places, weights = np.polynomial.legendre.leggauss(nodes)
    total = [torch.zeros_like(each) for each in x]
    for place, weight in zip((places + 1) / 2, weights / 2, strict=True):
        line = zip(reference, x, strict=True)
        here = [(a + float(place) * (b - a)).requires_grad_() for a, b in line]
        gradients = torch.autograd.grad(function(*here).sum(), here, allow_unused=True)
        for each, gradient in zip(total, gradients, strict=True):
            if gradient is not None:
                each += float(weight) * gradient
    return tuple((b - a) * each for a, b, each in zip(reference, x, total, strict=True))


@dataclass(frozen=True)
class _Told:
    """What networks are told of B origins."""

    inputs: Inputs
    first: IntArray
    """(B,) panel row of the first observation."""
    begins: IntArray
    """(B,) panel row that the rows begin at which are told apart."""
    column: IntArray
    """(B,) where the origin lies among them."""
    x: tuple[Tensor, Tensor, Tensor]
    """Features (B, T, F), step features (B, K, S) and paths (B, K, P)."""
    reference: tuple[Tensor, Tensor, Tensor]
    """What an average row and an average origin would be told, shaped alike."""

    @classmethod
    def of(cls, inputs: Inputs, origins: IntArray, horizon: int, rows: int) -> _Told:
        panel, k = inputs.panel, np.arange(1, horizon + 1)
        first = panel.first_observed
        start = np.maximum(origins + 1 - rows, first)
        column, begins = origins - start, panel.offsets[:-1] + start
        T = np.arange(int(column.max(initial=0)) + 1)
        read = np.where(column[:, None] >= T, begins[:, None] + T, -1)
        x = inputs.features(read), *inputs.steps(panel.offsets[:-1] + origins, k)
        some = np.concatenate([_spread(panel, s, int(first[s]), int(origins[s])) for s in range(len(panel))])
        usual = x[0][read >= 0].mean(0), *(each.mean(0) for each in inputs.steps(some, k))
        reference = [np.broadcast_to(a, b.shape).copy() for a, b in zip(usual, x, strict=True)]
        a, b, c = (torch.from_numpy(each) for each in x)
        d, e, f = (torch.from_numpy(each) for each in reference)
        return cls(inputs, panel.offsets[:-1] + first, begins, column, (a, b, c), (d, e, f))

    def take(self, some: IntArray) -> _Told:
        """Of some of the origins, each told as it was, beside the same reference."""
        x, reference = ([each[some] for each in arrays] for arrays in (self.x, self.reference))
        (a, b, c), (d, e, f) = x, reference
        return _Told(self.inputs, self.first[some], self.begins[some], self.column[some], (a, b, c), (d, e, f))

    def carried(self, engine: Any) -> Tensor:
        """(B, C) what a network carries on from the rows before; series by series, as they are of unequal length."""
        out = np.zeros((len(self.begins), engine.carries), np.float32)
        for i, (first, end) in enumerate(zip(self.first, self.begins, strict=True)):
            if end > first:
                block = self.inputs.features(np.arange(first, end)[None])
                out[i] = engine.encode(block, np.zeros((1, 1), np.int64))[1][0]
        return torch.from_numpy(out)

    def forecast_of(self, network: Network, wanted: IntArray, carried: Tensor) -> Callable[..., Tensor]:
        """The mean place of some steps (B,), in units of scale above the level, as a function of all that is told."""
        columns, which = torch.from_numpy(self.column)[:, None], torch.from_numpy(wanted)

        def function(features: Tensor, steps: Tensor, paths: Tensor) -> Tensor:
            states, _ = network.encode(features, columns, carried)
            own = features.gather(1, columns[..., None].expand(-1, -1, features.shape[-1]))[:, 0]
            k = torch.arange(1, steps.shape[1] + 1)
            said = network.decode(states[:, 0], own, Ahead(k, steps, paths))
            return said[:, which, 0].mean(1)  # the first output of every head is the place

        return function


def _engines(engine: Engine) -> Iterator[tuple[float, Any]]:
    """The networks behind an engine of torch, each with its share of the forecast."""
    if not isinstance(engine, Ensemble):
        yield 1.0, engine
        return
    equal = (1 / len(engine.engines),) * len(engine.engines)
    yield from zip(engine.shares or equal, engine.engines, strict=True)


def _spread(panel: Panel, series: int, first: int, last: int) -> IntArray:
    """Panel rows of one series to be averaged over, from its first observation to its origin."""
    rows: IntArray = panel.offsets[series] + first + evenly(last - first + 1, REFERENCES)
    return rows


def _by_distance(sizes: FloatArray, column: IntArray, ago: Sequence[int]) -> FloatArray:
    """(B, D) of (B, T, F) by rows before the origin: those of the row, and how long `ago` before it a feature was."""
    B, T, F = sizes.shape
    lags = np.array(ago)
    back = (column[:, None] - np.arange(T))[..., None] + lags
    out = np.zeros((B, T + int(lags.max())))
    there = (back - lags) >= 0
    np.add.at(out, (np.broadcast_to(np.arange(B)[:, None, None], (B, T, F))[there], back[there]), sizes[there])
    return out

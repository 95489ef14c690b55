"""Where gradients of the forecast go: to the inputs and to the states at every lag.

The network is run with its cells written out gate by gate, step by step, so that every state on the way can be asked
for its gradient; outputs and gradients are those of the fused layers.

Letters: B series, T steps, F features, H hidden, W rows read under gradients, C numbers carried, d dilation.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from foregate.core import Panel
from foregate.data.inputs import Inputs
from foregate.forecasting.fitted import Fitted
from foregate.inspection.subject import Part
from foregate.models.cells import Cell, Fused, Layer, Stack, State
from foregate.models.decoders import Ahead
from foregate.models.encoders import Call, Carried, Encoded, Windowed
from foregate.models.network import One, make_network

__all__ = ["Flow", "Slow", "SlowWindow", "Trace", "flow", "written_out"]

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

BLOCK = 4096
"""Rows that are read at once."""


class Trace(NamedTuple):
    """The states of one layer and direction on the way."""

    layer: int
    """From 1 on."""
    direction: str
    """Empty for the only one, or ``forwards`` and ``backwards``."""
    states: list[State]
    """Of every step, in the order of time, each (B, H)."""


class Flow(NamedTuple):
    """Norms of the gradient of the forecast median, as a mean over the horizon, in units of each series' scale."""

    inputs: FloatArray
    """(S, W) with respect to all that was read at a row, the lag from 0 on; NaN before the first observation."""
    states: dict[tuple[int, str, str], FloatArray]
    """(S, W) with respect to a state, by layer, direction, and ``h`` for what a cell hands on, ``c`` for its memory
    and what is shown of it at once. NaN at rows without one, as between the patches of a window."""


class Slow(Carried):
    """A carried encoder that goes step by step and keeps every state on the way."""

    traces: list[Trace]

    def _layer(
        self,
        layer: Fused,
        d: int,
        x: Tensor,
        state: Tensor,
        masks: Tensor | None,
        seen: list[Call] | None = None,
    ) -> tuple[Tensor, Tensor]:
        """See `Carried._layer`; without dropout."""
        slots = state.reshape(len(state), d, self.kinds, -1)
        cell = cast(Layer, Stack.of(layer).layers[0]).cell.requires_grad_(False)
        before = [cell.carries._make(slots[:, j].unbind(1)) for j in range(d)]
        states = _steps(cell, list(x), before)
        self.traces.append(Trace(len(self.traces) + 1, "", states[d:]))
        after = torch.stack([torch.stack(tuple(each), 1) for each in states[-d:]], 1)
        return torch.stack([each.h for each in states[d:]]), after.flatten(1)


class SlowWindow(Windowed):
    """A windowed encoder that goes step by step and keeps every state on the way."""

    traces: list[Trace]

    def forward(self, features: Tensor, columns: Tensor, carried: Tensor | None = None) -> Encoded:
        """See `Windowed.forward`; without dropout."""
        z, last = self.windows(features, columns, carried)
        for number, layer in enumerate(self.recurrent):
            sides = []
            for direction, each in zip(("forwards", "backwards"), Stack.of(layer).layers, strict=False):
                one = cast(Layer, each)
                cell = one.cell.requires_grad_(False)
                xs = list(z.unbind(1))
                states = _steps(cell, xs[::-1] if one.reverse else xs, [cell.zeros(z[:, 0])])[1:]
                ends = states[-1].h
                sides.append((states[::-1] if one.reverse else states, ends))
                named = direction if layer.bidirectional else ""
                self.traces.append(Trace(number + 1, named, sides[-1][0]))
            z = torch.cat([torch.stack([each.h for each in states], 1) for states, _ in sides], -1)
        z = torch.tanh(self.out(torch.cat([ends for _, ends in sides], -1)))
        return Encoded(z.reshape(*columns.shape, -1), last, None)


def flow(part: Part, fitted: Fitted, panel: Panel, origins: IntArray, furthest: int) -> Flow:
    """Gradients of what one network says at the origins (S,) of series, as far as `furthest` rows back.

    A windowed encoder reads nothing further back than its window.
    """
    inputs, network = Inputs(panel, fitted.spec), written_out(part.network)
    windowed = isinstance(network.encoder, Windowed)
    wide = network.spec.built.rows_back if windowed else furthest + 1
    length = np.where(origins >= 0, origins + 1 - panel.first_observed, 0)
    width, found = np.minimum(length, wide), Flow(np.full((len(panel), furthest + 1), np.nan), {})
    pairs = np.stack([length - width, width], 1)
    for before, own in np.unique(pairs[width > 0], axis=0):
        some = np.flatnonzero((pairs == (before, own)).all(1))
        begins = panel.offsets[some] + panel.first_observed[some]
        carried = None if windowed else _read(part.network, inputs, begins, int(before))
        rows = begins[:, None] + before + np.arange(own)
        features = _differentiate(network, _asked(part, fitted), inputs, rows, carried)
        _keep(found.inputs, some, _norms([features.grad]).reshape(len(some), -1)[:, ::-1])
        for trace in cast(Slow | SlowWindow, network.encoder).traces:
            for name in trace.states[0]._fields:
                norms = _norms([getattr(state, name).grad for state in trace.states]).T
                apart = np.full((len(some), len(trace.states) * network.spec.built.patch), np.nan)
                apart[:, :: network.spec.built.patch] = norms[:, ::-1]
                key = (trace.layer, trace.direction, name)
                _keep(found.states.setdefault(key, np.full_like(found.inputs, np.nan)), some, apart)
    return found


def written_out(network: One) -> One:
    """The same network with its recurrent layers run step by step, without gradients for its weights."""
    encoder, spec = network.encoder, network.spec
    slow: Slow | SlowWindow
    with torch.random.fork_rng(devices=[]):  # first weights, replaced at once, are drawn from a fork
        twin = cast(One, make_network(spec))
        if isinstance(encoder, Carried):
            slow = Slow(spec.n_features, spec.hidden, spec.built, encoder.remembered)
        else:
            slow = SlowWindow(spec.n_features, spec.hidden, spec.built)
    twin.load_state_dict(network.state_dict())
    slow.load_state_dict(encoder.state_dict())
    slow.traces = []
    twin.encoder = slow
    return twin.eval().requires_grad_(False)


def _steps(cell: Cell, xs: list[Tensor], states: list[State]) -> list[State]:
    """States after each of xs (B, F), each step going on from the first of the last `len(states)`."""
    states = list(states)
    for t, x in enumerate(xs):
        state, _ = cell(x, states[t])
        for each in state:
            if each.requires_grad:
                each.retain_grad()
        states.append(state)
    return states


def _asked(part: Part, fitted: Fitted) -> IntArray:
    """The steps ahead whose mean is differentiated: those of the horizon that the network says at once."""
    if part.step is not None:
        return np.array([part.step])
    return np.arange(1, 2 if fitted.engine.manner.strategy == "recursive" else fitted.horizon + 1)


def _read(network: One, inputs: Inputs, begins: IntArray, length: int) -> Tensor | None:
    """What is carried (B, C) after the first rows of series; None where there are none."""
    carried, first = None, torch.zeros(len(begins), 1, dtype=torch.int64)
    for begin in range(0, length, BLOCK):
        rows = begins[:, None] + np.arange(begin, min(begin + BLOCK, length))
        with torch.inference_mode():
            carried = network.encode(torch.from_numpy(inputs.features(rows)), first, carried)[1]
    return None if carried is None else carried.clone()  # one that gradients may go past


def _differentiate(network: One, k: IntArray, inputs: Inputs, rows: IntArray, carried: Tensor | None) -> Tensor:
    """Features of rows (B, W), and all states on the way, with the gradient of the mean median of steps k."""
    encoder = cast(Slow | SlowWindow, network.encoder)
    encoder.traces = []
    features = torch.from_numpy(inputs.features(rows)).requires_grad_()
    last = torch.full((len(rows), 1), rows.shape[1] - 1)
    states, _ = network.encode(features, last, carried)
    ahead = Ahead(*map(torch.from_numpy, (k, *inputs.steps(rows[:, -1], k))))
    said = network.decode(states[:, 0], features[:, -1], ahead)
    said[..., 0].mean(1).sum().backward()  # type: ignore[no-untyped-call]
    return features


def _norms(gradients: list[Tensor | None]) -> FloatArray:
    """Euclidean norms over the last axis; 0 where nothing came back."""
    known = next(each for each in gradients if each is not None) if any(g is not None for g in gradients) else None
    if known is None:
        return np.zeros((len(gradients), 1))
    every = [torch.zeros_like(known) if each is None else each for each in gradients]
    norms: FloatArray = torch.stack(every).double().norm(dim=-1).numpy()
    return norms


def _keep(into: FloatArray, some: IntArray, norms: FloatArray) -> None:
    n = min(norms.shape[1], into.shape[1])
    into[some, :n] = norms[:, :n]

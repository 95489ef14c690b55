"""What every gate of every network did over the last rows of series, replayed exactly.

Histories are read from the first observation on, as forecasts read them; where the last rows begin, the gates are
replayed from the state that the rows before have left. A windowed encoder reads nothing but the window before the last
row, whose steps are shown instead. A decoder that writes step after step has its cell written out, gate by gate: it is
run again from origins, and what its gates do is kept.

Letters: S series, T steps shown, H hidden, B series of a batch, F features, L rows of a window, p rows of a patch,
O origins of each series, K steps ahead.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from foregate.core import Panel
from foregate.data.inputs import Inputs
from foregate.forecasting.origins import DECODER_CELLS, in_batches, read_origins
from foregate.inspection.activations import NAMES, LayerGates
from foregate.inspection.subject import Part, Subject
from foregate.models.cells import Gates, GRUGates, LSTMGates
from foregate.models.decoders import Ahead, Writer, Written
from foregate.models.encoders import Carried, Windowed
from foregate.models.network import One
from foregate.training.engine import TorchEngine

__all__ = ["replayed", "replayed_decoders"]

Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]

BLOCK = 512
"""Rows that are read at once."""


def replayed(subject: Subject, panel: Panel) -> Iterator[LayerGates]:
    """What every layer of every network did over the last rows of every series, `subject.scope.rows` at most."""
    inputs = Inputs(panel, subject.fitted.spec)
    for part in subject.parts:
        if isinstance(part.network.encoder, Windowed):
            yield from _windows(part, part.network.encoder, inputs)
        else:
            assert isinstance(part.network.encoder, Carried)  # there is no third kind
            yield from _carried(part, part.network.encoder, inputs, subject.scope.rows)


def replayed_decoders(subject: Subject, panel: Panel, origins: IntArray) -> Iterator[LayerGates]:
    """What the decoder of every network that has a recurrent one did at each step ahead of origins.

    Args:
        subject: whose networks they are.
        panel: S series.
        origins: (S, O) row of each origin within its series, -1 for none.
    """
    inputs = Inputs(panel, subject.fitted.spec)
    k = np.arange(1, subject.fitted.horizon + 1)
    for part in subject.parts:
        decoder, cell = part.network.decoder, part.network.spec.built.cell
        if not isinstance(decoder, Writer):
            continue
        shape = (*origins.shape, len(k), decoder.cell.hidden)
        shown = {name: np.full(shape, np.nan, np.float32) for name in NAMES[cell]}
        for series, column, rows, states, features in read_origins(TorchEngine(part.network), inputs, origins):
            size = max(1, DECODER_CELLS // len(k))
            for some in (slice(i, i + size) for i in range(0, len(rows), size)):
                given = torch.from_numpy(states[some]), torch.from_numpy(features[some])
                seen: list[Written] = []
                with torch.inference_mode():
                    part.network.decode(*given, Ahead(*map(torch.from_numpy, (k, *inputs.steps(rows[some], k)))), seen)
                for step, each in enumerate(seen):
                    for name, values in _named(cell, each.gates):
                        shown[name][series[some], column[some], step] = values
        yield LayerGates(f"{part.name}, decoder", 1, cell, 1, shown, decoder=True)


def _carried(part: Part, encoder: Carried, inputs: Inputs, rows: int) -> Iterator[LayerGates]:
    panel, layers = inputs.panel, len(encoder.layers)
    length = panel.lengths - panel.first_observed
    T = int(min(rows, length.max(initial=1)))
    names = NAMES[encoder.architecture.cell]
    shape = (len(panel), T, encoder.hidden)
    shown = [{name: np.full(shape, np.nan, np.float32) for name in names} for _ in range(layers)]
    for chosen in in_batches(length):
        for column, there, gates in _blocks(part.network, encoder, inputs, chosen, T):
            series, at = np.nonzero(there)
            place = T - length[chosen][series] + column[at]
            for own, layer in zip(shown, gates, strict=True):
                for name, values in _named(encoder.architecture.cell, layer):
                    own[name][chosen[series], place] = values[series, at]
    for i, own in enumerate(shown):
        yield LayerGates(part.name, i + 1, encoder.architecture.cell, encoder.architecture.dilations[i], own)


def _blocks(
    network: One, encoder: Carried, inputs: Inputs, chosen: IntArray, T: int
) -> Iterator[tuple[IntArray, NDArray[np.bool_], list[Gates]]]:
    """Read histories block by block; of blocks with some of the last T rows: columns, where these are, and gates."""
    panel = inputs.panel
    begins = panel.offsets[chosen] + panel.first_observed[chosen]
    length = (panel.lengths - panel.first_observed)[chosen][:, None]
    carried: Tensor | None = None
    longest = int(length.max())
    for begin in range(0, longest, BLOCK):
        column = np.arange(begin, min(begin + BLOCK, longest))
        block = torch.from_numpy(inputs.features(np.where(column < length, begins[:, None] + column, -1)))
        there = (column < length) & (column >= length - T)
        gates: list[Gates] = []
        with torch.inference_mode():
            if there.any():
                gates = encoder.gates(block, carried)
            if column[-1] + 1 < longest:
                carried = network.encode(block, torch.zeros(len(chosen), 1, dtype=torch.int64), carried)[1]
        if gates:
            yield column, there, gates


def _windows(part: Part, encoder: Windowed, inputs: Inputs) -> Iterator[LayerGates]:
    """The windows before the last rows, read as they are before every origin: from nothing."""
    panel, L, built = inputs.panel, encoder.lookback, encoder.architecture
    length = np.minimum(panel.lengths - panel.first_observed, L)
    names, steps = NAMES[built.cell], L // encoder.patch
    shape = (len(panel), steps, encoder.recurrent[0].hidden_size * (1 + encoder.recurrent[0].bidirectional))
    shown = [{name: np.full(shape, np.nan, np.float32) for name in names} for _ in encoder.layers]
    column = np.arange(L)
    for chosen in in_batches(length):
        own = length[chosen][:, None]
        rows = np.where(column < own, panel.offsets[chosen + 1][:, None] - own + column, -1)
        with torch.inference_mode():
            gates = encoder.gates(torch.from_numpy(inputs.features(rows)), torch.from_numpy(own - 1))
        there = np.arange(steps) >= steps - -(-own // encoder.patch)
        for of, layer in zip(shown, gates, strict=True):
            for name, values in _named(built.cell, layer):
                of[name][chosen] = np.where(there[..., None], values, np.nan)
    for i, of in enumerate(shown):
        yield LayerGates(part.name, i + 1, built.cell, encoder.patch, of)


def _named(cell: str, gates: Gates) -> Iterator[tuple[str, Float32Array]]:
    """The gates of a layer by what they are called; of a simple cell what it says."""
    for name, field in NAMES[cell].items():
        values: Tensor = getattr(gates, field)
        if not isinstance(gates, (LSTMGates, GRUGates)):
            values = torch.tanh(values) if cell == "rnn-tanh" else torch.relu(values)
        yield name, values.numpy()

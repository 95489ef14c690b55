"""What every gate of a fused layer did, from what the layer read and what it gave.

Fused kernels keep their gates to themselves. But the gates of a step depend on what it read and on the output of the
step before alone, and both are known: one multiplication for all steps gives them. The memory of an LSTM, which is no
output, is then added up from the gates step by step. Letters: B sequences, T steps, F inputs, H hidden, D directions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from foregate.core import UsageError
from foregate.models.cells import Fused, GRUGates, LSTMGates, RNNGates
from foregate.models.cells.stack import Gates
from foregate.models.dropout import FusedState

__all__ = ["replay"]


def replay(rnn: Fused, x: Tensor, outputs: Tensor, before: FusedState | None = None) -> Gates:
    """The gates of every step, as the written-out cell gives them; see `foregate.models.cells`.

    Args:
        rnn: one fused layer, in one or two directions, with or without `batch_first`.
        x: (B, T, F), or (T, B, F) as the layer has it: what it read, without dropout of its state.
        outputs: (B, T, D·H) or (T, B, D·H): what it gave.
        before: the state that it went on from; zeros where there was none.

    Returns:
        the gates of each step in the order of time, each shaped like `outputs`.

    Raises:
        UsageError: more than one layer, whose inner outputs nobody saw.

    Examples:
        >>> lstm, x = nn.LSTM(3, 2, batch_first=True), torch.ones(5, 7, 3)
        >>> outputs, (h, c) = lstm(x)
        >>> gates = replay(lstm, x, outputs)
        >>> gates.f.shape, bool(torch.allclose(gates.c[:, -1], c[0], atol=1e-6))
        (torch.Size([5, 7, 2]), True)
    """
    if rnn.num_layers != 1:
        raise UsageError(
            f"The layer must be one, but got num_layers={rnn.num_layers}: what the lower ones gave is not known. "
            "Make each layer a module of its own."
        )
    if rnn.batch_first:
        x, outputs = x.transpose(0, 1), outputs.transpose(0, 1)
    states = None if before is None else before if isinstance(before, tuple) else (before,)
    found = []
    for d, (h, weights) in enumerate(zip(torch.split(outputs, rnn.hidden_size, -1), rnn.all_weights, strict=True)):
        first = [torch.zeros_like(h[0])] * 2 if states is None else [each[d] for each in states]
        ordered = (x.flip(0), h.flip(0)) if d else (x, h)
        gates = _gates(rnn, *ordered, first, weights)
        found.append([each.flip(0) if d else each for each in gates])
    kind: Callable[..., Gates] = type(gates)
    joined = (torch.cat(each, -1) for each in zip(*found, strict=True))
    return kind(*(each.transpose(0, 1) if rnn.batch_first else each for each in joined))


def _gates(rnn: Fused, x: Tensor, h: Tensor, first: Sequence[Tensor], weights: Sequence[Tensor]) -> Gates:
    """The gates (T, B, H) of one direction, which read x (T, B, F) and gave h (T, B, H), in its own order."""
    W, U, b_x, b_h = weights
    earlier = torch.cat([first[0][None], h[:-1]])
    read, kept = functional.linear(x, W, b_x), functional.linear(earlier, U, b_h)
    if isinstance(rnn, nn.LSTM):
        i, f, candidate, o = (read + kept).chunk(4, -1)
        i, f, candidate, o = torch.sigmoid(i), torch.sigmoid(f), torch.tanh(candidate), torch.sigmoid(o)
        return LSTMGates(f, i, candidate, o, _memory(f, i * candidate, first[1]))
    if isinstance(rnn, nn.GRU):
        (r_x, z_x, n_x), (r_h, z_h, n_h) = read.chunk(3, -1), kept.chunk(3, -1)
        r = torch.sigmoid(r_x + r_h)
        return GRUGates(r, torch.sigmoid(z_x + z_h), torch.tanh(n_x + r * n_h))
    return RNNGates(read + kept)


def _memory(kept: Tensor, written: Tensor, c: Tensor) -> Tensor:
    """What a memory (T, B, H) is after each step that keeps a share of it and writes to it."""
    after = torch.empty_like(kept)
    for t in range(len(kept)):
        c = after[t] = torch.addcmul(written[t], kept[t], c)
    return after

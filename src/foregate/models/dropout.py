"""Dropout for recurrent layers: of h_{t-1} with one mask for all steps, and of what goes on to the next layer.

Letters: B sequences, T steps, F inputs, H hidden, L layers, D directions.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn

from foregate.core import UsageError
from foregate.models.cell_spec import CellKind, check_rate
from foregate.models.cells import Cell, Fused, Stack, kind_of

__all__ = ["FusedState", "drop", "read", "recurrent_masks"]

FusedState = Tensor | tuple[Tensor, Tensor]
"""A state as `torch.nn` has it: h (L·D, B, H), or of an LSTM (h, c)."""

_RUN: dict[CellKind, Callable[..., tuple[Tensor, ...]]] = {
    "lstm": torch.lstm,
    "gru": torch.gru,
    "rnn-tanh": torch.rnn_tanh,
    "rnn-relu": torch.rnn_relu,
}
"""What `torch.nn` itself calls, by the name of the cell."""


def drop(x: Tensor, rate: float, *, training: bool, generator: torch.Generator | None = None) -> Tensor:
    """Drop a share of the entries and enlarge the rest, so that the expected value stays; nothing when not training.

    Args:
        x: of any shape.
        rate: the share, 0 up to 1.
        training: whether anything is dropped.
        generator: draws the mask; torch's own random numbers where there is none.

    Raises:
        UsageError: the rate is no share.

    Examples:
        >>> sorted({float(each) for each in drop(torch.ones(100), 0.5, training=True)})
        [0.0, 2.0]
    """
    check_rate("rate", rate)
    return x * _mask(x.shape, rate, x, generator) if training and rate else x


def recurrent_masks(
    layers: Fused | Stack | Cell, rate: float, *, batch: int | None = None, generator: torch.Generator | None = None
) -> Tensor | None:
    """Masks of h_{t-1} for one pass of training: variational dropout (Gal and Ghahramani 2016).

    Args:
        layers: fused, or written out; or a single cell.
        rate: the share dropped, 0 up to 1.
        batch: B for a mask per sequence, which only what is written out can read with; otherwise one for all.
        generator: draws the masks; torch's own random numbers where there is none.

    Returns:
        (L·D, H), or (L·D, B, H), to be given to `read` or to `Stack`; None when the layers are not in training.

    Raises:
        UsageError: the rate is no share.

    Examples:
        >>> recurrent_masks(nn.LSTM(3, 2, num_layers=2), 0.5).shape
        torch.Size([2, 2])
        >>> recurrent_masks(nn.LSTM(3, 2).eval(), 0.5) is None
        True
    """
    check_rate("rate", rate)
    if not layers.training or not rate:
        return None
    weights = [weight for name, weight in layers.named_parameters() if "weight_hh" in name]
    each = (weights[0].shape[1],) if batch is None else (batch, weights[0].shape[1])
    return _mask((len(weights), *each), rate, weights[0], generator)


def read(
    rnn: Fused, x: Tensor, before: FusedState | None = None, masks: Tensor | None = None
) -> tuple[Tensor, FusedState]:
    """Read sequences with fused layers, under dropout of their own states.

    One mask m for all steps and sequences is a mask of weights: U (m ⊙ h_{t-1}) = (U diag m) h_{t-1}. So the fused
    kernels run as they are, on weights whose columns are masked, and gradients reach what is not.

    Args:
        rnn: fused layers.
        x: (B, T, F).
        before: the state to go on from; zeros where there is none.
        masks: (L·D, H) of `recurrent_masks`; without any this is `rnn(x, before)`.

    Returns:
        the outputs (B, T, D·H) and the state after the last step.

    Raises:
        UsageError: the masks are not one per layer and direction.

    Examples:
        >>> rnn = nn.GRU(3, 2, batch_first=True)
        >>> outputs, state = read(rnn, torch.ones(5, 7, 3), masks=recurrent_masks(rnn, 0.5))
        >>> outputs.shape, state.shape
        (torch.Size([5, 7, 2]), torch.Size([1, 5, 2]))
    """
    if masks is None:
        outputs, state = rnn(x, before)
        return outputs, state
    rows = len(rnn.all_weights)
    if masks.shape != (rows, rnn.hidden_size):
        raise UsageError(
            f"masks must be {rows} x {rnn.hidden_size}, one row per layer and direction, but got shape "
            f"{tuple(masks.shape)}. Fused layers share a mask among all sequences: draw it without batch."
        )
    kind = kind_of(rnn)
    weights = [
        weight * masks[k] if place == 1 else weight  # 1: weight_hh, between weight_ih and the biases
        for k, layer in enumerate(rnn.all_weights)
        for place, weight in enumerate(layer)
    ]
    start = _zeros(rnn, x, kind) if before is None else before
    with warnings.catch_warnings():  # cuDNN says that weights made on the way lie apart: they do, and they are small
        warnings.filterwarnings("ignore", message="RNN module weights")
        outputs, *after = _RUN[kind](
            x, start, weights, rnn.bias, rnn.num_layers, rnn.dropout, rnn.training, rnn.bidirectional, rnn.batch_first
        )
    return outputs, (after[0], after[1]) if kind == "lstm" else after[0]


def _zeros(rnn: nn.RNNBase, x: Tensor, kind: CellKind) -> FusedState:
    zeros = x.new_zeros(len(rnn.all_weights), x.shape[0 if rnn.batch_first else 1], rnn.hidden_size)
    return (zeros, zeros) if kind == "lstm" else zeros


def _mask(shape: tuple[int, ...], rate: float, like: Tensor, generator: torch.Generator | None) -> Tensor:
    """0 with a chance of `rate`, otherwise 1 / (1 - rate), so that the mean is 1."""
    device = like.device if generator is None else generator.device
    kept = torch.rand(shape, generator=generator, device=device) >= rate
    return kept.to(like.device, like.dtype) / (1 - rate)

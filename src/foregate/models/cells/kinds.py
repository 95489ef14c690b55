"""Cells by their names: the fused layers of `torch.nn`, and those written out."""

from __future__ import annotations

from torch import nn

from foregate.core import UsageError, at_least
from foregate.models.cell_spec import CellKind, check_rate, checked_kind
from foregate.models.cells.base import Cell
from foregate.models.cells.gru import GRUCell
from foregate.models.cells.lstm import LSTMCell
from foregate.models.cells.rnn import RNNCell

__all__ = ["Fused", "fused", "kind_of", "make_cell"]

Fused = nn.RNN | nn.GRU | nn.LSTM


def fused(
    kind: CellKind, n_inputs: int, hidden: int, *, layers: int = 1, bidirectional: bool = False, dropout: float = 0.0
) -> Fused:
    """Fused layers that read sequences (B, T, F).

    Args:
        kind: one of `cell_spec.CELLS`.
        n_inputs: F, what is read at a step.
        hidden: H, units of a layer.
        layers: L, each reading the outputs of the one below.
        bidirectional: whether every layer also reads from the last step to the first; every output then depends on
            every step, which only a window of the past may.
        dropout: share of the outputs dropped between layers in training, drawn from torch's own random numbers.

    Raises:
        UsageError: an unknown cell, an impossible size, or dropout between layers of which there is one.

    Examples:
        >>> fused("gru", 3, 2)
        GRU(3, 2, batch_first=True)
        >>> fused("rnn-relu", 3, 2, layers=2).nonlinearity
        'relu'
    """
    at_least(1, n_inputs=n_inputs, hidden=hidden, layers=layers)
    check_rate("dropout", dropout)
    if dropout and layers == 1:
        raise UsageError(f"dropout between layers must have two of them, but got {dropout} with layers=1. Add a layer.")
    match checked_kind(kind):
        case "lstm":
            return nn.LSTM(n_inputs, hidden, layers, True, True, dropout, bidirectional)
        case "gru":
            return nn.GRU(n_inputs, hidden, layers, True, True, dropout, bidirectional)
        case "rnn-tanh":
            return nn.RNN(n_inputs, hidden, layers, "tanh", True, True, dropout, bidirectional)
        case "rnn-relu":
            return nn.RNN(n_inputs, hidden, layers, "relu", True, True, dropout, bidirectional)


def make_cell(kind: CellKind, n_inputs: int, hidden: int) -> Cell:
    """One cell written out: state in, state and gates out, for those who go step by step.

    Raises:
        UsageError: an unknown cell, or an impossible size.

    Examples:
        >>> import torch
        >>> cell = make_cell("gru", 3, 2)
        >>> state, gates = cell(torch.ones(5, 3), cell.zeros(torch.ones(5, 3)))
        >>> state.h.shape
        torch.Size([5, 2])
    """
    at_least(1, n_inputs=n_inputs, hidden=hidden)
    match checked_kind(kind):
        case "lstm":
            return LSTMCell(n_inputs, hidden)
        case "gru":
            return GRUCell(n_inputs, hidden)
        case "rnn-tanh":
            return RNNCell(n_inputs, hidden, "tanh")
        case "rnn-relu":
            return RNNCell(n_inputs, hidden, "relu")


def kind_of(rnn: Fused) -> CellKind:
    """The name of the cell that fused layers are made of.

    Examples:
        >>> kind_of(nn.RNN(3, 2, nonlinearity="relu"))
        'rnn-relu'
    """
    if isinstance(rnn, nn.LSTM):
        return "lstm"
    if isinstance(rnn, nn.GRU):
        return "gru"
    return "rnn-relu" if rnn.nonlinearity == "relu" else "rnn-tanh"

"""The loops that run written-out cells over sequences: one layer, or a stack as `torch.nn` has it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from foregate.core import UsageError, at_least
from foregate.models.cell_spec import CellKind
from foregate.models.cells.base import Cell, State
from foregate.models.cells.gru import GRUGates
from foregate.models.cells.kinds import Fused, kind_of, make_cell
from foregate.models.cells.lstm import LSTMGates
from foregate.models.cells.rnn import RNNGates

__all__ = ["Gates", "Layer", "Stack"]

Gates = LSTMGates | GRUGates | RNNGates


class Layer(nn.Module):
    """A cell run over sequences, one step after the other; `reverse` goes from the last step to the first."""

    def __init__(self, cell: Cell, *, reverse: bool = False) -> None:
        super().__init__()
        self.cell, self.reverse = cell, reverse

    def forward(
        self, x: Tensor, before: State | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, State, Gates]:
        """Read x (B, T, F), going on from a state or from zeros.

        Args:
            x: (B, T, F) with T at least 1.
            before: the state that the first step begins with.
            mask: (H), or (B, H) with a row per sequence: dropout of h_{t-1}, the same at every step.

        Returns:
            the outputs (B, T, H), the state after the last step, and the gates of every step, each (B, T, H). All are
            in the order of time: a layer that reads in reverse ends at the first step.

        Examples:
            >>> outputs, state, gates = Layer(make_cell("gru", 3, 2))(torch.ones(5, 7, 3))
            >>> outputs.shape, torch.equal(outputs[:, -1], state.h)
            (torch.Size([5, 7, 2]), True)
        """
        state = self.cell.zeros(x) if before is None else before
        outputs, gates = [], []
        steps = range(x.shape[1])
        for t in reversed(steps) if self.reverse else steps:
            state, opened = self.cell(x[:, t], state, mask)
            outputs.append(state.h)
            gates.append(opened)
        if self.reverse:
            outputs.reverse()
            gates.reverse()
        return torch.stack(outputs, 1), state, gates[0]._make(torch.stack(each, 1) for each in zip(*gates, strict=True))


class Stack(nn.Module):
    """Layers upon layers of one cell: the plain twin of `nn.RNN`, `nn.GRU` and `nn.LSTM`, in one or two directions.

    Of two directions both outputs are read by the next layer. Every output then depends on every step of what is read,
    so two directions are for windows of the past alone.
    """

    def __init__(
        self, kind: CellKind, n_inputs: int, hidden: int, *, layers: int = 1, bidirectional: bool = False
    ) -> None:
        super().__init__()
        at_least(1, layers=layers)
        self.directions = 2 if bidirectional else 1
        self.batch_first = True
        """Whether sequences come as (B, T, F), or as (T, B, F)."""
        self.layers = nn.ModuleList(
            Layer(make_cell(kind, n_inputs if level == 0 else self.directions * hidden, hidden), reverse=reverse)
            for level in range(layers)
            for reverse in ((False, True) if bidirectional else (False,))
        )

    @classmethod
    def of(cls, rnn: Fused) -> Stack:
        """The plain twin of fused layers, with a copy of their weights. It drops nothing out between layers.

        Raises:
            UsageError: the layers have a projection, or no biases.

        Examples:
            >>> rnn = nn.GRU(3, 2, num_layers=2, bidirectional=True)
            >>> outputs, state, gates = Stack.of(rnn)(torch.ones(7, 5, 3))
            >>> torch.allclose(outputs, rnn(torch.ones(7, 5, 3))[0], atol=1e-6)
            True
            >>> outputs.shape, state.h.shape, len(gates), gates[0].z.shape
            (torch.Size([7, 5, 4]), torch.Size([4, 5, 2]), 4, torch.Size([5, 7, 2]))
        """
        if rnn.proj_size or not rnn.bias:
            raise UsageError(
                f"Layers must have biases and no projection to be written out, but got bias={rnn.bias} and "
                f"proj_size={rnn.proj_size}. Make them with bias=True and proj_size=0."
            )
        with torch.device("meta"):  # weights come from the fused layers, not from the caller's random numbers
            twin = cls(
                kind_of(rnn),
                rnn.input_size,
                rnn.hidden_size,
                layers=rnn.num_layers,
                bidirectional=rnn.bidirectional,
            )
        for layer, weights in zip(twin.layers, rnn.all_weights, strict=True):
            names = ("cell.weight_ih", "cell.weight_hh", "cell.bias_ih", "cell.bias_hh")
            copies = {name: weight.detach().clone() for name, weight in zip(names, weights, strict=True)}
            layer.load_state_dict(copies, assign=True)
        twin.batch_first = rnn.batch_first
        return twin.train(rnn.training)

    def forward(
        self, x: Tensor, before: State | None = None, masks: Tensor | Sequence[Tensor] | None = None
    ) -> tuple[Tensor, State, tuple[Gates, ...]]:
        """Read x (B, T, F), going on from a state or from zeros.

        Args:
            x: (B, T, F), or (T, B, F) where not `batch_first`.
            before: the state of all layers, each field (L·D, B, H): layer by layer, forwards before backwards.
            masks: (L·D, H), or (L·D, B, H) with a row per sequence: dropout of each layer's h_{t-1}.

        Returns:
            the last layer's outputs (B, T, D·H), the state of all layers, each field (L·D, B, H), and the gates of each
            layer and direction, always (B, T, H).
        """
        z = x if self.batch_first else x.transpose(0, 1)
        after, gates, sides = [], [], []
        for k, layer in enumerate(self.layers):
            state = None if before is None else type(before)._make(each[k] for each in before)
            outputs, state, opened = layer(z, state, None if masks is None else masks[k])
            after.append(state)
            gates.append(opened)
            sides.append(outputs)
            if len(sides) == self.directions:
                z, sides = torch.cat(sides, -1), []
        states = after[0]._make(torch.stack(each) for each in zip(*after, strict=True))
        return z if self.batch_first else z.transpose(0, 1), states, tuple(gates)

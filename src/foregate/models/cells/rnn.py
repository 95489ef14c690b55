"""The simple recurrent network of Elman (1990), with tanh or with relu: no gates, so nothing holds its memory."""

from __future__ import annotations

from typing import ClassVar, Literal, NamedTuple

import torch
from torch import Tensor

from foregate.models.cells.base import Cell, HiddenState, seen

__all__ = ["RNNCell", "RNNGates"]


class RNNGates(NamedTuple):
    """What a simple cell did at one step, or a layer at every step: (B, H) or (B, T, H). It has no gates."""

    a: Tensor
    """What was read, before tanh or relu bends it."""


class RNNCell(Cell):
    """One step: what is read and the state before, to the state after and what led to it.

    Weights are named and shaped as in `torch.nn.RNN`.
    """

    blocks: ClassVar[int] = 1

    def __init__(self, n_inputs: int, hidden: int, nonlinearity: Literal["tanh", "relu"] = "tanh") -> None:
        super().__init__(n_inputs, hidden)
        self.bend = {"tanh": torch.tanh, "relu": torch.relu}[nonlinearity]

    def forward(self, x: Tensor, state: HiddenState, mask: Tensor | None = None) -> tuple[HiddenState, RNNGates]:
        """Read x (B, F) in a state, h (B, H) of the step before; a mask (H) or (B, H) drops units of h.

            a_t = W x_t + U h_{t-1} + b        (1) read
            h_t = tanh(a_t) or relu(a_t)       (2) the output, and the memory

        Examples:
            >>> state, gates = RNNCell(3, 2)(torch.ones(5, 3), HiddenState(torch.zeros(5, 2)))
            >>> torch.equal(state.h, torch.tanh(gates.a))
            True
        """
        W, U, b = self.weight_ih, self.weight_hh, self.bias_ih + self.bias_hh
        a = x @ W.T + seen(state.h, mask) @ U.T + b  # (1)
        return HiddenState(self.bend(a)), RNNGates(a)  # (2)

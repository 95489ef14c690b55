"""The gated recurrent unit written out: Cho et al. (2014), with the reset gate where `torch.nn.GRU` has it.

Cho et al. reset what the candidate reads, U(r ⊙ h); torch and cuDNN reset what was read, r ⊙ (U h + b). Their update
gate z keeps the old state, as the LSTM's forget gate keeps the memory.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from foregate.models.cells.base import Cell, HiddenState, seen

__all__ = ["GRUCell", "GRUGates"]


class GRUGates(NamedTuple):
    """What a GRU did at one step, or a layer at every step: (B, H) or (B, T, H)."""

    r: Tensor
    """How much of the state the candidate sees, 0 to 1."""
    z: Tensor
    """How much of the state is kept, 0 to 1."""
    candidate: Tensor
    """What is written to the share that is not kept, -1 to 1."""


class GRUCell(Cell):
    """One step: what is read and the state before, to the state after and the gates.

    Weights are named, shaped and ordered (r, z, candidate) as in `torch.nn.GRU`.
    """

    blocks: ClassVar[int] = 3

    def forward(self, x: Tensor, state: HiddenState, mask: Tensor | None = None) -> tuple[HiddenState, GRUGates]:
        """Read x (B, F) in a state, h (B, H) of the step before; a mask (H) or (B, H) drops units that gates see.

            r_t = σ(W_r x_t + U_r h_{t-1} + b_r)                  (1) see
            z_t = σ(W_z x_t + U_z h_{t-1} + b_z)                  (2) keep
            h̃_t = tanh(W_h x_t + b_h + r_t ⊙ (U_h h_{t-1} + b_u)) (3) what
            h_t = z_t ⊙ h_{t-1} + (1 - z_t) ⊙ h̃_t                 (4) the output, and the memory

        Examples:
            >>> state, gates = GRUCell(3, 2)(torch.ones(5, 3), HiddenState(torch.zeros(5, 2)))
            >>> state.h.shape, gates.z.shape
            (torch.Size([5, 2]), torch.Size([5, 2]))
        """
        W_r, W_z, W_h = self.weight_ih.chunk(3)
        U_r, U_z, U_h = self.weight_hh.chunk(3)
        b_r, b_z, _ = (self.bias_ih + self.bias_hh).chunk(3)
        b_h, b_u = self.bias_ih.chunk(3)[2], self.bias_hh.chunk(3)[2]
        h = seen(state.h, mask)
        r = torch.sigmoid(x @ W_r.T + h @ U_r.T + b_r)  # (1)
        z = torch.sigmoid(x @ W_z.T + h @ U_z.T + b_z)  # (2)
        candidate = torch.tanh(x @ W_h.T + b_h + r * (h @ U_h.T + b_u))  # (3)
        return HiddenState(z * state.h + (1 - z) * candidate), GRUGates(r, z, candidate)  # (4)

"""The LSTM written out: Hochreiter and Schmidhuber (1997), with the forget gate of Gers et al. (2000)."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from foregate.models.cells.base import Cell, HiddenState, LSTMState, seen

__all__ = ["LSTMCell", "LSTMGates"]


class LSTMGates(NamedTuple):
    """What an LSTM did at one step, or a layer at every step: (B, H) or (B, T, H)."""

    f: Tensor
    """How much of the memory is kept, 0 to 1."""
    i: Tensor
    """How much of the candidate is written, 0 to 1."""
    candidate: Tensor
    """What could be written, -1 to 1."""
    o: Tensor
    """How much of the memory is shown, 0 to 1."""
    c: Tensor
    """The memory afterwards."""


class LSTMCell(Cell):
    """One step: what is read and the state before, to the state after and the gates.

    Weights are named, shaped and ordered (i, f, candidate, o) as in `torch.nn.LSTM`.
    """

    blocks: ClassVar[int] = 4
    carries: ClassVar[type[HiddenState] | type[LSTMState]] = LSTMState

    def forward(self, x: Tensor, state: LSTMState, mask: Tensor | None = None) -> tuple[LSTMState, LSTMGates]:
        """Read x (B, F) in a state: h and C of the step before, each (B, H); a mask (H) or (B, H) drops units of h.

            f_t = σ(W_f x_t + U_f h_{t-1} + b_f)        (1) keep
            i_t = σ(W_i x_t + U_i h_{t-1} + b_i)        (2) write
            c̃_t = tanh(W_c x_t + U_c h_{t-1} + b_c)     (3) what
            C_t = f_t ⊙ C_{t-1} + i_t ⊙ c̃_t             (4) the memory
            o_t = σ(W_o x_t + U_o h_{t-1} + b_o)        (5) show
            h_t = o_t ⊙ tanh(C_t)                       (6) the output

        Examples:
            >>> state, gates = LSTMCell(3, 2)(torch.ones(5, 3), LSTMState(torch.zeros(5, 2), torch.zeros(5, 2)))
            >>> state.h.shape, gates.f.shape
            (torch.Size([5, 2]), torch.Size([5, 2]))
        """
        W_i, W_f, W_c, W_o = self.weight_ih.chunk(4)
        U_i, U_f, U_c, U_o = self.weight_hh.chunk(4)
        b_i, b_f, b_c, b_o = (self.bias_ih + self.bias_hh).chunk(4)
        h = seen(state.h, mask)
        f = torch.sigmoid(x @ W_f.T + h @ U_f.T + b_f)  # (1)
        i = torch.sigmoid(x @ W_i.T + h @ U_i.T + b_i)  # (2)
        candidate = torch.tanh(x @ W_c.T + h @ U_c.T + b_c)  # (3)
        c = f * state.c + i * candidate  # (4)
        o = torch.sigmoid(x @ W_o.T + h @ U_o.T + b_o)  # (5)
        return LSTMState(o * torch.tanh(c), c), LSTMGates(f, i, candidate, o, c)  # (6)

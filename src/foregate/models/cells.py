"""The LSTM written out gate by gate: slow, and plain to read. `torch.nn.LSTM` is its fast twin.

The cell of Hochreiter and Schmidhuber (1997) with the forget gate of Gers, Schmidhuber and Cummins (2000). Letters:
B sequences, T steps, F inputs, H hidden; σ is the logistic function, ⊙ multiplies entry by entry.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

__all__ = ["Gates", "LSTMCell", "LSTMLayer", "State"]


class State(NamedTuple):
    """What a cell carries from one step to the next."""

    h: Tensor
    """(B, H) the output."""
    c: Tensor
    """(B, H) the memory."""


class Gates(NamedTuple):
    """What a cell did at one step, or a layer at every step: (B, H) or (B, T, H)."""

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


class LSTMCell(nn.Module):
    """One step: what is read and the state before, to the state after and the gates.

    Weights are named, shaped and ordered (i, f, candidate, o) as in `torch.nn.LSTM`.
    """

    def __init__(self, n_inputs: int, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden
        bound = hidden**-0.5
        self.weight_ih = nn.Parameter(torch.empty(4 * hidden, n_inputs).uniform_(-bound, bound))
        self.weight_hh = nn.Parameter(torch.empty(4 * hidden, hidden).uniform_(-bound, bound))
        self.bias_ih = nn.Parameter(torch.empty(4 * hidden).uniform_(-bound, bound))
        self.bias_hh = nn.Parameter(torch.empty(4 * hidden).uniform_(-bound, bound))

    def forward(self, x: Tensor, state: State) -> tuple[State, Gates]:
        """Read x (B, F) in a state: h and C of the step before, each (B, H).

            f_t = σ(W_f x_t + U_f h_{t-1} + b_f)        (1) keep
            i_t = σ(W_i x_t + U_i h_{t-1} + b_i)        (2) write
            c̃_t = tanh(W_c x_t + U_c h_{t-1} + b_c)     (3) what
            C_t = f_t ⊙ C_{t-1} + i_t ⊙ c̃_t             (4) the memory
            o_t = σ(W_o x_t + U_o h_{t-1} + b_o)        (5) show
            h_t = o_t ⊙ tanh(C_t)                       (6) the output

        Examples:
            >>> state, gates = LSTMCell(3, 2)(torch.ones(5, 3), State(torch.zeros(5, 2), torch.zeros(5, 2)))
            >>> state.h.shape, gates.f.shape
            (torch.Size([5, 2]), torch.Size([5, 2]))
        """
        W_i, W_f, W_c, W_o = self.weight_ih.chunk(4)
        U_i, U_f, U_c, U_o = self.weight_hh.chunk(4)
        b_i, b_f, b_c, b_o = (self.bias_ih + self.bias_hh).chunk(4)
        f = torch.sigmoid(x @ W_f.T + state.h @ U_f.T + b_f)  # (1)
        i = torch.sigmoid(x @ W_i.T + state.h @ U_i.T + b_i)  # (2)
        candidate = torch.tanh(x @ W_c.T + state.h @ U_c.T + b_c)  # (3)
        c = f * state.c + i * candidate  # (4)
        o = torch.sigmoid(x @ W_o.T + state.h @ U_o.T + b_o)  # (5)
        h = o * torch.tanh(c)  # (6)
        return State(h, c), Gates(f, i, candidate, o, c)


class LSTMLayer(nn.Module):
    """A cell run over sequences, one step after the other."""

    def __init__(self, n_inputs: int, hidden: int) -> None:
        super().__init__()
        self.cell = LSTMCell(n_inputs, hidden)

    @classmethod
    def of(cls, lstm: nn.LSTM) -> LSTMLayer:
        """The plain twin of a one-layer `torch.nn.LSTM`, with a copy of its weights."""
        layer = cls(lstm.input_size, lstm.hidden_size)
        layer.cell.load_state_dict({name.removesuffix("_l0"): value for name, value in lstm.state_dict().items()})
        return layer

    def forward(self, x: Tensor, before: State | None = None) -> tuple[Tensor, State, Gates]:
        """Read x (B, T, F), going on from a state or from zeros.

        Returns:
            the outputs (B, T, H), the state after the last step, and the gates of every step, each (B, T, H).

        Examples:
            >>> outputs, state, gates = LSTMLayer(3, 2)(torch.ones(5, 7, 3))
            >>> outputs.shape, torch.equal(outputs[:, -1], state.h)
            (torch.Size([5, 7, 2]), True)
        """
        zeros = x.new_zeros(len(x), self.cell.hidden)
        state = State(zeros, zeros) if before is None else before
        outputs, gates = [], []
        for t in range(x.shape[1]):
            state, opened = self.cell(x[:, t], state)
            outputs.append(state.h)
            gates.append(opened)
        return torch.stack(outputs, 1), state, Gates(*(torch.stack(each, 1) for each in zip(*gates, strict=True)))

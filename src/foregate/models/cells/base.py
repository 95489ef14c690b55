"""What all cells share: weights by torch's names, shapes and order, and a state of zeros to begin with."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

__all__ = ["Cell", "HiddenState", "LSTMState", "State", "seen"]


class HiddenState(NamedTuple):
    """What a cell whose output is its memory carries from one step to the next."""

    h: Tensor
    """(B, H) the output; of a whole stack (L·D, B, H)."""


class LSTMState(NamedTuple):
    """What the LSTM carries from one step to the next."""

    h: Tensor
    """(B, H) the output; of a whole stack (L·D, B, H)."""
    c: Tensor
    """(B, H) the memory; of a whole stack (L·D, B, H)."""


State = HiddenState | LSTMState


class Cell(nn.Module):
    """Weights of one cell: a block of H rows per equation that has any, blocks one below the other."""

    blocks: ClassVar[int]
    """Equations with weights: 1, 3 or 4."""
    carries: ClassVar[type[HiddenState] | type[LSTMState]] = HiddenState
    """The kind of state that goes from step to step."""

    def __init__(self, n_inputs: int, hidden: int) -> None:
        super().__init__()
        self.n_inputs, self.hidden = n_inputs, hidden
        rows, bound = self.blocks * hidden, hidden**-0.5
        self.weight_ih = nn.Parameter(torch.empty(rows, n_inputs).uniform_(-bound, bound))
        self.weight_hh = nn.Parameter(torch.empty(rows, hidden).uniform_(-bound, bound))
        self.bias_ih = nn.Parameter(torch.empty(rows).uniform_(-bound, bound))
        self.bias_hh = nn.Parameter(torch.empty(rows).uniform_(-bound, bound))

    def zeros(self, x: Tensor) -> State:
        """The state before anything was read, for inputs x (B, …)."""
        zeros = x.new_zeros(len(x), self.hidden)
        return self.carries._make([zeros] * len(self.carries._fields))


def seen(h: Tensor, mask: Tensor | None) -> Tensor:
    """h_{t-1} (B, H) as equations read it: all of it, or under a dropout mask (H) or (B, H)."""
    return h if mask is None else h * mask

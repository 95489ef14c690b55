"""Decoders: how a state becomes what is said of the steps ahead, by each strategy.

A decoder gives the outputs of a head for every step. Beside its own, it opens gates to candidate paths, which go on
with seasons, trends and levels as they were: the head's distribution lies around the path that they come to.

Letters: B origins, K horizon steps, R steps that a strategy reaches, H hidden, F features, S step features, P candidate
paths, D decoder width, N outputs of the head.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from foregate.models.architecture import Architecture
from foregate.models.attention import Memory, make_attention
from foregate.models.cells import Gates, make_cell
from foregate.models.dropout import drop, recurrent_masks

__all__ = ["Ahead", "Decoder", "Writer", "Written", "make_decoder"]

SHUT = 1.5
"""Gates begin nearly shut: the logistic function of minus this."""
LOUDNESS = 2.0
"""What the output for the place is multiplied by: errors are of the size of several units of scale."""


class Ahead(NamedTuple):
    """What is known of the steps ahead of each origin."""

    k: Tensor
    """(K,) how far ahead, from 1 on, ascending."""
    steps: Tensor
    """(B, K, S) features of these steps."""
    paths: Tensor
    """(B, K, P) candidate paths, in units of scale above the level."""
    came: Tensor | None = None
    """(B, K) what came, in training; NaN where nothing was observed."""


class Written(NamedTuple):
    """What was seen of a step that was written."""

    gates: Gates
    """What the gates of the cell did, each (B, H)."""
    weights: Tensor | None
    """(B, A, L) how much it looked at the past states; None without attention."""


class Decoder(nn.Module, ABC):
    """From what was read (B, H + F) to the steps ahead."""

    @abstractmethod
    def forward(self, read: Tensor, ahead: Ahead, memory: Memory | None = None) -> Tensor:
        """Outputs (B, K, N) from state and features of each origin (B, H + F), and its past states where there is
        attention."""


class Parallel(Decoder):
    """One small network serves every step, told which it is."""

    def __init__(self, n_read: int, n_steps: int, n_paths: int, n_outputs: int, width: int) -> None:
        super().__init__()
        self.state = nn.Linear(n_read, width)
        self.step = nn.Linear(n_steps, width)
        self.mid = nn.Linear(width, width)
        self.again = nn.Linear(n_read, width, bias=False)
        self.out = nn.Linear(width, n_paths + n_outputs)

    def forward(self, read: Tensor, ahead: Ahead, memory: Memory | None = None) -> Tensor:
        """State and features of each origin (B, H + F) to every step."""
        h = functional.gelu(self.state(read).unsqueeze(-2) + self.step(ahead.steps))
        h = functional.gelu(self.mid(h) + self.again(read).unsqueeze(-2))
        return _gated(self.out(h), ahead.paths)


class Direct(Decoder):
    """All steps at once, each with output weights of its own, and told what is known of it."""

    def __init__(self, n_read: int, n_steps: int, n_paths: int, n_outputs: int, width: int, reach: int) -> None:
        super().__init__()
        self.state = nn.Linear(n_read, width)
        self.mid = nn.Linear(width, width)
        self.step = nn.Linear(n_steps, width, bias=False)
        self.out = nn.Linear(width, reach * (n_paths + n_outputs))
        self.reach = reach

    def forward(self, read: Tensor, ahead: Ahead, memory: Memory | None = None) -> Tensor:
        """State and features of each origin (B, H + F) to every step."""
        h = self.mid(functional.gelu(self.state(read))).unsqueeze(-2)
        h = functional.gelu(h + self.step(ahead.steps)).transpose(0, 1)  # (K, B, D)
        own = self.out.weight.reshape(self.reach, -1, h.shape[-1]), self.out.bias.reshape(self.reach, -1)
        weight, bias = (each[ahead.k - 1] for each in own)
        return _gated((h @ weight.mT + bias.unsqueeze(1)).transpose(0, 1), ahead.paths)


class Writer(Decoder):
    """A recurrent network that writes step after step, each from the one before (Sutskever et al. 2014).

    In training it is told what came instead of what it said (teacher forcing, Williams and Zipser 1989), and as
    training goes on less often (scheduled sampling, Bengio et al. 2015). With attention, every step looks at the
    encoder's past states (Bahdanau et al. 2015).

    What is dropped in training is what an encoder drops: of h_{t-1} with one mask for all steps of an origin, of what
    the cell is told of a step as between layers, and of what it says.
    """

    def __init__(
        self, n_read: int, n_steps: int, n_paths: int, n_outputs: int, width: int, hidden: int, built: Architecture
    ) -> None:
        super().__init__()
        self.start = nn.Linear(n_read, hidden)
        name = built.attention
        self.attention = None if name is None else make_attention(name, hidden, built.heads, built.rows_back)
        seen = hidden if self.attention is not None else 0
        self.cell = make_cell(built.cell, width + seen, hidden)
        self.step = nn.Linear(n_steps + 1, width)
        self.out = nn.Linear(hidden + seen, n_paths + n_outputs)
        self.dropout = built.dropout
        self.own = 0.0
        """Share of the steps that it is fed its own forecast in training; grows, see `Network.at`."""

    def forward(
        self, read: Tensor, ahead: Ahead, memory: Memory | None = None, seen: list[Written] | None = None
    ) -> Tensor:
        """State and features of each origin (B, H + F) to steps 1 to K, without a gap; to `seen`, if it is given, what
        was to be seen of each of them."""
        rate, training = self.dropout, self.training
        mask = recurrent_masks(self.cell, rate.recurrent, batch=len(read))
        h = torch.tanh(self.start(read))
        state = self.cell.zeros(h)._replace(h=h)
        before, context = h.new_zeros(len(h), 1), h.new_zeros(len(h), 0)
        weights: Tensor | None = None
        outputs = []
        for i in range(ahead.steps.shape[1]):
            if self.attention is not None and memory is not None:
                context, weights = self.attention.attend(state.h, memory.keys, memory.there)
            x = drop(torch.tanh(self.step(torch.cat([ahead.steps[:, i], before], -1))), rate.between, training=training)
            state, gates = self.cell(torch.cat([x, context], -1), state, None if mask is None else mask[0])
            if seen is not None:
                seen.append(Written(gates, weights))
            said = drop(torch.cat([state.h, context], -1), rate.output, training=training)
            raw = _gated(self.out(said), ahead.paths[:, i])
            outputs.append(raw)
            before = self._fed(raw[:, 0], None if ahead.came is None else ahead.came[:, i]).unsqueeze(-1)
        return torch.stack(outputs, 1)

    def _fed(self, said: Tensor, came: Tensor | None) -> Tensor:
        """What the next step is told of this one, squashed as inputs are."""
        if came is not None and self.training:
            own = (torch.rand_like(said) < self.own) | came.isnan()
            said = torch.where(own, said, came.nan_to_num())
        return said.sign() * said.abs().log1p()


def make_decoder(
    built: Architecture, n_features: int, n_steps: int, n_paths: int, n_outputs: int, hidden: int, width: int
) -> Decoder:
    """The decoder of an architecture's strategy; see the letters above."""
    n_read = hidden + n_features
    match built.strategy:
        case "direct":
            return Direct(n_read, n_steps, n_paths, n_outputs, width, built.reach or 1)
        case "seq2seq":
            return Writer(n_read, n_steps, n_paths, n_outputs, width, hidden, built)
        case _:
            return Parallel(n_read, n_steps, n_paths, n_outputs, width)


def _gated(out: Tensor, paths: Tensor) -> Tensor:
    """Outputs (..., P + N) to those of the head (..., N): its place is moved by the paths (..., P) that gates open."""
    gates, place, rest = torch.split(out, [paths.shape[-1], 1, out.shape[-1] - paths.shape[-1] - 1], -1)
    path = (torch.sigmoid(gates - SHUT) * paths).sum(-1, keepdim=True)
    return torch.cat([path + LOUDNESS * place, rest], -1)

"""Encoders: how the past becomes a state. All of them read, carry on, and hand out states at origins.

A carried encoder reads every row once: what it has read so far is its state, from piece to piece. A windowed one reads
the last rows before every origin anew, from nothing; it carries those rows. Both carry one vector per series, zeros
before anything was read, so that whoever keeps it need not know what is in it.

Letters: B series, T steps, O origins of each, F features, H hidden, C numbers carried, L lookback, D directions,
p rows of a patch, d dilation.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from foregate.models.architecture import Architecture
from foregate.models.attention import Memory, remember
from foregate.models.cell_spec import Dropout
from foregate.models.cells import Fused, Gates, fused
from foregate.models.dropout import FusedState, drop, read, recurrent_masks
from foregate.models.forget import replay_forget, set_forget_bias
from foregate.models.replay import replay

__all__ = ["Call", "Carried", "Encoded", "Encoder", "Windowed", "make_encoder"]


class Encoded(NamedTuple):
    """What an encoder made of a piece of each series."""

    states: Tensor
    """(B, O, H) at the origins."""
    carried: Tensor
    """(B, C) to go on from."""
    memory: Memory | None
    """The last states (B, O, L, H) up to each origin, for attention; None where nobody asked."""


Call = tuple[Tensor, Tensor, FusedState]
"""What a call of a layer read, what it gave, and what it went on from."""


class Encoder(nn.Module, ABC):
    """Reads features (B, T, F), going on from what was carried, and hands out states at origins."""

    carries: int
    """C, how many numbers of a series are carried on."""
    layers: nn.ModuleList
    """The recurrent ones, from the first on."""

    @property
    def recurrent(self) -> list[Fused]:
        """The layers, as what they are."""
        return cast(list[Fused], list(self.layers))

    @abstractmethod
    def forward(self, features: Tensor, columns: Tensor, carried: Tensor | None = None) -> Encoded:
        """Read features (B, T, F); origins lie at `columns` (B, O), 0 to T - 1."""


class Carried(Encoder):
    """Recurrent layers, one upon the other, that read every row once.

    Args:
        n_features: F.
        hidden: H.
        architecture: the cell, what is dropped, how the forget gate begins, and
            `skip`, whether each layer's output is added to what it read;
            `dilations`, one per layer: a layer of dilation d goes on from its state d steps ago (Chang et al. 2017).
        remembered: L, states handed out to attention at every origin; 0 for none.
    """

    def __init__(self, n_features: int, hidden: int, architecture: Architecture, remembered: int = 0) -> None:
        super().__init__()
        self.architecture, self.hidden, self.remembered = architecture, hidden, remembered
        self.inputs = nn.Linear(n_features, hidden)
        self.layers = nn.ModuleList(fused(architecture.cell, hidden, hidden) for _ in architecture.dilations)
        for layer in self.recurrent:
            layer.batch_first = False  # as the kernels have it: steps first, so that nothing is copied on the way
        if architecture.has_gate:
            set_forget_bias(self.layers, architecture.forget)
        self.kinds = 2 if architecture.cell == "lstm" else 1  # h and C, or h alone
        self._sizes = [self.kinds * d * hidden for d in architecture.dilations]
        self.carries = sum(self._sizes) + remembered * (hidden + 1)

    def forward(
        self, features: Tensor, columns: Tensor, carried: Tensor | None = None, *, dropping: bool = True
    ) -> Encoded:
        """Read features (B, T, F); origins lie at `columns` (B, O). Not `dropping`, nothing is dropped in training
        either."""
        rate = self.architecture.dropout if dropping else Dropout()
        states, kept = self._begin(features, carried)
        z = torch.tanh(self.inputs(features.transpose(0, 1)))  # (T, B, H), here and below
        after = []
        for i, (layer, d, state) in enumerate(zip(self.recurrent, self.architecture.dilations, states, strict=True)):
            x = drop(z, rate.between, training=self.training) if i else z
            out, state = self._layer(layer, d, x, state, recurrent_masks(layer, rate.recurrent))
            z = z + out if self.architecture.skip else out
            after.append(state)
        z = drop(z, rate.output, training=self.training).transpose(0, 1)
        memory = None
        if self.remembered:
            memory, last = _remembered(z, columns, kept, self.remembered)
            after.append(last)
        return Encoded(_at(z, columns), torch.cat(after, -1), memory)

    def gates(self, features: Tensor, carried: Tensor | None = None) -> list[Gates]:
        """What every gate of each layer does (B, T, H) as they read without dropout, going on from `carried`."""
        found = []
        for layer, seen in self._calls(features, carried):
            pieces = [replay(layer, *each) for each in seen]
            kind: Callable[..., Gates] = type(pieces[0])
            found.append(kind(*(self._in_order(each, len(features)) for each in zip(*pieces, strict=True))))
        return found

    def forget_activations(self, features: Tensor, carried: Tensor | None = None) -> list[Tensor]:
        """What the forget gates of each layer do (B, T, H) as they read without dropout, going on from `carried`.

        Of a dilated layer the first steps, as many as are a multiple of its dilation; none where there are fewer.
        """
        found, (B, T, _) = [], features.shape
        for (layer, seen), d in zip(self._calls(features, carried), self.architecture.dilations, strict=True):
            if d <= T and not isinstance(layer, nn.RNN):
                found.append(self._in_order([replay_forget(layer, *seen[0])], B))
        return found

    def _calls(self, features: Tensor, carried: Tensor | None) -> Iterator[tuple[Fused, list[Call]]]:
        """Each layer, and its calls as it reads without dropout: steps that fill its dilation, and those left over."""
        z = torch.tanh(self.inputs(features.transpose(0, 1)))
        states, _ = self._begin(features, carried)
        for layer, d, state in zip(self.recurrent, self.architecture.dilations, states, strict=True):
            seen: list[Call] = []
            out, _ = self._layer(layer, d, z, state, None, seen)
            yield layer, seen
            z = z + out if self.architecture.skip else out

    def _in_order(self, pieces: Sequence[Tensor], B: int) -> Tensor:
        """What calls of a layer gave, side by side for the steps of its dilation, as (B, T, H)."""
        return torch.cat([each.reshape(-1, B, self.hidden) for each in pieces]).transpose(0, 1)

    def _begin(self, features: Tensor, carried: Tensor | None) -> tuple[list[Tensor], Tensor]:
        """What each layer goes on from (B, kinds·d·H), and the states that attention remembers."""
        before = features.new_zeros(len(features), self.carries) if carried is None else carried
        *states, kept = torch.split(before, [*self._sizes, self.carries - sum(self._sizes)], -1)
        return [state.float() for state in states], kept

    def _layer(
        self,
        layer: Fused,
        d: int,
        x: Tensor,
        state: Tensor,
        masks: Tensor | None,
        seen: list[Call] | None = None,
    ) -> tuple[Tensor, Tensor]:
        """One layer over x (T, B, H), from its state (B, kinds·d·H) of the last d steps, the oldest first.

        Where somebody wants to see it, `seen` gets what each call of the layer read, gave, and went on from.

        Steps d apart are a sequence of their own, so that a dilated layer is a plain one over d times as many sequences
        of a d-th of the length. Steps that are left over at the end are read in a second call.
        """
        T, B, H = x.shape
        slots = state.reshape(B, d, self.kinds, H)
        whole, outputs = T // d * d, []
        for begin, length in ((0, whole), (whole, T - whole)):
            if not length:
                continue
            n = min(d, length)  # sequences of each series that go on
            piece = x[begin : begin + length].reshape(-1, n * B, H)
            before = self._state(slots[:, :n])
            out, after = read(layer, piece, before, masks)
            if seen is not None:
                seen.append((piece, out, before))
            outputs.append(out.reshape(length, B, H))
            pair = torch.stack([each[0] for each in (after if isinstance(after, tuple) else (after,))], 1)
            slots = torch.cat([slots[:, n:], pair.reshape(n, B, self.kinds, H).transpose(0, 1)], 1)
        return outputs[0] if len(outputs) == 1 else torch.cat(outputs), slots.reshape(B, -1)

    def _state(self, slots: Tensor) -> FusedState:
        """Slots (B, n, kinds, H) as torch's layers take the states of n·B sequences."""
        every = slots.transpose(0, 1).flatten(0, 1)
        parts = [every[:, i].unsqueeze(0).contiguous() for i in range(self.kinds)]
        return (parts[0], parts[1]) if self.kinds == 2 else parts[0]


class Windowed(Encoder):
    """Recurrent layers that read the last L rows before every origin anew: one by one, both ways, or in patches.

    Reading backwards is no look-ahead here: what lies in the window lies in the past. Rows before the first are zeros,
    and are told apart by a feature of their own.

    Args:
        n_features: F.
        hidden: H.
        architecture: the cell, how many layers, `rows_back`, `patch` and whether both directions are read.
    """

    def __init__(self, n_features: int, hidden: int, architecture: Architecture) -> None:
        super().__init__()
        self.architecture, self.lookback = architecture, architecture.rows_back
        self.patch, both = architecture.patch, architecture.encoder == "bidirectional"
        self.inputs = nn.Linear(self.patch * (n_features + 1), hidden)
        self.layers = nn.ModuleList(
            fused(architecture.cell, hidden if i == 0 else (1 + both) * hidden, hidden, bidirectional=both)
            for i in range(len(architecture.dilations))
        )
        if architecture.has_gate:
            set_forget_bias(self.layers, architecture.forget)
        self.out = nn.Linear((1 + both) * hidden, hidden)
        self.carries = self.lookback * (n_features + 1)

    def forward(self, features: Tensor, columns: Tensor, carried: Tensor | None = None) -> Encoded:
        """Read features (B, T, F); origins lie at `columns` (B, O)."""
        z, last = self.windows(features, columns, carried)
        rate = self.architecture.dropout
        for i, layer in enumerate(self.recurrent):
            x = drop(z, rate.between, training=self.training) if i else z
            z, state = read(layer, x, None, recurrent_masks(layer, rate.recurrent))
        h = state[0] if isinstance(state, tuple) else state  # (D, B·O, H): each direction at its end
        z = drop(torch.tanh(self.out(h.transpose(0, 1).flatten(1))), rate.output, training=self.training)
        return Encoded(z.reshape(*columns.shape, -1), last, None)

    def windows(self, features: Tensor, columns: Tensor, carried: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """What the first layer reads of the window before each origin (B·O, L / p, H), and what to carry on (B, C)."""
        kept = features.new_zeros(len(features), self.carries) if carried is None else carried
        windows, last = _remembered(features, columns, kept, self.lookback)
        x = torch.cat([windows.keys, windows.there.unsqueeze(-1).to(features)], -1)  # (B, O, L, F + 1)
        return torch.tanh(self.inputs(x.reshape(columns.numel(), self.lookback // self.patch, -1))), last

    def gates(self, features: Tensor, columns: Tensor, carried: Tensor | None = None) -> list[Gates]:
        """What every gate of each layer does (B·O, L / p, D·H) as they read the windows of origins without dropout."""
        (z, _), found = self.windows(features, columns, carried), []
        for layer in self.recurrent:
            out, _ = layer(z)
            found.append(replay(layer, z, out))
            z = out
        return found


def make_encoder(n_features: int, hidden: int, architecture: Architecture) -> Encoder:
    """The encoder of an architecture."""
    if architecture.windowed:
        return Windowed(n_features, hidden, architecture)
    return Carried(n_features, hidden, architecture, architecture.rows_back if architecture.attention else 0)


def _at(z: Tensor, columns: Tensor) -> Tensor:
    """Of (B, T, H) the steps `columns` (B, O)."""
    return z.gather(1, columns.unsqueeze(-1).expand(-1, -1, z.shape[-1]))


def _remembered(rows: Tensor, columns: Tensor, kept: Tensor, lookback: int) -> tuple[Memory, Tensor]:
    """Memories (B, O, L, M) at columns, and what is kept (B, L·(M + 1)) after the last step."""
    B, T, M = rows.shape
    flat = kept.reshape(B, lookback, M + 1)
    before = Memory(flat[..., :M].to(rows), flat[..., M] > 0.5)
    end = torch.full_like(columns[:, :1], T - 1)
    keys, there = remember(rows, torch.cat([columns, end], 1), before)
    last = torch.cat([keys[:, -1], there[:, -1].unsqueeze(-1).to(keys)], -1).reshape(B, -1)
    return Memory(keys[:, :-1], there[:, :-1]), last

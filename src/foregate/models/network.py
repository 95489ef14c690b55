"""The network: an encoder reads a series once, a decoder looks ahead from any origin, a head says what may come.

Letters: B series or origins of a batch, T steps, O origins of a series, F features, H hidden, W numbers of a state,
C numbers carried, K horizon steps, S step features, P candidate paths, N outputs of the head, L rows looked back on,
A heads of attention.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import torch
from torch import Tensor, nn

from foregate.core import UsageError
from foregate.models.attention import Attended, Memory, entropy, make_attention
from foregate.models.decoders import Ahead, Writer, Written, make_decoder
from foregate.models.encoders import Carried, Encoded, make_encoder
from foregate.models.forget import forget_penalty
from foregate.models.heads import Head, make_head
from foregate.models.spec import NetworkSpec

__all__ = ["Ahead", "Each", "Network", "NetworkSpec", "make_network", "rows_there"]


class Network(nn.Module, ABC):
    """A forecaster; see `NetworkSpec` for its sizes and `Architecture` for what it is made of."""

    spec: NetworkSpec
    head: Head

    @property
    @abstractmethod
    def carries(self) -> int:
        """C, how many numbers of a series are carried on."""

    @property
    @abstractmethod
    def width(self) -> int:
        """W, numbers of a state."""

    @abstractmethod
    def encode(self, features: Tensor, columns: Tensor, carried: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Read features (B, T, F), going on from `carried` (B, C) or from nothing.

        Returns:
            states (B, O, W) at origins that lie at `columns` (B, O), each of which has read the steps up to its own,
            and what to carry on (B, C).
        """

    @abstractmethod
    def decode(self, states: Tensor, features: Tensor, ahead: Ahead) -> Tensor:
        """States (B, W) and features (B, F) of origins to the head's outputs (B, K, N) of the steps ahead."""

    @abstractmethod
    def penalty(self, features: Tensor, carried: Tensor | None = None) -> Tensor:
        """What is added to the loss beside the head's, from what the network does as it reads (B, T, F) without
        dropout, going on from `carried` (B, C). Rows of nothing but zeros, which fill up short series, do not count."""

    def forget_activations(self, features: Tensor, carried: Tensor | None = None) -> list[Tensor]:
        """What the forget gate of every layer does (B, T, H) as it reads features (B, T, F) without dropout, going on
        from `carried` (B, C); empty where there is none to be seen."""
        return []

    @abstractmethod
    def attention_weights(
        self, features: Tensor, columns: Tensor, carried: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """How much origins look at the past, where attention does so once for all steps or in the network of each.

        Args:
            features: (B, T, F).
            columns: (B, O), as in `encode`.
            carried: (B, C) to go on from.

        Returns:
            weights (B, O, R, A, L) of R networks, the newest row last, summing to 1 over the rows that there were; and
            what to carry on (B, C).

        Raises:
            UsageError: no attention looks from origins.
        """

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.parameters()).device

    def at(self, share: float) -> None:
        """Told how much of the training is over, 0 to 1."""
        for part in self.modules():
            if isinstance(part, Writer):
                part.own = share * self.spec.built.sampling


class One(Network):
    """One network for all steps."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        self.spec, built = spec, spec.built
        self.encoder = make_encoder(spec.n_features, spec.hidden, built)
        self.head = make_head(built.head, spec.levels, built.components, built.point_loss)
        sizes = (spec.n_features, spec.n_steps, spec.n_profiles, self.head.n_outputs, spec.hidden, spec.decoder)
        self.decoder = make_decoder(built, *sizes)
        self.attention, self.seen = None, None
        if built.attention is not None and not spec.keeps_memory:
            self.attention = make_attention(built.attention, spec.hidden, built.heads, built.rows_back)
            self.seen = nn.Linear(2 * spec.hidden, spec.hidden)

    @property
    def carries(self) -> int:
        """C, how many numbers of a series are carried on."""
        return self.encoder.carries

    @property
    def width(self) -> int:
        """W, numbers of a state: H, and the past states where a decoder looks at them."""
        H, L = self.spec.hidden, self.spec.built.rows_back
        return H + L * (H + 1) if self.spec.keeps_memory else H

    def forget_activations(self, features: Tensor, carried: Tensor | None = None) -> list[Tensor]:
        """See `Network.forget_activations`."""
        if not self.spec.built.has_gate or not isinstance(self.encoder, Carried):
            return []
        return self.encoder.forget_activations(features, carried)

    def penalty(self, features: Tensor, carried: Tensor | None = None) -> Tensor:
        """How far forget gates stray from their range, and how evenly attention looks, by what these cost."""
        built, cost = self.spec.built, features.new_zeros(())
        within, looks = built.forget.within, bool(built.entropy) and self.attention is not None
        if within is None and not looks:  # as usual: nothing is read for it
            return cost
        valid = rows_there(features)
        if within is not None:
            for f in self.forget_activations(features, carried):
                cost = cost + built.forget.penalty * forget_penalty(f, within, valid[:, : f.shape[1]])
        if looks:
            every = torch.arange(features.shape[1], device=features.device).expand(len(features), -1)
            read = self.encoder(features, every, carried, dropping=False)
            even = entropy(self.look(read).weights, read.memory.there).mean(-1)
            cost = cost + built.entropy * (even * valid).sum() / valid.sum().clamp(min=1)
        return cost

    def encode(self, features: Tensor, columns: Tensor, carried: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Read features (B, T, F); see `Network.encode`."""
        read = self.encoder(features, columns, carried)
        states = read.states
        if self.attention is not None and self.seen is not None:
            states = states + torch.tanh(self.seen(torch.cat([states, self.look(read).context], -1)))
        elif read.memory is not None:
            states = torch.cat([states, read.memory.keys.flatten(-2), read.memory.there.to(states)], -1)
        return states, read.carried

    def look(self, read: Encoded) -> Attended:
        """What attention finds in the past of origins: contexts (B, O, H) and weights (B, O, A, L)."""
        if self.attention is None or read.memory is None:
            raise UsageError(
                f"attention must look from origins, but got {self.spec.built.attention} of {self.spec.built.strategy!r}"
                ", which does not. Ask a network whose attention does."
            )
        return self.attention.attend(read.states, read.memory.keys, read.memory.there)

    def attention_weights(
        self, features: Tensor, columns: Tensor, carried: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """See `Network.attention_weights`."""
        read = self.encoder(features, columns, carried)
        return self.look(read).weights.unsqueeze(2), read.carried

    def decode(self, states: Tensor, features: Tensor, ahead: Ahead, seen: list[Written] | None = None) -> Tensor:
        """States (B, W) and features (B, F) of origins to the head's outputs (B, K, N) of the steps ahead.

        Where a decoder writes step after step, `seen` gets what is to be seen of each of them.
        """
        H, L = self.spec.hidden, self.spec.built.rows_back
        memory = None
        if self.spec.keeps_memory:
            memory = Memory(states[:, H : H + L * H].reshape(-1, L, H), states[:, H + L * H :] > 0.5)
            states = states[:, :H]
        read, asked = torch.cat([states, features], -1), () if seen is None else (seen,)
        outputs: Tensor = self.decoder(read, ahead, memory, *asked)
        return outputs


class Each(Network):
    """One network per step, with weights of its own from the first to the last: the direct method in the strict
    sense."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        self.spec = spec
        one = replace(spec, built=replace(spec.built, strategy="parallel", reach=None))
        self.networks = nn.ModuleList(One(one) for _ in range(spec.built.reach or 1))
        self.head = self.each[0].head

    @property
    def each(self) -> list[One]:
        """The networks, from that of the first step on."""
        return cast(list[One], list(self.networks))

    @property
    def carries(self) -> int:
        """C, how many numbers of a series are carried on."""
        return sum(network.carries for network in self.each)

    @property
    def width(self) -> int:
        """W, numbers of a state: those of every network."""
        return sum(network.width for network in self.each)

    def penalty(self, features: Tensor, carried: Tensor | None = None) -> Tensor:
        """The mean of every network's."""
        own = zip(self.each, self._apart(carried), strict=True)
        return torch.stack([network.penalty(features, before) for network, before in own]).mean()

    def encode(self, features: Tensor, columns: Tensor, carried: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """What every network reads, side by side: states (B, O, R·W) and what to carry on (B, R·C)."""
        own = zip(self.each, self._apart(carried), strict=True)
        read = [network.encode(features, columns, before) for network, before in own]
        states, after = (torch.cat(each, -1) for each in zip(*read, strict=True))
        return states, after

    def attention_weights(
        self, features: Tensor, columns: Tensor, carried: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """See `Network.attention_weights`; each network looks for the step that it was made for."""
        own = zip(self.each, self._apart(carried), strict=True)
        looked = [network.attention_weights(features, columns, before) for network, before in own]
        weights, after = zip(*looked, strict=True)
        return torch.cat(weights, 2), torch.cat(after, -1)

    def decode(self, states: Tensor, features: Tensor, ahead: Ahead) -> Tensor:
        """Outputs (B, K, N): each step from the network that was made for it."""
        own = states.chunk(len(self.each), -1)
        said = []
        for i, k in enumerate(ahead.k.tolist()):
            step = Ahead(ahead.k[i : i + 1], ahead.steps[:, i : i + 1], ahead.paths[:, i : i + 1])
            said.append(self.each[k - 1].decode(own[k - 1], features, step))
        return torch.cat(said, 1)

    def _apart(self, carried: Tensor | None) -> Sequence[Tensor | None]:
        """What every network goes on from."""
        return [None] * len(self.each) if carried is None else carried.chunk(len(self.each), -1)


def make_network(spec: NetworkSpec) -> Network:
    """The network of a spec, with first weights from torch's random numbers."""
    return Each(spec) if spec.built.strategy == "each" else One(spec)


def rows_there(features: Tensor) -> Tensor:
    """Which rows (B, T) of features (B, T, F) there are; the others, which fill up short series, are zeros."""
    return features.any(-1)

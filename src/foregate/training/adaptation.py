"""Networks whose decoders go on learning from single origins, while their encoders stay as they are.

What a decoder needs of an origin is bounded, a state and what is known of the steps ahead, so that nothing has to be
read again; and whatever was carried stays what the network would have read, since that is the encoder's.

Letters: M networks that forecast as one, B origins, K horizon steps, Q quantiles, W numbers of the states of all
networks, F features, S step features, P candidate paths.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from foregate.models.decoders import Ahead, Decoder
from foregate.models.heads import Head, Point, Quantiles, Units, pinball
from foregate.models.network import Network, make_network
from foregate.models.spec import NetworkSpec
from foregate.training.batches import LARGE_TARGET
from foregate.training.engine import TorchEngine
from foregate.training.losses import masked_mean
from foregate.training.optimizers import limit_gradient, load_optimizer, new_optimizer, optimizer_tensors
from foregate.training.options import TrainingOptions

__all__ = ["Adaptation", "Outcomes"]

Float32Array = NDArray[np.float32]

CLIP = 0.5
"""The norm of the gradient is limited to this, as in training."""


class Shaped(Protocol):
    """What runs a network, whatever it is."""

    @property
    def shape(self) -> NetworkSpec:
        """Its sizes."""

    def weights(self) -> Mapping[str, Float32Array]:
        """Its parameters, by torch's names."""


class Outcomes(NamedTuple):
    """Origins, what was known at them, and what came."""

    states: Float32Array
    """(B, W) what the encoders had read, side by side."""
    features: Float32Array
    """(B, F) of the rows of the origins."""
    k: NDArray[np.int64]
    """(K,) how far ahead, from 1 on, ascending."""
    steps: Float32Array
    """(B, K, S) features of these steps."""
    paths: Float32Array
    """(B, K, P) candidate paths."""
    level: Float32Array
    """(B,) what 0 stands for, in the units that the series is read in."""
    scale: Float32Array
    """(B,) what 1 stands for above it; positive."""
    target: Float32Array
    """(B, K) what came, in units of the origin's scale above its level; NaN where that is not known."""


@dataclass(frozen=True)
class Adaptation:
    """Networks, and what the optimizer of their decoders remembers. A step gives others and changes nothing, so that a
    step that is not wanted is one that is not used."""

    networks: tuple[Network, ...]
    """M of them. Their weights may be shared with others of this class, but with nothing else."""
    shares: tuple[float, ...] | None
    """(M,) of each in what they say together, see `foregate.forecasting.ensemble`; None for the median."""
    moments: Mapping[str, Tensor]
    """What the optimizer remembers, see `foregate.training.optimizers.optimizer_tensors`."""
    widths: Float32Array
    """(K, Q) what the distance of each quantile from the median is multiplied by, at the steps that are learnt."""

    @classmethod
    def of(
        cls, engines: Sequence[Shaped], shares: tuple[float, ...] | None, widths: NDArray[np.floating]
    ) -> Adaptation:
        """Begin with the weights of what runs the networks; they are copied."""
        return cls(tuple(_copied(engine) for engine in engines), shares, {}, widths.astype(np.float32))

    @property
    def engines(self) -> list[TorchEngine]:
        """What runs the networks as they are now."""
        return [TorchEngine(network) for network in self.networks]

    def loss(self, outcomes: Outcomes) -> float:
        """The mean loss that a step goes down, over what came; NaN where nothing did."""
        with torch.inference_mode():
            return self._loss(_raw(self.networks, outcomes), outcomes).item()

    def stepped(self, outcomes: Outcomes, rate: float) -> Adaptation | None:
        """After one step of AdamW down the gradient of the loss, without dropout and weight decay.

        Args:
            outcomes: origins to learn from.
            rate: learning rate, below 1.

        Returns:
            None where the loss or its gradient is no number.
        """
        networks = tuple(map(_with_own_decoder, self.networks))
        decoders = nn.ModuleList(each for network in networks for each in _decoders(network).values())
        optimizer = new_optimizer(decoders, TrainingOptions(steps=1, rate=rate, decay=0))
        load_optimizer(optimizer, {name: value.clone() for name, value in self.moments.items()})
        loss = self._loss(_raw(networks, outcomes), outcomes)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = limit_gradient(decoders.parameters(), value=0, norm=CLIP)
        if not (math.isfinite(loss.item()) and math.isfinite(norm)):
            return None
        optimizer.step()
        optimizer.zero_grad()
        return replace(self, networks=networks, moments=optimizer_tensors(optimizer))

    def arrays(self) -> dict[str, Float32Array]:
        """The decoders' weights and what the optimizer remembers, by name; see `resumed`."""
        parts = {"weights": self._weights(self.networks), "moments": self.moments}
        return {
            f"{part}.{name}": value.detach().numpy().copy()
            for part, values in parts.items()
            for name, value in values.items()
        }

    def resumed(self, arrays: Mapping[str, NDArray[np.floating]]) -> Adaptation:
        """With the weights of `arrays` instead of those that it has, and what the optimizer remembered.

        Raises:
            ValueError: they are not those of these networks.
        """
        networks = tuple(map(_with_own_decoder, self.networks))
        own = {f"weights.{name}": value for name, value in self._weights(networks).items()}
        wanted = {name: tuple(value.shape) for name, value in own.items()}
        found = {name: value.shape for name, value in arrays.items() if name.startswith("weights.")}
        if found != wanted:
            raise ValueError(f"weights of the decoder {sorted(set(found.items()) ^ set(wanted.items()))}")
        with torch.no_grad():
            for name, value in own.items():
                value.copy_(torch.tensor(arrays[name]))
        moments = {
            name.removeprefix("moments."): torch.tensor(value).reshape(() if name.endswith(".step") else value.shape)
            for name, value in arrays.items()
            if name.startswith("moments.")
        }
        return replace(self, networks=networks, moments=moments)

    def _loss(self, raw: Tensor, outcomes: Outcomes) -> Tensor:
        """The loss of what is forecast, which is what the networks say with its intervals made wider, by `widths`.

        Of quantiles that is the loss of those that all networks say together. Of distributions it is the mean of their
        own: of one that is wider by c it is, but for a constant, the loss of the distribution itself where an outcome
        came c times as near to its place. A point has no width, and counts have nothing between two of them: they are
        judged as the network says it.
        """
        level, scale, target = map(torch.from_numpy, outcomes[5:])
        there = ~target.isnan()
        target = target.nan_to_num()
        size = (target.abs() * there).sum(-1) / there.sum(-1).clamp(min=1)
        weight = there / (size / LARGE_TARGET).clamp(min=1).unsqueeze(-1)  # as in training
        heads = [network.head for network in self.networks]
        own = torch.split(raw, [head.n_outputs for head in heads], -1)
        factors, middle = torch.from_numpy(self.widths), self.widths.shape[-1] // 2
        first = heads[0]
        if isinstance(first, Quantiles) and all(head == first for head in heads):
            said = self._together([head.said(each) for head, each in zip(heads, own, strict=True)])
            median = said[..., middle, None]
            loss = pinball(target, median + factors * (said - median), torch.tensor(first.levels))
        else:
            outer = (factors.sum(-1) - 1) / max(1, factors.shape[-1] - 1)
            units = Units(level.unsqueeze(-1), scale.unsqueeze(-1))
            each = [_own_loss(head, told, target, units, outer) for head, told in zip(heads, own, strict=True)]
            loss = torch.stack(each).mean(0)
        return masked_mean(loss, weight) if there.any() else loss.sum() * math.nan

    def _together(self, said: list[Tensor]) -> Tensor:
        if self.shares is None:
            return torch.stack(said).quantile(0.5, 0)
        return torch.stack([share * each for share, each in zip(self.shares, said, strict=True)]).sum(0)

    @staticmethod
    def _weights(networks: Sequence[Network]) -> dict[str, Tensor]:
        every = ((i, name, each) for i, network in enumerate(networks) for name, each in _decoders(network).items())
        return {f"{i}.{name}.{own}": value for i, name, each in every for own, value in each.named_parameters()}


def _copied(engine: Shaped) -> Network:
    with torch.random.fork_rng(devices=[]):  # the first weights, replaced at once, are drawn from a fork
        network = make_network(engine.shape)
    network.load_state_dict({name: torch.tensor(values) for name, values in engine.weights().items()})
    return network.eval()


def _raw(networks: Sequence[Network], outcomes: Outcomes) -> Tensor:
    states, features, k, steps, paths = map(torch.from_numpy, outcomes[:5])
    own = zip(networks, torch.split(states, [network.width for network in networks], -1), strict=True)
    return torch.cat([network.decode(state, features, Ahead(k, steps, paths)) for network, state in own], -1)


def _own_loss(head: Head, raw: Tensor, target: Tensor, units: Units, outer: Tensor) -> Tensor:
    """The loss (B, K) of a head whose intervals are made wider by `outer` (K,)."""
    if head.counts or isinstance(head, Point):
        return head.loss(raw, target, units)
    if isinstance(head, Quantiles):
        said = head.said(raw)
        median = said[..., len(head.levels) // 2, None]
        return pinball(target, median + outer.unsqueeze(-1) * (said - median), torch.tensor(head.levels))
    place = raw[..., 0].detach()
    return head.loss(raw, place + (target - place) / outer, units)


def _decoders(network: Network) -> dict[str, Decoder]:
    """Everything after the encoder's state, by where it is in the network."""
    return {name: module for name, module in network.named_modules() if isinstance(module, Decoder)}


def _with_own_decoder(network: Network) -> Network:
    """A copy that has its decoder to itself, and shares all other weights."""
    decoders = _decoders(network)
    own = {id(value) for decoder in decoders.values() for value in decoder.parameters()}
    shared = {id(value): value for value in [*network.parameters(), *network.buffers()] if id(value) not in own}
    return copy.deepcopy(network, shared)

"""A network whose decoder goes on learning from single origins, while its encoder stays as it is.

What a decoder needs of an origin is bounded, a state and what is known of the steps ahead, so that nothing has to be
read again; and whatever was carried stays what the network would have read, since that is the encoder's.

Letters: B origins, K horizon steps, W numbers of a state, F features, S step features, P candidate paths.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
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
    """(B, W) what the encoder had read."""
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
    """A network, and what its optimizer remembers of the decoder. A step gives another one and changes nothing, so that
    a step that is not wanted is one that is not used."""

    network: Network
    """Its weights may be shared with others of this class, but with nothing else."""
    moments: Mapping[str, Tensor]
    """What the optimizer remembers, see `foregate.training.optimizers.optimizer_tensors`."""
    widths: Float32Array
    """(K, Q) what the distance of each quantile from the median is multiplied by, at the steps that are learnt."""

    @classmethod
    def of(cls, engine: Shaped, widths: NDArray[np.floating]) -> Adaptation:
        """Begin with the weights of what runs a network; they are copied."""
        with torch.random.fork_rng(devices=[]):  # the first weights, replaced at once, are drawn from a fork
            network = make_network(engine.shape)
        network.load_state_dict({name: torch.tensor(values) for name, values in engine.weights().items()})
        return cls(network.eval(), {}, widths.astype(np.float32))

    @property
    def engine(self) -> TorchEngine:
        """What runs the network as it is now."""
        return TorchEngine(self.network)

    @property
    def outputs(self) -> int:
        """N, numbers that the head is told of a step."""
        return self.network.head.n_outputs

    def told(self, outcomes: Outcomes) -> Float32Array:
        """What the head is told (B, K, N) of origins, whatever came."""
        with torch.inference_mode():
            raw: Float32Array = _raw(self.network, outcomes).numpy()
        return raw

    def loss(self, outcomes: Outcomes, told: Float32Array | None = None) -> float:
        """The mean loss of the head over what came; NaN where nothing did.

        Args:
            outcomes: origins to be judged by.
            told: what the head was told of them when they were the latest rows; what it would be told now otherwise.
        """
        with torch.inference_mode():
            raw = _raw(self.network, outcomes) if told is None else torch.from_numpy(told)
            return _loss(self.network.head, raw, outcomes, self.widths).item()

    def stepped(self, outcomes: Outcomes, rate: float) -> Adaptation | None:
        """After one step of AdamW down the gradient of the loss, without dropout and weight decay.

        Args:
            outcomes: origins to learn from.
            rate: learning rate, below 1.

        Returns:
            None where the loss or its gradient is no number.
        """
        network = _with_own_decoder(self.network)
        decoders = nn.ModuleList(_decoders(network).values())
        optimizer = new_optimizer(decoders, TrainingOptions(steps=1, rate=rate, decay=0))
        load_optimizer(optimizer, {name: value.clone() for name, value in self.moments.items()})
        loss = _loss(network.head, _raw(network, outcomes), outcomes, self.widths)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = limit_gradient(decoders.parameters(), value=0, norm=CLIP)
        if not (math.isfinite(loss.item()) and math.isfinite(norm)):
            return None
        optimizer.step()
        optimizer.zero_grad()
        return replace(self, network=network, moments=optimizer_tensors(optimizer))

    def arrays(self) -> dict[str, Float32Array]:
        """The decoder's weights and what the optimizer remembers, by name; see `resumed`."""
        weights = {f"{name}.{own}": p for name, each in _decoders(self.network).items() for own, p in _weights(each)}
        parts = {"weights": weights, "moments": self.moments}
        return {
            f"{part}.{name}": value.detach().numpy().copy()
            for part, values in parts.items()
            for name, value in values.items()
        }

    def resumed(self, arrays: Mapping[str, NDArray[np.floating]]) -> Adaptation:
        """With the weights of `arrays` instead of those that it has, and what the optimizer remembered.

        Raises:
            ValueError: they are not those of this network.
        """
        wanted = {name: value.shape for name, value in self.arrays().items() if name.startswith("weights.")}
        found = {name: value.shape for name, value in arrays.items() if name.startswith("weights.")}
        if found != wanted:
            raise ValueError(f"weights of the decoder {sorted(set(found.items()) ^ set(wanted.items()))}")
        network = _with_own_decoder(self.network)
        parameters = dict(network.named_parameters())
        with torch.no_grad():
            for name in found:
                parameters[name.removeprefix("weights.")].copy_(torch.tensor(arrays[name]))
        moments = {
            name.removeprefix("moments."): torch.tensor(value).reshape(() if name.endswith(".step") else value.shape)
            for name, value in arrays.items()
            if name.startswith("moments.")
        }
        return replace(self, network=network, moments=moments)


def _raw(network: Network, outcomes: Outcomes) -> Tensor:
    states, features, k, steps, paths = map(torch.from_numpy, outcomes[:5])
    return network.decode(states, features, Ahead(k, steps, paths))


def _loss(head: Head, raw: Tensor, outcomes: Outcomes, widths: Float32Array) -> Tensor:
    """The loss of what is forecast, which is what the network says with its intervals made wider, by `widths`.

    Of quantiles that is their own. Of a distribution that is wider by c it is, but for a constant, the loss of the
    distribution itself where an outcome came c times as near to its place. A point has no width, and counts have
    nothing between two of them: they are judged as the network says it.
    """
    level, scale, target = map(torch.from_numpy, outcomes[5:])
    factors, middle = torch.from_numpy(widths), widths.shape[-1] // 2
    there = ~target.isnan()
    target = target.nan_to_num()
    size = (target.abs() * there).sum(-1) / there.sum(-1).clamp(min=1)
    weight = there / (size / LARGE_TARGET).clamp(min=1).unsqueeze(-1)  # as in training
    if isinstance(head, Quantiles):
        said = head.said(raw)
        median = said[..., middle, None]
        loss = pinball(target, median + factors * (said - median), torch.tensor(head.levels))
    else:
        outer = factors.sum(-1).sub(1) / max(1, factors.shape[-1] - 1)
        place = raw[..., 0].detach()
        spread = not head.counts and not isinstance(head, Point)
        near = place + (target - place) / outer if spread else target
        loss = head.loss(raw, near, Units(level.unsqueeze(-1), scale.unsqueeze(-1)))
    return masked_mean(loss, weight) if there.any() else loss.sum() * math.nan


def _decoders(network: Network) -> dict[str, Decoder]:
    """Everything after the encoder's state, by where it is in the network."""
    return {name: module for name, module in network.named_modules() if isinstance(module, Decoder)}


def _weights(decoder: Decoder) -> list[tuple[str, Tensor]]:
    return [(name, value) for name, value in decoder.named_parameters()]


def _with_own_decoder(network: Network) -> Network:
    """A copy that has its decoder to itself, and shares all other weights."""
    decoders = _decoders(network)
    own = {id(value) for decoder in decoders.values() for _, value in _weights(decoder)}
    shared = {id(value): value for value in [*network.parameters(), *network.buffers()] if id(value) not in own}
    return copy.deepcopy(network, shared)

"""What a training step costs by the length of its sequences: an LSTM and a small Transformer of equal width.

Letters: B sequences, T steps, H width, A heads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.lab.data import panel
from benchmarks.lab.pace import in_turns
from benchmarks.lab.scale import Scale
from foregate.models.cells import fused

__all__ = ["Reader", "bytes_kept", "costs", "exponent"]

BATCH, HEADS = 2, 4
FEWER = 3
"""Repeats are so many times fewer than of short steps."""
WIDER = 2
"""Networks are so many times wider than the textbook one."""


class Reader(nn.Module):
    """Reads values one after the other, and says a number of each step.

    Args:
        network: ``lstm``, ``transformer`` (one layer, torch's attention) or ``transformer, written out``.
        hidden: H.
    """

    def __init__(self, network: str, hidden: int) -> None:
        super().__init__()
        self.network = network
        self.inputs, self.out = nn.Linear(1, hidden), nn.Linear(hidden, 1)
        if network == "lstm":
            self.lstm = fused("lstm", hidden, hidden)
            return
        self.projections, self.joined = nn.Linear(hidden, 3 * hidden), nn.Linear(hidden, hidden)
        self.wide, self.narrow = nn.Linear(hidden, 4 * hidden), nn.Linear(4 * hidden, hidden)
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T) to (B, T)."""
        z = self.inputs(x.unsqueeze(-1))
        if self.network == "lstm":
            z, _ = self.lstm(z)
        else:
            z = self.norms[0](z + self.joined(self._looked(z)))
            z = self.norms[1](z + self.narrow(functional.relu(self.wide(z))))
        return self.out(z).squeeze(-1)

    def _looked(self, z: Tensor) -> Tensor:
        B, T, H = z.shape
        q, k, v = self.projections(z).reshape(B, T, 3, HEADS, H // HEADS).permute(2, 0, 3, 1, 4)
        if self.network == "transformer":
            seen = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            scores = q @ k.mT / math.sqrt(H // HEADS)  # (B, A, T, T)
            ahead = torch.ones(T, T, dtype=torch.bool).triu(1)
            seen = torch.softmax(scores.masked_fill(ahead, -math.inf), -1) @ v
        return seen.transpose(1, 2).reshape(B, T, H)


def costs(contenders: Mapping[str, Mapping[str, Any]], data: str, scale: Scale, seed: int) -> dict[str, dict[str, Any]]:
    """Milliseconds and MiB of a step at each length, and how they grow."""
    longest = max(scale.lengths)
    given = panel(data, scale, seed, rows=longest + 1)
    rng = np.random.default_rng(seed)
    which = rng.integers(0, len(given.values), BATCH)
    rows = np.stack([given.values[i][: longest + 1] for i in which])
    rows = (rows - rows.mean(1, keepdims=True)) / rows.std(1, keepdims=True)
    x = torch.from_numpy(rows.astype(np.float32))
    torch.manual_seed(seed)
    networks = {name: Reader(each["network"], WIDER * scale.hidden) for name, each in contenders.items()}
    found: dict[str, dict[str, Any]] = {
        name: {"lengths": list(scale.lengths), "ms": [], "MiB": []} for name in networks
    }
    for length in scale.lengths:
        steps = {name: _step(network, x[:, : length + 1]) for name, network in networks.items()}
        for name, took in in_turns(steps, max(2, scale.repeats // FEWER), steps=1).items():
            found[name]["ms"].append(took["cpu"])
            found[name]["MiB"].append(round(bytes_kept(steps[name]) / 2**20, 4))
    for each in found.values():
        each["time exponent"] = round(exponent(scale.lengths, each["ms"]), 4)
        each["memory exponent"] = round(exponent(scale.lengths, each["MiB"]), 4)
    return found


def exponent(lengths: tuple[int, ...], cost: list[float]) -> float:
    """The slope of the logarithm of a cost over that of the length.

    Examples:
        >>> round(exponent((10, 100, 1000), [3.0, 30.0, 300.0]), 3), round(exponent((2, 4), [1.0, 4.0]), 3)
        (1.0, 2.0)
    """
    return float(np.polyfit(np.log(lengths), np.log(cost), 1)[0])


def bytes_kept(step: Callable[[], None]) -> int:
    """That are kept from reading for the gradient, each piece of memory once."""
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        held.append(tensor)  # so that no other takes its place
        return tensor

    held: list[Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        step()
    return sum(kept.values())


def _step(network: nn.Module, x: Tensor) -> Callable[[], None]:
    """Reading (B, T + 1), saying each next value, and the gradient."""

    def step() -> None:
        network.zero_grad()
        (network(x[:, :-1]) - x[:, 1:]).abs().mean().backward()

    return step

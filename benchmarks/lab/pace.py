"""How long a training step takes: contenders take turns on the same batch, in seconds of the processor.

Other programs may be running, which is why contenders take turns, the middle of many turns counts, and what is said is
the ratio of two of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.lab.data import panel
from benchmarks.lab.learn import Windows
from benchmarks.lab.network import Textbook
from benchmarks.lab.own import past
from benchmarks.lab.scale import Scale
from benchmarks.lab.settings import Settings
from foregate import ModelOptions
from foregate.data.inputs import Inputs, InputSpec
from foregate.models.cells import Stack
from foregate.pipeline.member import new_network
from foregate.pipeline.recipe import Recipe
from foregate.training.batches import Crops
from foregate.training.loop import batch_loss
from foregate.training.options import TrainingOptions

__all__ = ["in_turns", "own", "training", "written_out"]

STEPS = 4
"""Taken at a turn."""
Told = Mapping[str, Mapping[str, Any]]
Found = dict[str, dict[str, float]]


def in_turns(contenders: Mapping[str, Callable[[], None]], repeats: int, steps: int = STEPS) -> Found:
    """Milliseconds of a step of each, of the processor and of the clock: the middle of several turns."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    for turn in range(repeats + 1):
        for name, step in contenders.items():
            began, spent = time.perf_counter(), time.process_time()
            for _ in range(steps):
                step()
            if turn:  # the first one warms up
                taken[name].append((time.process_time() - spent, time.perf_counter() - began))
    found = {name: 1_000 / steps * np.median(each, axis=0) for name, each in taken.items()}
    return {name: {"cpu": round(float(cpu), 4), "wall": round(float(wall), 4)} for name, (cpu, wall) in found.items()}


def training(contenders: Told, data: str, scale: Scale, seed: int) -> Found:
    """Steps of the textbook network."""
    return _textbook(contenders, data, scale, seed, lambda network: network)


def written_out(contenders: Told, data: str, scale: Scale, seed: int) -> Found:
    """The same with cells written out gate by gate, one operation of torch after the other."""
    return _textbook(contenders, data, scale, seed, _Plain)


def own(contenders: Told, data: str, scale: Scale, seed: int) -> Found:
    """Steps of Foregate's network, as it trains by default: crops of 192 rows with 24 origins."""
    given = panel(data, scale, seed)
    seasons = (*given.seasons, 1, 1)[:2]
    series, spec = past(given), InputSpec((seasons[0], seasons[1]), window=2 * max(seasons))
    sizes = TrainingOptions(1, batch=16, crop=min(192, int(given.trained.min())), origins=24, precision="float32")
    batch = Crops(Inputs(series, spec), series.lengths, given.horizon, sizes).draw(seed)
    steps = {}
    for name, settings in contenders.items():
        model = ModelOptions.parse(settings.get("model", ""))
        recipe = Recipe(given.horizon, given.seasons, "fast", model=model, hidden=scale.hidden, seed=seed)
        network = new_network(recipe, spec).train()
        steps[name] = _step(network, lambda network=network: batch_loss(network, batch))
    return in_turns(steps, scale.repeats)


class _Plain(nn.Module):
    """A textbook network of one layer, with its cell written out."""

    def __init__(self, network: Textbook) -> None:
        super().__init__()
        self.stack, self.out = Stack.of(network.layers[0]), network.out

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        """See `Textbook.forward`."""
        z, _, _ = self.stack(x.unsqueeze(-1))
        return self.out(z[:, -1])


def _textbook(contenders: Told, data: str, scale: Scale, seed: int, made: Callable[[Textbook], nn.Module]) -> Found:
    given, steps = panel(data, scale, seed), {}
    rng = np.random.default_rng(seed)
    windows = Windows(given, given.lookback, "causal")
    which = rng.integers(0, len(given.values), Settings.batch)
    x, target, _, _ = windows.at(which, given.trained[which] - given.horizon, given.horizon)
    for name, settings in contenders.items():
        torch.manual_seed(seed)
        network = made(Textbook(Settings(**settings), scale.hidden, given.lookback, given.horizon)).train()
        steps[name] = _step(network, lambda network=network: (network(x, target) - target).abs().mean())
    return in_turns(steps, scale.repeats)


def _step(network: nn.Module, loss: Callable[[], Tensor]) -> Callable[[], None]:
    """One step of training on the same batch."""
    optimizer = torch.optim.AdamW(network.parameters(), 1e-4, fused=True)

    def step() -> None:
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()

    return step

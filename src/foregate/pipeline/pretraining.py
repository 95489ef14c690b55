"""Training on made-up series only, so that a network forecasts series it has never seen."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from foregate.core import Frequency, Panel
from foregate.data.inputs import Inputs, InputSpec
from foregate.data.synthetic import KINDS, Kind, generate_batch
from foregate.models.network import Network
from foregate.pipeline.fit import new_network
from foregate.pipeline.plan import CELLS, plan_window
from foregate.pipeline.recipe import LEVELS, Recipe
from foregate.training.ahead import drawn_ahead
from foregate.training.batches import Batch, Crops
from foregate.training.loop import Progress, TrainingResult, batch_loss, train
from foregate.training.options import TrainingOptions

__all__ = ["SyntheticCrops", "pretrain"]

HORIZONS, LONG_HORIZONS = (4, 64), (64, 400)
"""Steps ahead, drawn evenly in their logarithm; one batch in ten looks far."""
CROPS = (0.5, 1, 1, 2)
"""Rows that are read, relative to the crop of the options: short and long memories are both trained."""
HELD_BACK_BATCHES = 4
"""Validation batches per kind of series, drawn with another seed."""


@dataclass(frozen=True)
class SyntheticCrops:
    """Batches of series that are made up as they are needed: a `foregate.training.batches.Source`."""

    options: TrainingOptions
    """Of the run; `batch` is the most series of a step, `crop` the most rows read of one."""
    recent: int = 12
    """See `InputSpec.recent`."""
    kinds: tuple[Kind, ...] = KINDS
    """What is drawn from."""

    @property
    def fingerprint(self) -> int:
        """The same number for the same kinds of series."""
        return zlib.crc32(repr((self.kinds, self.recent)).encode())

    def draw(self, step: int) -> Batch:
        """The batch of training step `step`: the same numbers whenever it is asked for."""
        rng = np.random.default_rng([self.options.seed, step, 1])
        return self.batch_of(Kind.draw(rng, self.kinds), rng, step)

    def batch_of(self, kind: Kind, rng: np.random.Generator, step: int) -> Batch:
        """A batch of one kind of series, at origins all along them."""
        length = kind.length(rng)
        horizon = min(_horizon(rng), max(2, length // 2))
        crop = min(length, round(self.options.crop * float(rng.choice(CROPS))))
        size = int(np.clip(CELLS // crop, 16, self.options.batch))
        made = generate_batch(rng, size, length + horizon, kind.seasons, kind.prior)
        panel = _panel(made.values, made.mask)
        inputs = Inputs(panel, InputSpec(kind.seasons, self.recent, plan_window(kind.seasons)))
        options = replace(self.options, batch=size, crop=crop)
        return Crops(inputs, panel.lengths, horizon, options).draw(step)


def _horizon(rng: np.random.Generator) -> int:
    low, high = np.log(LONG_HORIZONS if rng.random() < 0.1 else HORIZONS)
    return round(float(np.exp(rng.uniform(low, high))))


def _panel(values: np.ndarray, mask: np.ndarray) -> Panel:
    """A panel of series of one length from (S, T) arrays."""
    n, length = values.shape
    return Panel(
        ids=np.arange(n).astype(np.str_),
        offsets=np.arange(n + 1, dtype=np.int64) * length,
        values=np.where(mask, values, 0).astype(np.float32).ravel(),
        mask=mask.ravel(),
        times=np.tile(np.arange(length, dtype=np.int64), n),
        freq=Frequency(1, "step"),
    )


def pretrain(
    recipe: Recipe,
    options: TrainingOptions,
    *,
    kinds: tuple[Kind, ...] = KINDS,
    processes: int = 0,
    on_step: Callable[[Progress], None] | None = None,
    checkpoint: Path | None = None,
) -> tuple[Network, TrainingResult]:
    """Train a network without covariates on made-up series alone.

    Args:
        recipe: sizes of the network and the seed of its first weights; the horizon plays no part.
        options: of the run; it does not stop early if `patience` is at least `checks`.
        kinds: what is drawn from.
        processes: that draw batches ahead, beside this one.
        on_step: told of every step.
        checkpoint: folder to write checkpoints to, and to go on from, to the same bits.
    """
    crops = SyntheticCrops(options, recipe.recent, kinds)
    network = new_network(recipe, InputSpec(recent=recipe.recent))
    levels = torch.tensor(LEVELS, dtype=torch.float32, device=options.device)
    held_back = replace(crops, options=replace(options, seed=options.seed + 1))
    batches = [
        held_back.batch_of(kind, np.random.default_rng([held_back.options.seed, i, j]), j)
        for i, kind in enumerate(kinds)
        for j in range(HELD_BACK_BATCHES)
    ]

    def score(judged: Network) -> float:
        return float(np.mean([batch_loss(judged, batch, levels).item() for batch in batches]))

    with drawn_ahead(crops, processes) as source:
        result = train(network, source, levels, score=score, on_step=on_step, checkpoint=checkpoint)
    return network.cpu(), result

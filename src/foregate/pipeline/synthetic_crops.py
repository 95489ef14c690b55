"""Batches of made-up series, drawn as they are needed."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace

import numpy as np

from foregate.core import Frequency, Panel
from foregate.data.inputs import Inputs, InputSpec
from foregate.data.synthetic import KINDS, Kind, generate_batch
from foregate.pipeline.plan import CELLS, FURTHEST, plan_window
from foregate.training.batches import Batch, Crops
from foregate.training.options import TrainingOptions

__all__ = ["SyntheticCrops"]

HORIZONS, LONG_HORIZONS = (4, 64), (64, FURTHEST)
"""Steps ahead, drawn evenly in their logarithm …"""
LONG_SHARE = 0.1
"""… from the second range in this share of the batches."""
REACH, LONG_REACH = 0.5, 3
"""They are at most so many times the rows of history, usually and in that share."""
CROPS = (1, 1, 1, 2)
"""Rows that are read, relative to the crop of the options: short and long memories are both trained."""


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
        horizon = _horizon(rng, length)
        crop = min(length, round(self.options.crop * float(rng.choice(CROPS))))
        size = int(np.clip(CELLS // crop, 16, self.options.batch))
        made = generate_batch(rng, size, length + horizon, kind.seasons, kind.prior)
        panel = _panel(made.values, made.mask)
        inputs = Inputs(panel, InputSpec(kind.seasons, self.recent, plan_window(kind.seasons)))
        options = replace(self.options, batch=size, crop=crop)
        return Crops(inputs, panel.lengths, horizon, options).draw(step)


def _horizon(rng: np.random.Generator, length: int) -> int:
    far = rng.random() < LONG_SHARE
    low, high = np.log(LONG_HORIZONS if far else HORIZONS)
    most = max(2, int((LONG_REACH if far else REACH) * length))
    return min(round(float(np.exp(rng.uniform(low, high)))), most)


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

"""Batches of a panel that is changed a little from time to time."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

import numpy as np

from foregate.data.augment import Augment, augmented
from foregate.data.inputs import Inputs
from foregate.training.batches import Batch, Crops
from foregate.training.options import TrainingOptions

__all__ = ["AugmentedCrops"]

STEPS = 10
"""Batches that are drawn from one changed panel; then it is changed anew."""


@dataclass
class AugmentedCrops:
    """Batches of changed copies of what may be trained on: a `foregate.training.batches.Source`."""

    crops: Crops
    """Of the panel as it is."""
    augment: Augment
    """How much it is changed."""
    _latest: tuple[int, Crops] | None = field(default=None, repr=False)

    @property
    def options(self) -> TrainingOptions:
        """Of the run."""
        return self.crops.options

    @property
    def fingerprint(self) -> int:
        """The same number for the same data, changed as much."""
        return zlib.crc32(repr(self.augment).encode(), self.crops.fingerprint)

    def draw(self, step: int) -> Batch:
        """The batch of training step `step`: the same numbers whenever it is asked for."""
        number = step // STEPS
        if self._latest is None or self._latest[0] != number:
            self._latest = number, self._changed(number)
        return self._latest[1].draw(step)

    def _changed(self, number: int) -> Crops:
        own = self.crops
        rng = np.random.default_rng([own.options.seed, number, 2])
        panel = augmented(own.inputs.panel, own.limits, self.augment, rng)
        inputs = Inputs(panel, own.inputs.spec)
        return Crops(inputs, own.limits, own.horizon, own.options, weights=own.weights, stride=own.stride)

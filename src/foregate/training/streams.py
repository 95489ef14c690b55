"""Batches that read every series from its beginning, crop after crop, with the state carried on between."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field, replace

import numpy as np

from foregate.training.batches import Batch, Crops
from foregate.training.options import TrainingOptions

__all__ = ["Streams"]


@dataclass
class Streams:
    """As many streams as a batch has crops: each reads one series to its end, then begins with another.

    The state after a crop is where the next one begins, though gradients stop there: truncated back-propagation through
    time (Williams and Peng 1990). So a network learns with states as they are after thousands of rows, at the price of
    neighbouring crops. It is a `foregate.training.batches.Source`.

    Examples:
        >>> from foregate.core import Panel
        >>> from foregate.data.inputs import Inputs, InputSpec
        >>> inputs = Inputs(Panel.from_arrays([np.arange(50.0)]), InputSpec())
        >>> streams = Streams(Crops(inputs, np.array([50]), 1, TrainingOptions(steps=9, batch=1, crop=20)))
        >>> [bool(streams.draw(step).carry[0, 0]) for step in range(5)]
        [False, True, True, False, True]
    """

    crops: Crops
    """What is read; its options say how many streams and rows."""
    _begun: dict[int, list[tuple[int, int]]] = field(default_factory=dict, repr=False)
    """Of each stream: the step that a series begins at, and which one it is."""

    @property
    def options(self) -> TrainingOptions:
        """Of the run."""
        return self.crops.options

    @property
    def fingerprint(self) -> int:
        """The same number for the same data, read in order."""
        return zlib.crc32(b"streams", self.crops.fingerprint)

    def draw(self, step: int) -> Batch:
        """The batch of training step `step`: the same numbers whenever it is asked for."""
        own, options = self.crops, self.options
        begun, series = np.array([self._at(stream, step) for stream in range(options.batch)]).T
        read = own.first[series] + (step - begun) * options.crop
        length = np.minimum(own.limits[series] - read, options.crop)
        column = np.arange(length.max())
        rows = np.where(column < length[:, None], (own.begins[series] + read)[:, None] + column, -1)
        rng = np.random.default_rng([options.seed, step, 3])
        batch = own.from_rows(rows, length, series, rng)
        return replace(batch, carry=(step > begun)[:, None])

    def _at(self, stream: int, step: int) -> tuple[int, int]:
        """The series that a stream reads at a step, and the step that it has begun at."""
        begun = self._begun.setdefault(stream, [])
        while not begun or begun[-1][0] + self._pieces(begun[-1][1]) <= step:
            rng = np.random.default_rng([self.options.seed, stream, len(begun), 4])
            first = begun[-1][0] + self._pieces(begun[-1][1]) if begun else 0
            begun.append((first, int(rng.choice(self.crops.usable))))
        return next(place for place in reversed(begun) if place[0] <= step)

    def _pieces(self, series: int) -> int:
        """Crops that a series has."""
        rows = int(self.crops.limits[series] - self.crops.first[series])
        return -(-rows // self.options.crop)

"""Batches: random crops of random series, and random origins inside them."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from foregate.data.augment import strided
from foregate.data.inputs import Inputs
from foregate.training.options import TrainingOptions

__all__ = ["Batch", "Crops", "Source"]

IntArray = NDArray[np.int64]
Float32Array = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

LARGE_TARGET = 20.0
"""Origins whose outcomes lie further off than this many units of scale weigh less, in proportion."""
MOST_STEPS = 16
"""Of longer horizons this many random steps are trained at a time."""


@dataclass(frozen=True)
class Batch:
    """One training step's numbers."""

    features: Float32Array
    """(B, T, F) what the encoder reads."""
    column: IntArray
    """(B, O) where in the crop each origin lies."""
    origin_features: Float32Array
    """(B, O, F)"""
    k: IntArray
    """(K,) steps ahead, ascending."""
    steps: Float32Array
    """(B, O, K, S)"""
    paths: Float32Array
    """(B, O, K, P)"""
    level: Float32Array
    """(B, O) what 0 stands for at each origin, in the units that its series is read in."""
    scale: Float32Array
    """(B, O) what 1 stands for above it."""
    target: Float32Array
    """(B, O, K) in units of the origin's scale above its level."""
    weight: Float32Array
    """(B, O, K) 0 where there is no target."""
    carry: BoolArray | None = None
    """(B, 1) whether a crop goes on where the one in its place in the batch before has ended; None for nowhere."""


class Source(Protocol):
    """Where training gets its batches from."""

    @property
    def options(self) -> TrainingOptions:
        """Of the run."""

    @property
    def fingerprint(self) -> int:
        """The same number for the same data."""

    def draw(self, step: int) -> Batch:
        """The batch of training step `step`: the same numbers whenever it is asked for."""


class Crops:
    """Draws batches from a panel's inputs.

    Args:
        inputs: of the whole panel; their statistics are causal.
        limits: (S,) rows of each series that may be used, as inputs or targets; the rest is held out.
        horizon: steps ahead to learn.
        options: sizes of a batch.
        weights: (N,) how much each row of the panel counts as a target; all alike if not given.
        stride: origins are taken every so many rows only.
    """

    def __init__(
        self,
        inputs: Inputs,
        limits: IntArray,
        horizon: int,
        options: TrainingOptions,
        *,
        weights: Float32Array | None = None,
        stride: int = 1,
    ) -> None:
        self.inputs, self.horizon, self.options, self.weights, self.stride = inputs, horizon, options, weights, stride
        self.limits = limits
        self.begins = inputs.panel.offsets[:-1]
        self.first = inputs.panel.first_observed
        self.usable = np.flatnonzero(limits - self.first >= 2)  # an origin and at least one target

    @property
    def fingerprint(self) -> int:
        """The same number for the same values, covariates, times, limits, origins, weights and what is made of them."""
        panel = self.inputs.panel
        parts = [panel.values, panel.mask, panel.offsets, self.limits, *(c.values for c in panel.covariates.values())]
        parts += [] if self.weights is None else [self.weights]
        parts += [] if self.inputs.days is None else [self.inputs.days.first]
        number = zlib.crc32(repr((self.horizon, self.stride, self.inputs.spec)).encode())
        for part in parts:
            number = zlib.crc32(part.tobytes(), number)
        return number

    def draw(self, step: int) -> Batch:
        """The batch of training step `step`: the same numbers whenever it is asked for."""
        options = self.options
        rng = np.random.default_rng([options.seed, step])
        series = self.usable[rng.integers(0, len(self.usable), options.batch)]
        limit, first = self.limits[series], self.first[series]
        shortest = np.minimum(np.maximum(first + 2, options.crop), limit)
        end = shortest + (rng.random(options.batch) * (limit - shortest + 1)).astype(np.int64)
        length = np.minimum(end - first, options.crop)
        column = np.arange(length.max())
        begin = self.begins[series] + end - length
        rows = np.where(column < length[:, None], begin[:, None] + column, -1)
        return self.from_rows(rows, length, series, rng)

    def from_rows(self, rows: IntArray, length: IntArray, series: IntArray, rng: np.random.Generator) -> Batch:
        """Random origins in crops of `series` (B,): the first `length` (B,) of `rows` (B, T); the rest is -1."""
        options, limit = self.options, self.begins[series] + self.limits[series]
        to_the_end = rows[:, 0] + length == limit
        high = np.maximum(np.where(to_the_end, length - 1, length), 1)  # the last row has nothing to forecast
        place = rng.random((len(rows), options.origins))
        origin = np.sort((place * high[:, None]).astype(np.int64), 1)
        before = (rows[:, 0] - self.begins[series])[:, None]  # rows of the series that lie before the crop
        origin = np.maximum(strided(origin + before, self.stride) - before, 0)
        k = np.arange(1, self.horizon + 1)
        if self.horizon > MOST_STEPS and not options.every_step:
            k = np.sort(rng.choice(k, MOST_STEPS, replace=False))
        batch = self._assemble(rows, origin, k, limit)
        self.inputs.forget(rng, (batch.features, batch.origin_features), batch.steps)
        return batch

    def at(self, series: IntArray, origins: IntArray) -> Batch:
        """The batch of given `origins` (S, O) of given `series` (S,), -1 for none; reading ends at the last of them."""
        last = origins.max(1)
        first = np.where(origins < 0, last[:, None], origins).min(1)
        length = np.minimum(last - first + self.options.crop, np.maximum(last + 1 - self.first[series], 1))
        column = np.arange(length.max())
        begin = self.begins[series] + last + 1 - length
        rows = np.where(column < length[:, None], begin[:, None] + column, -1)
        place = np.maximum(origins - (last + 1 - length)[:, None], 0)
        stop = self.begins[series] + self.limits[series]
        batch = self._assemble(rows, place, np.arange(1, self.horizon + 1), stop)
        batch.weight[origins < 0] = 0
        return batch

    def _assemble(self, rows: IntArray, column: IntArray, k: IntArray, stop: IntArray) -> Batch:
        inputs, b = self.inputs, np.arange(len(rows))[:, None]
        origins = rows[b, column]
        view, here = inputs.near(rows, int(k[-1]))  # all that is asked for below lies in it
        features = inputs.features(rows)
        steps, paths = inputs.steps(origins, k)
        target, there = inputs.targets(origins, k)
        rows_ahead = origins[..., None] + k
        there &= rows_ahead < stop[:, None, None]
        relative = view.tracks.relative[view.tracks.row[here[b, column]]]
        relative = np.clip(relative, 1e-3, 1) ** self.options.scale_power
        size = (np.abs(target) * there).sum(-1) / np.maximum(there.sum(-1), 1)
        weight = (relative / relative.mean() / np.maximum(1, size / LARGE_TARGET))[..., None] * there
        if self.weights is not None:
            weight = weight * self.weights[np.minimum(rows_ahead, len(self.weights) - 1)]
        return Batch(
            features=features,
            column=column,
            origin_features=features[b, column],
            k=k,
            steps=steps,
            paths=paths,
            **inputs.units(origins)._asdict(),
            target=target,
            weight=weight.astype(np.float32),
        )

"""Several networks that forecast as one. Letters: M members, B origins, K horizon steps, Q quantiles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from foregate.core import Ahead, Engine, Manner, UsageError
from foregate.forecasting.distributions import Distribution

__all__ = ["Ensemble"]

Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]


class Ensemble:
    """Engines side by side; see `foregate.core.Engine`.

    Quantiles are combined level by level (Vincent 1912), which keeps the shape that the members agree on, and cannot
    cross.

    Args:
        engines: M networks that are told the same and answer at the same levels.
        weights: M shares of the mean, which sum to 1; None for the median.

    Raises:
        UsageError: they have other levels, or one is recursive, whose forecasts are futures of its own.
    """

    def __init__(self, engines: Sequence[Engine], weights: tuple[float, ...] | None) -> None:
        manners = [engine.manner for engine in engines]
        if len({manner.levels for manner in manners}) != 1:
            raise UsageError("members must answer at the same levels, but got others. Train them with one recipe.")
        if any(manner.strategy == "recursive" for manner in manners):
            raise UsageError("members must not be recursive, but got one that is. Forecast with it alone.")
        self.engines, self.shares = tuple(engines), weights
        reaches = [manner.reach for manner in manners if manner.reach is not None]
        every = any(manner.strategy == "seq2seq" for manner in manners)
        self.manner = Manner(
            levels=manners[0].levels,
            strategy="seq2seq" if every else "parallel",
            reach=min(reaches, default=None),
        )
        self._carried = np.cumsum([engine.carries for engine in engines])
        self._states = np.cumsum([engine.width for engine in engines])

    @property
    def carries(self) -> int:
        """C, how many numbers of a series are carried on."""
        return int(self._carried[-1])

    @property
    def width(self) -> int:
        """W, numbers of a state."""
        return int(self._states[-1])

    def weights(self) -> dict[str, Float32Array]:
        """The parameters of all members, by their numbers."""
        every = enumerate(self.engines)
        return {f"{i}.{name}": values for i, engine in every for name, values in engine.weights().items()}

    def encode(
        self, features: Float32Array, columns: IntArray, carried: Float32Array | None = None
    ) -> tuple[Float32Array, Float32Array]:
        """What every member reads, side by side."""
        before: list[Float32Array | None] = [None] * len(self.engines)
        if carried is not None:
            before = [np.ascontiguousarray(part) for part in np.split(carried, self._carried[:-1], -1)]
        read = [engine.encode(features, columns, own) for engine, own in zip(self.engines, before, strict=True)]
        states, after = (np.concatenate(each, -1) for each in zip(*read, strict=True))
        return states, after

    def decode(self, states: Float32Array, features: Float32Array, ahead: Ahead) -> Float32Array:
        """States (B, W) and features (B, F) to the quantiles (B, K, Q) of all members together."""
        levels, said = self.manner.levels, []
        for engine, own in zip(self.engines, np.split(states, self._states[:-1], -1), strict=True):
            says = Distribution.of(engine.manner)
            raw = engine.decode(np.ascontiguousarray(own), features, ahead)
            said.append(says.quantiles(raw, levels, ahead.k, ahead.level, ahead.scale))
        together = np.median(said, 0) if self.shares is None else np.tensordot(self.shares, said, 1)
        return together.astype(np.float32)

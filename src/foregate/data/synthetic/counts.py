"""Counts: whole numbers from 0 up, of things sold, called, broken.

Each function takes ``(rng, rate)``, the expected number per step (S, T), and gives counts (S, T) of about that mean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from foregate.data.synthetic.draws import Floats, spread

__all__ = ["COUNTS"]

Count = Callable[[np.random.Generator, Floats], Floats]


def poisson(rng: np.random.Generator, rate: Floats) -> Floats:
    """Independent events: Poisson."""
    return rng.poisson(rate).astype(np.float64)


def negative_binomial(rng: np.random.Generator, rate: Floats) -> Floats:
    """Poisson with a gamma rate of the same mean: variance ``rate + rate^2 / k``, k between 0.3 and 20."""
    k = np.broadcast_to(spread(rng, (0.3, 20), len(rate)), rate.shape)
    return rng.poisson(rng.standard_gamma(k) / k * rate).astype(np.float64)


def intermittent(rng: np.random.Generator, rate: Floats) -> Floats:
    """Demand in some steps only (Croston 1972): with a probability that moves with the rate, of size 1 + Poisson."""
    size = _larger(spread(rng, (1, 8), len(rate)), rate)
    happens = rng.random(rate.shape) < rate / size
    return np.where(happens, 1 + rng.poisson(np.broadcast_to(size - 1, rate.shape)), 0).astype(np.float64)


def lumpy(rng: np.random.Generator, rate: Floats) -> Floats:
    """Intermittent, and of very unequal size: geometric with a mean of 2 to 30."""
    size = _larger(spread(rng, (2, 30), len(rate)), rate)
    happens = rng.random(rate.shape) < rate / size
    return np.where(happens, rng.geometric(np.broadcast_to(1 / size, rate.shape)), 0).astype(np.float64)


def _larger(size: Floats, rate: Floats) -> Floats:
    """A size that leaves half of the steps without demand."""
    return np.asarray(np.maximum(size, 2 * rate.mean(1, keepdims=True)), np.float64)


def packs(rng: np.random.Generator, rate: Floats) -> Floats:
    """Sold by the pack: a negative binomial number of packs of 2, 4, 6, 10, 12 or 24."""
    pack = rng.choice([2, 4, 6, 10, 12, 24], (len(rate), 1))
    return np.asarray(pack * negative_binomial(rng, rate / pack), np.float64)


COUNTS: Mapping[str, Count] = MappingProxyType(
    {f.__name__: f for f in (poisson, negative_binomial, intermittent, lumpy, packs)}
)
"""Count families by name."""

"""Small tools of the generator: draws per series, and linear recursions without a loop over time.

Letters: S series, T steps. Every function takes the generator that it draws from and changes nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Bools",
    "Floats",
    "Ints",
    "autoregress",
    "chance",
    "pick",
    "recur",
    "signs",
    "spread",
    "standardise",
    "unit_range",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

TINY = 1e-12
"""Keeps a division by the spread of a constant finite."""


def pick(rng: np.random.Generator, weights: Mapping[str, float], n: int) -> list[tuple[str, Ints]]:
    """Give each of `n` series one name, in proportion to its weight; names that nobody got are left out.

    Examples:
        >>> pick(np.random.default_rng(0), {"a": 1.0, "b": 0.0}, 3)
        [('a', array([0, 1, 2]))]
    """
    bounds = np.cumsum(list(weights.values()))
    chosen = np.searchsorted(bounds, rng.random(n) * bounds[-1], side="right")
    found = ((name, np.flatnonzero(chosen == i)) for i, name in enumerate(weights))
    return [(name, rows) for name, rows in found if rows.size]


def chance(rng: np.random.Generator, share: float, n: int) -> Ints:
    """The series, each with probability `share`, to which something happens."""
    return np.flatnonzero(rng.random(n) < share)


def spread(rng: np.random.Generator, limits: tuple[float, float], n: int) -> Floats:
    """A column (S, 1) that is uniform in the logarithm between two positive limits."""
    low, high = np.log(limits[0]), np.log(limits[1])
    drawn: Floats = np.exp(low + (high - low) * rng.random((n, 1)))
    return drawn


def signs(rng: np.random.Generator, positive: float, n: int) -> Floats:
    """A column (S, 1) of 1 with probability `positive`, else -1."""
    return np.where(rng.random((n, 1)) < positive, 1.0, -1.0)


def standardise(x: Floats) -> Floats:
    """Rows with mean 0 and standard deviation 1; constant rows become 0."""
    x = x - x.mean(1, keepdims=True)
    out: Floats = x / (np.sqrt((x * x).mean(1, keepdims=True)) + TINY)
    return out


def unit_range(x: Floats) -> Floats:
    """Rows that start at 0 and never go further from it than 1; constant rows become 0."""
    x = x - x[:, :1]
    out: Floats = x / (np.abs(x).max(1, keepdims=True) + TINY)
    return out


def autoregress(shocks: NDArray[Any], pole: NDArray[Any]) -> NDArray[Any]:
    """Solve ``x_t = pole * x_{t-1} + shock_t`` from ``x_{-1} = 0`` for rows (S, T) and poles (S, 1), real or complex.

    By doubling: what the shocks of the last s steps have left, plus what the s before have; log2(T) passes.

    Examples:
        >>> autoregress(np.array([[1.0, 0, 0, 0]]), np.array([[0.5]]))
        array([[1.   , 0.5  , 0.25 , 0.125]])
    """
    x, shift = shocks.copy(), 1
    while shift < x.shape[1]:
        x[:, shift:] += pole * x[:, :-shift]
        pole, shift = pole * pole, 2 * shift
    return x


def recur(factor: Floats, shocks: Floats) -> Floats:
    """Solve ``x_t = factor_t * x_{t-1} + shock_t`` from ``x_{-1} = 0`` with factors (S, T) that change in time.

    Examples:
        >>> recur(np.array([[9.0, 2, 3]]), np.ones((1, 3)))
        array([[ 1.,  3., 10.]])
    """
    x, a, shift = shocks.copy(), factor.copy(), 1
    while shift < x.shape[1]:
        x[:, shift:] += a[:, shift:] * x[:, :-shift]
        a[:, shift:] *= a[:, :-shift].copy()
        shift *= 2
    return x

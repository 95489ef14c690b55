"""From parts to values: links join trend, season and noise; roundings make of them what gets written down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from foregate.data.synthetic.draws import Floats, signs, spread, standardise

__all__ = ["LINKS", "ROUNDINGS", "within_range"]

Link = Callable[[np.random.Generator, Floats, Floats, Floats], Floats]
Rounding = Callable[[np.random.Generator, Floats], Floats]

WIDEST = 7.0
"""Largest range of the logarithm of a series: values a thousandfold apart, which float32 and a network can bear."""


def within_range(x: Floats, widest: float = WIDEST) -> Floats:
    """Rows as they are, or shrunk as a whole so that they span no more than `widest`."""
    span = x.max(1, keepdims=True) - x.min(1, keepdims=True)
    return np.asarray(x * (widest / np.maximum(span, widest)), np.float64)


def log(rng: np.random.Generator, trend: Floats, season: Floats, noise: Floats) -> Floats:
    """Everything in percent: ``exp(trend + season + noise)``; seasons and noise grow with the level."""
    return np.asarray(np.exp(within_range(trend + season + noise)), np.float64)


def additive(rng: np.random.Generator, trend: Floats, season: Floats, noise: Floats) -> Floats:
    """A level that grows in percent under seasons and noise that do not: ``exp(trend) + c (season + noise)``."""
    level = np.exp(within_range(trend))
    return np.asarray(level + level.mean(1, keepdims=True) * (season + noise), np.float64)


def linear(rng: np.random.Generator, trend: Floats, season: Floats, noise: Floats) -> Floats:
    """Values of both signs or far from zero: the standardised sum, plus an offset of 0 to 100 standard deviations."""
    n = len(trend)
    offset = signs(rng, 0.9, n) * spread(rng, (0.3, 100), n) * (rng.random((n, 1)) < 0.8)
    return standardise(trend + season + noise) + offset


def bounded(rng: np.random.Generator, trend: Floats, season: Floats, noise: Floats) -> Floats:
    """Shares between 0 and 1: ``1 / (1 + exp(-x))`` of the sum, scaled to a spread of 0.2 to 3."""
    n = len(trend)
    x = standardise(trend + season + noise) * spread(rng, (0.2, 3), n) + 1.5 * rng.standard_normal((n, 1))
    return np.asarray(1 / (1 + np.exp(-x)), np.float64)


def clipped(rng: np.random.Generator, trend: Floats, season: Floats, noise: Floats) -> Floats:
    """Cut off from below, often at 0: rain, flow, a full tank. Up to half the values lie at the edge."""
    x = standardise(trend + season + noise) * signs(rng, 0.8, len(trend))
    edge = np.sort(x, 1)[np.arange(len(x)), (rng.uniform(0.02, 0.5, len(x)) * (x.shape[1] - 1)).astype(np.int64)]
    base = spread(rng, (0.1, 10), len(x)) * (rng.random((len(x), 1)) < 0.3)
    return np.asarray(np.maximum(x - edge[:, None], 0) + base, np.float64)


LINKS: Mapping[str, Link] = MappingProxyType({f.__name__: f for f in (log, additive, linear, bounded, clipped)})
"""Links by name."""


def none(rng: np.random.Generator, values: Floats) -> Floats:
    """As computed."""
    return values


def digits(rng: np.random.Generator, values: Floats) -> Floats:
    """To 3 to 5 significant digits of the largest value."""
    unit = 10 ** (np.ceil(np.log10(_largest(values))) - rng.integers(3, 6, (len(values), 1)))
    return np.asarray(np.round(values / unit) * unit, np.float64)


def coarse(rng: np.random.Generator, values: Floats) -> Floats:
    """In steps of a tenth to a hundredth of the range: an old meter, a price list."""
    span = values.max(1, keepdims=True) - values.min(1, keepdims=True)
    unit = np.where(span > 0, span, 1) / spread(rng, (10, 100), len(values))
    return np.asarray(np.round(values / unit) * unit, np.float64)


def _largest(values: Floats) -> Floats:
    top = np.abs(values).max(1, keepdims=True)
    return np.asarray(np.where(top > 0, top, 1), np.float64)


ROUNDINGS: Mapping[str, Rounding] = MappingProxyType({f.__name__: f for f in (none, digits, coarse)})
"""Roundings by name."""

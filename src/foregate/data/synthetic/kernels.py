"""Samples of Gaussian processes whose kernels are sums of products, drawn through random Fourier features.

A stationary kernel is the Fourier transform of a distribution of frequencies (Bochner), so ``sum_r cos(2 pi f_r t +
p_r)`` with frequencies f from it and uniform phases p has that kernel (Rahimi and Recht 2007). The product of two
kernels has the sum of their frequencies; the product with a linear kernel is a product with a line. What Chronos draws
from matrices (KernelSynth, Ansari et al. 2024) so costs one cosine per feature and step, at any length.
"""

from __future__ import annotations

import numpy as np

from foregate.data.synthetic.draws import Floats, spread, standardise

__all__ = ["kernel"]

TERMS = 3
"""Products that are summed, at most."""
FEATURES = 12
"""Frequencies per product."""


def kernel(rng: np.random.Generator, n: int, length: int, seasons: tuple[int, ...]) -> Floats:
    """Sums of up to three products of up to two kernels: smooth, Matern, periodic or linear; (S, T), variance 1.

    Args:
        rng: what to draw from.
        n: S.
        length: T.
        seasons: periods in steps that periodic kernels take half of the time; 1 is none.
    """
    frequency = _frequencies(rng, n, length, seasons)
    second = _frequencies(rng, n, length, seasons)
    frequency = np.where(rng.random((n, TERMS, 1)) < 0.4, frequency + second, frequency)
    weight = spread(rng, (0.1, 1), n * TERMS).reshape(n, TERMS, 1) * rng.rayleigh(1, frequency.shape)
    weight *= (np.arange(TERMS) < rng.integers(1, TERMS + 1, (n, 1)))[..., None]
    time = np.arange(length)
    angle = frequency[..., None] * (2 * np.pi * time) + rng.uniform(0, 2 * np.pi, (*frequency.shape, 1))
    waves = np.einsum("nkr,nkrt->nkt", weight, np.cos(angle))
    line = time / max(1, length - 1) - rng.uniform(-0.5, 1.5, (n, TERMS, 1))
    waves = np.where(rng.random((n, TERMS, 1)) < 0.25, waves * line, waves)
    return standardise(waves.sum(1))


def _frequencies(rng: np.random.Generator, n: int, length: int, seasons: tuple[int, ...]) -> Floats:
    """Frequencies (S, terms, features) in cycles per step: each term has a kernel of its own."""
    shape = (n, TERMS, FEATURES)
    scale = spread(rng, (2, 2 * length), n * TERMS).reshape(n, TERMS, 1)
    normal = rng.standard_normal(shape) / (2 * np.pi * scale)  # squared exponential
    matern = np.clip(rng.standard_t(3, shape) / (2 * np.pi * scale), -0.5, 0.5)  # Matern 3/2
    period = spread(rng, (3, max(4, length)), n * TERMS).reshape(n, TERMS, 1)
    known = [m for m in seasons if m > 1]
    if known:
        period = np.where(rng.random((n, TERMS, 1)) < 0.7, rng.choice(known, (n, TERMS, 1)), period)
    harmonic = rng.geometric(0.5, shape) / period
    kind = rng.random((n, TERMS, 1))
    return np.where(kind < 0.35, normal, np.where(kind < 0.6, matern, harmonic))

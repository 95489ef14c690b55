"""Noises: what cannot be forecast, or only for a few steps.

Each function takes ``(rng, n, length)`` and gives (S, T) with mean 0 and a variance near 1; the prior draws the size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from foregate.data.synthetic.draws import Floats, autoregress, spread
from foregate.data.synthetic.trends import garch

__all__ = ["NOISES"]

Noise = Callable[[np.random.Generator, int, int], Floats]


def white(rng: np.random.Generator, n: int, length: int) -> Floats:
    """Independent and normal."""
    return rng.standard_normal((n, length))


def ar(rng: np.random.Generator, n: int, length: int) -> Floats:
    """``e_t = rho e_{t-1} + shock_t`` with rho uniform in -0.5 … 0.95."""
    return _stationary(rng.standard_normal((n, length)), rng.uniform(-0.5, 0.95, (n, 1)))


def persistent(rng: np.random.Generator, n: int, length: int) -> Floats:
    """An AR(1) that returns slowly: rho from 0.85 to 0.995, between noise and a random walk, as weather is."""
    return _stationary(rng.standard_normal((n, length)), 1 - spread(rng, (0.005, 0.15), n))


def arma(rng: np.random.Generator, n: int, length: int) -> Floats:
    """ARMA(1, 2): an AR(1) driven by ``shock_t + a shock_{t-1} + b shock_{t-2}`` (Box and Jenkins 1970)."""
    shocks, (a, b) = rng.standard_normal((n, length + 2)), rng.uniform(-0.7, 0.7, (2, n, 1))
    moving = shocks[:, 2:] + a * shocks[:, 1:-1] + b * shocks[:, :-2]
    return _stationary(moving / np.sqrt(1 + a * a + b * b), rng.uniform(-0.5, 0.9, (n, 1)))


def _stationary(shocks: Floats, rho: Floats) -> Floats:
    shocks = shocks * np.sqrt(1 - rho * rho)
    shocks[:, :1] /= np.sqrt(1 - rho * rho)
    return np.asarray(autoregress(shocks, rho), np.float64)


def long_memory(rng: np.random.Generator, n: int, length: int) -> Floats:
    """Fractional noise ``(1 - B)^-d shock_t``, d uniform in 0.1 … 0.45: weights ``psi_k = psi_{k-1} (k - 1 + d) / k``.

    Source: Granger and Joyeux (1980); the convolution goes through the Fourier transform.
    """
    d, k = rng.uniform(0.1, 0.45, (n, 1)), np.arange(1, 2 * length)
    weights = np.concatenate([np.ones((n, 1)), np.cumprod((k - 1 + d) / k, axis=1)], axis=1)
    weights /= np.sqrt((weights * weights).sum(1, keepdims=True))
    size = 1 << (3 * length).bit_length()
    spectrum = np.fft.rfft(weights, size) * np.fft.rfft(rng.standard_normal((n, 2 * length)), size)
    return np.asarray(np.fft.irfft(spectrum, size)[:, length : 2 * length], np.float64)


def heavy(rng: np.random.Generator, n: int, length: int) -> Floats:
    """Student's t with 3 degrees of freedom, scaled to variance 1."""
    return np.asarray(rng.standard_t(3, (n, length)) / np.sqrt(3), np.float64)


def skewed(rng: np.random.Generator, n: int, length: int) -> Floats:
    """A gamma variable of shape 0.5 to 5 less its mean, upwards or downwards."""
    shape, sign = spread(rng, (0.5, 5), n), np.where(rng.random((n, 1)) < 0.7, 1, -1)
    drawn = rng.standard_gamma(np.broadcast_to(shape, (n, length)))
    return np.asarray(sign * (drawn - shape) / np.sqrt(shape), np.float64)


def clustered(rng: np.random.Generator, n: int, length: int) -> Floats:
    """Normal shocks whose variance follows a GARCH(1, 1) (Bollerslev 1986)."""
    return garch(rng, rng.standard_normal((n, length)))


def volatile(rng: np.random.Generator, n: int, length: int) -> Floats:
    """Stochastic volatility: ``shock_t exp(h_t / 2)``, h an AR(1) that changes slowly (Taylor 1982)."""
    h = _stationary(rng.standard_normal((n, length)), 1 - spread(rng, (0.005, 0.2), n))
    size = rng.uniform(0.3, 1.5, (n, 1))
    return np.asarray(rng.standard_normal((n, length)) * np.exp(size * h / 2 - size * size / 4), np.float64)


NOISES: Mapping[str, Noise] = MappingProxyType(
    {f.__name__: f for f in (white, ar, persistent, arma, long_memory, heavy, skewed, clustered, volatile)}
)
"""Noise families by name."""

"""Trends: where a series goes, without its season and its noise.

Each function takes ``(rng, n, length)`` and gives (S, T) in units of the trend's size, which the prior draws: a path
that starts near 0 and moves by about 1 in all. Below, u = t / (T - 1) runs from 0 to 1. Under the logarithmic link the
values are the exponential of what is given here: *linear* then grows by a constant rate, *logarithmic* by a constant
amount.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from foregate.data.synthetic.draws import Floats, autoregress, recur, spread, unit_range

__all__ = ["TRENDS"]

Trend = Callable[[np.random.Generator, int, int], Floats]


def _course(length: int) -> Floats:
    """u: (1, T) from 0 to 1."""
    return np.arange(length)[None] / max(1, length - 1)


def none(rng: np.random.Generator, n: int, length: int) -> Floats:
    """No trend: 0."""
    return np.zeros((n, length))


def linear(rng: np.random.Generator, n: int, length: int) -> Floats:
    """A straight line: u."""
    return np.repeat(_course(length), n, axis=0)


def damped(rng: np.random.Generator, n: int, length: int) -> Floats:
    """A slope that dies away: ``(1 - exp(-k u)) / (1 - exp(-k))``, k uniform in 1.5 … 8 (Gardner and McKenzie 1985)."""
    k = rng.uniform(1.5, 8, (n, 1))
    return np.expm1(-k * _course(length)) / np.expm1(-k)


def exponential(rng: np.random.Generator, n: int, length: int) -> Floats:
    """A slope that grows: ``(exp(k u) - 1) / (exp(k) - 1)``, k uniform in 0.5 … 4."""
    k = rng.uniform(0.5, 4, (n, 1))
    return np.expm1(k * _course(length)) / np.expm1(k)


def logarithmic(rng: np.random.Generator, n: int, length: int) -> Floats:
    """A slope that falls with the level: ``log(1 + k u) / log(1 + k)``, k between 0.5 and 50."""
    k = spread(rng, (0.5, 50), n)
    return np.asarray(np.log1p(k * _course(length)) / np.log1p(k), np.float64)


def logistic(rng: np.random.Generator, n: int, length: int) -> Floats:
    """An S-curve from one level to another: ``1 / (1 + exp(-(u - c) / w))``, its middle seen or not (Verhulst 1838)."""
    middle, width = rng.uniform(-0.1, 1.2, (n, 1)), spread(rng, (0.03, 0.35), n)
    return unit_range(1 / (1 + np.exp(-(_course(length) - middle) / width)))


def piecewise(rng: np.random.Generator, n: int, length: int) -> Floats:
    """Straight pieces: ``sum_i s_i max(0, u - b_i)``, up to four breaks b and normal changes of slope s."""
    breaks = rng.random((n, 4, 1)) * (np.arange(4)[:, None] > 0)
    slopes = rng.standard_normal((n, 4, 1)) * (np.arange(4)[:, None] < rng.integers(2, 5, (n, 1, 1)))
    return unit_range((slopes * np.maximum(0, _course(length) - breaks)).sum(1))


def walk(rng: np.random.Generator, n: int, length: int) -> Floats:
    """A random walk: normal steps of variance 1 / T."""
    return np.asarray(rng.standard_normal((n, length)).cumsum(1) / np.sqrt(length), np.float64)


def drift(rng: np.random.Generator, n: int, length: int) -> Floats:
    """A random walk with drift: steps of mean 1 / T and a standard deviation of 0.1 to 6 times as much."""
    noise = spread(rng, (0.1, 6), n) * rng.standard_normal((n, length))
    return unit_range((1 + noise).cumsum(1))


def integrated(rng: np.random.Generator, n: int, length: int) -> Floats:
    """A local trend: slopes ``b_t = phi b_{t-1} + e_t`` summed, phi one of 1, 0.98, 0.9, 0.8, 0.5 (Harvey 1989)."""
    phi = rng.choice([1.0, 0.98, 0.9, 0.8, 0.5], (n, 1))
    shocks = rng.standard_normal((n, length))
    shocks[:, 0] *= rng.uniform(0, 4, n)
    return unit_range(autoregress(shocks, phi).cumsum(1))


def growth(rng: np.random.Generator, n: int, length: int) -> Floats:
    """Growth at rates that change: up to four regimes, each with a mean rate, and autoregressive rates around it."""
    regimes = rng.integers(1, 5, (n, 1))
    when = (_course(length) * regimes + 0.4 * rng.random((n, 1))).astype(np.int64)
    rates = np.take_along_axis(1 + rng.uniform(0, 1.2, (n, 1)) * rng.standard_normal((n, 5)), when, 1)
    wobble = autoregress(rng.standard_normal((n, length)), rng.uniform(-0.2, 0.8, (n, 1)))
    return unit_range((rates + spread(rng, (0.05, 3), n) * wobble).cumsum(1))


def market(rng: np.random.Generator, n: int, length: int) -> Floats:
    """A price: summed returns with the variance of a GARCH(1, 1) (Bollerslev 1986), heavy-tailed half of the time."""
    shocks = rng.standard_normal((n, length))
    tailed = np.flatnonzero(rng.random(n) < 0.5)
    shocks[tailed] = rng.standard_t(4, (tailed.size, length)) / np.sqrt(2)
    return np.asarray(garch(rng, shocks).cumsum(1) / np.sqrt(length), np.float64)


def garch(rng: np.random.Generator, shocks: Floats) -> Floats:
    """Scale shocks by ``v_t = w + (a e_{t-1}^2 + b) v_{t-1}``, with a + b between 0.8 and 0.995 and mean variance 1."""
    n = len(shocks)
    persistence, news = 1 - spread(rng, (0.005, 0.2), n), rng.uniform(0.02, 0.3, (n, 1))
    squares = np.minimum(shocks * shocks, 16)
    factor = np.empty_like(shocks)
    factor[:, 0], factor[:, 1:] = 0, persistence * (1 - news + news * squares[:, :-1])
    start = np.broadcast_to(1 - persistence, shocks.shape).copy()
    start[:, 0] = 1
    return shocks * np.sqrt(np.minimum(recur(factor, start), 100))


def cycle(rng: np.random.Generator, n: int, length: int) -> Floats:
    """A stochastic cycle: real part of ``c_t = rho exp(i w) c_{t-1} + e_t``, periods 4 to T (Harvey 1989)."""
    period = spread(rng, (4, max(5, length)), n)
    pole = (1 - spread(rng, (0.001, 0.15), n)) * np.exp(2j * np.pi / period)
    shocks = rng.standard_normal((n, length)) + 1j * rng.standard_normal((n, length))
    shocks[:, :1] *= 1 / np.sqrt(1 - np.abs(pole) ** 2)
    path = np.asarray(autoregress(shocks, pole).real, np.float64)
    return np.asarray(path / (np.abs(path).max(1, keepdims=True) + 1e-12), np.float64)


def life(rng: np.random.Generator, n: int, length: int) -> Floats:
    """A life cycle: rise to a peak and fall, a bell whose two sides differ in width by up to five times."""
    away = _course(length) - rng.uniform(-0.1, 1.1, (n, 1))
    width = np.where(away < 0, spread(rng, (0.08, 0.4), n), spread(rng, (0.08, 0.4), n))
    return unit_range(np.exp(-0.5 * (away / width) ** 2))


TRENDS: Mapping[str, Trend] = MappingProxyType(
    {
        f.__name__: f
        for f in (
            none,
            linear,
            damped,
            exponential,
            logarithmic,
            logistic,
            piecewise,
            walk,
            drift,
            integrated,
            growth,
            market,
            cycle,
            life,
        )
    }
)
"""Trend families by name."""

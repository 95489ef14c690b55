"""Seasons: a shape that is repeated, and how it changes while it is.

A *shape* takes ``(rng, n, bins)`` and gives one cycle of each series, (S, bins), with mean 0 and standard deviation 1.
An *evolution* takes that table and the phases, and gives the season as it runs, (S, T). Periods are in steps and need
not be whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from foregate.data.synthetic.draws import Floats, Ints, pick, spread, standardise

__all__ = ["EVOLUTIONS", "SHAPES", "season"]

Shape = Callable[[np.random.Generator, int, int], Floats]
Evolution = Callable[[np.random.Generator, Floats, Floats], Floats]


def smooth(rng: np.random.Generator, n: int, bins: int) -> Floats:
    """Up to six harmonics: ``sum_j a_j cos(2 pi j x + p_j)``, a_j normal and falling as ``j^-d``, d in 0.3 … 4."""
    j = np.arange(1, min(max(1, bins // 2), 6) + 1)
    decay, shift = j ** -rng.uniform(0.3, 4, (n, 1)), rng.uniform(0, 2 * np.pi, (n, j.size))
    size = rng.standard_normal((n, j.size)) * decay
    angle = 2 * np.pi * np.outer(j, np.arange(bins) / bins)
    return standardise((size * np.cos(shift)) @ np.cos(angle) - (size * np.sin(shift)) @ np.sin(angle))


def rough(rng: np.random.Generator, n: int, bins: int) -> Floats:
    """An independent normal value for each phase: months and quarters have no reason to be smooth."""
    return standardise(rng.standard_normal((n, bins)))


def spiky(rng: np.random.Generator, n: int, bins: int) -> Floats:
    """Quiet but for a few phases: one to a sixth of the bins hold a spike, beside a weak smooth shape."""
    count = rng.integers(1, max(2, bins // 6 + 1), (n, 1))
    order = rng.random((n, bins)).argsort(1)
    heights = rng.standard_normal((n, bins)) + 2 * np.where(rng.random((n, 1)) < 0.7, 1, -1)
    return standardise(np.where(order < count, heights, 0) + rng.uniform(0, 0.25, (n, 1)) * smooth(rng, n, bins))


def one_sided(rng: np.random.Generator, n: int, bins: int) -> Floats:
    """Flat for part of the cycle: a smooth shape cut off at a quantile between 0.3 and 0.8, from below or above."""
    shape, sign = smooth(rng, n, bins), np.where(rng.random((n, 1)) < 0.75, 1, -1)
    level = np.sort(shape, 1)[np.arange(n), (rng.uniform(0.3, 0.8, n) * (bins - 1)).astype(np.int64)]
    return standardise(sign * np.maximum(shape, level[:, None]))


def blocks(rng: np.random.Generator, n: int, bins: int) -> Floats:
    """Steps: two to four runs of phases, such as working days and the weekend, each with its own level."""
    cuts = (rng.random((n, 3, 1)) * bins).astype(np.int64)
    active = np.arange(3)[:, None] < rng.integers(1, 4, (n, 1, 1))
    jumps = rng.standard_normal((n, 3, 1)) * active
    return standardise((jumps * (np.arange(bins) >= cuts)).sum(1) + 0.15 * rng.standard_normal((n, bins)))


def skew(rng: np.random.Generator, n: int, bins: int) -> Floats:
    """Rise and fall of unequal length, as of sunspots: a cosine in warped time, to a power between 0.5 and 3."""
    x, middle = (np.arange(bins) / bins + rng.random((n, 1))) % 1, rng.uniform(0.1, 0.9, (n, 1))
    warped = np.where(x < middle, 0.5 * x / middle, 0.5 + 0.5 * (x - middle) / (1 - middle))
    return standardise(((1 - np.cos(2 * np.pi * warped)) / 2) ** spread(rng, (0.5, 3), n))


SHAPES: Mapping[str, Shape] = MappingProxyType({f.__name__: f for f in (smooth, rough, spiky, one_sided, blocks, skew)})
"""Shapes of one cycle by name."""


def fixed(rng: np.random.Generator, table: Floats, phase: Floats) -> Floats:
    """The same in every cycle."""
    return np.take_along_axis(table, _bins(phase, table.shape[1]), 1)


def swelling(rng: np.random.Generator, table: Floats, phase: Floats) -> Floats:
    """The size changes: times ``exp`` of a random walk and of a line, up to three times from end to end."""
    n, length = phase.shape
    pace = rng.uniform(0, 0.5, (n, 1)) * rng.standard_normal((n, length)).cumsum(1) / np.sqrt(length)
    line = rng.uniform(-1, 1, (n, 1)) * np.linspace(-0.5, 0.5, length)
    return np.asarray(fixed(rng, table, phase) * np.exp(np.clip(pace + line, -1.5, 1.5)), np.float64)


def shifting(rng: np.random.Generator, table: Floats, phase: Floats) -> Floats:
    """The clock is not exact: the phase does a random walk of up to a tenth of a cycle."""
    n, length = phase.shape
    lag = rng.uniform(0.01, 0.1, (n, 1)) * rng.standard_normal((n, length)).cumsum(1) / np.sqrt(length)
    return fixed(rng, table, phase + lag)


def wandering(rng: np.random.Generator, table: Floats, phase: Floats) -> Floats:
    """Each phase does its own random walk from cycle to cycle, of 0.01 to 0.3 per cycle (Harvey 1989)."""
    n, bins = table.shape
    turn = np.floor(phase).astype(np.int64)
    turn -= turn.min(1, keepdims=True)
    # Bounded memory where short cycles share a table with long ones: several cycles then move together.
    turn //= max(1, (int(turn.max()) + 1) * bins // (4 * (phase.shape[1] + bins)))
    steps = spread(rng, (0.01, 0.3), n)[..., None] * rng.standard_normal((n, int(turn.max()) + 1, bins))
    tables = table[:, None] + steps.cumsum(1)
    return np.take_along_axis(tables.reshape(n, -1), turn * bins + _bins(phase, bins), 1)


def fading(rng: np.random.Generator, table: Floats, phase: Floats) -> Floats:
    """One shape turns into another over the course of the series."""
    n, length = phase.shape
    other = fixed(rng, smooth(rng, n, table.shape[1]), phase)
    weight = 1 / (1 + np.exp(-(np.linspace(0, 1, length) - rng.uniform(0, 1, (n, 1))) / spread(rng, (0.02, 0.4), n)))
    return (1 - weight) * fixed(rng, table, phase) + weight * other


EVOLUTIONS: Mapping[str, Evolution] = MappingProxyType(
    {f.__name__: f for f in (fixed, swelling, shifting, wandering, fading)}
)
"""How seasons change, by name."""


def _bins(phase: Floats, bins: int) -> Ints:
    # A nudge, so that whole periods meet their bins exactly in spite of rounding.
    return np.floor((phase % 1) * bins + 1e-6).astype(np.int64) % bins


def season(
    rng: np.random.Generator, period: Floats, length: int, shapes: Mapping[str, float], evolutions: Mapping[str, float]
) -> tuple[Floats, list[str]]:
    """Seasons of mean size 1 and the given periods.

    Args:
        rng: what to draw from.
        period: steps per cycle, (S,), at least 2.
        length: T.
        shapes: weights of `SHAPES`.
        evolutions: weights of `EVOLUTIONS`.

    Returns:
        The seasons (S, T), and for each series its shape and evolution as ``"shape fixed"``.
    """
    n, names = len(period), [""] * len(period)
    out, bins = np.empty((n, length)), int(np.ceil(period.max()))
    table = np.empty((n, bins))
    start = np.floor(rng.random(n) * period)
    phase = (np.arange(length) + start[:, None]) / period[:, None]
    for shape, rows in pick(rng, shapes, n):
        table[rows] = SHAPES[shape](rng, rows.size, bins)
        for row in rows.tolist():
            names[row] = shape
    for evolution, rows in pick(rng, evolutions, n):
        out[rows] = EVOLUTIONS[evolution](rng, table[rows], phase[rows])
        for row in rows.tolist():
            names[row] += " " + evolution
    return out, names

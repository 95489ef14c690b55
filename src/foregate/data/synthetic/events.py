"""Events and gaps: what happens to a series once, and what is not there.

Events take ``(rng, n, length)`` and give (S, T) in units of the event's size. Gaps give masks, True where observed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from foregate.data.synthetic.draws import Bools, Floats, Ints, spread

__all__ = ["EVENTS", "GAPS"]

Event = Callable[[np.random.Generator, int, int], Floats]
Gap = Callable[[np.random.Generator, int, int], Bools]


def _place(rng: np.random.Generator, n: int, length: int) -> Ints:
    """Steps since something happened at a random moment, (S, T); negative before."""
    return np.arange(length) - np.floor(rng.random((n, 1)) * length).astype(np.int64)


def shift(rng: np.random.Generator, n: int, length: int) -> Floats:
    """The level jumps and stays, up to three times."""
    jumps = rng.standard_normal((3, n, 1)) * (np.arange(3)[:, None, None] < rng.integers(1, 4, (n, 1)))
    return sum((jump * (_place(rng, n, length) >= 0) for jump in jumps), np.zeros((n, length)))


def ramp(rng: np.random.Generator, n: int, length: int) -> Floats:
    """The level moves in a straight line over 1 to 30 % of the series, and stays."""
    return np.asarray(
        rng.standard_normal((n, 1)) * np.clip(_place(rng, n, length) / (spread(rng, (0.01, 0.3), n) * length), 0, 1),
        np.float64,
    )


def pulse(rng: np.random.Generator, n: int, length: int) -> Floats:
    """A shock that dies away: ``exp(-k / tau)`` after it, tau 1 to 20 % of the series: a campaign, a lockdown."""
    since = _place(rng, n, length)
    fall = np.exp(-np.maximum(since, 0) / (spread(rng, (0.01, 0.2), n) * length + 0.5))
    return np.asarray(rng.standard_normal((n, 1)) * fall * (since >= 0), np.float64)


def regimes(rng: np.random.Generator, n: int, length: int) -> Floats:
    """Two to four levels, between which a Markov chain switches: stays of 2 to 25 % of the series on average."""
    switches = rng.random((n, length)) < 1 / (spread(rng, (0.02, 0.25), n) * length + 1)
    visit = switches.cumsum(1)
    levels = rng.standard_normal((n, 4))
    chosen = rng.integers(0, rng.integers(2, 5, (n, 1)), (n, int(visit.max()) + 1))
    return np.take_along_axis(np.take_along_axis(levels, chosen, 1), visit, 1)


def outliers(rng: np.random.Generator, n: int, length: int) -> Floats:
    """Single steps far off: a share of 0.2 to 4 %, normal, up only in a third of the series."""
    size = rng.standard_normal((n, length)) * (rng.random((n, length)) < spread(rng, (0.002, 0.04), n))
    return np.where(rng.random((n, 1)) < 1 / 3, np.abs(size), size)


def closed(rng: np.random.Generator, n: int, length: int) -> Floats:
    """1 where nothing is sold or made, else 0: single steps, a share of 0.2 to 3 %, and at times a whole stretch."""
    out = rng.random((n, length)) < spread(rng, (0.002, 0.03), n)
    since, run = _place(rng, n, length), np.ceil(spread(rng, (0.005, 0.1), n) * length)
    out |= (since >= 0) & (since < run) & (rng.random((n, 1)) < 0.3)
    return out.astype(np.float64)


EVENTS: Mapping[str, Event] = MappingProxyType({f.__name__: f for f in (shift, ramp, pulse, regimes, outliers, closed)})
"""Events by name."""


def points(rng: np.random.Generator, n: int, length: int) -> Bools:
    """Single steps are missing, each with a probability between 0.5 and 30 %."""
    return np.asarray(rng.random((n, length)) >= spread(rng, (0.005, 0.3), n), np.bool_)


def stretches(rng: np.random.Generator, n: int, length: int) -> Bools:
    """One to three stretches are missing, each of 1 to 20 % of the series."""
    mask = np.ones((n, length), np.bool_)
    for i in range(3):
        since = _place(rng, n, length)
        gone = (since >= 0) & (since < np.maximum(1, spread(rng, (0.01, 0.2), n) * length))
        mask &= ~(gone & (rng.random((n, 1)) < 1 / (i + 1)))
    return mask


def late_start(rng: np.random.Generator, n: int, length: int) -> Bools:
    """The series begins after a tenth to nine tenths of the others' time; at least 8 steps are left."""
    start = np.minimum(rng.uniform(0.1, 0.9, (n, 1)) * length, max(0, length - 8))
    return np.asarray(np.arange(length) >= np.floor(start), np.bool_)


GAPS: Mapping[str, Gap] = MappingProxyType({f.__name__: f for f in (points, stretches, late_start)})
"""Gaps by name."""

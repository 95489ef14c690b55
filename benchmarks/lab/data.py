"""Data of the lab: panels to forecast and sequences to tell apart, real ones and made-up ones. Numpy and polars.

Each seed draws other series, or another stretch of the same. Of real data only what lies before every test part is
read: the jobs of `benchmarks.cases` end with the windows that are for choices, and files of test parts stay closed.
Letters: S series, W origins, K horizon, N sequences, T steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.cases import CASES
from benchmarks.lab.scale import Scale
from benchmarks.sets import table
from foregate.data.synthetic import HOURLY, generate_batch

__all__ = ["CLASSES", "PANELS", "WORDS", "Classes", "Panel", "classes", "panel"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LONGEST_WAVE = 90
"""Steps."""
ECHO = 60
"""Steps after which a value comes back."""


@dataclass(frozen=True)
class Panel:
    """Series to be forecast."""

    values: tuple[Floats, ...]
    """S series without missing values, up to the last step that is asked for."""
    trained: Ints
    """(S,) rows of each that are trained on: its beginning, up to the first origin."""
    origins: Ints
    """(W,) rows after `trained` that are known at each origin, from 0 on."""
    horizon: int
    """K."""
    seasons: tuple[int, ...]
    """In steps, told to Foregate."""
    lookback: int
    """L that suits."""

    @property
    def scales(self) -> Floats:
        """(S,) mean absolute seasonal change of what is trained on, which errors are divided by."""
        m = self.seasons[0] if self.seasons else 1
        parts = [y[:n] for y, n in zip(self.values, self.trained, strict=True)]
        return np.maximum([np.abs(y[m:] - y[:-m]).mean() for y in parts], 1e-9)

    def came(self) -> Floats:
        """(S, W, K) what followed each origin."""
        ahead = self.origins[:, None] + np.arange(self.horizon)
        return np.stack([y[n + ahead] for y, n in zip(self.values, self.trained, strict=True)])

    def errors(self, said: Floats) -> dict[str, object]:
        """MASE and its like for squares, and MASE by step, of forecasts (S, W, K)."""
        off = (said - self.came()) / self.scales[:, None, None]
        rmsse = np.sqrt(np.square(off).mean((1, 2))).mean()
        steps = [round(float(each), 4) for each in np.abs(off).mean((0, 1))]
        return {"mase": round(float(np.abs(off).mean()), 5), "rmsse": round(float(rmsse), 5), "steps": steps}


@dataclass(frozen=True)
class Classes:
    """Sequences to be told apart: half to learn from, half to be judged by."""

    x: Floats
    """(N, T) values."""
    y: Ints
    """(N,) classes from 0 on."""
    judged: NDArray[np.bool_]
    """(N,) which are judged."""


@dataclass(frozen=True)
class Source:
    """Where a panel comes from."""

    words: str
    """For readers."""
    horizon: int
    seasons: tuple[int, ...]
    lookback: int
    stride: int
    """Rows between two origins."""
    draw: Callable[[np.random.Generator, int, int], list[Floats]]
    """Random numbers, how many series, and rows that they must have at least: series."""


def panel(name: str, scale: Scale, seed: int, series: int | None = None, rows: int | None = None) -> Panel:
    """The series of one seed; `series` and `rows` in place of those of the scale."""
    source = PANELS[name]
    origins = source.stride * np.arange(scale.origins)
    span = int(origins[-1]) + source.horizon
    wanted = rows or scale.rows
    drawn = source.draw(np.random.default_rng(seed), series or scale.series, wanted + span)
    values = tuple(y[-(wanted + span) :] for y in drawn)
    trained = np.array([len(y) - span for y in values])
    return Panel(values, trained, origins, source.horizon, source.seasons, source.lookback)


def classes(name: str, seed: int) -> Classes:
    """The sequences of one seed, which also says which half is judged: as many of each class."""
    x, y = CLASSES[name](np.random.default_rng(seed))
    rng = np.random.default_rng([seed, 1])
    judged = np.zeros(len(y), bool)
    for label in np.unique(y):
        own = rng.permutation(np.flatnonzero(y == label))
        judged[own[: len(own) // 2]] = True
    return Classes((x - x[~judged].mean()) / x[~judged].std(), y, judged)


def _filled(y: Floats) -> Floats:
    """Missing values on a straight line."""
    known = np.flatnonzero(np.isfinite(y))
    return np.interp(np.arange(len(y)), known, y[known])


def _real(case: str) -> Iterator[Floats]:
    """Series of a set, up to the end of the windows that are for choices."""
    job = CASES[case].job(case, test=False)
    y = job.rows["y"].to_numpy().astype(np.float64)
    for a, b in zip(job.starts[:-1], job.starts[1:], strict=True):
        yield _filled(y[a:b])


def _some(case: str) -> Callable[[np.random.Generator, int, int], list[Floats]]:
    """Random series of many, of which each gives its end."""

    def draw(rng: np.random.Generator, n: int, rows: int) -> list[Floats]:
        every = list(_real(case))
        longest = max(len(y) for y in every)
        able = [y for y in every if len(y) >= min(rows, longest)]
        return [able[i] for i in rng.permutation(len(able))[:n]]

    return draw


def _stretch(case: str) -> Callable[[np.random.Generator, int, int], list[Floats]]:
    """A random stretch of a few long series."""

    def draw(rng: np.random.Generator, n: int, rows: int) -> list[Floats]:
        every = list(_real(case))[:n]
        end = int(rng.integers(rows, min(len(y) for y in every) + 1))
        return [y[:end] for y in every]

    return draw


def _hours(rng: np.random.Generator, n: int, rows: int) -> list[Floats]:
    return list(generate_batch(rng, n, rows, (24, 168), HOURLY).values)


def _months(rng: np.random.Generator, n: int, rows: int) -> list[Floats]:
    return list(generate_batch(rng, n, min(rows, MONTHS), (12, 1)).values)


def _waves(rng: np.random.Generator, n: int, rows: int) -> list[Floats]:
    """A season that nobody is told, of 50 to 90 steps and a shape of its own in each series, and noise."""
    period = rng.uniform(50, LONGEST_WAVE, (n, 1))
    t = np.arange(rows) / period + rng.uniform(0, 1, (n, 1))
    waves = sum(rng.normal(0, 1 / k, (n, 1)) * np.sin(2 * np.pi * k * t + rng.uniform(0, 7, (n, 1))) for k in (1, 2, 3))
    return list(np.asarray(waves) + 0.3 * rng.standard_normal((n, rows)))


def _echo(rng: np.random.Generator, n: int, rows: int) -> list[Floats]:
    """y_t = 0.9 y_{t-60} + e_t with e a short moving average of noise: what comes is what was, 60 steps ago."""
    noise = rng.standard_normal((n, rows + 4 * ECHO + 4))
    e = sum(noise[:, i : i + rows + 4 * ECHO] for i in range(5)) / np.sqrt(5)
    y = np.array(e)
    for begin in range(ECHO, y.shape[1], ECHO):
        part = y[:, begin : begin + ECHO]
        part += 0.9 * y[:, begin - ECHO : begin - ECHO + part.shape[1]]
    return list(y[:, -rows:])


def _labelled(name: str) -> Callable[[np.random.Generator], tuple[Floats, Ints]]:
    def draw(rng: np.random.Generator) -> tuple[Floats, Ints]:
        rows = table(name)
        n = rows["unique_id"].n_unique()
        x = rows["y"].to_numpy().astype(np.float64).reshape(n, -1)
        y = np.unique(rows["label"].to_numpy().reshape(n, -1)[:, 0], return_inverse=True)[1].astype(np.int64)
        some = rng.permutation(n)[:MOST_SEQUENCES]
        return x[some], y[some]

    return draw


def _first(rng: np.random.Generator) -> tuple[Floats, Ints]:
    """A class that its first five values tell, and 75 values of noise."""
    y = rng.integers(0, 2, MADE)
    x = rng.standard_normal((MADE, 80))
    x[:, :5] += np.where(y, 1, -1)[:, None]
    return x, y


def _order(rng: np.random.Generator) -> tuple[Floats, Ints]:
    """A bump up and a bump down anywhere, in noise; the class says which comes first."""
    y = rng.integers(0, 2, MADE)
    x = 0.3 * rng.standard_normal((MADE, 80))
    places = np.stack([rng.integers(0, 35, MADE), rng.integers(40, 75, MADE)])
    for sign, place in ((1, np.where(y, *places)), (-1, np.where(y, *places[::-1]))):
        x[np.arange(MADE)[:, None], place[:, None] + np.arange(5)] += sign
    return x, y


MOST_SEQUENCES = 400
MONTHS = 300
"""Of a generated monthly series at most."""
MADE = 300
"""Sequences that are made up."""

PANELS = {
    "pjm_zones": Source("PJM zones, hourly electricity", 24, (24, 168), 48, 13, _stretch("pjm_zones")),
    "nn5_daily": Source("NN5, daily cash withdrawals", 14, (7,), 28, 5, _some("nn5_daily")),
    "aus_retail": Source("Australian retail, monthly", 12, (12,), 36, 3, _some("aus_retail")),
    "m4_weekly": Source("M4 Weekly", 13, (52,), 52, 3, _some("m4_weekly")),
    "made hours": Source("generated hourly series, seasons of a day and a week", 24, (24, 168), 48, 13, _hours),
    "made months": Source("generated monthly series", 12, (12,), 36, 3, _months),
    "made waves": Source("made-up waves of 50 to 90 steps in noise", 12, (), 48, 7, _waves),
    "made echo": Source("made-up noise that comes back after 60 steps", 12, (), 72, 7, _echo),
}
CLASSES = {
    "ucr_wafer": _labelled("ucr_wafer"),
    "ucr_gunpoint": _labelled("ucr_gunpoint"),
    "ucr_italypowerdemand": _labelled("ucr_italypowerdemand"),
    "made first": _first,
    "made order": _order,
}
WORDS = {name: source.words for name, source in PANELS.items()} | {
    "ucr_wafer": "UCR Wafer, its training part",
    "ucr_gunpoint": "UCR GunPoint, its training part",
    "ucr_italypowerdemand": "UCR ItalyPowerDemand, its training part",
    "made first": "sequences whose first 5 of 80 values tell the class",
    "made order": "sequences whose class is which of two bumps comes first",
}

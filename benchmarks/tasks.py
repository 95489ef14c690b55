"""What instant forecasts are judged on: sets, horizons, seasons, and which windows are for choices.

Two kinds of sets. The competition sets have one window: their official test part for the final print, the last horizon
of their training part (of the series that can spare it) for choices. The other sets are forecast from rolling origins:
the last `windows` of them, `stride` rows apart, for the final print, and as many just before, which end before the
first step of those begins, for choices.

Strides that are no multiple of a week let the origins walk through the days of the week. Every forecaster is given the
same past: all of it in the competition sets, the last `LOOKBACK` rows in the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.sets import table
from foregate.core import Panel
from foregate.data import read, regularize

__all__ = ["COMPETITIONS", "LOOKBACK", "ROLLING", "TASKS", "Part", "Round", "Task"]

Floats = NDArray[np.float64]
_Item = TypeVar("_Item")

LOOKBACK = 2_000
"""Rows of history before a rolling origin."""
QUICK_SERIES, QUICK_WINDOWS = 60, 5
"""Of a set at most, in a quick look: evenly spaced ones, so always the same."""


@dataclass(frozen=True)
class Part:
    """Which windows to forecast."""

    test: bool = False
    """The last ones, for the final print; else those before, for choices."""
    quick: bool = False
    """A sample of series and windows."""

    def __str__(self) -> str:
        return ("test" if self.test else "validation") + (", quick" if self.quick else "")


@dataclass(frozen=True)
class Round:
    """All series at one origin."""

    past: Panel
    """What is known."""
    actual: Floats
    """(S, K) what came; NaN where missing."""


@dataclass(frozen=True)
class Task:
    """A set and what is asked of it."""

    name: str
    """Folder of the data."""
    horizon: int
    """Steps ahead."""
    season: int
    """In steps, of MASE, SeasonalNaive and AutoETS; 1 for none."""
    seasons: tuple[int, ...] = ()
    """Given to the forecaster, shortest first; () for none."""
    windows: int = 1
    """Rolling origins in each part; 1 in a competition set."""
    stride: int = 0
    """Rows between two origins; 0: the official test part is the only window."""
    naive2: tuple[float, float] | None = None
    """Official sMAPE and MASE of Naive2 in M4, for OWA."""
    continued: bool = False
    """Rolling origins run on through the official test part."""

    @property
    def facts(self) -> dict[str, object]:
        """All that figures depend on, to tell whether those that were kept are of this task."""
        return {"lookback": LOOKBACK, **asdict(self), "seasons": list(self.seasons)}

    def rounds(self, part: Part) -> Iterator[Round]:
        """One round per origin, oldest first."""
        if self.stride:
            yield from self._rolling(part)
            return
        train = _arrays(table(self.name))
        if part.test:
            future = _arrays(table(self.name, "test"))
            pairs = {i: (y, future[i]) for i, y in train.items()}
        else:
            h = self.horizon
            pairs = {i: (y[:-h], y[-h:]) for i, y in train.items() if len(y) >= 2 * h + 3}
        chosen = _sample(sorted(pairs), QUICK_SERIES) if part.quick else sorted(pairs)
        past = Panel.from_arrays([pairs[i][0] for i in chosen], ids=chosen)
        yield Round(past, np.stack([pairs[i][1] for i in chosen]))

    def _rolling(self, part: Part) -> Iterator[Round]:
        rows = table(self.name).select("unique_id", "ds", "y")
        span = self.horizon + (self.windows - 1) * self.stride
        spared = 0 if part.test else span
        if self.continued and part.test:
            rows = pl.concat([rows, table(self.name, "test").select("unique_id", "ds", "y")]).sort("unique_id", "ds")
        elif self.continued:
            spared = max(0, span - self.horizon)
        panel = regularize(read(rows))
        series = {str(panel.ids[i]): panel.series(i) for i in range(len(panel))}
        back = [spared + self.horizon + w * self.stride for w in reversed(range(self.windows))]
        for from_end in _sample(back, QUICK_WINDOWS) if part.quick else back:
            cut = {i: (y[:-from_end], y[len(y) - from_end :][: self.horizon]) for i, y in series.items()}
            able = sorted(i for i, (past, _) in cut.items() if np.isfinite(past).sum() >= max(3, self.season + 1))
            chosen = _sample(able, QUICK_SERIES) if part.quick else able
            past = Panel.from_arrays([cut[i][0][-LOOKBACK:] for i in chosen], ids=chosen)
            yield Round(past, np.stack([cut[i][1] for i in chosen]))


TASKS = {
    task.name: task
    for task in (
        Task("m1_yearly", 6, 1),
        Task("m1_quarterly", 8, 4, (4,)),
        Task("m1_monthly", 18, 12, (12,)),
        Task("m4_weekly", 13, 1, (52,), naive2=(9.161, 2.777)),
        Task("m4_hourly", 48, 24, (24, 168), naive2=(18.383, 2.395)),
        Task("nn5_daily", 56, 7, (7,), windows=2, stride=56, continued=True),
        Task("vic_elec", 48, 48, (48, 336), windows=28, stride=624),
        Task("pjm_zones", 24, 24, (24, 168), windows=14, stride=216),
        Task("bike_sharing_hourly", 24, 24, (24, 168), windows=28, stride=216),
        Task("m5_small", 28, 7, (7,), windows=6, stride=28),
        Task("aus_retail", 24, 12, (12,), windows=2, stride=24),
        Task("exchange_rate", 30, 1, windows=12, stride=60),
        Task("air_passengers", 12, 12, (12,), windows=9, stride=3),
        Task("sunspots_monthly", 12, 12, (12, 132), windows=22, stride=12),
    )
}
COMPETITIONS = tuple(name for name, task in TASKS.items() if not task.stride)
ROLLING = tuple(name for name, task in TASKS.items() if task.stride)


def _arrays(rows: pl.DataFrame) -> dict[str, Floats]:
    """The values of each series by its id."""
    return {
        str(part["unique_id"][0]): part["y"].to_numpy().astype(np.float64)
        for part in rows.partition_by("unique_id", maintain_order=True)
    }


def _sample(of: list[_Item], most: int) -> list[_Item]:
    """At most so many of a list, evenly spaced."""
    if len(of) <= most:
        return of
    return [of[i] for i in np.linspace(0, len(of) - 1, most).round().astype(int)]

"""What intervals of a stream hold, as calibrated and when they follow what comes.

    python -m benchmarks.intervals                            # made-up streams that change
    python -m benchmarks.intervals --set pjm_zones nn5_daily  # real series, as they come
    python -m benchmarks.intervals --pace 0 0.05 0.1 0.2      # at other paces; 0 is as calibrated

Every outcome of every step ahead is judged by the interval that was given out for it. The network is the small
pretrained one; on real series it is calibrated on the part before the stream begins.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.sets import table
from foregate import Forecaster, Live, Panel, read
from foregate.data import regularize
from foregate.forecasting import adaptive

__all__ = ["STREAMS", "main", "shares", "stream"]

STREAMS = ("still", "heavy", "level", "wilder", "calmer", "both", "season", "walk", "wilder walk")
ROWS, CHANGE, FIRST, SEASON, SEEDS = 1500, 700, 200, 24, 8
"""Rows of a made-up stream, the row of its change, the rows after it that are counted by themselves."""
HISTORY, STREAM = 0.4, 3000
"""Share of a real series before the stream begins, and the most rows that it goes on for."""


class Real(NamedTuple):
    """A real set."""

    freq: str
    horizon: int
    season: list[int]


REAL = {
    "pjm_zones": Real("h", 24, [24, 168]),
    "nn5_daily": Real("D", 14, [7]),
    "etth1": Real("h", 24, [24, 168]),
    "exchange_rate": Real("D", 14, []),
    "stocks_gafa": Real("B", 10, []),
    "aus_retail": Real("MS", 12, [12]),
    "m5_small": Real("D", 28, [7]),
    "vic_elec": Real("30min", 48, [48, 336]),
}


def stream(kind: str, seed: int) -> NDArray[np.float64]:
    """A season and errors that last, with a change in the middle; or a random walk."""
    rng, t = np.random.default_rng(seed), np.arange(ROWS)
    later = t >= CHANGE
    drawn = rng.standard_t(2.5, ROWS) if kind == "heavy" else rng.normal(size=ROWS)
    wild = {"calmer": ~later, "wilder": later, "both": later, "wilder walk": later}.get(kind, np.zeros(ROWS, np.bool_))
    drawn *= np.where(wild, 3, 1)
    season = 4 * np.sin(2 * np.pi * t / SEASON) + 2 * np.sin(4 * np.pi * t / SEASON + 1)
    if kind == "season":
        season = np.where(later, 2.5 * np.sin(2 * np.pi * (t + 9) / SEASON), season)
    if "walk" in kind:
        return 100 + 0.5 * np.cumsum(drawn) + season
    lasting = np.zeros(ROWS)
    for i in range(1, ROWS):
        lasting[i] = 0.6 * lasting[i - 1] + drawn[i]
    shift = 12 * (t >= (CHANGE - FIRST if kind == "both" else CHANGE)) if kind in ("level", "both") else 0
    return 100 + season + lasting + shift


def shares(live: Live, panel: Panel, marks: list[NDArray[np.int64]]) -> list[pl.DataFrame]:
    """Scores by series and step between marks (S,), where the live forecaster is at the first."""
    found, before = [], live.scores()
    for begin, end in pairwise(marks):
        live.update(panel.between(begin, end))
        after = live.scores()
        n = after["n"].to_numpy() - before["n"].to_numpy()
        columns = {"step": after["step"].to_numpy(), "n": n}
        for name in after.columns[3:]:
            sums = [(frame[name].fill_null(0) * frame["n"]).to_numpy() for frame in (before, after)]
            columns[name] = (sums[1] - sums[0]) / np.maximum(n, 1)
        found.append(pl.DataFrame(columns).with_columns(after["unique_id"]))
        before = after
    return found


def made_up(pace: float) -> None:
    """Print what made-up streams are covered by."""
    adaptive.PACE = pace
    names = [f"{kind}/{seed}" for kind in STREAMS for seed in range(SEEDS)]
    panel = Panel.from_arrays([stream(*name.rsplit("/", 1)[:1], int(name[-1])) for name in names], ids=names)
    live = Forecaster.pretrained(SEASON, season_length=SEASON, weights="tiny").live()
    live.update(panel.between(*(np.full(len(names), row) for row in (0, 50))))
    live.watch()
    marks = [np.full(len(names), row) for row in (50, FIRST, CHANGE, CHANGE + FIRST, ROWS)]
    _, *parts = shares(live, panel, marks)
    for kind in STREAMS:
        own = [part.filter(pl.col("unique_id").str.starts_with(kind + "/")) for part in parts]
        print(f"| {kind} | {pace} | " + " | ".join(_cell(part) for part in own) + " |", flush=True)


def real(name: str, pace: float, horizon: int | None) -> None:
    """Print what a real set is covered by, from where its history ends; at its own horizon or another."""
    adaptive.PACE = pace
    what = REAL[name]
    steps = horizon or what.horizon
    frame = table(name).select("unique_id", "ds", "y")
    panel = regularize(read(frame, freq=what.freq))
    begin = (panel.lengths * HISTORY).astype(np.int64)
    end = np.minimum(begin + STREAM, panel.lengths)
    model = Forecaster.pretrained(steps, freq=what.freq, season_length=what.season, weights="tiny")
    live = model.fit(panel.cut(begin)).live()
    live.watch()
    parts = shares(live, panel, [begin, (begin + end) // 2, end])
    print(f"| {name} | {pace} | " + " | ".join(_cell(part) for part in parts) + " |", flush=True)


def _cell(part: pl.DataFrame) -> str:
    """Shares inside 80 and 95 % over all steps, the range of the steps' own, and the loss."""
    part = part.filter(pl.col("n") > 0)
    said = []
    for level in (80, 95):
        name = f"coverage-{level}"
        inside = part.group_by("step").agg((pl.col(name) * pl.col("n")).sum() / pl.col("n").sum())[name] * 100
        every = 100 * (part[name] * part["n"]).sum() / part["n"].sum()
        said.append(f"{every:.1f} ({inside.min():.0f} to {inside.max():.0f})")
    loss = (part["pinball"] * part["n"]).sum() / part["n"].sum()
    return f"{', '.join(said)}; {loss:.4g}"


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", nargs="*", choices=list(REAL), default=[])
    parser.add_argument("--pace", nargs="*", type=float, default=[0, adaptive.PACE])
    parser.add_argument("--horizon", type=int, help="of real sets, instead of their own")
    given = parser.parse_args()
    for pace in given.pace:
        if not given.set:
            made_up(pace)
        for name in given.set:
            real(name, pace, given.horizon)


if __name__ == "__main__":
    main()

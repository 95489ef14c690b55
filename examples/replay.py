"""A live forecast that moves: `python examples/replay.py [--steps 200] [--speed 10000]`.

The demand for electricity in Victoria in August 2014, a value each half hour, comes again 10,000 times as fast: 100
hours in 36 s. (At 100 times its speed an hour would be two values, 18 s apart.) Left is what came, over the band that
was said of it a day before; right is what is said now, by the network of the package, which was not trained on it.
FOREGATE_DATA is the folder that has `vic_elec`; without it the series is made up. Where there is no terminal, the last
frame is printed.
"""

from __future__ import annotations

import argparse
import os
import time
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from rich.console import Console, Group
from rich.live import Live as Screen
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from foregate import Forecaster
from foregate.data import generate

BEFORE, PAST, AHEAD = 2_688, 96, 48
"""Half hours to begin with, to show of the past, and to forecast."""
HEIGHT, SIGNS = 21, 1 << np.array([0, 3, 1, 4, 2, 5, 6, 7])
"""Lines of the chart, and the bits of a braille sign: eight dots, row by row."""
CAME, SAID, BACK = "bold #fbbf24", "bold #7dd3fc", np.array([" on #3f3f46", " on #1e3a8a"])


def observations(steps: int) -> pl.DataFrame:
    """Eight weeks, and so many steps: columns unique_id, ds (UTC) and y (MW)."""
    rows, beside = BEFORE + steps, Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("FOREGATE_DATA", beside)) / "vic_elec"
    if folder.exists():
        frame = pl.read_parquet(folder / "train.parquet", columns=["unique_id", "ds", "y"])
        return frame.filter(pl.col("ds") < pl.datetime(2014, 8, 13))[-rows:]
    made = generate(1, rows, AHEAD)
    return made.with_columns(ds=pl.datetime(2024, 1, 1) + pl.duration(minutes=30) * pl.int_range(rows))


def chart(came: NDArray[np.float64], band: NDArray[np.float64], low: float, high: float) -> Text:
    """Values (P,) that came, over and before bands (P + K, 3) of lower bound, median and upper bound."""
    dots = np.zeros((4 * HEIGHT, len(band)), np.bool_)

    def rows(y: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.clip((high - y) / (high - low) * len(dots), 0, len(dots) - 1).astype(np.int64)

    line = rows(np.append(came, band[len(came) :, 1]))
    for x, both in enumerate(np.sort(np.stack([np.append(line[0], line[:-1]), line], 1))):
        dots[both[0] : both[1] + 1, x] = True
    eights = dots.reshape(HEIGHT, 4, -1, 2).swapaxes(1, 2).reshape(HEIGHT, -1, 8)
    top, bottom, text = rows(band[::2, 2]) // 4, rows(band[::2, 0]) // 4, Text()
    ahead = (np.arange(len(top)) >= len(came) // 2).astype(int)
    for row, signs in enumerate(eights @ SIGNS):
        text.append(f"{high - (row + 0.5) / HEIGHT * (high - low):7,.0f} " if row % 4 == 0 else " " * 8, "dim")
        styles = np.where(ahead, SAID, CAME) + np.where((top <= row) & (row <= bottom), BACK[ahead], "")
        for style, run in groupby(zip(styles, signs, strict=True), itemgetter(0)):
            text.append("".join(chr(0x2800 + sign) for _, sign in run), str(style))
        text.append("\n" * (row < HEIGHT - 1))
    return text


def table(scores: pl.DataFrame) -> Table:
    """How it was so far, at a few steps ahead."""
    grid = Table("hours ahead", "absolute error", "less than the last value's by", "inside the band", box=None)
    scores = scores.filter(pl.col("step").is_in([1, 13, 25, 48]))
    for k, *numbers in scores.select("step", "mae", "skill", "coverage-80").iter_rows():
        mae, skill, inside = (np.nan if each is None else each for each in numbers)
        grid.add_row(f"{k / 2:g}", f"{mae:,.1f}", f"{skill:.0%}", f"{inside:.0%}")
    return grid


def main(steps: int = 200, speed: float = 10_000, console: Console | None = None) -> dict[str, float]:
    """Replay and draw; give what was wrong a day ahead, and what the day before would have been."""
    frame, console = observations(steps), console or Console(width=8 + (PAST + AHEAD) // 2 + 4)
    observed, first = frame["y"].to_numpy().astype(float), BEFORE - PAST - AHEAD
    low, high = np.quantile(observed[first:], [0, 1]) + np.ptp(observed[first:]) * np.array([-0.1, 0.1])
    live = Forecaster.pretrained(AHEAD, freq="30min", season_length=[48, 336]).live(frame[:first])
    live.watch(level=80)
    band, took = np.full((len(frame) + AHEAD, 3), np.nan), []
    with Screen(console=console, auto_refresh=False) as screen:
        for t, row in enumerate(frame[first:].iter_rows(named=True), first):
            began = time.perf_counter()
            live.update(row)
            said = live.forecast(level=80).values[0]
            took.append(1e6 * (time.perf_counter() - began))
            band[t + AHEAD] = said[-1]
            if t < BEFORE:
                continue  # what is said of the first screen
            shown = np.concatenate([band[t + 1 - PAST : t + 1], said])
            legend = Text.assemble(("  came", CAME), (" · ", "dim"), ("median", SAID), (" · ", "dim"), " 80 % band ")
            legend.stylize("on #1e3a8a", len(legend) - 11)
            title = f"{row['ds']:%a %d %b %Y %H:%M}   {row['y']:,.0f} came   read and said in {np.median(took):.0f} µs"
            parts = chart(observed[t + 1 - PAST : t + 1], shown, low, high), legend, table(live.scores())
            screen.update(Panel(Group(*parts), title=title, border_style="dim"), refresh=console.is_terminal)
            if console.is_terminal:
                time.sleep(max(0.0, 1_800 / speed - 1e-6 * took[-1]))
    if not console.is_terminal:
        console.line()
    errors = np.abs(observed[BEFORE:] - observed[BEFORE - AHEAD : -AHEAD]).mean()
    day = live.scores().row(-1, named=True)
    return {"LSTM": day["mae"], "inside": day["coverage-80"], "day before": float(errors)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--speed", type=float, default=10_000)
    main(**vars(parser.parse_args()))

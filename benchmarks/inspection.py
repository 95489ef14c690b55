"""What looking into a model takes: gates of 10,000 steps, and the whole page for 100 series.

    python -m benchmarks.inspection
    python -m benchmarks.inspection --profile    # and where the time goes

Series are made up here, hourly with a day and a week; the model is the usual pair of networks, with few training steps,
which change nothing about what it takes to look. Asked for: gates under 2 seconds, the page under 60 on two cores.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from foregate import Forecaster, Panel, inspect
from foregate.models.architecture import Architecture
from foregate.models.encoders import Carried

__all__ = ["Taken", "fitted", "gates", "page", "panel_of"]

STEPS, HIDDEN, LAYERS = 10_000, 128, 2
SERIES, LENGTH = 100, 960


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", action="store_true", help="also print where the time of the page goes")
    given = parser.parse_args()
    print(f"looking into models on {os.cpu_count()} cores, {torch.get_num_threads()} threads")
    print(
        f"gates of {LAYERS} layers of {HIDDEN} LSTM units over {STEPS:,} steps: {gates(STEPS, HIDDEN, LAYERS)}",
        flush=True,
    )
    model = fitted(panel_of(SERIES, LENGTH))
    profile = cProfile.Profile() if given.profile else None
    whole = Taken(0.0, 0.0)
    for name, taken in page(model, profile):
        print(f"{name}: {taken}", flush=True)
        whole = Taken(whole.wall + taken.wall, whole.processor + taken.processor)
    print(f"page, tables and arrays for {SERIES} series of {LENGTH} rows: {whole}")
    if profile is not None:
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)


class Taken(NamedTuple):
    """What something took, in seconds."""

    wall: float
    processor: float
    """Of all threads together: what counts on a machine that has other things to do."""

    def __str__(self) -> str:
        return f"{self.wall:.2f} s ({self.processor:.2f} s of processor)"


def gates(steps: int, hidden: int, layers: int) -> Taken:
    """What it takes to replay all gates of one series, the best of three."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        encoder = Carried(hidden, hidden, Architecture(dilations=(1,) * layers)).eval()
        features = torch.randn(1, steps, hidden)
    with torch.inference_mode():
        return min(_timed(lambda: encoder.gates(features)) for _ in range(3))


def page(model: Forecaster, profile: cProfile.Profile | None = None) -> Iterator[tuple[str, Taken]]:
    """What each part takes, and then writing everything."""
    seen = inspect(model)
    if profile is not None:
        profile.enable()
    for name in seen.parts:
        yield name, _timed(lambda: seen.view(name))  # noqa: B023 - called at once
    with tempfile.TemporaryDirectory() as folder:
        yield "drawing and writing", _timed(lambda: seen.save(Path(folder)))
    if profile is not None:
        profile.disable()


def panel_of(series: int, length: int) -> Panel:
    """Hourly series with a level, a day, a week and noise."""
    rng, t = np.random.default_rng(0), np.arange(length)
    made = [
        100
        + 10 * np.sin(2 * np.pi * (t / 24 + rng.random()))
        + 5 * np.sin(2 * np.pi * t / 168)
        + rng.normal(0, 2, length)
        for _ in range(series)
    ]
    return Panel.from_arrays(made, freq="h", start=np.datetime64("2024-01-01", "us"))


def fitted(panel: Panel) -> Forecaster:
    """The usual pair of networks, hardly trained."""
    return Forecaster(24, season_length=(24, 168), options={"steps": 4}, verbose=False).fit(panel)


def _timed(run: Callable[[], object]) -> Taken:
    began, used = time.perf_counter(), time.process_time()
    run()
    return Taken(time.perf_counter() - began, time.process_time() - used)


if __name__ == "__main__":
    main()

"""Seconds to read a CSV file of 10 million rows, and bytes that the panel holds, beside plain polars.

    python -m benchmarks.read [millions of rows]

The file is written to a temporary folder. "Numbers" are the times and values of the table as 8-byte numbers.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from foregate.data import read

LENGTH = 5_000


def write(path: Path, n_rows: int) -> None:
    """Hourly series of `LENGTH` rows each, in the long format."""
    n_series = n_rows // LENGTH
    hours = np.datetime64("2020-01-01T00", "us") + np.arange(LENGTH) * np.timedelta64(3600, "s")
    pl.DataFrame(
        {
            "unique_id": np.repeat([f"store_{i}" for i in range(n_series)], LENGTH),
            "ds": np.tile(hours, n_series),
            "y": np.random.default_rng(0).normal(100, 20, n_series * LENGTH).round(2),
        }
    ).write_csv(path, datetime_format="%Y-%m-%d %H:%M:%S")


def main(millions: float = 10) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "series.csv"
        write(path, int(millions * 1_000_000))
        start = time.perf_counter()
        height = pl.read_csv(path, try_parse_dates=True).height
        plain = time.perf_counter() - start
        start = time.perf_counter()
        panel = read(path)
        seconds = time.perf_counter() - start
        shuffled = pl.read_csv(path).sample(fraction=1.0, shuffle=True, seed=0)
        start = time.perf_counter()
        read(shuffled)
        from_frame = time.perf_counter() - start
        size = path.stat().st_size
    held = sum(array.nbytes for array in (panel.ids, panel.offsets, panel.values, panel.mask, panel.times))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"rows                       {height:,} in {len(panel):,} series, {size / 1e6:,.0f} MB of CSV")
    print(f"read                       {seconds:.1f} s, {seconds / plain:.1f} times polars.read_csv ({plain:.1f} s)")
    print(f"read a frame in random order {from_frame:.1f} s")
    print(
        f"panel                      {held:,} bytes, {held / (16 * height):.2f} times its numbers, "
        f"{held / (4 * height):.2f} times its values as float32"
    )
    print(f"peak of the process        {peak / 1e6:,.0f} MB, with the shuffled frame beside it")


if __name__ == "__main__":
    main(*(float(argument) for argument in sys.argv[1:]))

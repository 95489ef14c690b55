"""What it costs to grow: more series in a panel, and more rows in one series.

    python -m benchmarks.growth                           # both tables: about half an hour on one core
    python -m benchmarks.growth panels --size 5000 10000
    python -m benchmarks.growth histories --size 1000 100000

Panels: hourly series of 1,000 rows are read from Parquet, fitted with effort fast, and forecast 24 steps ahead with an
interval. Histories: one hourly series of that many rows is fitted with 40 steps of training and forecast; memory is
told beyond what the process held when the panel was there and everything had been loaded and run once.

Every size has a process of its own. Seconds are of processor, since other programs hardly lengthen these; a peak is the
most physical memory that the process has held since the stage began, as Linux tells it. Series are made up, the same
ones each time. Prints a line of JSON per size, and the tables.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.process import held

__all__ = ["SIZES", "series", "table", "typical_step", "write_panel"]

LENGTH, HORIZON = 1_000, 24
STEPS = 40
"""Of training on a history of any length."""
SIZES = {"panels": (5_000, 10_000, 20_000, 50_000), "histories": (1_000, 10_000, 100_000, 1_000_000)}
TOGETHER = 1_000
"""Series that are made up and written at once."""
STAGES = {"panels": ("read", "fit", "predict"), "histories": ("fit", "predict")}
PYTHON = (sys.executable, "-m", "benchmarks.growth", "--child")

Told = dict[str, Any]


def series(first: int, count: int, length: int) -> NDArray[np.float64]:
    """Hourly loads (count, length) with a day, a week and a drift; the same numbers whatever is made up beside them."""
    hour = np.arange(length)
    out = np.empty((count, length))
    for i in range(count):
        rng = np.random.default_rng([7, first + i])
        day, week = (np.sin(2 * np.pi * (hour / m + rng.random())) for m in (24, 168))
        drift = np.cumsum(rng.normal(0, 0.01, length))
        noise = rng.normal(0, 0.05, length)
        out[i] = np.exp(rng.normal(4, 1) + 0.3 * day + 0.1 * week + drift - drift.mean() + noise)
    return out.round(3)


def write_panel(path: Path, count: int, length: int = LENGTH) -> None:
    """A long table of so many series as Parquet, a part at a time."""
    import pyarrow.parquet as pq

    hours = np.datetime64("2020-01-01T00", "us") + np.arange(length) * np.timedelta64(3600, "s")
    with contextlib.ExitStack() as opened:
        writer = None
        for first in range(0, count, TOGETHER):
            n = min(TOGETHER, count - first)
            ids = np.repeat([f"load_{first + i:06}" for i in range(n)], length)
            y = series(first, n, length).ravel()
            part = pl.DataFrame({"unique_id": ids, "ds": np.tile(hours, n), "y": y}).to_arrow()
            writer = writer or opened.enter_context(pq.ParquetWriter(path, part.schema))
            writer.write_table(part)


def run_panel(count: int) -> Told:
    """Read, fit and forecast a panel of so many series."""
    from foregate import Forecaster, read

    told: Told = {"table": "panels", "size": count}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "panel.parquet"
        subprocess.run([*PYTHON, "write", str(count), str(path)], check=True)
        with stage("read", told):
            panel = read(path)
    with stage("fit", told):
        model = Forecaster(HORIZON, effort="fast", verbose=False).fit(panel)
    with stage("predict", told):
        frame = model.predict(level=[80])
    if len(frame) != count * HORIZON:
        raise RuntimeError(f"there should be {count * HORIZON} forecasts, but there are {len(frame)}")
    return told | {"steps": model.report_["steps"]}


def run_history(length: int) -> Told:
    """Fit and forecast one series of so many rows, after a short one."""
    fit_history(1_000)
    return {"table": "histories", "size": length, **fit_history(length)}


def fit_history(length: int) -> Told:
    """Stages, MiB held before them, and seconds of processor that a training step takes."""
    from foregate import Forecaster, Panel

    panel = Panel.from_arrays([series(0, 1, length)[0]], freq="h")
    gc.collect()
    trim()
    told: Told = {"before_mib": round(held("VmRSS"), 1)}
    seen: list[tuple[str, float]] = []
    options = {"steps": STEPS, "training": {"patience": STEPS}}
    model = Forecaster(HORIZON, effort="fast", verbose=False, season_length=(24, 168), options=options)
    with stage("fit", told):
        model.fit(panel, callbacks=[lambda event: seen.append((event.name, time.process_time()))])
    with stage("predict", told):
        model.predict(level=[80])
    return told | {"step": round(typical_step(seen), 4)}


def typical_step(seen: Iterable[tuple[str, float]]) -> float:
    """Median seconds of a training step, from the names and times of what was told: since what came before it.

    Examples:
        >>> typical_step([("started", 0.0), ("step", 1.0), ("checked", 9.0), ("step", 10.0), ("step", 12.0)])
        1.0
    """
    return statistics.median(at - before for (_, before), (name, at) in itertools.pairwise(seen) if name == "step")


@contextmanager
def stage(name: str, told: Told) -> Iterator[None]:
    """Note seconds, seconds of processor and the peak of what is done inside."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew from what is held now
    began, used = time.perf_counter(), time.process_time()
    yield
    seconds, processor = time.perf_counter() - began, time.process_time() - used
    told[name] = {"seconds": round(seconds, 2), "cpu": round(processor, 2), "peak_mib": round(held(), 1)}


def trim() -> None:
    """Give back freed memory, where the library of C can."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def table(rows: Iterable[Told]) -> str:
    """The tables of what was told, sizes ascending."""
    rows = sorted(rows, key=lambda row: row["size"])
    panels, histories = ([row for row in rows if row["table"] == name] for name in SIZES)
    lines = []
    if panels:
        lines += ["| series x 1,000 | read s | fit s | predict s | ms per series | elapsed s | peak MiB |"]
        lines += ["|---|---|---|---|---|---|---|"]
    for row in panels:
        parts = [row[name] for name in STAGES["panels"]]
        seconds, cpu = (sum(part[what] for part in parts) for what in ("seconds", "cpu"))
        each = " | ".join(f"{part['cpu']:,.1f}" for part in parts)
        peak = max(part["peak_mib"] for part in parts)
        lines += [f"| {row['size']:,} | {each} | {1e3 * cpu / row['size']:.1f} | {seconds:,.0f} | {peak:,.0f} |"]
    if histories:
        lines += ["", "| rows of one series | s per training step | fit s | predict s | peak MiB beyond the data |"]
        lines += ["|---|---|---|---|---|"]
    for row in histories:
        parts = [row[name] for name in STAGES["histories"]]
        each = " | ".join(f"{part['cpu']:,.1f}" for part in parts)
        beyond = max(part["peak_mib"] for part in parts) - row["before_mib"]
        lines += [f"| {row['size']:,} | {row['step']:.3f} | {each} | {beyond:,.0f} |"]
    return "\n".join(lines).strip()


CHILDREN: dict[str, Callable[[int], Told]] = {"panels": run_panel, "histories": run_history}


def child(what: str, size: str, path: str = "") -> None:
    """What a process of its own does: write a panel, or measure one size and tell it."""
    if what == "write":
        write_panel(Path(path), int(size))
    else:
        print(json.dumps(CHILDREN[what](int(size))))


def main() -> None:
    """Parse, run each size, print."""
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", choices=[*SIZES, []], metavar="TABLE", help=", ".join(SIZES))
    parser.add_argument("--size", nargs="+", type=int, help="series or rows, in place of the usual four")
    given = parser.parse_args()
    found = []
    for name in given.tables or SIZES:
        for size in given.size or SIZES[name]:
            said = subprocess.run([*PYTHON, name, str(size)], check=True, stdout=subprocess.PIPE, text=True).stdout
            found.append(json.loads(said.splitlines()[-1]))
            print(json.dumps(found[-1]), flush=True)
    print("\n" + table(found))


if __name__ == "__main__":
    main()

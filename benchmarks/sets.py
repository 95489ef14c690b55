"""Where the real data for benchmarks lies, and how each set is read."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from foregate.core import Panel, Role
from foregate.data import read

__all__ = ["SETS", "BenchmarkSet", "data_folder", "load", "table"]


@dataclass(frozen=True)
class BenchmarkSet:
    """One data set and the usual task on it."""

    horizon: int
    """Steps ahead."""
    windows: int
    """Held-out windows per series."""
    covariates: dict[str, Role] = field(default_factory=dict)
    """Columns besides the target."""
    note: str = ""
    """What it is there to show."""


SETS = {
    "nn5_daily": BenchmarkSet(56, 2, note="missing values"),
    "bike_sharing_hourly": BenchmarkSet(
        24, 14, {"holiday": "future", "workingday": "future"}, note="missing hours, known holidays"
    ),
    "m5_small": BenchmarkSet(28, 4, note="intermittent"),
    "aus_retail": BenchmarkSet(24, 2, note="152 monthly series"),
    "air_passengers": BenchmarkSet(12, 3, note="one series of 144 months"),
    "vic_elec": BenchmarkSet(
        48, 14, {"temperature": "future", "holiday": "future"}, note="half-hourly, known temperature and holidays"
    ),
    "stocks_gafa": BenchmarkSet(20, 6, note="prices: the naive forecast is hard to beat"),
}
"""Sets scored on rolling origins of their training parts."""


def data_folder() -> Path:
    """The folder of data sets: `FOREGATE_DATA`, or ``shared/data`` beside the repository."""
    folder = Path(os.environ.get("FOREGATE_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    if not folder.is_dir():
        sys.exit(
            f"the benchmark data must be in {folder}, but there is no such folder. Set FOREGATE_DATA to where it is."
        )
    return folder


def table(name: str, part: str = "train") -> pl.DataFrame:
    """The rows of one part of a set, in order."""
    return pl.read_parquet(data_folder() / name / f"{part}.parquet").sort("unique_id", "ds", maintain_order=True)


def load(name: str) -> Panel:
    """A set of `SETS` as a panel, with its covariates."""
    covariates = SETS[name].covariates
    return read(table(name).select("unique_id", "ds", "y", *covariates), covariates=covariates)

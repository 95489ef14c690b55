"""Where the real data for benchmarks lies, and how each set is read."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import polars as pl

__all__ = ["table"]


def _folder() -> Path:
    """The folder of data sets: `FOREGATE_DATA`, or ``shared/data`` beside the repository."""
    folder = Path(os.environ.get("FOREGATE_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    if not folder.is_dir():
        sys.exit(
            f"the benchmark data must be in {folder}, but there is no such folder. Set FOREGATE_DATA to where it is."
        )
    return folder


def table(name: str, part: str = "train") -> pl.DataFrame:
    """The rows of one part of a set, in order."""
    return pl.read_parquet(_folder() / name / f"{part}.parquet").sort("unique_id", "ds", maintain_order=True)

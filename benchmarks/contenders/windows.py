"""Every series at every origin as a series of its own, so that a library may forecast many windows in one call.

Only numpy and polars are needed here, as in `benchmarks.job`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.job import Job

__all__ = ["START", "Windows", "filled", "first_fit", "left_out", "missing", "period", "told_times", "whole"]

START = "2000-01-01"
"""Where series begin whose times are whole numbers, for whom needs dates."""
MOST_ROWS = 2_000_000
"""Handed to a library in one call."""


@dataclass(frozen=True)
class Windows:
    """Some windows of a job; names of series sort by window, then by series."""

    job: Job
    numbers: Sequence[int]
    """Of the windows."""

    @classmethod
    def all(cls, job: Job, most: int | None = None, *, rows: int = MOST_ROWS) -> Iterator[Windows]:
        """All of a job in parts, each with at most so many rows, where each series counts with `most` at most."""
        lengths = (job.known if most is None else np.minimum(job.known, most)).sum(0) + len(job.ids) * job.horizon
        part: list[int] = []
        for window, length in enumerate(lengths):
            if part and lengths[part].sum() + length > rows:
                yield cls(job, part)
                part = []
            part.append(window)
        if part:
            yield cls(job, part)

    def past(self, most: int | None = None) -> pl.DataFrame:
        """What is known at each origin: y without a gap (see `filled`), and covariates; the last `most` rows."""
        return filled(self.raw(most), "y", *self.job.of_the_past())

    def raw(self, most: int | None = None) -> pl.DataFrame:
        """As `past`, but missing where it is missing."""
        return pl.concat([self._named(window, self.job.past(window, most)) for window in self.numbers])

    def ahead(self) -> pl.DataFrame:
        """The steps asked for, with covariates known ahead."""
        return pl.concat([self._named(window, self.job.ahead(window)) for window in self.numbers])

    def put(self, said: NDArray[Any], names: Sequence[str], values: NDArray[Any]) -> None:
        """Values (N, K, …) of N series by their names, into what is said (S, W, K, …)."""
        places = np.array([name.split("/") for name in names], np.int64)
        said[places[:, 1], places[:, 0]] = values

    def _named(self, window: int, rows: pl.DataFrame) -> pl.DataFrame:
        lengths = rows["unique_id"].rle().struct.field("len").to_numpy()
        names = np.array([f"{window:06d}/{series:06d}" for series in self.job.present(window)])
        return rows.with_columns(unique_id=pl.Series(np.repeat(names, lengths)))


def whole(job: Job) -> Job:
    """The same with numbers for covariates, and with those that are known ahead without a gap."""
    rows = job.rows.with_columns(
        pl.col("y").cast(pl.Float64).fill_nan(None), *(pl.col(name).cast(pl.Float64) for name in job.covariates)
    )
    return replace(job, rows=filled(rows, *job.future()))


def filled(rows: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """Gaps interpolated within each series, its ends extended; 0 where a series has nothing at all."""
    if not columns:
        return rows
    return rows.with_columns(
        pl.col(name).fill_nan(None).interpolate().forward_fill().backward_fill().over("unique_id").fill_null(0.0)
        for name in columns
    )


def missing(job: Job) -> bool:
    """Whether a value is missing that some origin knows."""
    return bool(job.past(job.windows - 1)["y"].cast(pl.Float64).fill_nan(None).null_count())


def left_out(job: Job, gaps: str) -> list[str]:
    """Notes of a method that reads no covariates of the past, and what becomes of missing values there."""
    notes = ["covariates of the past are not used"] if job.of_the_past() else []
    return [*notes, f"missing values are {gaps}"] if missing(job) else notes


def told_times(job: Job) -> list[str]:
    """A note of what a method was told that needs dates."""
    if not job.whole_numbers:
        return []
    return [f"told that a step is {period(job)}, from the season, and that every series begins on {START}"]


def first_fit(job: Job) -> pl.DataFrame:
    """What a model is fitted on that is fitted once: series as known at the first origins, as `Windows.raw`."""
    return Windows(job, [0]).raw()


def period(job: Job) -> str:
    """The step between rows as pandas calls periods; where times are whole numbers, by the season that is told."""
    if not job.whole_numbers:
        unit = {"m": "min", "mo": "M", "d": "D"}
        count, name = job.step.rstrip("abcdefghijklmnopqrstuvwxyz"), job.step.lstrip("0123456789")
        return ("" if count == "1" else count) + unit.get(name, name)
    first = (job.seasons or (1,))[0]
    return {1: "Y", 4: "Q", 5: "B", 7: "D", 12: "M", 24: "h", 52: "W"}[first]

"""What a contender is asked and what it answers, as files: everyone is given the same, in a program of their own.

Only numpy and polars are needed here, so that this runs in the environments of the peers too.
Letters: S series, W windows, K horizon steps, Q quantiles.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

__all__ = ["QUANTILES", "Job", "Said"]

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]

QUANTILES = (0.025, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.975)
"""Deciles, and the bounds of the 95 % interval."""


@dataclass(frozen=True)
class Said:
    """What a contender answers."""

    values: NDArray[np.floating[Any]]
    """(S, W, K, Q); a window without an origin may hold anything."""
    fit_seconds: float
    """Of making the model, all fits together."""
    predict_seconds: float
    """Of forecasting all windows."""
    notes: tuple[str, ...] = ()
    """What a reader of the figures should know."""
    mean: NDArray[np.floating[Any]] | None = None
    """(S, W, K) the expected value where the contender has one; the median is scored by squares otherwise."""


@dataclass(frozen=True)
class Job:
    """Fit on what is known at the first origins, then forecast from all of them."""

    name: str
    horizon: int
    """K, steps ahead."""
    season: int
    """Steps of a season that errors are scaled by and that classical methods are told; 1 for none."""
    seasons: tuple[int, ...] | None
    """Told to whoever can use more than one; None: to be found in the data, or known from the calendar."""
    step: str
    """Between rows, as polars says it, such as 1h; "1" where times are whole numbers."""
    rows: pl.DataFrame
    """unique_id, ds, y (null where missing) and covariates, series after series, without gaps in time, up to the last
    row that a window asks for. No contender may look beyond an origin, but for covariates of the role future."""
    known: IntArray
    """(S, W) rows of each series that are known at each origin, ascending; 0 where a series has none."""
    covariates: Mapping[str, str] = field(default_factory=dict)
    """Role, past or future, of each further column."""
    quantiles: tuple[float, ...] = QUANTILES
    """Q probabilities."""
    asked: IntArray | None = None
    """(W,) first steps of each window that are scored; None: all K."""
    validation: int = 0
    """Rows at the end of what is known at first that the set's protocol keeps for choices; 0: it does not say."""

    @cached_property
    def ids(self) -> list[str]:
        """Of the S series, in their order."""
        return self.rows["unique_id"].unique(maintain_order=True).to_list()

    @cached_property
    def starts(self) -> IntArray:
        """(S + 1,) where each series begins among the rows, and the end."""
        lengths = self.rows["unique_id"].rle().struct.field("len").to_numpy()
        return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)

    @cached_property
    def whole_numbers(self) -> bool:
        """Whether times are whole numbers."""
        return self.rows["ds"].dtype.is_integer()

    @property
    def windows(self) -> int:
        """W."""
        return self.known.shape[1]

    def future(self) -> list[str]:
        """Names of the covariates that are known ahead."""
        return [name for name, role in self.covariates.items() if role == "future"]

    def of_the_past(self) -> list[str]:
        """Names of the covariates that are known up to an origin alone."""
        return [name for name, role in self.covariates.items() if role == "past"]

    def present(self, window: int) -> IntArray:
        """Numbers of the series that have an origin in a window."""
        return np.flatnonzero(self.known[:, window] > 0)

    def past(self, window: int, most: int | None = None) -> pl.DataFrame:
        """What is known at the origins of a window; of each series the last `most` rows."""
        counts = self.known[:, window]
        first = self.starts[:-1] + (0 if most is None else np.maximum(counts - most, 0))
        return self.rows[_ranges(first, self.starts[:-1] + counts)]

    def ahead(self, window: int) -> pl.DataFrame:
        """The steps that are asked for at a window, with covariates known ahead: K rows of every series present."""
        which = self.present(window)
        first = self.starts[which] + self.known[which, window]
        return self.rows[_ranges(first, first + self.horizon)].select("unique_id", "ds", *self.future())

    def came(self) -> Floats:
        """What was observed (S, W, K); NaN where nothing was, or where there is no origin."""
        y = self.rows["y"].cast(pl.Float64).to_numpy()
        at = (self.starts[:-1, None] + self.known)[..., None] + np.arange(self.horizon)
        out = np.where((self.known > 0)[..., None], y[np.minimum(at, len(y) - 1)], np.nan)
        if self.asked is not None:
            out = np.where(np.arange(self.horizon) < self.asked[:, None], out, np.nan)
        return np.asarray(out, np.float64)

    def save(self, folder: Path) -> None:
        """Write it for `load`."""
        folder.mkdir(parents=True, exist_ok=True)
        self.rows.write_parquet(folder / "rows.parquet")
        np.save(folder / "known.npy", self.known)
        np.save(folder / "asked.npy", np.full(self.windows, self.horizon) if self.asked is None else self.asked)
        kept = ("name", "horizon", "season", "seasons", "step", "quantiles", "validation")
        told = {name: getattr(self, name) for name in kept} | {"covariates": dict(self.covariates)}
        (folder / "job.json").write_text(json.dumps(told))

    @classmethod
    def load(cls, folder: Path) -> Job:
        """What `save` wrote."""
        told = json.loads((folder / "job.json").read_text())
        told["seasons"] = None if told["seasons"] is None else tuple(told["seasons"])
        told["quantiles"] = tuple(told["quantiles"])
        known, asked = (np.load(folder / f"{name}.npy") for name in ("known", "asked"))
        return cls(rows=pl.read_parquet(folder / "rows.parquet"), known=known, asked=asked, **told)


def _ranges(first: IntArray, last: IntArray) -> IntArray:
    """Whole numbers from each first up to, not with, each last."""
    counts = last - first
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    return np.repeat(first - (ends - counts), counts) + np.arange(total)

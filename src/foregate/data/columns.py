"""Covariates as numbers of a common scale: fitted on the training part, applied everywhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foregate.core import Covariate, DataError, Future, Panel, Role

__all__ = ["ColumnSpec", "Columns", "Renumbered", "encode_columns", "fit_columns", "no_columns"]

IntArray = NDArray[np.int64]
Float32Array = NDArray[np.float32]

MOST_CATEGORIES = 32
"""Rarer categories than the 32 most frequent ones are read as unknown."""
LARGEST = 5.0
"""Standardised numbers are limited to this many standard deviations."""


@dataclass(frozen=True)
class ColumnSpec:
    """How one covariate becomes input columns."""

    name: str
    role: Role
    mean: float = 0.0
    """Mean of the training part, in the column's units."""
    spread: float = 1.0
    """Standard deviation of the training part, in the column's units; 1 for a constant column."""
    categories: tuple[str, ...] = ()
    """Categories that have an input of their own, the most frequent first; empty for a numeric column."""

    @property
    def width(self) -> int:
        """Input columns: one per category, or the number and whether it is known."""
        return len(self.categories) or 2


def fit_columns(panel: Panel) -> tuple[ColumnSpec, ...]:
    """Learn scale or categories of every covariate of a training panel."""
    return tuple(_fit_column(name, c) for name, c in panel.covariates.items())


def _fit_column(name: str, covariate: Covariate) -> ColumnSpec:
    known = covariate.values[~np.isnan(covariate.values)]
    if covariate.categories:
        often = np.bincount(known.astype(np.int64), minlength=len(covariate.categories))
        kept = np.argsort(-often, kind="stable")[: min(MOST_CATEGORIES, int((often > 0).sum()))]
        return ColumnSpec(name, covariate.role, categories=tuple(covariate.categories[i] for i in kept) or ("",))
    if not len(known):
        return ColumnSpec(name, covariate.role)
    spread = float(known.std(dtype=np.float64))
    return ColumnSpec(name, covariate.role, float(known.mean(dtype=np.float64)), spread if spread > 0 else 1.0)


def _encode(spec: ColumnSpec, covariate: Covariate, values: Float32Array) -> Float32Array:
    """Values (...) in the covariate's own coding to inputs (..., width); what is missing or unknown is all zeros."""
    known = ~np.isnan(values)
    if not spec.categories:
        scaled = np.clip((np.where(known, values, spec.mean) - spec.mean) / spec.spread, -LARGEST, LARGEST)
        number: Float32Array = np.stack([scaled, known], -1).astype(np.float32)
        return number
    place = {category: i for i, category in enumerate(spec.categories)}
    lookup = np.array([place.get(category, -1) for category in covariate.categories] + [-1])
    code = lookup[np.where(known, values, -1).astype(np.int64)]
    flags: Float32Array = (code[..., None] == np.arange(len(spec.categories))).astype(np.float32)
    return flags


@dataclass(frozen=True)
class Columns:
    """Encoded covariates of a panel."""

    static: Float32Array
    """(S, C) of each series."""
    past: Float32Array
    """(N, C) of each row."""
    future: Float32Array
    """(N, C) of each row."""
    ahead: Float32Array
    """(S, K, C) known-future covariates after each series' last row; K is 0 where none were given."""
    ends: IntArray
    """(S,) one past each series' last row."""

    def write_encoder(self, out: Float32Array, rows: IntArray, series: IntArray) -> None:
        """Write static, past, and known-future columns (now and one step ahead) of `rows` into out (..., C)."""
        widths = [self.static.shape[-1], self.past.shape[-1], self.future.shape[-1]]
        a, b, c = np.cumsum(widths)
        if a:
            out[..., :a] = self.static[series]
        if b > a:
            out[..., a:b] = self.past[rows]
        if c > b:
            out[..., b:c] = self.future[rows]
            out[..., c:] = self._at(rows + 1, series)

    def write_steps(
        self, out: Float32Array, rows: IntArray, series: IntArray, k: IntArray, phases: tuple[IntArray, IntArray]
    ) -> None:
        """Write known-future columns of the steps k ahead of rows (...), and of the same phase one season back."""
        width = self.future.shape[-1]
        if width:
            rows, series = rows[..., None], series[..., None]
            out[..., :width] = self._at(rows + k, series)
            begin = np.concatenate([[0], self.ends[:-1]])[series]
            for i, back in enumerate(phases, 1):
                out[..., i * width : (i + 1) * width] = self.future[np.maximum(rows - back, begin)]

    def from_origins(self, begins: IntArray, lengths: IntArray, series: IntArray, horizon: int) -> Columns:
        """What is known of covariates at origins: of rows up to each, and what is known of the future ahead of it.

        Args:
            begins: (B,) the first row of the series of each origin.
            lengths: (B,) how many of its rows there are up to the origin.
            series: (B,) which one it is.
            horizon: K rows ahead of each origin; what past covariates will be there is not known.
        """
        counts = lengths + horizon
        ends = np.cumsum(counts)
        which = np.repeat(np.arange(len(series)), counts)
        position = np.arange(int(ends[-1])) - (ends - counts)[which]
        rows, ahead = begins[which] + position, position >= lengths[which]
        past = np.where(ahead[:, None], 0, self.past[np.minimum(rows, len(self.past) - 1)])
        none = np.zeros((len(series), 0, self.future.shape[-1]), np.float32)
        return Columns(self.static[series], past.astype(np.float32), self._at(rows, series[which]), none, ends)

    def _at(self, rows: IntArray, series: IntArray) -> Float32Array:
        """Known-future columns at rows that may lie behind the panel's end; zeros where nothing is known."""
        rows, series = np.broadcast_arrays(rows, series)
        over = rows - self.ends[series]
        out = self.future[np.minimum(rows, self.ends[series] - 1)]
        outside = over >= 0
        out[outside] = 0
        if self.ahead.shape[1]:
            given = outside & (over < self.ahead.shape[1])
            out[given] = self.ahead[series[given], over[given]]
        return out


@dataclass(frozen=True)
class Renumbered:
    """The same covariates, asked for by other numbers of rows."""

    columns: Columns
    """Of a panel."""
    rows: IntArray
    """(M,) the panel row of each number."""
    series: IntArray
    """(M,) the series that it belongs to."""

    def write_encoder(self, out: Float32Array, rows: IntArray, series: IntArray) -> None:
        """See `Columns.write_encoder`; `series` is not read."""
        self.columns.write_encoder(out, self.rows[rows], self.series[rows])

    def write_steps(
        self, out: Float32Array, rows: IntArray, series: IntArray, k: IntArray, phases: tuple[IntArray, IntArray]
    ) -> None:
        """See `Columns.write_steps`; `series` is not read."""
        self.columns.write_steps(out, self.rows[rows], self.series[rows], k, phases)


def encode_columns(panel: Panel, specs: tuple[ColumnSpec, ...], future: Future | None = None) -> Columns:
    """Encode the covariates that a model was trained with.

    Raises:
        DataError: the panel or a given future lacks one of them, or the panel has it in another role or kind.
    """
    parts: dict[str, list[Float32Array]] = {"static": [], "past": [], "future": []}
    ahead = []
    for spec in specs:
        covariate = panel.covariates.get(spec.name)
        if covariate is None:
            raise DataError(
                f"the panel must have the {spec.role} covariate {spec.name!r} that the model was trained with, but got "
                f"{sorted(panel.covariates) or 'none'}. Read the data with {spec.role}=[{spec.name!r}]."
            )
        if covariate.role != spec.role or bool(covariate.categories) != bool(spec.categories):
            wanted, got = ("categories" if of.categories else "numbers" for of in (spec, covariate))
            raise DataError(
                f"covariate {spec.name!r} must be {spec.role} {wanted}, but got {covariate.role} {got}. "
                "Read the data as it was read for training."
            )
        parts[spec.role].append(_encode(spec, covariate, covariate.values))
        if spec.role == "future" and future is not None:
            if spec.name not in future:
                raise DataError(
                    f"the future must hold every known-future covariate of the model, but got none for {spec.name!r}. "
                    "Add this column."
                )
            ahead.append(_encode(spec, covariate, future[spec.name]))
    n, s = len(panel.values), len(panel)
    joined = {
        role: np.concatenate(p, -1) if p else np.zeros((s if role == "static" else n, 0), np.float32)
        for role, p in parts.items()
    }
    later = np.concatenate(ahead, -1) if ahead else np.zeros((s, 0, joined["future"].shape[-1]), np.float32)
    return Columns(joined["static"], joined["past"], joined["future"], later, panel.offsets[1:])


def no_columns() -> Columns:
    """What there is to see of series without covariates."""
    none = np.zeros((1, 0), np.float32)
    return Columns(none, none, none, none[:, None], np.zeros(1, np.int64))

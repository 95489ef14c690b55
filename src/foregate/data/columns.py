"""Covariates as numbers of a common scale: fitted on the training part, applied everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from foregate.core import Covariate, DataError, Future, Panel, Role
from foregate.data.related import MOVES, moves
from foregate.data.targets import TARGET

__all__ = [
    "CAPACITY",
    "CODE_WIDTH",
    "ColumnSpec",
    "Columns",
    "Covariates",
    "EncodedColumn",
    "FromOrigins",
    "category_places",
    "codes",
    "covariate_of",
    "encode_columns",
    "fit_columns",
    "in_own_code",
    "no_columns",
    "read_as_unknown",
    "scaled",
    "told_as",
    "write_beside",
]

IntArray = NDArray[np.int64]
Float32Array = NDArray[np.float32]
Places = tuple[tuple[slice, ...], tuple[slice, ...]]

PRIME, GROUPS = 37, 4
CODE_WIDTH = PRIME * GROUPS
"""Up to so many categories have an input each; more share so many inputs, a code of four ones each."""
CAPACITY = PRIME**3
"""There are so many codes, and so many categories at most that are told apart."""
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
    """Categories that are told apart, the most frequent first; empty for a numeric column."""
    unknown: bool = False
    """Whether categories that are not among them have an input of their own, the last one; else they are all zeros,
    as missing ones are."""
    relative: bool = False
    """Whether it is another target, told by its moves in units of its own past (`foregate.data.related`)."""

    @property
    def width(self) -> int:
        """Input columns: those of the codes and the unknown; or the number and whether it is known; or the moves."""
        if self.categories:
            return min(len(self.categories), CODE_WIDTH) + self.unknown
        return MOVES if self.relative else 2


def codes(n: int) -> Float32Array:
    """What n categories are told as, (n, W): one input each up to 148, else four of 148 inputs.

    The first layer of a network adds up the columns of its weights that belong to these inputs, so that every category
    has a vector of weights, which is what an embedding is: one of its own, or the sum of four that it shares. The four
    are placed by a Reed-Solomon code (1960) over the integers modulo 37: two of the first 1,369 categories share at
    most one of them, two of 50,653 at most two. Sums of shared vectors are Bloom embeddings (Serrà, Karatzoglou 2017).

    Examples:
        >>> codes(3).tolist()
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
        >>> codes(1000).shape, int(codes(1000)[700:800].sum())
        ((1000, 148), 400)
    """
    if n <= CODE_WIDTH:
        return np.eye(n, dtype=np.float32)
    number = np.arange(n)
    a, b, c = number % PRIME, number // PRIME % PRIME, number // PRIME**2
    table = np.zeros((n, CODE_WIDTH), np.float32)
    for x in range(GROUPS):
        table[number, x * PRIME + (a + b * x + c * x * x) % PRIME] = 1
    return table


def fit_columns(panel: Panel, max_categories: int = CAPACITY) -> tuple[ColumnSpec, ...]:
    """Learn scale or categories of every covariate of a training panel.

    Args:
        panel: the training part.
        max_categories: of each covariate so many of the most frequent categories are told apart, 50,653 at most; rarer
            ones are read as unknown.
    """
    return tuple(_fit_column(name, c, panel, max_categories) for name, c in panel.covariates.items())


def _fit_column(name: str, covariate: Covariate, panel: Panel, max_categories: int) -> ColumnSpec:
    known = covariate.values[~np.isnan(covariate.values)]
    targets = panel.spec.target_cols
    if covariate.categories:
        often = np.bincount(known.astype(np.int64), minlength=len(covariate.categories))
        most = min(max_categories, CAPACITY, int((often > 0).sum()))
        kept = tuple(covariate.categories[i] for i in np.argsort(-often, kind="stable")[:most])
        return ColumnSpec(name, covariate.role, categories=kept or ("",), unknown=not targets or name != TARGET)
    if name in targets or not len(known):
        return ColumnSpec(name, covariate.role, relative=name in targets)
    spread = float(known.std(dtype=np.float64))
    return ColumnSpec(name, covariate.role, float(known.mean(dtype=np.float64)), spread if spread > 0 else 1.0)


@dataclass(frozen=True)
class EncodedColumn:
    """One covariate as the network is told it; categories are kept as numbers until a row is asked for."""

    rows: NDArray[np.float32 | np.int32]
    """(N, W) inputs of each row, or (N,) numbers of lines of `table`; of each series for a static covariate."""
    ahead: NDArray[np.float32 | np.int32]
    """(S, K, W) or (S, K): the same of the steps after each series' last row; K is 0 where none were given."""
    table: Float32Array | None = None
    """(C, W) what each category is told as."""

    def at(self, index: IntArray) -> Float32Array:
        """Inputs (..., W) of rows."""
        return self._told(self.rows[index])

    def later(self, series: IntArray, step: IntArray) -> Float32Array:
        """Inputs (..., W) of steps, counted from 0, after the last rows of series."""
        return self._told(self.ahead[series, step])

    def _told(self, found: NDArray[np.float32 | np.int32]) -> Float32Array:
        return found.astype(np.float32, copy=False) if self.table is None else self.table[found]


def _encode(spec: ColumnSpec, covariate: Covariate, panel: Panel, ahead: Float32Array | None) -> EncodedColumn:
    """Values in the covariate's own coding as the network is told them; what is missing is all zeros."""
    values, later = covariate.values, np.zeros((len(panel), 0), np.float32) if ahead is None else ahead
    if spec.categories:
        rows, steps = (in_own_code(spec, v, covariate.categories) for v in (values, later))
        return EncodedColumn(rows, steps, told_as(spec))
    if spec.relative:
        return EncodedColumn(moves(values, panel.offsets), np.zeros((len(panel), 0, MOVES), np.float32))
    return EncodedColumn(scaled(spec, values), scaled(spec, later))


def in_own_code(spec: ColumnSpec, values: NDArray[np.floating], categories: tuple[str, ...]) -> NDArray[np.int32]:
    """Codes of categories, NaN where missing, as lines of `told_as`: those of the model, then unknown, then missing.

    Args:
        spec: the model's covariate.
        values: (...) codes.
        categories: what they stand for.

    Examples:
        >>> in_own_code(ColumnSpec("shop", "past", categories=("a", "b")), np.array([0.0, 1.0, np.nan]), ("b", "c"))
        array([1, 2, 3], dtype=int32)
    """
    known = len(spec.categories)
    place = {category: i for i, category in enumerate(spec.categories)}
    # The code of each category, then that of one that is not among them, then missing.
    lookup = np.array([*(place.get(one, known) for one in categories), known, known + 1], np.int32)
    own: NDArray[np.int32] = lookup[np.where(np.isnan(values), len(lookup) - 1, values).astype(np.int64)]
    return own


def told_as(spec: ColumnSpec) -> Float32Array:
    """What each category is told as (C + 2, W): those of the model, then one that it does not know, then missing."""
    known = len(spec.categories)
    own = codes(known)
    table = np.zeros((known + 2, spec.width), np.float32)
    table[:known, : own.shape[1]] = own
    if spec.unknown:
        table[known, -1] = 1
    return table


def scaled(spec: ColumnSpec, values: Float32Array) -> Float32Array:
    """Numbers, NaN where missing, as they are told (..., 2): standardised, and whether they are known."""
    known = ~np.isnan(values)
    scaled = np.clip((np.where(known, values, spec.mean) - spec.mean) / spec.spread, -LARGEST, LARGEST)
    number: Float32Array = np.stack([scaled, known], -1).astype(np.float32)
    return number


class Covariates(Protocol):
    """What is told of covariates at numbered rows."""

    def write_encoder(self, out: Float32Array, rows: IntArray, series: IntArray) -> None:
        """See `Columns.write_encoder`."""

    def write_steps(
        self, out: Float32Array, rows: IntArray, series: IntArray, k: IntArray, phases: tuple[IntArray, IntArray]
    ) -> None:
        """See `Columns.write_steps`."""


@dataclass(frozen=True)
class Columns:
    """Encoded covariates of a panel, by role."""

    static: tuple[EncodedColumn, ...]
    past: tuple[EncodedColumn, ...]
    future: tuple[EncodedColumn, ...]
    ends: IntArray
    """(S,) one past each series' last row."""

    def write_encoder(self, out: Float32Array, rows: IntArray, series: IntArray) -> None:
        """Write static, past, and known-future columns (now and one step ahead) of `rows` into out (..., C)."""
        write_beside(out, self.encoder(rows, series, None))

    def encoder(self, rows: IntArray, series: IntArray, ahead: NDArray[np.bool_] | None) -> Iterator[Float32Array]:
        """The columns that the encoder reads at rows (...), which may lie behind the end of their series.

        Args:
            rows, series: see `write_encoder`.
            ahead: (...) where past covariates are not known; None for nowhere.
        """
        yield from (column.at(series) for column in self.static)
        for column in self.past:
            found = column.at(np.minimum(rows, self.ends[series] - 1))
            yield found if ahead is None else np.where(ahead[..., None], np.float32(0), found)
        yield from (self._at(column, rows, series) for column in self.future)
        yield from (self._at(column, rows + 1, series) for column in self.future)

    def write_steps(
        self, out: Float32Array, rows: IntArray, series: IntArray, k: IntArray, phases: tuple[IntArray, IntArray]
    ) -> None:
        """Write known-future columns of the steps k ahead of rows (...), and of the same phase one season back."""
        if self.future:
            rows, series = rows[..., None], series[..., None]
            begin = np.concatenate([[0], self.ends[:-1]])[series]
            ahead = (self._at(column, rows + k, series) for column in self.future)
            back = (self._at(column, np.maximum(rows - m, begin), series) for m in phases for column in self.future)
            write_beside(out, ahead)
            write_beside(out[..., out.shape[-1] // 3 :], back)

    def _at(self, column: EncodedColumn, rows: IntArray, series: IntArray) -> Float32Array:
        """A known-future column at rows that may lie behind the panel's end; zeros where nothing is known."""
        rows, series = np.broadcast_arrays(rows, series)
        over = rows - self.ends[series]
        out = column.at(np.minimum(rows, self.ends[series] - 1))
        outside = over >= 0
        out[outside] = 0
        if column.ahead.shape[1]:
            given = outside & (over < column.ahead.shape[1])
            out[given] = column.later(series[given], over[given])
        return out


@dataclass(frozen=True)
class FromOrigins:
    """Covariates as they are known at origins of a panel, by other numbers of rows."""

    columns: Columns
    """Of the panel."""
    rows: IntArray
    """(M,) the panel row of each number; it may lie behind the end of its series."""
    series: IntArray
    """(M,) the series that it belongs to."""
    ahead: NDArray[np.bool_]
    """(M,) whether it lies after the origin, where past covariates are not known."""

    def write_encoder(self, out: Float32Array, rows: IntArray, series: IntArray) -> None:
        """See `Columns.write_encoder`; `series` is not read."""
        own = self.series[rows]
        write_beside(out, self.columns.encoder(self.rows[rows], own, self.ahead[rows]))

    def write_steps(
        self, out: Float32Array, rows: IntArray, series: IntArray, k: IntArray, phases: tuple[IntArray, IntArray]
    ) -> None:
        """See `Columns.write_steps`; `series` is not read."""
        self.columns.write_steps(out, self.rows[rows], self.series[rows], k, phases)


def write_beside(out: Float32Array, columns: Iterator[Float32Array]) -> None:
    """One column after the other into out (..., C)."""
    begin = 0
    for column in columns:
        end = begin + column.shape[-1]
        out[..., begin:end] = column
        begin = end


def covariate_of(panel: Panel, spec: ColumnSpec) -> Covariate:
    """The covariate of a panel that a model was trained with.

    Raises:
        DataError: the panel lacks it, or has it in another role or kind.
    """
    covariate = panel.covariates.get(spec.name)
    if covariate is None:
        raise DataError(
            f"the panel must have the {spec.role} covariate {spec.name!r} that the model was trained with, but got "
            f"{sorted(panel.covariates) or 'none'}. Read the data with covariates={{{spec.name!r}: {spec.role!r}}}."
        )
    if covariate.role != spec.role or bool(covariate.categories) != bool(spec.categories):
        wanted, got = ("categories" if of.categories else "numbers" for of in (spec, covariate))
        raise DataError(
            f"covariate {spec.name!r} must be {spec.role} {wanted}, but got {covariate.role} {got}. "
            "Read the data as it was read for training."
        )
    return covariate


def encode_columns(panel: Panel, specs: tuple[ColumnSpec, ...], future: Future | None = None) -> Columns:
    """Encode the covariates that a model was trained with.

    Raises:
        DataError: the panel or a given future lacks one of them, or the panel has it in another role or kind.
    """
    found: dict[str, list[EncodedColumn]] = {"static": [], "past": [], "future": []}
    for spec in specs:
        covariate = covariate_of(panel, spec)
        given = future if spec.role == "future" else None
        if given is not None and spec.name not in given:
            raise DataError(
                f"the future must hold every known-future covariate of the model, but got none for {spec.name!r}. "
                "Add this column."
            )
        found[spec.role].append(_encode(spec, covariate, panel, None if given is None else given[spec.name]))
    return Columns(tuple(found["static"]), tuple(found["past"]), tuple(found["future"]), panel.offsets[1:])


def no_columns() -> Columns:
    """What there is to see of series without covariates."""
    return Columns((), (), (), np.zeros(1, np.int64))


def category_places(specs: tuple[ColumnSpec, ...]) -> list[Places]:
    """Where each covariate with an unknown stands in the columns that `Columns` writes for the encoder and for steps.

    Examples:
        >>> shop, price = ColumnSpec("shop", "static", categories=("a", "b"), unknown=True), ColumnSpec("price", "past")
        >>> category_places((shop, price))
        [((slice(0, 3, None),), ())]
    """
    of = {role: [spec for spec in specs if spec.role == role] for role in ("static", "past", "future")}
    layouts = (of["static"] + of["past"] + 2 * of["future"], 3 * of["future"])
    places: dict[str, tuple[list[slice], list[slice]]] = {spec.name: ([], []) for spec in specs if spec.unknown}
    for i, layout in enumerate(layouts):
        begin = 0
        for spec in layout:
            if spec.unknown:
                places[spec.name][i].append(slice(begin, begin + spec.width))
            begin += spec.width
    return [(tuple(encoder), tuple(steps)) for encoder, steps in places.values()]


def read_as_unknown(told: Float32Array) -> Float32Array:
    """The same columns (..., W) of a category, were it an unknown one; a missing one stays missing.

    Examples:
        >>> read_as_unknown(np.array([[0, 1, 0], [0, 0, 0]], np.float32)).tolist()
        [[0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]
    """
    unknown = np.zeros_like(told)
    unknown[..., -1] = told.any(-1)
    return unknown

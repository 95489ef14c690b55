"""From typed columns to the flat arrays of a panel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from foregate.core import Covariate, DataError, FrameSpec, Panel, Role, Times
from foregate.core.errors import listed
from foregate.data.later import pl
from foregate.data.read.wording import marked_rows, rows_text

__all__ = ["TypedColumns", "assemble", "code_categories", "ids_as_text", "number_series"]

_LARGEST = float(np.finfo(np.float32).max)
_LOSS = 1e-3
"""Rounding to float32 is told when it changes a series by more than this part of its range."""


@dataclass(frozen=True)
class TypedColumns:
    """The columns of a long table, each with one meaning and type; rows as they came."""

    ids: pl.Series | None
    """(N,) text, categories or integers; None when there is one series."""
    times: Times
    """(N,) datetime64[us] or int64."""
    target: pl.Series
    """(N,) Float64, null or NaN where not observed."""
    covariates: Mapping[str, tuple[Role, pl.Series]] = field(default_factory=dict)
    """Role and (N,) values by name: Float64, or text for categories."""


def assemble(columns: TypedColumns, spec: FrameSpec, notes: tuple[str, ...] = ()) -> Panel:
    """A panel of typed columns: series in the order in which their ids first appear, rows in order of time.

    Rows of the same series and time stay in the order in which they came; they and gaps are for `audit` to tell.

    Raises:
        DataError: infinite or too large values, or a static column that varies within a series.
    """
    values = _finite(columns.target)
    codes, names = number_series(columns.ids, len(values), columns.target.name)
    order = _order(codes, columns.times)
    if order is not None:
        codes, times, values = codes[order], columns.times[order], values[order]
    else:
        times = columns.times
    offsets = np.concatenate([[0], np.cumsum(np.bincount(codes, minlength=len(names)))]).astype(np.int64)
    ids = np.asarray(names, np.str_)
    del codes
    mask = ~np.isnan(values)
    if not mask.any():
        raise DataError(
            f"column {columns.target.name!r} must hold at least one value, but all {len(values)} rows are empty. "
            "Check that it is the target."
        )
    rounded = np.where(mask, values, 0).astype(np.float32)
    covariates = {
        name: _covariate(name, role, column, order, offsets, ids) for name, (role, column) in columns.covariates.items()
    }
    notes += _precision_note(values, rounded, mask, offsets, ids)
    notes += _ends_note(mask, offsets, has_future=any(c.role == "future" for c in covariates.values()))
    return Panel(ids, offsets, rounded, mask, times, None, covariates, spec, notes)


def number_series(ids: pl.Series | None, n_rows: int, single: str) -> tuple[NDArray[np.int64], list[str]]:
    """The number of the series of every row, and the ids as text, in the order in which they first appear."""
    if ids is None:
        return np.zeros(n_rows, np.int64), [single]
    runs = ids.rle().struct.unnest()
    unique = runs["value"].unique(maintain_order=True)
    codes = runs["value"].replace_strict(unique, pl.int_range(len(unique), eager=True), return_dtype=pl.Int64)
    return np.repeat(codes.to_numpy(), runs["len"].to_numpy()), unique.cast(pl.String).to_list()


def ids_as_text(ids: pl.Series) -> tuple[pl.Series, str]:
    """Ids ready to be numbered, and the type they had.

    Raises:
        DataError: ids are missing or are neither text nor whole numbers.
    """
    missing = marked_rows(ids.is_null() if ids.dtype != pl.String else ids.fill_null("") == "")
    if len(missing):
        raise DataError(
            f"column {ids.name!r} must name a series in every row, but it is empty in {rows_text(missing)}. "
            "Fill the ids in, or leave these rows out."
        )
    if ids.dtype.is_integer():
        return ids, str(ids.dtype).lower()
    if ids.dtype in (pl.Categorical, pl.Enum):
        return ids.cast(pl.String), "category"
    if ids.dtype == pl.String:
        return ids, "str"
    raise DataError(
        f"column {ids.name!r} must hold ids as text or whole numbers, but got values of type {ids.dtype}. "
        "Convert them to text, or name another column: id_col=…."
    )


def code_categories(column: pl.Series, categories: tuple[str, ...]) -> NDArray[np.float32]:
    """Text as the numbers of its categories; NaN where missing or not among them."""
    codes = column.replace_strict(
        pl.Series(categories, dtype=pl.String), pl.int_range(len(categories), eager=True), default=None,
        return_dtype=pl.Float32,
    )  # fmt: skip
    return codes.fill_null(np.nan).to_numpy().astype(np.float32)


def _finite(target: pl.Series) -> NDArray[np.float64]:
    values: NDArray[np.float64] = target.fill_null(np.nan).to_numpy()
    infinite = marked_rows(np.isinf(values))
    if len(infinite):
        raise DataError(
            f"column {target.name!r} must hold finite numbers, but got infinity in {rows_text(infinite)}. "
            "Correct these values, or leave them empty where nothing was observed."
        )
    with np.errstate(invalid="ignore"):
        large = marked_rows(np.abs(values) > _LARGEST)
    if len(large):
        raise DataError(
            f"column {target.name!r} must stay within ±3.4e38, but got {values[large[0] - 1]:g} in {rows_text(large)}. "
            "Divide the column by a power of ten."
        )
    return values


def _order(codes: NDArray[np.int64], times: Times) -> NDArray[np.int64] | None:
    """The rows in order of series and time; None when they are so already."""
    step = np.diff(codes)
    if np.all((step > 0) | ((step == 0) & (times[1:] >= times[:-1]))):
        return None
    return np.lexsort((times, codes))


def _covariate(
    name: str,
    role: Role,
    column: pl.Series,
    order: NDArray[np.int64] | None,
    offsets: NDArray[np.int64],
    ids: NDArray[np.str_],
) -> Covariate:
    categories: tuple[str, ...] = ()
    if column.dtype == pl.String:
        categories = tuple(column.drop_nulls().unique().sort().to_list())
        values = code_categories(column, categories)
    else:
        values = column.fill_null(np.nan).to_numpy().astype(np.float32)
        infinite = marked_rows(np.isinf(values))
        if len(infinite):
            raise DataError(
                f"column {name!r} must hold finite numbers within ±3.4e38, but got others in {rows_text(infinite)}. "
                "Correct these values, or leave them empty where nothing is known."
            )
    values = values if order is None else values[order]
    if role == "static":
        low, high = np.fmin.reduceat(values, offsets[:-1]), np.fmax.reduceat(values, offsets[:-1])
        varying = ids[low < high]
        if len(varying):
            raise DataError(
                f"static column {name!r} must be the same in all rows of a series, but it varies in {listed(varying)}. "
                f"Correct it, or call it past or future: covariates={{{name!r}: 'past'}}."
            )
        values = low
    return Covariate(role, values, categories)


def _precision_note(
    values: NDArray[np.float64],
    rounded: NDArray[np.float32],
    mask: NDArray[np.bool_],
    offsets: NDArray[np.int64],
    ids: NDArray[np.str_],
) -> tuple[str, ...]:
    """A sentence when float32 cannot hold the differences within a series."""
    starts = offsets[:-1]
    loss = np.maximum.reduceat(np.where(mask, np.abs(values - rounded), 0), starts)
    with np.errstate(invalid="ignore"):
        spread = np.fmax.reduceat(values, starts) - np.fmin.reduceat(values, starts)
    lossy = ids[(spread > 0) & (loss > _LOSS * spread)]
    if not len(lossy):
        return ()
    return (
        f"Values are kept as float32, which loses more than {_LOSS:.1%} of the range of series {listed(lossy)}: "
        "subtract a constant, such as the smallest value, to keep their detail.",
    )


def _ends_note(mask: NDArray[np.bool_], offsets: NDArray[np.int64], *, has_future: bool) -> tuple[str, ...]:
    """A sentence when series end in rows without a target."""
    last_seen = np.maximum.reduceat(np.where(mask, np.arange(len(mask)), -1), offsets[:-1])
    trailing = offsets[1:] - 1 - np.maximum(last_seen, offsets[:-1] - 1)
    n_series, n_rows = int((trailing > 0).sum()), int(trailing.sum())
    if not n_series:
        return ()
    what = "as the future, where a covariate is known there" if has_future else "as missing values"
    rows = f"{n_rows} rows" if n_rows > 1 else "a row"
    return (f"{n_series} series end{'s' * (n_series == 1)} in {rows} without a target, kept {what}.",)

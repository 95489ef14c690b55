"""Covariates of live series: the latest rows of each, and what is known ahead.

Letters: S series, B of them, M rows, C columns that change with time, L columns of a tape, W inputs.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foregate.core import Panel, with_room
from foregate.data.columns import ColumnSpec, in_own_code, scaled, told_as, write_beside

__all__ = ["FURTHEST", "LiveColumns", "beside", "coded"]

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]
Float32Array = NDArray[np.float32]

FURTHEST = 10_000
"""So many steps ahead values may be told at most."""
ROOM = 64
"""Columns of a tape, at first, behind the rows that are looked back on."""


def coded(spec: ColumnSpec, values: NDArray[np.floating], categories: tuple[str, ...]) -> Float32Array:
    """Values of a covariate as a tape holds them: numbers, or lines of `told_as`; NaN where missing."""
    if not spec.categories:
        return values.astype(np.float32)
    own = in_own_code(spec, values, categories).astype(np.float32)
    own[own > len(spec.categories)] = np.nan
    return own


def beside(columns: Sequence[Float32Array], rows: int) -> Float32Array:
    """Columns (rows,) as one array (rows, C)."""
    return np.stack(columns, 1) if columns else np.zeros((rows, 0), np.float32)


class LiveColumns:
    """What is known of the covariates of live series, by number; see `foregate.forecasting.state.Told`.

    Args:
        specs: the covariates of the model.
        back: so many rows before the present one are kept.
    """

    def __init__(self, specs: tuple[ColumnSpec, ...], back: int) -> None:
        self.back = back
        self.static = tuple(spec for spec in specs if spec.role == "static")
        self.past = tuple(spec for spec in specs if spec.role == "past")
        self.future = tuple(spec for spec in specs if spec.role == "future")
        self.timed = (*self.past, *self.future)
        self._tables = {spec: told_as(spec) for spec in specs if spec.categories}
        self.arrays: dict[str, NDArray[Any]] = {
            "static": np.zeros((0, len(self.static)), np.float32),
            "timed": np.zeros((0, back + ROOM, len(self.timed)), np.float32),  # NaN where not known
            "base": np.zeros(0, np.int64),  # the row in the first column of the tape
            "read": np.zeros(0, np.int64),  # rows so far; after these, past covariates are not known
            "until": np.zeros(0, np.int64),  # rows so far and ahead of which something was told
        }
        self.size = 0

    @property
    def revises(self) -> bool:
        """See `foregate.forecasting.state.Told`."""
        return bool(self.future)

    def add(self, static: Float32Array) -> None:
        """Make place for new series with these static values (B, n)."""
        self.arrays |= {name: with_room(array, self.size, len(static)) for name, array in self.arrays.items()}
        new = slice(self.size, self.size + len(static))
        self.arrays["static"][new], self.arrays["timed"][new] = static, np.nan
        self.size += len(static)

    def take(self, numbers: IntArray) -> LiveColumns:
        """An independent copy of some series, in that order."""
        some = copy.copy(self)
        some.arrays, some.size = {name: array[numbers] for name, array in self.arrays.items()}, len(numbers)
        return some

    def join(self, other: LiveColumns) -> None:
        """Take in the series of another one of the same columns."""
        new, other = slice(self.size, self.size + other.size), other.take(np.arange(other.size))
        short, long = sorted((self, other), key=lambda each: each.arrays["timed"].shape[1])
        lacking = long.arrays["timed"].shape[1] - short.arrays["timed"].shape[1]
        if lacking:
            more = np.full((len(short.arrays["timed"]), lacking, len(self.timed)), np.nan, np.float32)
            short.arrays["timed"] = np.concatenate([short.arrays["timed"], more], 1)
        self.add(other.arrays["static"])
        for name, array in self.arrays.items():
            array[new] = other.arrays[name]
        self.back = max(self.back, other.back)

    def fill(self, panel: Panel, series: IntArray) -> None:
        """Take in what a panel knows of some of its series, whose rows are read; there were none before."""
        lengths = panel.lengths[series]
        static = [coded(s, panel.covariates[s.name].values, panel.covariates[s.name].categories) for s in self.static]
        self.add(
            np.stack([values[series] for values in static], 1) if static else np.zeros((len(series), 0), np.float32)
        )
        self.arrays["base"][:], self.arrays["read"][:] = np.maximum(lengths - self.back, 0), lengths
        kept = np.minimum(lengths, self.back)
        first = np.repeat(panel.offsets[series] + lengths - kept, kept)
        place = np.arange(int(kept.sum())) - np.repeat(np.cumsum(kept) - kept, kept)
        found = [(spec, panel.covariates[spec.name]) for spec in self.timed]
        values = beside([coded(spec, each.values[first + place], each.categories) for spec, each in found], len(first))
        numbers = np.repeat(np.arange(len(series)), kept)
        self.write(numbers, self.arrays["base"][numbers] + place, values)
        self.arrays["until"][: self.size] = lengths

    def move_on(self, numbers: IntArray, rows: IntArray) -> None:
        """Say that so many rows (B,) of series have come."""
        self._make_room(numbers, rows)
        self.arrays["read"][numbers] = rows
        self.arrays["until"][numbers] = np.maximum(self.arrays["until"][numbers], rows)

    def tell(self, numbers: IntArray, rows: IntArray, values: Float32Array) -> None:
        """Take in what is known ahead, at rows (M,) of series: known-future values (M, n)."""
        every, where = np.unique(numbers, return_inverse=True)
        last = np.zeros(len(every), np.int64)
        np.maximum.at(last, where, rows + 1)
        self._make_room(every, last)
        self.write(numbers, rows, values, len(self.past))
        self.arrays["until"][every] = np.maximum(self.arrays["until"][every], last)

    def write(self, numbers: IntArray, rows: IntArray, values: Float32Array, begin: int = 0) -> None:
        """Write values (M, n) of the timed columns from one on, at rows (M,) of series for which there is room."""
        self.arrays["timed"][numbers, rows - self.arrays["base"][numbers], begin:] = values

    def lacking(self, numbers: IntArray, rows: IntArray, steps: int) -> IntArray:
        """How many of so many steps after these rows (B,) of series are not told, to a model that is told them."""
        if not self.future:
            return np.zeros(len(numbers), np.int64)
        lacking: IntArray = np.maximum(rows + steps - self.arrays["until"][numbers], 0)
        return lacking

    def known(self, number: int, row: int) -> Float32Array | None:
        """What came (C,) with a row of a series that was read; None where that is no longer known."""
        column = row - int(self.arrays["base"][number])
        return self.arrays["timed"][number, column] if column >= 0 else None

    def at(self, owner: IntArray, place: IntArray) -> _Rows:
        """See `foregate.forecasting.state.Told`."""
        return _Rows(self, owner, place)

    def compact(self) -> dict[str, NDArray[Any]]:
        """All arrays, of no more columns than there is something in."""
        twin = self.take(np.arange(self.size))
        twin._shift(np.arange(self.size))
        length = int((twin.arrays["until"] - twin.arrays["base"]).max(initial=0))
        return twin.arrays | {"timed": twin.arrays["timed"][:, :length]}

    def expand(self, compact: Mapping[str, NDArray[Any]], rows: IntArray) -> None:
        """Go on with compact arrays of series of which so many rows were read; there were none.

        Raises:
            ValueError: they are not of this shape.
        """
        if set(compact) != set(self.arrays):
            raise ValueError(f"arrays {sorted(set(compact) ^ set(self.arrays))} missing or unknown")
        self.add(np.zeros((len(rows), len(self.static)), np.float32))
        length = compact["timed"].shape[1] if compact["timed"].ndim == 3 else 0
        for name, array in compact.items():
            wanted = self.arrays[name][:, :length] if name == "timed" else self.arrays[name]
            shape = (len(rows), length, len(self.timed)) if name == "timed" else wanted.shape
            if array.shape != shape or array.dtype != wanted.dtype:
                raise ValueError(f"{name} is {array.dtype} {array.shape}, not {wanted.dtype} {shape}")
            self.arrays[name] = array.copy()
        a = self.arrays
        if (a["read"] != rows).any() or (a["base"] < 0).any() or (a["until"] - a["base"] > length).any():
            raise ValueError("covariates are not where they should be")

    def values(self, spec: ColumnSpec, owner: IntArray, place: IntArray) -> Float32Array:
        """What is told (..., W) of a timed covariate at rows of series; of what is not known, zeros."""
        tape = self.arrays["timed"]
        cell = place - self.arrays["base"][owner]
        inside = (cell >= 0) & (cell < tape.shape[1])
        found = tape[owner, np.where(inside, cell, 0), self.timed.index(spec)]
        return self.told(spec, np.where(inside, found, np.float32(np.nan)))

    def told(self, spec: ColumnSpec, values: Float32Array) -> Float32Array:
        """Values as a tape holds them as they are told (..., W)."""
        table = self._tables.get(spec)
        if table is None:
            return scaled(spec, values)
        found: Float32Array = table[np.where(np.isnan(values), len(table) - 1, values).astype(np.int64)]
        return found

    def _make_room(self, numbers: IntArray, upto: IntArray) -> None:
        """Let rows up to these (B,) have a column on the tapes of series."""
        a = self.arrays
        full = upto - a["base"][numbers] > a["timed"].shape[1]
        if not full.any():
            return
        self._shift(numbers[full])
        length = a["timed"].shape[1]
        lacking = int((upto - a["base"][numbers]).max()) - length
        if lacking > 0:
            more = np.full((len(a["timed"]), max(lacking, length), len(self.timed)), np.nan, np.float32)
            a["timed"] = np.concatenate([a["timed"], more], 1)

    def _shift(self, numbers: IntArray) -> None:
        """Move the latest rows of series to the front of their tapes."""
        a, length = self.arrays, self.arrays["timed"].shape[1]
        base = np.maximum(a["read"][numbers] - self.back, a["base"][numbers])
        source = (base - a["base"][numbers])[:, None] + np.arange(length)
        found = a["timed"][numbers[:, None], np.minimum(source, length - 1)]
        found[source >= length] = np.nan
        a["timed"][numbers], a["base"][numbers] = found, base


@dataclass(frozen=True)
class _Rows:
    """Covariates of rows of live series, see `foregate.data.columns.Covariates`."""

    columns: LiveColumns
    owner: IntArray
    """(M,) the series of each."""
    place: IntArray
    """(M,) the row of it, which may lie ahead."""

    def write_encoder(self, out: Float32Array, rows: IntArray, series: IntArray) -> None:
        """See `Columns.write_encoder`; `series` is not read."""
        write_beside(out, self._encoder(self.owner[rows], self.place[rows]))

    def _encoder(self, owner: IntArray, place: IntArray) -> Iterator[Float32Array]:
        columns = self.columns
        for i, spec in enumerate(columns.static):
            yield columns.told(spec, columns.arrays["static"][owner, i])
        unknown = (place >= columns.arrays["read"][owner])[..., None]
        for spec in columns.past:
            yield np.where(unknown, np.float32(0), columns.values(spec, owner, place))
        for ahead in (0, 1):
            yield from (columns.values(spec, owner, place + ahead) for spec in columns.future)

    def write_steps(
        self, out: Float32Array, rows: IntArray, series: IntArray, k: IntArray, phases: tuple[IntArray, IntArray]
    ) -> None:
        """See `Columns.write_steps`; `series` is not read."""
        columns = self.columns
        if columns.future:
            owner, place = self.owner[rows][..., None], self.place[rows][..., None]
            where = (place + k, *(np.maximum(place - m, 0) for m in phases))
            write_beside(
                out, (columns.values(s, *np.broadcast_arrays(owner, at)) for at in where for s in columns.future)
            )

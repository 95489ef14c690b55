"""Covariates of portable graphs: they are given as they are, a number each, and told to the network within.

Letters: B series, K steps ahead, n known-future covariates, W rows of a tape, C columns of a covariate.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foregate.data.columns import ColumnSpec, scaled, told_as, write_beside
from foregate.persistence.portable.layout import Carry
from foregate.persistence.tracing import Trace, Traced

__all__ = ["Named", "Told", "ahead_ports", "named", "row_ports"]

NUMBER = "a number, NaN where it is missing"
CATEGORY = "the place of the category in `categories`, from 0 on, -1 for any other, NaN where it is missing"
IN_A_ROW = {
    "static": "Of each series, the same in every row: {what}.",
    "past": "Of this row: {what}.",
    "future": "Of this row and of the next one: {what}, or not known.",
}
"""What the graph of a step is given of a covariate, by its role."""
AHEAD = "Of the steps ahead: {what}, or not known."


@dataclass(frozen=True)
class Named:
    """A covariate, and the input that it comes by."""

    column: ColumnSpec
    """How it is told."""
    port: str
    """Name of the input: its own, where that can be one."""

    @property
    def what(self) -> str:
        """What a number of it means."""
        return CATEGORY if self.column.categories else NUMBER


def named(columns: tuple[ColumnSpec, ...], taken: Collection[str]) -> tuple[Named, ...]:
    """Inputs of covariates, with names that are not taken.

    Examples:
        >>> [each.port for each in named((ColumnSpec("price", "past"), ColumnSpec("in %", "future")), ())]
        ['price', 'covariate_1']
    """
    own = [column.name for column in columns]
    fine = [name.isidentifier() and name.isascii() and name not in taken for name in own]
    return tuple(
        Named(column, column.name if good else f"covariate_{i}")
        for i, (column, good) in enumerate(zip(columns, fine, strict=True))
    )


def row_ports(covariates: tuple[Named, ...]) -> dict[str, Carry]:
    """What the graph of a step is given of them."""
    return {
        each.port: Carry(
            "float32",
            (2,) if each.column.role == "future" else (),
            IN_A_ROW[each.column.role].format(what=each.what),
        )
        for each in covariates
    }


def ahead_ports(covariates: tuple[Named, ...], horizon: int) -> dict[str, Carry]:
    """What the graph of a forecast is given of those that are known ahead."""
    return {each.port: Carry("float32", (horizon,), AHEAD.format(what=each.what)) for each in future_of(covariates)}


def future_of(covariates: tuple[Named, ...]) -> list[Named]:
    """Those that are known ahead."""
    return [each for each in covariates if each.column.role == "future"]


class Told:
    """What the network is told of covariates; see `foregate.data.columns.Columns`."""

    def __init__(self, trace: Trace, covariates: tuple[Named, ...], nodes: Mapping[str, Traced], tape: Traced) -> None:
        """Of inputs, and the latest rows (B, n, W) of those that are known ahead, the newest last."""
        self.trace, self.covariates, self.nodes, self.tape = trace, covariates, nodes, tape

    def write_encoder(self, out: Any, rows: Any, series: Any) -> None:
        """See `Columns.write_encoder`; of the row that is read."""
        every, future = self.covariates, future_of(self.covariates)
        columns = [
            self._told(each, self.nodes[each.port])
            for role in ("static", "past")
            for each in every
            if each.column.role == role
        ]
        columns += [self._told(each, self.nodes[each.port][:, when]) for when in (0, 1) for each in future]
        write_beside(out, iter(columns))

    def write_steps(
        self, out: Any, rows: Any, series: Any, k: NDArray[np.int64], phases: tuple[NDArray[np.int64], ...]
    ) -> None:
        """See `Columns.write_steps`; of the steps after the row that was read."""
        future, last = future_of(self.covariates), self.tape.shape[-1] - 1 if self.tape is not None else 0
        columns = [self._told(each, self.nodes[each.port]) for each in future]
        columns += [self._told(each, self.tape[:, i, last - m]) for m in phases for i, each in enumerate(future)]
        write_beside(out, iter(columns))

    def _told(self, each: Named, values: Traced) -> Traced:
        """Inputs (..., C) of numbers (...)."""
        column = each.column
        if not column.categories:
            told: Traced = scaled(column, values)
            return told
        known, table = len(column.categories), told_as(column)
        place: Traced = np.where(np.isnan(values), known + 1, np.where(values < 0, known, values)).astype(np.int64)
        name = self.trace.graph.constant(table)
        return self.trace.op("Gather", [name, place.name], np.float32, (*place.shape, table.shape[1]), axis=0)

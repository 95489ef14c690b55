"""Indices that stand for themselves while a graph is written: every series, and a place on its tape.

The latest row of every series lies at the end of its tape, so that a place so many rows back is known beforehand, and
looking it up is one operation on a constant.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from foregate.persistence.tracing.nodes import Node, Trace

__all__ = ["Begin", "Every", "Place"]


class Every(Node):
    """The numbers of all series, as an index: what it takes is all there is. (B,), or with further axes of length 1."""

    def __init__(self, trace: Trace, axes: int = 1) -> None:
        super().__init__(trace, "", np.dtype(np.int64), (trace.batch, *[1] * (axes - 1)))

    @property
    def size(self) -> int:
        """One: all series are read alike."""
        return 1

    def __getitem__(self, key: Any) -> Self:
        return type(self)(self.trace, self.ndim + _new(key))

    def takes(self, x: Node, rest: tuple[Any, ...]) -> Node:
        """What it takes of an array."""
        return x[(slice(None), *rest)].unsqueezed(*range(1, self.ndim))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **_: Any) -> Any:
        if ufunc is np.maximum and inputs[1] == 0:
            return self
        if ufunc is np.less and inputs[1] == 0:
            return np.zeros(self.shape, np.bool_)
        return NotImplemented


class Place(Node):
    """Places on tapes (B, …), the same for all series: 0 to W - 1."""

    def __init__(self, trace: Trace, places: NDArray[np.int64]) -> None:
        super().__init__(trace, "", np.dtype(np.int64), (trace.batch, *places.shape))
        self.places = places

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, Every):
            return self
        return Place(self.trace, self.places.reshape(*self.places.shape, *[1] * _new(key)))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **_: Any) -> Any:
        one, other = inputs
        if ufunc in (np.add, np.subtract) and one is self:
            return Place(self.trace, ufunc(self.places, other))
        if ufunc is np.maximum and one is self:  # what lies before the beginning of a series is 0, and nobody reads it
            return Place(self.trace, np.maximum(self.places, 0))
        if ufunc is np.greater_equal and isinstance(other, Begin):
            return other.reached(self.places)
        return NotImplemented


class Begin(Node):
    """Where on their tapes series begin (B, …), by how many rows they have."""

    def __init__(self, rows: Node, length: int) -> None:
        super().__init__(rows.trace, rows.name, rows.dtype, rows.shape)
        self.length = length

    def __getitem__(self, key: Any) -> Any:
        return self if isinstance(key, Every) else Begin(super().__getitem__(key), self.length)

    def reached(self, places: NDArray[np.int64]) -> Node:
        """Whether places (…) lie within."""
        rows = Node(self.trace, self.name, self.dtype, self.shape)
        within: Node = rows >= (self.length - places).astype(np.float64)
        return within


def _new(key: Any) -> int:
    """How many axes a key adds."""
    return sum(one is None for one in (key if isinstance(key, tuple) else (key,)))

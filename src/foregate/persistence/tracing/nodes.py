"""Arrays of a graph that is being written: NumPy's functions take them, and write operations instead of reckoning.

So one formula serves both: what is reckoned with arrays here is what a graph reckons anywhere. Arrays that are known
while the graph is written stay arrays, and become constants where they meet a node.

The number of series is not known then. It is played by a prime that divides no other length: an axis of that length is
the batch, and one of a multiple of it holds so many numbers of each series.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from math import prod
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import DTypeLike, NDArray

from foregate.persistence.export.ports import Kind
from foregate.persistence.export.writing import Graph

__all__ = ["KINDS", "WRITTEN", "Node", "Sheet", "Trace", "Traced"]

BATCHES = 10_007, 10_009, 10_037
"""Play the number of series."""
TYPES = {"float32": 1, "int64": 7, "bool": 9, "float64": 11}
"""ONNX's numbers for the types that there are."""
KINDS: dict[str, Kind] = {"float32": "float", "int64": "int64", "bool": "bool", "float64": "double"}
"""ONNX's names for them."""
WRITTEN: dict[Any, Callable[..., Any]] = {}
"""What NumPy's functions write, as `foregate.persistence.tracing.functions` says; functions of each number, which have
methods too, by the name of their kind."""
Shape = tuple[int, ...]
Traced = Any
"""A node where a formula has an array: what is told of arrays holds for it."""


class Trace:
    """Where operations on nodes are written. What was written once is not written again.

    Examples:
        >>> from foregate.persistence.export import Port, Ports
        >>> one = Port("float", ("B",))
        >>> trace = Trace(Graph(Ports("larger", {"x": one}, {"y": one})))
        >>> x = trace.given("x", np.float32, (trace.batch,))
        >>> trace.graph.give(y=np.maximum(2 * x, 1).name)
        >>> print(trace.graph.text())
        larger (float[B] x) => (float[B] y) {
        Mul_1 = Mul (given_0, x)
        Max_3 = Max (Mul_1, given_2)
        y = Identity (Max_3)
        }
    """

    def __init__(self, graph: Graph, lengths: Iterable[int] = ()) -> None:
        """Write into a graph, in which there are other axes of these lengths."""
        self.graph, self._known, self._first = graph, dict[Any, str](), ""
        self.batch = next(prime for prime in BATCHES if all(n % prime for n in lengths))

    def given(self, name: str, dtype: DTypeLike, shape: Shape) -> Node:
        """An array that has a name already: an input of the graph, or what was written without nodes."""
        self._first = self._first or name
        return Node(self, name, np.dtype(dtype), shape)

    def op(self, kind: str, of: Sequence[str], dtype: DTypeLike, shape: Shape, **attributes: Any) -> Node:
        """Write an operation with one output."""
        key = kind, tuple(of), tuple(attributes.items())
        if key not in self._known:
            self._known[key] = self.graph.op(kind, *of, **attributes)
        return Node(self, self._known[key], np.dtype(dtype), shape)

    def operand(self, x: Any, dtype: DTypeLike) -> tuple[str, Shape]:
        """The name of what an operation reads, in a type; and its shape, where a constant has 1 for the batch."""
        if isinstance(x, Node):
            return x.astype(dtype).name, x.shape
        array = np.asarray(x, dtype)
        for axis, length in enumerate(array.shape):
            if length and length % self.batch == 0:
                array = array.take([0], axis)
        return self.graph.constant(array), array.shape

    def each(self, kind: str, inputs: Sequence[Any], dtypes: Sequence[DTypeLike], dtype: DTypeLike) -> Node:
        """Write an operation on each number of inputs that are broadcast."""
        operands = [self.operand(x, own) for x, own in zip(inputs, dtypes, strict=True)]
        there = np.broadcast_shapes(*(shape for _, shape in operands))
        node = self.op(kind, [name for name, _ in operands], dtype, there)
        return self.spread(node, np.broadcast_shapes(*map(np.shape, inputs)))

    def spread(self, x: Any, shape: Shape, dtype: DTypeLike | None = None) -> Node:
        """A node of this shape, of anything that can be broadcast to it."""
        kind = np.dtype(dtype if dtype is not None else x.dtype)
        name, there = self.operand(x, kind)
        if there == shape and isinstance(x, Node):
            return x.astype(kind)
        long = [i for i, n in enumerate(shape) if n and n % self.batch == 0]
        sizes = [1 if i in long else n for i, n in enumerate(shape)]
        if not long or shape[long[0]] in there:
            return self.op("Expand", [name, self.graph.whole(sizes)], kind, shape)
        at = long[0]
        parts = [self.graph.whole(part) for part in (sizes[:at], sizes[at + 1 :])]
        parts.insert(1, self._length(shape[at] // self.batch))
        to = self.op("Concat", parts, np.int64, (len(shape),), axis=0)
        return self.op("Expand", [name, to.name], kind, shape)

    def _length(self, times: int) -> str:
        """So many times the number of series, as an array of one number."""
        length = self.op("Shape", [self._first], np.int64, (1,), start=0, end=1)
        return (
            length.name if times == 1 else self.op("Mul", [length.name, self.graph.whole([times])], np.int64, (1,)).name
        )


class Node(NDArrayOperatorsMixin):
    """An array that a graph will hold. It can be assigned to as a whole alone: parts of it do not share anything."""

    def __init__(self, trace: Trace, name: str, dtype: np.dtype[Any], shape: Shape) -> None:
        self.trace, self._name, self.dtype, self.shape = trace, name, dtype, shape

    @property
    def name(self) -> str:
        """In the graph."""
        return self._name

    @property
    def ndim(self) -> int:
        """How many axes it has."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return prod(self.shape)

    @property
    def T(self) -> Node:  # noqa: N802 - as arrays have it
        """With its axes in the other order."""
        return self.transpose(*reversed(range(self.ndim)))

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Node]:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        raise TypeError("what a graph will hold is not known while it is written")

    def __array__(self, *_: Any, **__: Any) -> NDArray[Any]:
        raise TypeError("what a graph will hold is no array")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        return WRITTEN[np.ufunc](self.trace, ufunc, method, inputs, options)

    def __array_function__(self, function: Any, _: Any, given: tuple[Any, ...], options: dict[str, Any]) -> Any:
        return WRITTEN[function](self.trace, *given, **options) if function in WRITTEN else NotImplemented

    def __repr__(self) -> str:
        return f"Node({self.name!r}, {self.dtype}, {self.shape})"

    def astype(self, dtype: DTypeLike) -> Node:
        """In another type."""
        kind = np.dtype(dtype)
        if kind == self.dtype or not self.size:
            return Node(self.trace, self.name, kind, self.shape)
        return self.trace.op("Cast", [self.name], kind, self.shape, to=TYPES[kind.name])

    def reshape(self, *shape: int) -> Node:
        """In another shape, of which at most one axis has to do with the batch."""
        if -1 in shape:
            shape = tuple(self.size // -prod(shape) if n == -1 else n for n in shape)
        sizes = [-1 if n % self.trace.batch == 0 else n for n in shape]
        return self.trace.op("Reshape", [self.name, self.trace.graph.whole(sizes)], self.dtype, shape)

    def transpose(self, *order: int) -> Node:
        """With its axes in this order."""
        if order == tuple(range(self.ndim)):
            return self
        shape = tuple(self.shape[i] for i in order)
        return self.trace.op("Transpose", [self.name], self.dtype, shape, perm=order)

    def any(self) -> bool:
        """Whether any may hold: any may, of what is not known."""
        return True

    def argmax(self, axis: int) -> NDArray[np.int64]:
        """Where the largest number is along an axis of length 1."""
        if self.shape[axis] != 1:
            raise NotImplementedError("argmax along more than one row")
        return np.zeros((*self.shape[:axis], *self.shape[axis + 1 :]), np.int64)

    def unsqueezed(self, *axes: int) -> Node:
        """With axes of length 1 at these places."""
        shape = list(self.shape)
        for axis in sorted(axes):
            shape.insert(axis, 1)
        given = [self.name, self.trace.graph.whole(sorted(axes))]
        return self.trace.op("Unsqueeze", given, self.dtype, tuple(shape)) if axes else self

    def __getitem__(self, key: Any) -> Node:
        """Whole numbers, slices, None and dots; an array of whole numbers along one axis; or a node that takes."""
        keys = key if isinstance(key, tuple) else (key,)
        if isinstance(keys[0], Node):
            return keys[0].takes(self, keys[1:])
        out, axis, new = self, 0, list[int]()
        for one in _spelled_out(keys, self.ndim):
            if one is None:
                new.append(axis + len(new))
                continue
            out, kept = out._taken(axis, one)
            axis += kept
        return out.unsqueezed(*new)

    def takes(self, x: Node, rest: tuple[Any, ...]) -> Node:
        """What it takes of an array as an index of the first axis, where the others are indexed by `rest`."""
        raise NotImplementedError("numbers that are not known as an index")

    def _taken(self, axis: int, key: Any) -> tuple[Node, int]:
        """What a key takes along an axis, and whether that is there afterwards."""
        length, give = self.shape[axis], self.trace.graph
        before, after = self.shape[:axis], self.shape[axis + 1 :]
        if isinstance(key, slice):
            start, stop, step = key.indices(length)
            n = len(range(start, stop, step))
            if n == length and step == 1:
                return self, 1
            if not n:
                return Node(self.trace, "", self.dtype, (*before, 0, *after)), 1
            ends = stop if stop >= 0 else -(2**63) + 1
            of = [self.name, *(give.whole([each]) for each in (start, ends, axis, step))]
            return self.trace.op("Slice", of, self.dtype, (*before, n, *after)), 1
        where = np.asarray(key) % length
        given = [self.name, give.constant(where.astype(np.int64))]
        return self.trace.op("Gather", given, self.dtype, (*before, *where.shape, *after), axis=axis), where.ndim

    def __setitem__(self, key: Any, value: Any) -> None:
        """All of it, or all along the last axis in another order."""
        keys = key if isinstance(key, tuple) else (key,)
        if isinstance(keys[-1], np.ndarray) and keys[0] is Ellipsis:
            order = keys[-1]
            if sorted(order.tolist()) != list(range(self.shape[-1])):
                raise NotImplementedError("assigning to some places alone")
            self._name = value[..., np.argsort(order)].astype(self.dtype).name
            return
        if self[key].size != self.size:
            raise NotImplementedError("assigning to a part")
        inner = self[key].shape
        of = self.trace.spread(value, inner, self.dtype)
        self._name = of.name if inner == self.shape else of.reshape(*self.shape).name


class Sheet(Node):
    """Columns along the last axis that are written one by one, and put together when they are read."""

    def __init__(self, trace: Trace, dtype: np.dtype[Any], shape: Shape, value: float = 0) -> None:
        super().__init__(trace, "", dtype, shape)
        self._columns: list[tuple[Any, int]] = [(np.array([value]), 0)] * shape[-1]  # the array and column of each

    @property
    def name(self) -> str:
        """Of all columns together."""
        return self._joined(0, self.shape[-1]).name

    def _joined(self, begin: int, end: int) -> Node:
        parts: list[Any] = []
        for fixed, run in groupby(self._columns[begin:end], lambda each: not isinstance(each[0], Node)):
            parts += [_side_by_side(list(run))] if fixed else [_cut(each) for each in _runs(list(run))]
        spread = [self.trace.spread(part, (*self.shape[:-1], part.shape[-1]), self.dtype) for part in parts]
        together: Node = np.concatenate(spread, -1)  # type: ignore[assignment]
        return together

    def __getitem__(self, key: Any) -> Node:
        if isinstance(key, tuple) and key[0] is Ellipsis and isinstance(key[-1], slice) and len(key) == 2:
            begin, end, _ = key[-1].indices(self.shape[-1])
            return _Part(self, begin, end)
        return Node(self.trace, self.name, self.dtype, self.shape)[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        if isinstance(key, np.ndarray) and not key.any():
            return
        column = value if isinstance(value, Node) else np.asarray(value)
        whole = key[0] is not Ellipsis and len(key) < self.ndim
        outer = key if whole else key[:-1] if key[0] is not Ellipsis else ()
        if any(one.indices(n) != (0, n, 1) for one, n in zip(outer, self.shape, strict=False)):
            raise NotImplementedError("assigning to a part")
        places = np.arange(self.shape[-1])[... if whole else key[-1]]
        if not places.ndim:
            places, column = places[None], column[..., None]
        for i, place in enumerate(places.tolist()):
            self._columns[place] = column, i if column.shape[-1] > 1 else 0


class _Part(Node):
    """Some columns of a sheet, to be read or written."""

    def __init__(self, sheet: Sheet, begin: int, end: int) -> None:
        super().__init__(sheet.trace, "", sheet.dtype, (*sheet.shape[:-1], max(0, end - begin)))
        self._sheet, self._begin = sheet, begin

    @property
    def name(self) -> str:
        """Of these columns together."""
        return self._sheet._joined(self._begin, self._begin + self.shape[-1]).name

    def __setitem__(self, key: Any, value: Any) -> None:
        begin, end, _ = key[-1].indices(self.shape[-1])
        self._sheet[..., self._begin + begin : self._begin + end] = value


def _spelled_out(keys: tuple[Any, ...], ndim: int) -> list[Any]:
    """Keys with slices for the dots, and at the end."""
    lacking = ndim - sum(one is not None and one is not Ellipsis for one in keys)
    at = next((i for i, one in enumerate(keys) if one is Ellipsis), len(keys))
    return [*keys[:at], *[slice(None)] * lacking, *keys[at + 1 :]]


def _runs(columns: list[tuple[Node, int]]) -> list[list[tuple[Node, int]]]:
    """Columns that stand side by side where they come from, together."""
    runs: list[list[tuple[Node, int]]] = []
    for of, i in columns:
        if runs and runs[-1][-1][0] is of and runs[-1][-1][1] + 1 == i:
            runs[-1].append((of, i))
        else:
            runs.append([(of, i)])
    return runs


def _cut(run: list[tuple[Node, int]]) -> Node:
    return run[0][0][..., run[0][1] : run[-1][1] + 1]


def _side_by_side(columns: list[tuple[NDArray[Any], int]]) -> NDArray[Any]:
    outer = np.broadcast_shapes(*(of.shape[:-1] for of, _ in columns))
    return np.stack([np.broadcast_to(of[..., i], outer) for of, i in columns], -1)

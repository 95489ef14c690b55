"""Arrays of a graph that is being written: NumPy's functions take them, and write operations instead of reckoning.

So one formula serves both: what is reckoned with arrays here is what a graph reckons anywhere. Arrays that are known
while the graph is written stay arrays, and become constants where they meet a node.

The number of series is not known then. It is played by a prime that divides no other length: an axis of that length is
the batch, and one of a multiple of it holds so many numbers of each series.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import prod
from typing import Any, Self

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import DTypeLike, NDArray

from foregate.persistence.export.ports import Kind
from foregate.persistence.export.writing import Graph

__all__ = ["KINDS", "Every", "Node", "Sheet", "Trace"]

BATCHES = 10_007, 10_009, 10_037
"""Play the number of series."""
TYPES = {"float32": 1, "int64": 7, "bool": 9, "float64": 11}
"""ONNX's numbers for the types that there are."""
KINDS: dict[str, Kind] = {"float32": "float", "int64": "int64", "bool": "bool", "float64": "double"}
"""ONNX's names for them."""
Shape = tuple[int, ...]


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
        lacking = self.batch in shape and self.batch not in there
        sizes = [1 if n % self.batch == 0 else n for n in shape]
        if lacking and any(n % self.batch == 0 for n in shape):
            at = shape.index(self.batch)
            parts = [self.graph.whole(part) if part else "" for part in (sizes[:at], sizes[at + 1 :])]
            length = self.op("Shape", [self._first], np.int64, (1,), start=0, end=1).name
            parts.insert(1, length)
            there_are = [part for part in parts if part]
            to = self.op("Concat", there_are, np.int64, (len(shape),), axis=0).name if there_are[1:] else length
        else:
            to = self.graph.whole(sizes)
        return self.op("Expand", [name, to], kind, shape)

    def rows(self, each: int) -> Node:
        """(B,) numbers of the first rows of series that have so many rows each."""
        length = self.op("Squeeze", [self.op("Shape", [self._first], np.int64, (1,), start=0, end=1).name], np.int64, ())
        zero, one = (self.graph.constant(np.array(n, np.int64)) for n in (0, 1))
        return self.op("Range", [zero, length.name, one], np.int64, (self.batch,)) * each


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
    def T(self) -> Node:
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
        from foregate.persistence.tracing.functions import call

        return call(self.trace, ufunc, method, inputs, options)

    def __array_function__(self, function: Any, _: Any, given: tuple[Any, ...], options: dict[str, Any]) -> Any:
        from foregate.persistence.tracing.functions import FUNCTIONS

        return FUNCTIONS[function](self.trace, *given, **options) if function in FUNCTIONS else NotImplemented

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
        sizes = [-1 if n % self.trace.batch == 0 else n for n in shape]
        return self.trace.op("Reshape", [self.name, self.trace.graph.whole(sizes)], self.dtype, shape)

    def transpose(self, *order: int) -> Node:
        """With its axes in this order."""
        if order == tuple(range(self.ndim)):
            return self
        shape = tuple(self.shape[i] for i in order)
        return self.trace.op("Transpose", [self.name], self.dtype, shape, perm=order)

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
        """Whole numbers, slices, None and dots; an array of whole numbers along one axis; or rows of the first axis."""
        keys = key if isinstance(key, tuple) else (key,)
        if isinstance(keys[0], Every):
            return self[(slice(None), *keys[1:])].unsqueezed(*range(1, keys[0].ndim))
        if isinstance(keys[0], Node):
            of, where = self[(slice(None), *keys[1:])], keys[0]
            return self.trace.op("Gather", [of.name, where.name], of.dtype, where.shape + of.shape[1:], axis=0)
        out, axis, new = self, 0, []
        for one in _spelled_out(keys, self.ndim):
            if one is None:
                new.append(axis + len(new))
                continue
            out, kept = out._taken(axis, one)
            axis += kept
        return out.unsqueezed(*new)

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
    """Columns along the last axis that are written one after the other, and put together when they are read."""

    def __init__(self, trace: Trace, dtype: np.dtype[Any], shape: Shape) -> None:
        super().__init__(trace, "", dtype, shape)
        self._columns: dict[int, tuple[int, Any]] = {}

    @property
    def name(self) -> str:
        """Of all columns together."""
        return self._joined(0, self.shape[-1]).name

    def _joined(self, begin: int, end: int) -> Node:
        runs: list[list[Any]] = []
        while begin < end:
            stop, value = self._columns[begin]
            fixed = not isinstance(value, Node)
            if fixed and runs and not isinstance(runs[-1][0], Node):
                runs[-1].append(value)
            else:
                runs.append([value])
            begin = stop
        parts = [run[0] if isinstance(run[0], Node) else _side_by_side(run) for run in runs]
        spread = [self.trace.spread(part, (*self.shape[:-1], part.shape[-1]), self.dtype) for part in parts]
        return np.concatenate(spread, -1)  # type: ignore[arg-type,return-value]

    def __getitem__(self, key: Any) -> Node:
        if isinstance(key, tuple) and key[0] is Ellipsis and isinstance(key[-1], slice) and len(key) == 2:
            begin, end, _ = key[-1].indices(self.shape[-1])
            if begin >= end or begin not in self._columns:
                return _Part(self, begin, end)
            return self._joined(begin, end)
        return Node(self.trace, self.name, self.dtype, self.shape)[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        if isinstance(key, np.ndarray) and not key.any():
            return
        where, n = key[-1], self.shape[-1]
        begin, end, _ = where.indices(n) if isinstance(where, slice) else (where, where + 1, 1)
        for start in [start for start in self._columns if begin <= start < end]:
            del self._columns[start]
        column = value if isinstance(value, Node) else np.asarray(value)
        self._columns[begin] = end, column if isinstance(where, slice) else column[..., None]


class _Part(Node):
    """Columns of a sheet that nothing has been written to yet."""

    def __init__(self, sheet: Sheet, begin: int, end: int) -> None:
        super().__init__(sheet.trace, "", sheet.dtype, (*sheet.shape[:-1], max(0, end - begin)))
        self._sheet, self._begin = sheet, begin

    def __getitem__(self, key: Any) -> Node:
        begin, end, _ = key[-1].indices(self.shape[-1])
        return _Part(self._sheet, self._begin + begin, self._begin + end)

    def __setitem__(self, key: Any, value: Any) -> None:
        begin, end, _ = key[-1].indices(self.shape[-1])
        self._sheet[..., self._begin + begin : self._begin + end] = value


class Every(Node):
    """The numbers of all series, as an index: what it takes is all there is. (B,), or with further axes of length 1."""

    def __init__(self, trace: Trace, axes: int = 1) -> None:
        super().__init__(trace, "", np.dtype(np.int64), (trace.batch, *[1] * (axes - 1)))

    def __getitem__(self, key: Any) -> Self:
        keys = key if isinstance(key, tuple) else (key,)
        return type(self)(self.trace, self.ndim + sum(one is None for one in keys))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **_: Any) -> Any:
        if ufunc is np.maximum and inputs[1] == 0:
            return self
        if ufunc is np.less and inputs[1] == 0:
            return np.zeros(self.shape, np.bool_)
        return NotImplemented


def _spelled_out(keys: tuple[Any, ...], ndim: int) -> list[Any]:
    """Keys with slices for the dots, and at the end."""
    lacking = ndim - sum(one is not None and one is not Ellipsis for one in keys)
    at = next((i for i, one in enumerate(keys) if one is Ellipsis), len(keys))
    return [*keys[:at], *[slice(None)] * lacking, *keys[at + 1 :]]


def _side_by_side(columns: Sequence[NDArray[Any]]) -> NDArray[Any]:
    outer = np.broadcast_shapes(*(column.shape[:-1] for column in columns))
    return np.concatenate([np.broadcast_to(column, (*outer, column.shape[-1])) for column in columns], -1)

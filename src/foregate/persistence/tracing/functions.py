"""What NumPy's functions write when they are given nodes of a graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from foregate.persistence.tracing.nodes import WRITTEN, Node, Sheet, Trace

__all__ = ["call"]

PLAIN: dict[np.ufunc, str] = {
    np.add: "Add",
    np.subtract: "Sub",
    np.multiply: "Mul",
    np.divide: "Div",
    np.maximum: "Max",
    np.minimum: "Min",
    np.greater: "Greater",
    np.greater_equal: "GreaterOrEqual",
    np.less: "Less",
    np.less_equal: "LessOrEqual",
    np.equal: "Equal",
    np.logical_or: "Or",
    np.bitwise_or: "Or",
    np.logical_not: "Not",
    np.invert: "Not",
    np.absolute: "Abs",
    np.negative: "Neg",
    np.sqrt: "Sqrt",
    np.exp: "Exp",
    np.log: "Log",
    np.sign: "Sign",
    np.floor: "Floor",
    np.rint: "Round",
    np.sin: "Sin",
    np.isnan: "IsNaN",
}
"""Functions that have an operation of their own."""


def call(trace: Trace, ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """What a function of each number writes; `out` is not written to, since augmented assignments take what is given.

    Raises:
        NotImplementedError: there is no way to say it.
    """
    if method == "accumulate":
        return _accumulated(ufunc, inputs[0], inputs[1] if len(inputs) > 1 else options.get("axis", 0))
    if method != "__call__":
        raise NotImplementedError(f"{ufunc.__name__}.{method}")
    if ufunc in COMPOSED:
        return COMPOSED[ufunc](*inputs)
    if ufunc is np.matmul:
        return _product(trace, *inputs)
    if ufunc not in PLAIN:
        raise NotImplementedError(ufunc.__name__)
    given = [np.asarray(x) if isinstance(x, (list, tuple)) else x for x in inputs]
    *taken, said = ufunc.resolve_dtypes((*map(_kind, given), None))
    return trace.each(PLAIN[ufunc], given, taken, said)


def _kind(x: Any) -> Any:
    """The type of an operand, as promotion sees it: numbers of Python take that of what they meet."""
    return type(x) if type(x) in (int, float) else np.dtype(bool) if isinstance(x, bool) else x.dtype


def _both(one: Any, other: Any) -> Any:
    """Whether both hold; what is known to hold or not to hold is not asked for."""
    node, known = (one, other) if isinstance(one, Node) else (other, one)
    shape = np.broadcast_shapes(np.shape(one), np.shape(other))
    if not isinstance(known, Node):
        if not np.any(known):
            return np.zeros(shape, np.bool_)
        if np.all(known):
            return node.trace.spread(node, shape)
    return node.trace.each("And", [one, other], [np.bool_] * 2, np.bool_)


def _remainder(x: Any, y: Any) -> Any:
    return x - np.floor(x / y) * y


def _log1p(x: Any) -> Any:
    return np.log(1 + x)


def _logaddexp(x: Any, y: Any) -> Any:
    return np.maximum(x, y) + _log1p(np.exp(-np.abs(x - y)))


COMPOSED: dict[np.ufunc, Callable[..., Any]] = {
    np.bitwise_and: _both,
    np.logical_and: _both,
    np.not_equal: lambda x, y: ~(x == y),
    np.log1p: _log1p,
    np.logaddexp: _logaddexp,
    np.remainder: _remainder,
    np.copysign: lambda x, y: np.abs(x) * np.where(y < 0, -1.0, 1.0),
    np.cos: lambda x: np.sin(x + np.pi / 2),
}
"""Functions that are said by others; the cosine because runtimes lack that of double numbers."""


def _accumulated(ufunc: np.ufunc, x: Node, axis: int) -> Node:
    """One after the other along an axis."""
    at = axis % x.ndim
    if x.shape[at] == 1:
        return x
    columns = [x[(*[slice(None)] * at, slice(i, i + 1))] for i in range(x.shape[at])]
    together: Node = _concatenate(x.trace, list(accumulate(columns, ufunc)), at)
    return together


def _product(trace: Trace, x: Any, y: Any) -> Node:
    kind = np.result_type(x.dtype, y.dtype)
    names = [trace.operand(each, kind)[0] for each in (x, y)]
    return trace.op("MatMul", names, kind, (*x.shape[:-1], y.shape[-1]))


def _where(trace: Trace, condition: Any, one: Any, other: Any) -> Any:
    one, other = (_stack(trace, x) if isinstance(x, list) else x for x in (one, other))
    kind = np.result_type(*(x.dtype if isinstance(x, Node) else x for x in (one, other)))
    shape = np.broadcast_shapes(*map(np.shape, (condition, one, other)))
    if not isinstance(condition, Node) and (np.all(condition) or not np.any(condition)):
        taken = one if np.all(condition) else other
        return (
            trace.spread(taken, shape, kind)
            if isinstance(taken, Node)
            else np.broadcast_to(np.asarray(taken, kind), shape)
        )
    if kind == np.bool_:
        return (condition & one) | (~condition & other)
    return trace.each("Where", [condition, one, other], [np.bool_, kind, kind], kind)


def _concatenate(trace: Trace, arrays: Sequence[Any], axis: int = 0) -> Any:
    parts = [x for x in arrays if x.shape[axis]]
    if len(parts) == 1:
        return parts[0]
    kind, at = np.result_type(*(x.dtype for x in arrays)), axis % parts[0].ndim
    outer = np.broadcast_shapes(*((*x.shape[:at], 1, *x.shape[at + 1 :]) for x in parts))
    shapes = [(*outer[:at], x.shape[at], *outer[at + 1 :]) for x in parts]
    names = [trace.spread(x, shape, kind).name for x, shape in zip(parts, shapes, strict=True)]
    total = sum(shape[at] for shape in shapes)
    return trace.op("Concat", names, kind, (*outer[:at], total, *outer[at + 1 :]), axis=at)


def _stack(trace: Trace, arrays: Sequence[Any], axis: int = 0) -> Any:
    return _concatenate(trace, [np.expand_dims(x, axis) for x in arrays], axis)


def _expand_dims(_: Trace, x: Node, axis: int) -> Node:
    return x.unsqueezed(axis % (x.ndim + 1))


def _moveaxis(_: Trace, x: Node, source: int, destination: int) -> Node:
    order = [i for i in range(x.ndim) if i != source % x.ndim]
    order.insert(destination % x.ndim, source % x.ndim)
    return x.transpose(*order)


def _broadcast_to(trace: Trace, x: Node, shape: tuple[int, ...]) -> Node:
    return trace.spread(x, tuple(shape))


def _take_along_axis(trace: Trace, x: Node, indices: Any, axis: int) -> Node:
    if x.shape[axis] != 1:
        raise NotImplementedError("taking along an axis of more than one row")
    return trace.spread(x, tuple(indices.shape))


def _cumsum(_: Trace, x: Node, axis: int, dtype: DTypeLike | None = None) -> Node:
    if x.shape[axis] != 1:
        raise NotImplementedError("adding up more than one row")
    return x.astype(dtype or (np.int64 if x.dtype == np.bool_ else x.dtype))


def _clip(_: Trace, x: Any, low: Any, high: Any) -> Any:
    return np.minimum(np.maximum(x, low), high)


def _split(_: Trace, x: Node, ends: Sequence[int], axis: int = 0) -> list[Node]:
    at, places = axis % x.ndim, [0, *ends, x.shape[axis]]
    return [x[(*[slice(None)] * at, slice(*each))] for each in pairwise(places)]


def _full_like(trace: Trace, x: Node, value: Any, dtype: DTypeLike | None = None, *, shape: tuple[int, ...]) -> Sheet:
    return Sheet(trace, np.dtype(dtype or x.dtype), tuple(shape), value)


def _zeros_like(trace: Trace, x: Node, dtype: DTypeLike | None = None, *, shape: tuple[int, ...]) -> Sheet:
    return Sheet(trace, np.dtype(dtype or x.dtype), tuple(shape))


def _shape(_: Trace, x: Node) -> tuple[int, ...]:
    return x.shape


def _ndim(_: Trace, x: Node) -> int:
    return x.ndim


WRITTEN |= {
    np.ufunc: call,
    np.where: _where,
    np.concatenate: _concatenate,
    np.stack: _stack,
    np.expand_dims: _expand_dims,
    np.moveaxis: _moveaxis,
    np.broadcast_to: _broadcast_to,
    np.take_along_axis: _take_along_axis,
    np.cumsum: _cumsum,
    np.clip: _clip,
    np.split: _split,
    np.empty_like: _zeros_like,
    np.full_like: _full_like,
    np.zeros_like: _zeros_like,
    np.shape: _shape,
    np.ndim: _ndim,
}

"""Whether an ONNX graph is such as Foregate writes: operations on arrays, and nothing that leads elsewhere.

The runtime follows what a graph says: weights in other files, operators of other makers, functions, loops without end.
None of these is in a graph of Foregate, so none has to be judged. What is read here is protobuf, by its rules
(https://protobuf.dev/programming-guides/encoding) and the numbers of ONNX's fields
(https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from foregate.core import ArtifactError, listed

__all__ = ["constants_of", "require_plain"]

OPERATIONS = frozenset(
    re.findall(
        r"\w+",
        """Abs Add And Cast Concat Constant ConstantOfShape CumSum Div Equal Erf Exp Expand GRU Gather GatherND
        Greater GreaterOrEqual Identity LSTM LayerNormalization Less Log MatMul Max Min Mod Mul Neg Not
        OneHot Pad Pow RNN Range ReduceMax ReduceMean ReduceSum Relu Reshape Scan Shape Sigmoid Sign Slice
        Softmax Softplus Split Sqrt Squeeze Sub Tanh Tile Transpose Unsqueeze Where""",
    )
)
DEEPEST = 4
"""A graph may be inside a graph: what an operation does at every step."""
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MODEL_GRAPH, MODEL_OPSET, MODEL_TRAINING, MODEL_FUNCTIONS = 7, 8, 20, 25
OPSET_DOMAIN = 1
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_SPARSE = 1, 5, 15
NODE_OPERATION, NODE_ATTRIBUTE, NODE_DOMAIN = 4, 5, 7
ATTRIBUTE_TENSOR, ATTRIBUTE_GRAPH, ATTRIBUTE_TENSORS, ATTRIBUTE_GRAPHS = 5, 6, 10, 11
ATTRIBUTE_SPARSE = (22, 23)
TENSOR_RAW, TENSOR_EXTERNAL, TENSOR_LOCATION = 9, 13, 14
Value = int | memoryview


def require_plain(graph: bytes, name: str) -> None:
    """Refuse a graph that Foregate would not have written.

    Args:
        graph: an ONNX model.
        name: of the file, for messages.

    Raises:
        ArtifactError: says what is in it that must not be.
    """
    try:
        found = sorted(set(_model(memoryview(graph))))
    except (IndexError, ValueError, RecursionError) as error:
        raise ArtifactError(f"{name} must be an ONNX graph, but got a damaged one ({error}). Save it anew.") from error
    if found:
        raise ArtifactError(f"{name} must be a graph as Foregate writes them, but got {listed(found)}. Refuse it.")


def constants_of(graph: bytes) -> Iterator[bytes]:
    """The numbers of every array that a graph holds, as they lie in memory.

    Args:
        graph: an ONNX model that is plain; see `require_plain`.
    """
    for number, value in _fields(memoryview(graph)):
        for field, each in _fields(_bytes(value)) if number == MODEL_GRAPH else ():
            if field == GRAPH_INITIALIZER:
                yield b"".join(bytes(_bytes(part)) for at, part in _fields(_bytes(each)) if at == TENSOR_RAW)


def _model(model: memoryview) -> Iterator[str]:
    graphs = 0
    for number, value in _fields(model):
        if number in (MODEL_TRAINING, MODEL_FUNCTIONS):
            yield "functions"
        if number == MODEL_OPSET:
            yield from (
                f"operators of {_text(each)}"
                for field, each in _fields(_bytes(value))
                if field == OPSET_DOMAIN and each
            )
        if number == MODEL_GRAPH:
            graphs += 1
            yield from _graph(_bytes(value), 0)
    if graphs != 1:
        yield f"{graphs} graphs"


def _graph(graph: memoryview, depth: int) -> Iterator[str]:
    if depth > DEEPEST:
        yield "graphs within graphs"
        return
    for number, value in _fields(graph):
        if number == GRAPH_NODE:
            yield from _node(_bytes(value), depth)
        elif number == GRAPH_INITIALIZER:
            yield from _tensor(_bytes(value))
        elif number == GRAPH_SPARSE:
            yield "sparse arrays"


def _node(node: memoryview, depth: int) -> Iterator[str]:
    for number, value in _fields(node):
        if number == NODE_OPERATION and _text(value) not in OPERATIONS:
            yield f"the operation {_text(value)}"
        if number == NODE_DOMAIN and value:
            yield f"operators of {_text(value)}"
        if number == NODE_ATTRIBUTE:
            for field, each in _fields(_bytes(value)):
                if field in (ATTRIBUTE_TENSOR, ATTRIBUTE_TENSORS):
                    yield from _tensor(_bytes(each))
                elif field in (ATTRIBUTE_GRAPH, ATTRIBUTE_GRAPHS):
                    yield from _graph(_bytes(each), depth + 1)
                elif field in ATTRIBUTE_SPARSE:
                    yield "sparse arrays"


def _tensor(tensor: memoryview) -> Iterator[str]:
    for number, value in _fields(tensor):
        if number == TENSOR_EXTERNAL or (number == TENSOR_LOCATION and value):
            yield "arrays in other files"


def _fields(message: memoryview) -> Iterator[tuple[int, Value]]:
    """Number and value of every field."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == VARINT:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        if kind == BYTES:
            length, at = _varint(message, at)
        elif kind in (FIXED32, FIXED64):
            length = 4 if kind == FIXED32 else 8
        else:
            raise ValueError(f"wire type {kind}")
        if at + length > len(message):
            raise ValueError("an early end")
        yield key >> 3, message[at : at + length]
        at += length


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number of more than ten bytes")


def _bytes(value: Value) -> memoryview:
    if isinstance(value, int):
        raise ValueError("a number where a message must be")
    return value


def _text(value: Value) -> str:
    return bytes(_bytes(value)).decode("utf-8", "replace")[:80]

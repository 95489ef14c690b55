"""ONNX graphs as text, an operation after the other."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foregate.core import MissingExtraError
from foregate.persistence.export.ports import Port, Ports

__all__ = ["Graph", "Weights", "linear", "under"]

Float32Array = NDArray[np.float32]
Weights = Mapping[str, Float32Array]
"""Name of each parameter of the network, as torch calls it -> its values."""

HEADER = '<ir_version: 8, opset_import: ["": 17], producer_name: "foregate">'
"""Old enough for every runtime of the last years."""
FEW = 64
"""Constants of no more numbers than this are kept once, however often they are read."""


class Graph:
    """Operations in the order in which they are written, and the constants that they read.

    Examples:
        >>> one = Port("float", ("B",))
        >>> graph = Graph(Ports("twice", {"x": one}, {"y": one}))
        >>> graph.give(y=graph.op("Mul", "x", graph.number(2)))
        >>> print(graph.text())
        twice (float[B] x) => (float[B] y) {
        Mul_1 = Mul (x, given_0)
        y = Identity (Mul_1)
        }
    """

    def __init__(self, ports: Ports, around: Graph | None = None) -> None:
        """Begin without operations.

        Args:
            ports: what goes in and comes out.
            around: the graph that this one is run by, whose names and constants it reads too.
        """
        self.ports = ports
        self._lines: list[str] = []
        self._given: dict[str, NDArray[Any]] = {} if around is None else around._given
        self._known: dict[tuple[Any, ...], str] = {} if around is None else around._known
        self._new: Iterator[int] = count() if around is None else around._new
        self._called: dict[str, str] = {} if around is None else around._called

    def calling(self, **names: str) -> Graph:
        """The same graph, where what is read by these names is what they stand for."""
        twin = copy.copy(self)
        twin._called = self._called | names
        return twin

    def op(self, kind: str, *of: str, **attributes: Any) -> str:
        """Write an operation with one output, and return its name."""
        return self.ops(1, kind, *of, **attributes)[0]

    def ops(self, n: int, kind: str, *of: str, **attributes: Any) -> list[str]:
        """Write an operation with n outputs, and return their names; "" stands for an input that is left out."""
        made = [f"{kind}_{next(self._new)}" for _ in range(n)]
        of = tuple(self._called.get(name, name) for name in of)
        said = ", ".join(f"{name} = {_attribute(value)}" for name, value in attributes.items())
        read = ", ".join(name or '""' for name in of)
        self._lines.append(f"{', '.join(made)} = {kind} {f'<{said}> ' if said else ''}({read})")
        return made

    def split(self, x: str, sizes: list[int], axis: int = -1) -> list[str]:
        """Pieces of the given sizes along an axis."""
        return self.ops(len(sizes), "Split", x, self.whole(sizes), axis=axis)

    def shaped(self, x: str, *axes: int) -> str:
        """An array in another shape: 0 for the length that an axis has, -1 for what is left."""
        return self.op("Reshape", x, self.whole(axes))

    def scan(self, body: Graph, before: list[str], along: list[str]) -> list[str]:
        """What a graph of one step says of every step.

        Args:
            body: takes what it gave at the step before, then one step of each array along which it goes; gives what it
                takes at the next step, then what it says of this one.
            before: what it takes at the first step.
            along: arrays (B, K, …), a step after the other.

        Returns:
            arrays (B, K, …) of what it said.
        """
        n_said = len(body.ports.outputs) - len(before)
        axes = {"scan_input_axes": [1] * len(along), "scan_output_axes": [1] * n_said}
        outputs = len(before) + n_said
        return self.ops(outputs, "Scan", *before, *along, body=body, num_scan_inputs=len(along), **axes)[len(before) :]

    def constant(self, values: ArrayLike) -> str:
        """The name of a constant."""
        array = np.asarray(values, order="C")
        key = (array.dtype, array.shape, array.tobytes()) if array.size <= FEW else None
        if key in self._known:
            return self._known[key]
        name = f"given_{next(self._new)}"
        self._given[name] = array
        if key is not None:
            self._known[key] = name
        return name

    def number(self, x: float) -> str:
        """The name of a constant float32 number."""
        return self.constant(np.array(x, np.float32))

    def whole(self, values: ArrayLike) -> str:
        """The name of constant int64 numbers."""
        return self.constant(np.array(values, np.int64))

    def give(self, **sources: str) -> None:
        """Name the outputs."""
        self._lines += [f"{name} = Identity ({source})" for name, source in sources.items()]

    @property
    def given(self) -> Mapping[str, NDArray[Any]]:
        """Its constants by their names."""
        return self._given

    def text(self) -> str:
        """The graph without its constants."""
        taken, given = (_declared(each) for each in (self.ports.inputs, self.ports.outputs))
        return "\n".join([f"{self.ports.name} ({taken}) => ({given}) {{", *self._lines, "}"])

    def model(self, purpose: str = "saving a model that was made with torch") -> Any:
        """The graph as the onnx package holds it.

        Args:
            purpose: what it is for, as the message has it.

        Raises:
            MissingExtraError: the onnx package is not installed.
        """
        try:
            from onnx import numpy_helper, parser
        except ImportError as error:
            raise MissingExtraError(purpose, "train") from error
        model = parser.parse_model(f"{HEADER}\n{self.text()}")
        model.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in self._given.items())
        return model

    def serialized(self) -> bytes:
        """The file.

        Raises:
            MissingExtraError: the onnx package is not installed.
        """
        model = self.model()
        from onnx import checker

        checker.check_model(model)
        file: bytes = model.SerializeToString()
        return file


class _Under(Mapping[str, Float32Array]):
    """The weights whose names begin alike, by the rest of their names."""

    def __init__(self, weights: Weights, start: str) -> None:
        self._weights, self._start = weights, start

    def __getitem__(self, name: str) -> Float32Array:
        return self._weights[self._start + name]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._start + name in self._weights

    def __iter__(self) -> Iterator[str]:
        return (name.removeprefix(self._start) for name in self._weights if name.startswith(self._start))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def under(weights: Weights, *path: str | int) -> Weights:
    """The weights of a part, by the names that they have there.

    Examples:
        >>> dict(under({"encoder.inputs.bias": np.zeros(1), "decoder.mid.bias": np.ones(1)}, "encoder", "inputs"))
        {'bias': array([0.])}
    """
    return _Under(weights, "".join(f"{name}." for name in path))


def linear(g: Graph, weights: Weights, name: str, x: str) -> str:
    """A linear layer over the last axis, as torch has it."""
    product = g.op("MatMul", x, g.constant(weights[f"{name}.weight"].T))
    bias = weights.get(f"{name}.bias")
    return product if bias is None else g.op("Add", product, g.constant(bias))


def _attribute(value: Any) -> str:
    return value.text() if isinstance(value, Graph) else json.dumps(value)


def _declared(ports: Mapping[str, Port]) -> str:
    return ", ".join(f"{port} {name}" for name, port in ports.items())

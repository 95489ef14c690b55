"""What goes into the graphs of a network, and what comes out of them."""

from __future__ import annotations

from typing import Literal, NamedTuple

from foregate.models.names import head_outputs
from foregate.models.spec import NetworkSpec

__all__ = ["Kind", "Port", "Ports", "decoder_ports", "encoder_ports"]

Kind = Literal["float", "double", "int64", "bool"]
"""Types of numbers, as ONNX calls them."""


class Port(NamedTuple):
    """An array that a graph takes or gives.

    Examples:
        >>> print(Port("float", ("B", 3)))
        float[B, 3]
    """

    kind: Kind
    """Type of its numbers, as ONNX calls it."""
    axes: tuple[str | int, ...]
    """Its axes: a letter for one of any length."""

    def __str__(self) -> str:
        return f"{self.kind}[{', '.join(map(str, self.axes))}]"


class Ports(NamedTuple):
    """The arrays of a graph, by their names."""

    name: str
    """Of the graph."""
    inputs: dict[str, Port]
    """What it takes."""
    outputs: dict[str, Port]
    """What it gives."""


def encoder_ports(spec: NetworkSpec) -> Ports:
    """The arrays of `Engine.encode`.

    Examples:
        >>> for name, port in encoder_ports(NetworkSpec(3, 2, 2, levels=(0.5,), hidden=8)).inputs.items():
        ...     print(name, port)
        features float[B, T, 3]
        columns int64[B, O]
        carried float[B, 32]
    """
    carried = Port("float", ("B", spec.carries))
    return Ports(
        "encoder",
        {
            "features": Port("float", ("B", "T", spec.n_features)),
            "columns": Port("int64", ("B", "O")),
            "carried": carried,
        },
        {"states": Port("float", ("B", "O", spec.width)), "after": carried},
    )


def decoder_ports(spec: NetworkSpec) -> Ports:
    """The arrays of `Engine.decode` that a network of this strategy reads.

    Examples:
        >>> list(decoder_ports(NetworkSpec(3, 2, 2, levels=(0.5,))).inputs)
        ['states', 'features', 'steps', 'paths']
    """
    built = spec.built
    inputs = {"states": Port("float", ("B", spec.width)), "features": Port("float", ("B", spec.n_features))}
    if built.strategy in ("direct", "each"):  # weights are chosen by how far ahead a step lies
        inputs["k"] = Port("int64", ("K",))
    inputs["steps"] = Port("float", ("B", "K", spec.n_steps))
    inputs["paths"] = Port("float", ("B", "K", spec.n_profiles))
    said = Port("float", ("B", "K", head_outputs(built.head, len(spec.levels), built.components)))
    return Ports("decoder", inputs, {"said": said})

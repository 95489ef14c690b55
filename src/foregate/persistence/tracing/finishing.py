"""What is left to do when a graph has been written: nothing that nobody reads, and words for its arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from foregate.persistence.export.writing import Graph

__all__ = ["finished"]


def finished(graph: Graph, said: str, meanings: Mapping[str, str]) -> bytes:
    """The file of a graph, checked, with its shapes, without operations that lead to no output.

    Args:
        graph: all of it.
        said: what it does, for people.
        meanings: what each of its inputs and outputs is.

    Raises:
        MissingExtraError: the onnx package is not installed.

    Examples:
        >>> from foregate.persistence.export import Port, Ports
        >>> one = Port("float", ("B",))
        >>> graph = Graph(Ports("twice", {"x": one}, {"y": one}))
        >>> unread, twice = graph.op("Neg", "x"), graph.op("Add", "x", "x")
        >>> graph.give(y=twice)
        >>> import onnx
        >>> [node.op_type for node in onnx.load_from_string(finished(graph, "", {})).graph.node]
        ['Add']
    """
    model = graph.model("exporting a model")
    from onnx import checker

    within = model.graph
    _named(within)
    _pruned(within)
    within.doc_string = said
    for port in (*within.input, *within.output):
        port.doc_string = meanings.get(port.name, "")
    checker.check_model(model, full_check=True)
    file: bytes = model.SerializeToString()
    return file


def _named(graph: Any) -> None:
    """Give outputs their names where they are made, instead of by a copy."""
    made = {name: node for node in graph.node for name in node.output}
    renamed: dict[str, str] = {}
    within = {name for node in graph.node for name in _read_by(node) - set(node.input)}
    for node in [node for node in graph.node if node.op_type == "Identity"]:
        source, name = node.input[0], node.output[0]
        if source in made and source not in renamed and source not in within:
            renamed[source] = name
            graph.node.remove(node)
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [renamed.get(name, name) for name in names]


def _pruned(graph: Any) -> None:
    """Leave out what nobody reads."""
    read = {port.name for port in graph.output}
    kept = []
    for node in reversed(graph.node):
        if read.intersection(node.output):
            kept.append(node)
            read.update(_read_by(node))
    given = [each for each in graph.initializer if each.name in read]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(reversed(kept))
    graph.initializer.extend(given)


def _read_by(node: Any) -> set[str]:
    """Names that an operation reads, and the graphs within it."""
    inner = [each for attribute in node.attribute if attribute.HasField("g") for each in attribute.g.node]
    return {*node.input, *(name for each in inner for name in _read_by(each))}

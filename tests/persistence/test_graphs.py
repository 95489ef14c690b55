"""Graphs that Foregate would not have written are refused."""

import onnx
import pytest
from onnx import TensorProto, helper

from foregate.core import ArtifactError
from foregate.persistence import shipped_folder
from foregate.persistence.graphs import require_plain
from tests.persistence.test_export import built, covering, engines


def graph(*nodes, initializers=(), functions=(), opsets=(("", 17),), sparse=()):
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    made = helper.make_graph(nodes or [helper.make_node("Identity", ["x"], ["y"])], "g", [x], [y], initializers)
    made.sparse_initializer.extend(sparse)
    imports = [helper.make_opsetid(*each) for each in opsets]
    return helper.make_model(made, opset_imports=imports, functions=functions).SerializeToString()


def external(name="w"):
    made = helper.make_tensor(name, TensorProto.FLOAT, [1], [1.0])
    made.ClearField("float_data")
    made.data_location = TensorProto.EXTERNAL
    entry = made.external_data.add()
    entry.key, entry.value = "location", "../../../etc/passwd"
    return made


def nested(depth):
    inner = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [], [])
    for _ in range(depth):
        inner = helper.make_graph([helper.make_node("Scan", ["x"], ["y"], body=inner)], "g", [], [])
    return inner.node[0]


def if_of(branch):
    return helper.make_node("Scan", ["x"], ["y"], body=branch)


@pytest.mark.parametrize("size", ["tiny", "base"])
def test_what_is_shipped_is_plain(size):
    """The graphs that come with the package pass."""
    for path in shipped_folder(size).glob("*.onnx"):
        require_plain(path.read_bytes(), path.name)


@pytest.mark.parametrize("parts", covering(1), ids=str)
def test_what_is_exported_is_plain(parts):
    """The graphs of every part that a network may have pass."""
    network = engines(built(*parts))[1].network
    for graph in (network.encoder, network.decoder):
        require_plain(graph, "graph.onnx")


def test_a_simple_graph_passes():
    """One that only copies is plain: what the others are refused for is theirs."""
    require_plain(graph(), "graph.onnx")


SUBGRAPH = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [], [], [external()])
HOSTILE = {
    "arrays in other files": graph(initializers=[external()]),
    "arrays in other files, deep": graph(if_of(SUBGRAPH)),
    "arrays in other files, as a constant": graph(helper.make_node("Constant", [], ["y"], value=external())),
    "the operation Loop": graph(helper.make_node("Loop", ["x"], ["y"])),
    "the operation If": graph(helper.make_node("If", ["x"], ["y"])),
    "the operation PyOp": graph(helper.make_node("PyOp", ["x"], ["y"])),
    "operators of com.microsoft": graph(helper.make_node("Identity", ["x"], ["y"], domain="com.microsoft")),
    "operators of ai.onnx.ml": graph(opsets=(("", 17), ("ai.onnx.ml", 3))),
    "functions": graph(
        functions=[helper.make_function("own", "f", ["x"], ["y"], [], [helper.make_opsetid("", 17)], [])],
    ),
    "graphs within graphs": graph(nested(9)),
    "0 graphs": helper.make_opsetid("", 17).SerializeToString()[:0],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_leads_elsewhere_is_refused(name):
    """Files, operators, functions and loops of others are refused by name."""
    with pytest.raises(ArtifactError, match=name.partition(",")[0]):
        require_plain(HOSTILE[name], "graph.onnx")


def test_what_the_runtime_reads_is_what_is_judged():
    """A graph that is there twice, or in pieces that ONNX would put together, is refused."""
    with pytest.raises(ArtifactError, match="2 graphs"):
        require_plain(graph() + graph(initializers=[external()]), "graph.onnx")


@pytest.mark.parametrize("content", [b"\x80" * 11, b"\x3a\xff\xff\xff\xff\x0f", b"\x3b", b"\x38\x01", b"not a graph"])
def test_what_is_damaged_is_refused(content):
    """What is no protobuf is told so, and nothing is allocated for what it claims."""
    with pytest.raises(ArtifactError, match=r"graph.onnx must be an? "):
        require_plain(content, "graph.onnx")


def test_every_bit_is_either_refused_or_plain_to_onnx():
    """Where a flipped bit makes a graph that still passes, ONNX's own reader finds nothing forbidden in it either."""
    sound = graph(initializers=[helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0])])
    for at in range(len(sound) * 8):
        changed = bytearray(sound)
        changed[at // 8] ^= 1 << at % 8
        try:
            require_plain(bytes(changed), "graph.onnx")
            model = onnx.ModelProto.FromString(bytes(changed))
        except Exception:
            continue
        assert not model.functions
        assert not any(each.external_data or each.data_location for each in model.graph.initializer)
        assert not any(node.domain for node in model.graph.node)

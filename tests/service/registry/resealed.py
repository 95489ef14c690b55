"""Models with something changed inside, whose checksums were made to fit afterwards."""

import functools

import numpy as np
import onnx
from safetensors.numpy import load, save

from foregate.persistence import load_shipped, shipped_folder
from foregate.persistence.export import decoder_graph, encoder_graph

SOUND = {path.name: path.read_bytes() for path in shipped_folder("tiny").iterdir()}
WILD = [float("nan"), float("inf"), -float("inf"), 1e38, -1e6, 1e-45, 0.0]
ODD = [None, True, -1, 0, 1, 2**31, 2**63, 1e308, "", "../x", "x" * 5000, [], {}, [[]]]
OPERATIONS = [
    "Add",
    "Mul",
    "Div",
    "Sub",
    "Exp",
    "Log",
    "Sqrt",
    "Neg",
    "Identity",
    "Transpose",
    "Softmax",
    "Pow",
    "Loop",
]


@functools.cache
def network():
    """The pretrained network, as it is kept."""
    return load_shipped("tiny", runtime="onnx").engine.network


def other_weights(draw):
    """A network with other weights, in all its files: nothing is wrong with it but what it says."""
    weights = {name: array.copy() for name, array in network().weights.items()}
    for name in draw.sample(sorted(weights), draw.choice((1, 3))):
        array, how = weights[name].reshape(-1), draw.randrange(4)
        if how == 0:
            array += np.random.default_rng(draw.randrange(2**32)).normal(0, 0.1, array.shape).astype("float32")
        elif how == 1:
            array[draw.randrange(len(array))] = draw.choice(WILD)
        elif how == 2:
            array *= draw.choice((-1, 0, 1e10, 1e-30, 1.5))
        else:
            array[:] = array[::-1].copy()
        weights[name] = array.reshape(weights[name].shape)
    raw = load(SOUND["weights.safetensors"])
    called = {name: next(one for one in raw if one == name or one.endswith(name)) for name in weights}
    shape = network().shape
    return {
        "weights__safetensors": save(raw | {called[name]: np.ascontiguousarray(one) for name, one in weights.items()}),
        "encoder__onnx": encoder_graph(shape, weights),
        "decoder__onnx": decoder_graph(shape, weights),
    }


def other_graph(draw):
    """A graph in which an operation, an input, a number or a shape is another."""
    name = draw.choice(("encoder.onnx", "decoder.onnx"))
    model = onnx.ModelProto.FromString(SOUND[name])
    nodes = model.graph.node
    for _ in range(draw.choice((1, 1, 3))):
        node, how = draw.choice(nodes), draw.randrange(6)
        if how == 0:
            node.op_type = draw.choice(OPERATIONS)
        elif how == 1 and node.input:
            node.input[draw.randrange(len(node.input))] = draw.choice(draw.choice(nodes).output)
        elif how == 2 and node.attribute:
            attribute = draw.choice(node.attribute)
            attribute.i = draw.choice((-1, 0, 7, 2**31, 2**62))
        elif how == 3:
            nodes.remove(node)
        elif how == 4:
            constant = draw.choice(model.graph.initializer)
            if constant.dims:
                constant.dims[draw.randrange(len(constant.dims))] = draw.choice((0, 1, 2**31, 2**62))
        else:
            nodes.append(node)
    return {name.replace(".", "__"): model.SerializeToString()}


def other_manifest(draw):
    """A manifest with something else, more or less in it."""

    def change(value):
        if isinstance(value, dict) and value and draw.random() < 0.9:
            key, kind = draw.choice(sorted(value)), draw.random()
            if kind < 0.15:
                del value[key]
            elif kind < 0.25:
                value[draw.choice(("x", "__class__", key.upper()))] = 1
            elif isinstance(value[key], dict | list) and value[key]:
                change(value[key])
            else:
                value[key] = draw.choice(ODD)
        elif isinstance(value, list) and value:
            place = draw.randrange(len(value))
            if isinstance(value[place], dict | list) and value[place]:
                change(value[place])
            else:
                value[place] = draw.choice(ODD)

    return {"document": change}


def other_bytes(draw, mutated):
    """One of the files with bytes changed."""
    name = draw.choice(sorted(SOUND.keys() - {"model.json"}))
    return {name.replace(".", "__"): mutated(SOUND[name], draw)}


def resealed(draw, mutated):
    """One of all of these, as `sealed` takes it."""
    return draw.choice((other_weights, other_graph, other_manifest, lambda draw: other_bytes(draw, mutated)))(draw)

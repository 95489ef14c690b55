"""What NumPy's functions write, given nodes, gives the numbers that they give, given arrays."""

import numpy as np
import onnxruntime
import pytest

from foregate.persistence.export import Port, Ports
from foregate.persistence.export.writing import Graph
from foregate.persistence.tracing import KINDS, Begin, Every, Node, Place, Trace, finished

NAN = np.nan
LEAST = np.array([0.5, -1.0, 2.0])


def filled(make, x):
    """A sheet of three columns and one that nobody wrote."""
    out = make(x, np.float32, shape=(*x.shape[:-1], 4))
    out[..., 0] = x[..., 1]
    out[..., 2] = 5
    out[..., 1] = x[..., 2]
    out[..., :2] = np.sqrt(np.abs(out[..., :2]))
    return out


def ordered(x):
    """Columns assigned in another order."""
    out = x * 2
    out[..., np.array([2, 0, 1])] = np.maximum.accumulate(x, -1)
    return out


FORMULAS = {
    "arithmetic": lambda x: (2 * x - 1) / (1 + np.abs(x)) + LEAST * x,
    "types": lambda x: x.astype(np.float64) * np.float64(3) + (x > 0),
    "whole": lambda x: np.sqrt(np.abs(x).astype(np.int64) + 1) / 3,
    "where": lambda x: np.where(np.isnan(x) | (x > 1), 0.5, x * x),
    "known": lambda x: np.where(LEAST > 10, x, 7) + np.where((x > 0) & (LEAST > 10), 1, 2) + x,
    "logic": lambda x: np.where(~((x >= 0) & (x != 1)) & (LEAST > 0), True, x <= -1),
    "roots": lambda x: np.log1p(np.abs(x)) + np.exp(-np.abs(x)) + np.cos(x) + np.sin(x),
    "softplus": lambda x: np.logaddexp(0, x.astype(np.float64)),
    "remainder": lambda x: x % 0.7,
    "sign": lambda x: np.sign(x) + np.copysign(x, LEAST) + np.rint(x),
    "clip": lambda x: np.clip(x, -0.5, LEAST),
    "slices": lambda x: np.concatenate([x[:, ::-1], x[..., 1:], x[:, :0], x[:, [2, 0]]], -1),
    "axes": lambda x: np.moveaxis(np.stack([x, x + 1], -1), 1, 2)[:, None] - x[:, None, None],
    "matrix": lambda x: x @ np.arange(12, dtype=np.float32).reshape(3, 4),
    "accumulate": lambda x: np.minimum.accumulate(x[..., ::-1], -1),
    "single": lambda x: np.cumsum(x[:, :1], 1) + np.take_along_axis(x[:, 1:2], x[:, :1].argmax(1)[:, None], 1),
    "split": lambda x: np.concatenate(np.split(x, [1], -1)[::-1], -1),
    "shape": lambda x: np.broadcast_to(x[:, :1], x.shape) + np.ndim(x) + len(x.shape) + np.expand_dims(x, 0)[0],
    "wide": lambda x: x.reshape(x.shape[0] * 3).reshape(x.shape[0], 3).T.T,
    "constants": lambda x: np.concatenate([x, np.zeros((x.shape[0], 2)), np.full_like(x, NAN, shape=x.shape)], -1),
    "sheet": lambda x: filled(np.zeros_like, x),
    "order": ordered,
}


def run(formula, array):
    """What a graph says that a formula has written."""
    port = Port("float", ("B", *array.shape[1:]))
    trace = Trace(Graph(Ports("formula", {"x": port}, {})))
    y = formula(trace.given("x", np.float32, (trace.batch, *array.shape[1:])))
    shape = [len(array) if n == trace.batch else n for n in y.shape]
    trace.graph.ports.outputs["y"] = Port(KINDS[y.dtype.name], ("B", *shape[1:]))
    trace.graph.give(y=y.name)
    session = onnxruntime.InferenceSession(finished(trace.graph, "", {}), providers=["CPUExecutionProvider"])
    return session.run(["y"], {"x": array})[0], y


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("rows", [1, 4])
def test_a_formula_is_the_same_in_a_graph(name, rows):
    """Numbers, shapes and types are those of NumPy, for any number of rows."""
    array = np.random.default_rng(0).normal(0, 2, (rows, 3)).astype(np.float32)
    array[0, 1] = 1
    if name in ("where", "constants"):
        array[-1, 2] = NAN
    (found, node), expected = run(FORMULAS[name], array), np.asarray(FORMULAS[name](array))
    assert (found.dtype, found.shape, node.dtype) == (expected.dtype, expected.shape, expected.dtype)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_nothing_is_written_twice_or_for_nobody():
    """The same operation on the same things is one; what leads to no output is left out."""
    trace = Trace(Graph(Ports("once", {"x": Port("float", ("B",))}, {"y": Port("float", ("B",))})))
    x = trace.given("x", np.float32, (trace.batch,))
    unread = np.exp(x)
    assert isinstance(unread, Node)
    trace.graph.give(y=((x + 1) * (x + 1)).name)
    import onnx

    assert [each.op_type for each in onnx.load_from_string(finished(trace.graph, "", {})).graph.node] == ["Add", "Mul"]


def test_what_is_not_known_cannot_be_asked():
    """A formula that goes one way or the other by a number cannot be written, and says so."""
    trace = Trace(Graph(Ports("unknown", {"x": Port("float", ("B", 3))}, {})))
    x = trace.given("x", np.float32, (trace.batch, 3))
    with pytest.raises(TypeError, match="not known while it is written"):
        bool(x[:, 0] > 0)
    with pytest.raises(TypeError, match="is no array"):
        np.asarray(x)
    for wrong in (lambda: np.cumsum(x, 1), lambda: x.argmax(1), lambda: np.take_along_axis(x, x, 1)):
        with pytest.raises(NotImplementedError):
            wrong()
    with pytest.raises(NotImplementedError, match="arctan"):
        np.arctan(x)
    with pytest.raises(NotImplementedError, match="a part"):
        x[:, :2] = 1


def test_places_are_known_beforehand():
    """Rows so far back lie at the same place for all; whether a series has them depends on how many it has."""
    trace = Trace(Graph(Ports("places", {"rows": Port("double", ("B",))}, {})))
    rows, every = trace.given("rows", np.float64, (trace.batch,)), Every(trace)
    last = Place(trace, np.array(9))[every]
    back = np.maximum(last[..., None] - np.array([1, 4, 12]), 0)
    assert back.places.tolist() == [8, 5, 0]
    assert back.shape == (trace.batch, 3)
    assert isinstance(back >= Begin(rows, 10)[..., None], Node)
    assert every[..., None].shape == (trace.batch, 1)
    assert rows[every[..., None, None]].shape == (trace.batch, 1, 1)
    assert not (every < 0).any()
    assert np.maximum(every, 0) is every

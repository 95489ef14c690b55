"""Decoders and heads as graphs: how a state becomes what is said of the steps ahead; see `foregate.models.decoders`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from foregate.models.names import head_outputs
from foregate.models.spec import NetworkSpec
from foregate.persistence.export.attention import Look, attention
from foregate.persistence.export.ports import Port, Ports, decoder_ports
from foregate.persistence.export.recurrent import kinds, recurrent
from foregate.persistence.export.writing import Graph, Weights, linear, under

__all__ = ["decoded", "decoder_graph"]

SHUT, LOUDNESS = 1.5, 2.0
"""As in `foregate.models.decoders`, which cannot be read without torch."""
LEAST_INT64 = -(2**63) + 1
"""Slicing backwards to here reaches the first entry."""

Dense = Callable[[str, str], str]
"""Name of a linear layer and of what it reads -> name of what it gives."""


class Raw(NamedTuple):
    """The head's outputs. None of no numbers: a runtime has been seen to divide by their size."""

    place: str
    """(..., 1) where the distribution lies."""
    rest: str | None
    """(..., N - 1) the others; None where a head has one output."""

    @property
    def there(self) -> list[str]:
        """Those that there are."""
        return [self.place] if self.rest is None else [self.place, self.rest]


def decoder_graph(spec: NetworkSpec, weights: Weights) -> bytes:
    """The file of states (B, W), features (B, F) and what is known of the steps ahead to what is said (B, K, N); see
    `Engine.decode`.

    Raises:
        MissingExtraError: the onnx package is not installed.
    """
    return decoder_drawn(spec, weights).serialized()


def decoder_drawn(spec: NetworkSpec, weights: Weights) -> Graph:
    """See `decoder_graph`: the graph that is not a file yet."""
    g = Graph(decoder_ports(spec))
    g.give(said=decoded(g, spec, weights))
    return g


def decoded(g: Graph, spec: NetworkSpec, weights: Weights) -> str:
    """What `decoder_graph` says of the arrays that it is given, within any graph that has them by these names."""
    match spec.built.strategy:
        case "each":
            return _each(g, spec, weights)
        case "direct":
            return _said(g, spec, _direct(g, spec, under(weights, "decoder")))
        case "seq2seq":
            return _said(g, spec, _writer(g, spec, under(weights, "decoder")))
        case _:
            own = under(weights, "decoder")
            read = g.op("Unsqueeze", _joined(g, "states", "features"), g.whole([1]))
            return _said(g, spec, _parallel(g, spec, partial(linear, g, own), read, "steps", "paths"))


def _parallel(g: Graph, spec: NetworkSpec, dense: Dense, read: str, steps: str, paths: str) -> Raw:
    """One small network for every step, told which it is."""
    first = _gelu(g, g.op("Add", dense("state", read), dense("step", steps)))
    second = _gelu(g, g.op("Add", dense("mid", first), dense("again", read)))
    return _gated(g, spec, dense("out", second), paths)


def _each(g: Graph, spec: NetworkSpec, weights: Weights) -> str:
    """One network per step: the weights of the steps that are asked for, side by side, over arrays (K, B, …)."""
    R = spec.built.reach or 1
    nets = [under(weights, "networks", i, "decoder") for i in range(R)]
    which = g.op("Sub", "k", g.whole([1]))

    def dense(name: str, x: str) -> str:
        kernels = g.constant(np.stack([net[f"{name}.weight"].T for net in nets]))
        product = g.op("MatMul", x, g.op("Gather", kernels, which, axis=0))
        if f"{name}.bias" not in nets[0]:
            return product
        biases = g.constant(np.stack([net[f"{name}.bias"][None] for net in nets]))
        return g.op("Add", product, g.op("Gather", biases, which, axis=0))

    own = g.op("Transpose", g.shaped("states", 0, R, spec.width // R), perm=[1, 0, 2])
    states = g.op("Gather", own, which, axis=0)
    K = g.op("Concat", g.op("Shape", "k"), g.whole([1, 1]), axis=0)
    features = g.op("Expand", g.op("Unsqueeze", "features", g.whole([0])), K)
    steps, paths = (g.op("Transpose", each, perm=[1, 0, 2]) for each in ("steps", "paths"))
    said = _said(g, spec, _parallel(g, spec, dense, _joined(g, states, features), steps, paths))
    return g.op("Transpose", said, perm=[1, 0, 2])


def _direct(g: Graph, spec: NetworkSpec, weights: Weights) -> Raw:
    """All steps at once, each with output weights of its own, over arrays (K, B, …)."""
    dense, R = partial(linear, g, weights), spec.built.reach or 1
    read = dense("mid", _gelu(g, dense("state", _joined(g, "states", "features"))))
    h = _gelu(g, g.op("Add", g.op("Unsqueeze", read, g.whole([1])), dense("step", "steps")))
    which = g.op("Sub", "k", g.whole([1]))
    every = g.constant(weights["out.weight"].reshape(R, -1, spec.decoder).swapaxes(1, 2).copy())
    biases = g.constant(weights["out.bias"].reshape(R, 1, -1))
    product = g.op("MatMul", g.op("Transpose", h, perm=[1, 0, 2]), g.op("Gather", every, which, axis=0))
    own = g.op("Transpose", g.op("Add", product, g.op("Gather", biases, which, axis=0)), perm=[1, 0, 2])
    return _gated(g, spec, own, "paths")


def _writer(g: Graph, spec: NetworkSpec, weights: Weights) -> Raw:
    """A recurrent network that writes step after step, each from the one before."""
    H, L, look = spec.hidden, spec.built.rows_back, None
    states = "states"
    if spec.keeps_memory:
        states, keys, there = g.split("states", [H, L * H, L])
        memory = g.shaped(keys, 0, 1, L, H), g.shaped(there, 0, 1, L, 1)
        look = attention(g, spec.built, under(weights, "attention"), *memory)
    h = g.op("Unsqueeze", g.op("Tanh", linear(g, weights, "start", _joined(g, states, "features"))), g.whole([0]))
    B = g.op("Shape", "features", start=0, end=1)
    memories = [g.op("ConstantOfShape", g.op("Shape", h))] * (kinds(spec.built.cell) - 1)
    before = [h, *memories, g.op("ConstantOfShape", g.op("Concat", B, g.whole([1]), axis=0))]
    place, *rest = g.scan(_written(g, spec, weights, look), before, ["steps", "paths"])
    return Raw(place, rest[0] if rest else None)


def _written(around: Graph, spec: NetworkSpec, weights: Weights, look: Look | None) -> Graph:
    """One step of a writer: its state, what it said before, the step's features and paths to the same and outputs."""
    n, N = kinds(spec.built.cell), head_outputs(spec.built.head, len(spec.levels), spec.built.components)
    state, one = Port("float", (1, "B", spec.hidden)), Port("float", ("B", 1))
    names = [f"state{i}" for i in range(n)]
    inputs = dict.fromkeys(names, state) | {"told": one}
    inputs |= {"step": Port("float", ("B", spec.n_steps)), "path": Port("float", ("B", spec.n_profiles))}
    outputs = {f"{name}_after": state for name in names} | {"telling": one}
    outputs |= {"place": one} | ({"rest": Port("float", ("B", N - 1))} if N > 1 else {})
    g = Graph(Ports("writer", inputs, outputs), around)
    h = names[0]
    context = [look(g, g.op("Transpose", h, perm=[1, 0, 2]))] if look else []  # (B, 1, H)
    context = [g.op("Squeeze", each, g.whole([1])) for each in context]
    x = g.op("Tanh", linear(g, weights, "step", _joined(g, "step", "told")))
    x = g.op("Unsqueeze", _joined(g, x, *context), g.whole([0]))
    _, after = recurrent(g, spec.built.cell, under(weights, "cell"), x, names)
    shown = _joined(g, g.op("Squeeze", after[0], g.whole([0])), *context)
    raw = _gated(g, spec, linear(g, weights, "out", shown), "path")
    size = g.op("Log", g.op("Add", g.op("Abs", raw.place), g.number(1)))
    told = g.op("Mul", g.op("Sign", raw.place), size)  # squashed as inputs are
    g.give(**dict(zip(outputs, [*after, told, *raw.there], strict=True)))
    return g


def _gated(g: Graph, spec: NetworkSpec, out: str, paths: str) -> Raw:
    """Outputs (..., P + N) to those of the head, whose place is moved by the paths (..., P) that gates open."""
    N = head_outputs(spec.built.head, len(spec.levels), spec.built.components)
    gates, correction, *rest = g.split(out, [spec.n_profiles, 1, *([N - 1] if N > 1 else [])])
    opened = g.op("Sigmoid", g.op("Sub", gates, g.number(SHUT)))
    path = g.op("ReduceSum", g.op("Mul", opened, paths), g.whole([-1]), keepdims=1)
    return Raw(g.op("Add", path, g.op("Mul", correction, g.number(LOUDNESS))), rest[0] if rest else None)


def _said(g: Graph, spec: NetworkSpec, raw: Raw) -> str:
    """What leaves the network: quantiles in order, or the parameters of a distribution."""
    side = len(spec.levels) // 2
    if spec.built.head != "quantiles" or raw.rest is None:
        return _joined(g, *raw.there)
    below, above = g.split(g.op("Softplus", raw.rest), [side, side])
    axis = g.whole(-1)
    outward, up = (g.op("CumSum", gaps, axis) for gaps in (below, above))
    down = g.op("Slice", outward, g.whole([-1]), g.whole([LEAST_INT64]), g.whole([-1]), g.whole([-1]))
    return _joined(g, g.op("Sub", raw.place, down), raw.place, g.op("Add", raw.place, up))


def _gelu(g: Graph, x: str) -> str:
    """x/2 (1 + erf(x / sqrt 2)), which is an operator of its own in newer versions only."""
    twice = g.op("Add", g.op("Erf", g.op("Mul", x, g.number(0.5**0.5))), g.number(1))
    return g.op("Mul", g.op("Mul", x, g.number(0.5)), twice)


def _joined(g: Graph, *arrays: str) -> str:
    """Arrays side by side along the last axis."""
    return g.op("Concat", *arrays, axis=-1)

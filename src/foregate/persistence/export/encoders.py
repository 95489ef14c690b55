"""Encoders as graphs: how the past becomes a state; see `foregate.models.encoders`."""

from __future__ import annotations

from typing import NamedTuple

from foregate.models.architecture import Architecture
from foregate.models.spec import NetworkSpec
from foregate.persistence.export.attention import attention
from foregate.persistence.export.ports import encoder_ports
from foregate.persistence.export.recurrent import kinds, recurrent
from foregate.persistence.export.writing import Graph, Weights, linear, under

__all__ = ["encoded", "encoder_graph"]

END = 2**63 - 1
"""Slicing to here reaches the last entry."""


class Memory(NamedTuple):
    """The last L rows of M numbers up to each origin, the newest last."""

    keys: str
    """(B, O, L, M) rows; 0 in empty places."""
    there: str
    """(B, O, L, 1) float32: 1 for places that hold a row."""


def encoder_graph(spec: NetworkSpec, weights: Weights) -> bytes:
    """The file of features (B, T, F), columns (B, O) and carried (B, C) to states (B, O, W) and after (B, C); see
    `Engine.encode`.

    Raises:
        MissingExtraError: the onnx package is not installed.
    """
    return encoder_drawn(spec, weights).serialized()


def encoder_drawn(spec: NetworkSpec, weights: Weights) -> Graph:
    """See `encoder_graph`: the graph that is not a file yet."""
    g = Graph(encoder_ports(spec))
    states, after = encoded(g, spec, weights)
    g.give(states=states, after=after)
    return g


def encoded(g: Graph, spec: NetworkSpec, weights: Weights) -> tuple[str, str]:
    """What `encoder_graph` says of the arrays that it is given, within any graph that has them by these names."""
    if spec.built.strategy != "each":
        return _one(g, spec, weights, "carried")
    R = spec.built.reach or 1
    before = g.split("carried", [spec.carries // R] * R)
    read = [_one(g, spec, under(weights, "networks", i), own) for i, own in enumerate(before)]
    states, after = (g.op("Concat", *each, axis=-1) for each in zip(*read, strict=True))
    return states, after


def _one(g: Graph, spec: NetworkSpec, weights: Weights, carried: str) -> tuple[str, str]:
    """The encoder of one network, and what it finds when it looks back."""
    built, H, encoder = spec.built, spec.hidden, under(weights, "encoder")
    if built.windowed:
        return _windowed(g, built, encoder, carried)
    remembered = built.rows_back
    slots, kept = carried, ""
    if remembered:
        sizes = [kinds(built.cell) * sum(built.dilations) * H, remembered * (H + 1)]
        slots, kept = g.split(carried, sizes)
    z, after = _layers(g, built, H, encoder, slots)
    every = g.op("Transpose", z, perm=[1, 0, 2])
    states = g.op("GatherND", every, g.op("Unsqueeze", "columns", g.whole([-1])), batch_dims=1)
    if not remembered:
        return states, after
    memory, last = _remembered(g, every, kept, remembered, H)
    if spec.keeps_memory:
        flat = [g.shaped(each, 0, 0, -1) for each in memory]
        states = g.op("Concat", states, *flat, axis=-1)
    else:
        context = attention(g, built, under(weights, "attention"), *memory)(g, states)
        seen = linear(g, weights, "seen", g.op("Concat", states, context, axis=-1))
        states = g.op("Add", states, g.op("Tanh", seen))
    return states, g.op("Concat", after, last, axis=-1)


def _layers(g: Graph, built: Architecture, H: int, weights: Weights, carried: str) -> tuple[str, str]:
    """Layers that read every row once: outputs (T, B, H), and their states (B, kinds·Σd·H) afterwards.

    What is carried has, for each layer, its states of the last d steps, the oldest first.
    """
    n = kinds(built.cell)
    z = g.op("Transpose", g.op("Tanh", linear(g, weights, "inputs", "features")), perm=[1, 0, 2])
    layered = g.op("Transpose", g.shaped(carried, 0, n * sum(built.dilations), H), perm=[1, 0, 2])
    sizes = [size for d in built.dilations for size in ([1] * n if d == 1 else [n * d])]
    before = iter(g.split(layered, sizes, axis=0))
    after: list[str] = []
    for i, d in enumerate(built.dilations):
        own = under(weights, "layers", i)
        if d == 1:
            sided, state = recurrent(g, built.cell, own, z, [next(before) for _ in range(n)])
            out = g.op("Squeeze", sided, g.whole([1]))
        else:
            out, state = _dilated(g, built, own, z, next(before), d)
        after += state
        z = g.op("Add", z, out) if built.skip else out
    by_series = g.op("Transpose", g.op("Concat", *after, axis=0), perm=[1, 0, 2])
    return z, g.shaped(by_series, 0, n * sum(built.dilations) * H)


def _dilated(g: Graph, built: Architecture, weights: Weights, z: str, slots: str, d: int) -> tuple[str, list[str]]:
    """A layer that goes on from its state d steps ago: z (T, B, H) and slots (d·kinds, B, H) to outputs and slots.

    Steps d apart are a sequence of their own, so that it is a plain layer over d times as many sequences of a d-th of
    the length. The j-th of them has ⌈(T - j) / d⌉ steps, of which there may be none.
    """
    n, H = kinds(built.cell), weights["weight_hh_l0"].shape[1]
    T, B = (g.op("Shape", z, start=i, end=i + 1) for i in (0, 1))
    lacking = g.op("Mod", g.op("Neg", T), g.whole([d]))
    padded = g.op("Pad", z, g.op("Concat", g.whole([0, 0, 0]), lacking, g.whole([0, 0]), axis=0))
    many = g.op("Mul", B, g.whole([d]))
    apart = g.op("Reshape", padded, g.op("Concat", g.whole([-1]), many, g.whole([H]), axis=0))  # (⌈T/d⌉, d·B, H)
    steps = g.op("Div", g.op("Add", T, g.whole([[d - 1 - j] for j in range(d)])), g.whole([d]))  # (d, 1)
    lengths = g.op("Reshape", g.op("Expand", steps, g.op("Concat", g.whole([d]), B, axis=0)), g.whole([-1]))
    before = g.op("Transpose", g.shaped(slots, d, n, -1, H), perm=[1, 0, 2, 3])
    before = g.shaped(before, n, -1, H)  # (kinds, d·B, H)
    state = g.split(before, [1] * n, axis=0)
    sided, state = recurrent(g, built.cell, weights, apart, state, g.op("Cast", lengths, to=INT32))
    out = g.op("Reshape", sided, g.op("Concat", g.whole([-1]), B, g.whole([H]), axis=0))
    out = g.op("Slice", out, g.whole([0]), T, g.whole([0]))
    moved = g.op("Unsqueeze", g.op("Greater", lengths, g.whole([0])), g.whole([1]))
    after = g.op("Where", moved, g.op("Concat", *state, axis=0), before)
    oldest = g.op("Mod", g.op("Add", g.whole(range(d)), T), g.whole([d]))  # which sequence each slot is the end of
    after = g.op("Gather", g.shaped(after, n, d, -1, H), oldest, axis=1)
    return out, [g.shaped(g.op("Transpose", after, perm=[1, 0, 2, 3]), d * n, -1, H)]


INT32 = 6
"""ONNX's number for the type of lengths."""


def _windowed(g: Graph, built: Architecture, weights: Weights, carried: str) -> tuple[str, str]:
    """Layers that read the last L rows before every origin anew: states (B, O, H), and the last L rows."""
    L = built.rows_back
    F = weights["inputs.weight"].shape[1] // built.patch - 1
    memory, last = _remembered(g, "features", carried, L, F)
    rows = g.op("Concat", *memory, axis=-1)
    x = g.shaped(rows, -1, L // built.patch, built.patch * (F + 1))  # (B·O, L/p, p·(F + 1))
    z = g.op("Transpose", g.op("Tanh", linear(g, weights, "inputs", x)), perm=[1, 0, 2])
    state: list[str] = []
    for i in range(built.layers):
        if i:
            z = g.shaped(g.op("Transpose", z, perm=[0, 2, 1, 3]), 0, 0, -1)  # (L/p, D, B·O, H), directions side by side
        z, state = recurrent(g, built.cell, under(weights, "layers", i), z, [])
    ends = g.op("Transpose", state[0], perm=[1, 0, 2])  # each direction at its end
    out = g.op("Tanh", linear(g, weights, "out", g.shaped(ends, 0, -1)))
    shape = g.op("Concat", g.op("Shape", "columns"), g.whole([-1]), axis=0)
    return g.op("Reshape", out, shape), last


def _remembered(g: Graph, rows: str, kept: str, L: int, M: int) -> tuple[Memory, str]:
    """The last L of rows (B, T, M) at every column, and what is kept (B, L·(M + 1)) of them after the last step.

    Every row has a number more: 1, or 0 for the places that were empty before the first row.
    """
    marked = g.op("Pad", rows, g.whole([0, 0, 0, 0, 0, 1]), g.number(1))
    every = g.op("Concat", g.shaped(kept, 0, L, M + 1), marked, axis=1)  # (B, L + T, M + 1)
    ends = g.op("Unsqueeze", "columns", g.whole([-1]))
    places = g.op("Add", ends, g.whole(range(1, L + 1)))  # (B, O, L)
    found = g.op("GatherND", every, g.op("Unsqueeze", places, g.whole([-1])), batch_dims=1)
    keys, there = g.split(found, [M, 1])
    last = g.op("Slice", every, g.whole([-L]), g.whole([END]), g.whole([1]))
    return Memory(keys, there), g.shaped(last, 0, L * (M + 1))

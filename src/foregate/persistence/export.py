"""The network as two ONNX graphs, written from its weights: any batch, any number of steps, any horizon.

Written by hand rather than traced, because tracing an LSTM with free axes fixes the number of steps or warns, and takes
seconds. Letters: B series or origins, T steps, F features, H hidden, L layers, K horizon steps, S step features,
P paths, D decoder width, Q quantiles.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foregate.core import MissingExtraError
from foregate.models.spec import NetworkSpec

__all__ = ["Weights", "decoder_graph", "encoder_graph"]

Float32Array = NDArray[np.float32]
Weights = Mapping[str, Float32Array]
"""Name of each parameter of the network, as torch calls it -> its values."""

Given = dict[str, NDArray[Any] | np.generic]
"""Name of each constant of a graph -> its value."""

HEADER = '<ir_version: 8, opset_import: ["": 17], producer_name: "foregate">'
"""Old enough for every runtime of the last years."""
LEAST_INT64 = -(2**63) + 1
"""Slicing backwards to here reaches the first entry."""


def is_plain(shape: NetworkSpec) -> bool:
    """Whether the graphs of a network are written here; those of the others are traced by torch."""
    built = shape.built
    usual = (built.cell, built.attention, built.strategy, built.head) == ("lstm", None, "parallel", "quantiles")
    return usual and built.encoder in ("residual", "stacked")


def encoder_graph(shape: NetworkSpec, weights: Weights) -> bytes:
    """features (B, T, F), columns (B, O) and carried (B, 2LH) to states (B, O, H) and after (B, 2LH); see
    `Network.encode`.

    Raises:
        MissingExtraError: the onnx package is not installed.
    """
    L, H = shape.built.layers, shape.hidden
    own = {name.removeprefix("encoder."): values for name, values in weights.items()}
    given: Given = {"inputs_weight": own["inputs.weight"].T, "inputs_bias": own["inputs.bias"]}
    given |= {"one": _axis(1), "last": _axis(-1), "apart": np.array([0, 2 * L, H]), "flat": np.array([0, 2 * L * H])}
    layers = []
    for i in range(L):
        layers.append(f"""
            out{i}, h{i}, c{i} = LSTM <hidden_size = {H}> (z{i}, W{i}, R{i}, B{i}, "", h_before{i}, c_before{i})
            read{i} = Squeeze (out{i}, one)
            z{i + 1} = {"Add (z" + str(i) + ", read" + str(i) + ")" if shape.built.skip else f"Identity (read{i})"}""")
        kernel = {kind: own[f"layers.{i}.{kind}_l0"] for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
        given[f"W{i}"] = _gates(kernel["weight_ih"])[None]
        given[f"R{i}"] = _gates(kernel["weight_hh"])[None]
        given[f"B{i}"] = np.concatenate([_gates(kernel["bias_ih"]), _gates(kernel["bias_hh"])])[None]
    before = ", ".join(f"h_before{i}, c_before{i}" for i in range(L))
    after = ", ".join(f"h{i}, c{i}" for i in range(L))
    text = f"""{HEADER}
        encoder (float[B, T, {shape.n_features}] features, int64[B, O] columns, float[B, {2 * L * H}] carried)
            => (float[B, O, {H}] states, float[B, {2 * L * H}] after) {{
            linear = MatMul (features, inputs_weight)
            shifted = Add (linear, inputs_bias)
            squashed = Tanh (shifted)
            z0 = Transpose <perm = [1, 0, 2]> (squashed)
            parts = Reshape (carried, apart)
            layered = Transpose <perm = [1, 0, 2]> (parts)
            {before} = Split <axis = 0> (layered)
            {"".join(layers)}
            every = Transpose <perm = [1, 0, 2]> (z{L})
            places = Unsqueeze (columns, last)
            states = GatherND <batch_dims = 1> (every, places)
            layers = Concat <axis = 0> ({after})
            by_series = Transpose <perm = [1, 0, 2]> (layers)
            after = Reshape (by_series, flat)
        }}"""
    return _model(text, given)


def decoder_graph(shape: NetworkSpec, weights: Weights) -> bytes:
    """states (B, H), features (B, F), steps (B, K, S) and paths (B, K, P) to quantiles (B, K, Q); see
    `Network.quantiles`.

    Raises:
        MissingExtraError: the onnx package is not installed.
    """
    P, Q = shape.n_profiles, len(shape.levels)
    side = Q // 2
    own = {name.removeprefix("decoder."): values for name, values in weights.items()}
    given: Given = {f"{name}_weight": own[f"{name}.weight"].T for name in ("state", "step", "mid", "again", "out")}
    given |= {f"{name}_bias": own[f"{name}.bias"] for name in ("state", "step", "mid", "out")}
    given |= {"sizes": np.array([P, 1, side, side]), "last": _axis(-1), "horizon": _axis(1), "end": _axis(LEAST_INT64)}
    given |= {name: np.float32(x) for name, x in (("half", 0.5), ("unit", 1), ("root", 0.5**0.5), ("shut", 1.5))}
    given |= {"two": np.float32(2), "axis": np.int64(-1)}
    text = f"""{HEADER}
        decoder (float[B, {shape.hidden}] states, float[B, {shape.n_features}] features,
                 float[B, K, {shape.n_steps}] steps, float[B, K, {P}] paths) => (float[B, K, {Q}] quantiles) {{
            joined = Concat <axis = -1> (states, features)
            read = Unsqueeze (joined, horizon)
            {_linear("state", "read")}
            {_linear("step", "steps")}
            first = Add (state, step)
            {_gelu("first")}
            {_linear("mid", "first_gelu")}
            again = MatMul (read, again_weight)
            second = Add (mid, again)
            {_gelu("second")}
            {_linear("out", "second_gelu")}
            gates, correction, below, above = Split <axis = -1> (out, sizes)
            nearly = Sub (gates, shut)
            opened = Sigmoid (nearly)
            gated = Mul (opened, paths)
            path = ReduceSum <keepdims = 1> (gated, last)
            doubled = Mul (correction, two)
            median = Add (path, doubled)
            gaps_below = Softplus (below)
            outward = CumSum (gaps_below, axis)
            down = Slice (outward, last, end, last, last)
            gaps_above = Softplus (above)
            up = CumSum (gaps_above, axis)
            lower = Sub (median, down)
            upper = Add (median, up)
            quantiles = Concat <axis = -1> (lower, median, upper)
        }}"""
    return _model(text, given)


def _linear(name: str, of: str) -> str:
    return f"""{name}_product = MatMul ({of}, {name}_weight)
            {name} = Add ({name}_product, {name}_bias)"""


def _gelu(x: str) -> str:
    """x/2 (1 + erf(x / sqrt 2)), which is an operator of its own in newer versions only."""
    return f"""{x}_scaled = Mul ({x}, root)
            {x}_erf = Erf ({x}_scaled)
            {x}_twice = Add ({x}_erf, unit)
            {x}_half = Mul ({x}, half)
            {x}_gelu = Mul ({x}_half, {x}_twice)"""


def _axis(i: int) -> NDArray[np.int64]:
    return np.array([i], np.int64)


def _gates(of_torch: Float32Array) -> Float32Array:
    """Rows in torch's order (input, forget, cell, output) to ONNX's (input, output, forget, cell)."""
    i, f, g, o = np.split(of_torch, 4)
    return np.concatenate([i, o, f, g])


def _model(text: str, given: Given) -> bytes:
    try:
        from onnx import checker, numpy_helper, parser
    except ImportError as error:
        raise MissingExtraError("saving a model that was made with torch", "train") from error
    model = parser.parse_model(text)
    for name, value in given.items():
        model.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
    checker.check_model(model)
    serialized: bytes = model.SerializeToString()
    return serialized

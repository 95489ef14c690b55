"""Recurrent layers as ONNX has them, from the weights of torch's."""

from __future__ import annotations

from typing import Any

import numpy as np

from foregate.models.cell_spec import CellKind
from foregate.persistence.export.writing import Float32Array, Graph, Weights

__all__ = ["kinds", "recurrent"]

ORDERS: dict[CellKind, tuple[int, ...]] = {"lstm": (0, 3, 1, 2), "gru": (1, 0, 2), "rnn-tanh": (0,), "rnn-relu": (0,)}
"""Where ONNX's blocks of rows (LSTM: input, output, forget, cell; GRU: update, reset, candidate) lie in torch's."""


def kinds(cell: CellKind) -> int:
    """How many arrays (B, H) a state of the cell has: h and C, or h alone."""
    return 2 if cell == "lstm" else 1


def recurrent(
    g: Graph, cell: CellKind, weights: Weights, x: str, state: list[str], lengths: str = ""
) -> tuple[str, list[str]]:
    """One layer over x (T, B, F), of one direction or of both.

    Args:
        g: where it is written.
        cell: its kind.
        weights: by torch's names: weight_ih, weight_hh, bias_ih and bias_hh, with ``_l0`` or without, with ``_reverse``
            for the way back.
        x: what it reads.
        state: each (D, B, H), to go on from; none for zeros.
        lengths: (B,) int32, steps of each sequence; "" for all of them.

    Returns:
        outputs (T, D, B, H), and the state afterwards, each (D, B, H).
    """
    sides = [weights]
    if any(name.endswith("_reverse") for name in weights):
        back = {name.removesuffix("_reverse"): values for name, values in weights.items() if name.endswith("_reverse")}
        sides.append(back)
    kernels = [[_blocks(cell, _named(side, name)) for side in sides] for name in ("weight_ih", "weight_hh")]
    biases = [np.concatenate([_blocks(cell, _named(side, name)) for name in ("bias_ih", "bias_hh")]) for side in sides]
    given = [g.constant(np.stack(each)) for each in (*kernels, biases)]
    attributes: dict[str, Any] = {"hidden_size": _named(weights, "weight_hh").shape[1]}
    if len(sides) == 2:
        attributes["direction"] = "bidirectional"
    if cell == "gru":
        attributes["linear_before_reset"] = 1  # torch resets what was read, r ⊙ (U h + b)
    if cell.startswith("rnn"):
        attributes["activations"] = [cell.removeprefix("rnn-").capitalize()] * len(sides)
    of = [x, *given, lengths, *state]
    while not of[-1]:
        of.pop()
    outputs, *after = g.ops(1 + kinds(cell), cell[:4].removesuffix("-").upper(), *of, **attributes)
    return outputs, after


def _named(weights: Weights, name: str) -> Float32Array:
    """Fused layers number their weights, cells do not."""
    found: Float32Array = weights[f"{name}_l0"] if f"{name}_l0" in weights else weights[name]
    return found


def _blocks(cell: CellKind, of_torch: Float32Array) -> Float32Array:
    """Rows in torch's order to ONNX's."""
    blocks = np.split(of_torch, len(ORDERS[cell]))
    return np.concatenate([blocks[i] for i in ORDERS[cell]])

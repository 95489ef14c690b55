"""Attention over past states, as `foregate.models.attention` has it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from foregate.models.architecture import Architecture
from foregate.persistence.export.writing import Graph, Weights, linear

__all__ = ["Look", "attention"]

Look = Callable[[Graph, str], str]
"""Writes how queries (B, O, H) look at a memory, and returns the name of the contexts (B, O, H) that they find."""
LOWEST = float(np.finfo(np.float32).min)


def attention(g: Graph, built: Architecture, weights: Weights, keys: str, there: str) -> Look:
    """Prepare a memory to be looked at, once for all queries.

    Args:
        g: where it is written.
        built: the attention of this architecture.
        weights: its own.
        keys: (B, O, L, H) states.
        there: (B, O, L, 1) float32, 1 for places that hold a state and 0 for empty ones.
    """
    full = g.op("Greater", there, g.number(0.5))
    keys = g.op("Where", full, keys, g.number(0))  # what lies in empty places is not read
    placed = g.op("Add", keys, g.constant(weights["positions"]))
    if built.attention == "multi-head":
        return _multi_head(g, built.heads, weights, keys, placed, full)
    here = g.op("Squeeze", full, g.whole([-1]))  # (B, O, L)
    scores = _additive(g, weights, placed) if built.attention == "additive" else _product(weights, placed)

    def look(g: Graph, query: str) -> str:
        weighed = _softmax(g, scores(g, query), here)
        return _dropped(g, g.op("MatMul", g.op("Unsqueeze", weighed, g.whole([-2])), keys), -2)

    return look


def _additive(g: Graph, weights: Weights, placed: str) -> Look:
    """Scores (B, O, L): v · tanh(W s + U h_j)."""
    projected = linear(g, weights, "U", placed)

    def scores(g: Graph, query: str) -> str:
        asked = g.op("Unsqueeze", linear(g, weights, "W", query), g.whole([-2]))
        return g.op("MatMul", g.op("Tanh", g.op("Add", asked, projected)), g.constant(weights["v"]))

    return scores


def _product(weights: Weights, placed: str) -> Look:
    """Scores (B, O, L): s · h_j, or s · W h_j where there is a matrix."""

    def scores(g: Graph, query: str) -> str:
        asked = g.op("MatMul", query, g.constant(weights["W.weight"])) if "W.weight" in weights else query
        return _dropped(g, g.op("MatMul", placed, g.op("Unsqueeze", asked, g.whole([-1]))), -1)

    return scores


def _multi_head(g: Graph, heads: int, weights: Weights, keys: str, placed: str, full: str) -> Look:
    """Each head a has its own view q^a · k_j^a / √d, and sees Σ_j α_j^a v_j^a."""
    views = []  # (B, O, A, L, d)
    for name, of in (("W_K", placed), ("W_V", keys)):
        apart = g.op("Reshape", linear(g, weights, name, of), g.whole([0, 0, 0, heads, -1]))
        views.append(g.op("Transpose", apart, perm=[0, 1, 3, 2, 4]))
    here = g.op("Transpose", full, perm=[0, 1, 3, 2])  # (B, O, 1, L)
    root = (len(weights["W_Q.weight"]) // heads) ** 0.5

    def look(g: Graph, query: str) -> str:
        asked = g.shaped(linear(g, weights, "W_Q", query), 0, 0, heads, -1, 1)
        scores = g.op("Div", _dropped(g, g.op("MatMul", views[0], asked), -1), g.number(root))
        weighed = g.op("Unsqueeze", _softmax(g, scores, here), g.whole([-2]))  # (B, O, A, 1, L)
        return linear(g, weights, "W_O", g.shaped(g.op("MatMul", weighed, views[1]), 0, 0, -1))

    return look


def _softmax(g: Graph, scores: str, here: str) -> str:
    """The softmax over what is there; where nothing is, it does not matter, since all keys are 0."""
    return g.op("Softmax", g.op("Where", here, scores, g.number(LOWEST)), axis=-1)


def _dropped(g: Graph, x: str, axis: int) -> str:
    """Without an axis of length 1."""
    return g.op("Squeeze", x, g.whole([axis]))

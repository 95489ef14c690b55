"""From a panel's rows to what a network says of the steps after them: the encoder reads, the decoder looks ahead."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from foregate.core import Ahead, Engine, Manner, UsageError
from foregate.data.inputs import Inputs, View
from foregate.forecasting.distributions import Distribution
from foregate.forecasting.recursion import rolled, rolled_quantiles
from foregate.forecasting.state import State

__all__ = ["decode_origins", "decode_state", "in_batches", "raw_quantiles", "read_origins", "require_reach"]

IntArray = NDArray[np.int64]
Float32Array = NDArray[np.float32]
Floats = NDArray[np.floating]

ENCODER_CELLS = 50_000
ENCODER_STEPS = 4_096
DECODER_CELLS = 50_000


def raw_quantiles(
    engine: Engine, inputs: Inputs, origins: IntArray, k: IntArray
) -> Iterator[tuple[IntArray, IntArray, IntArray, Floats]]:
    """Run the network over whole histories and decode it at origins, a part of the panel at a time.

    Args:
        engine: the network.
        inputs: of a panel of S series.
        origins: (S, O) row of each origin within its series, -1 for none.
        k: (K,) steps ahead.

    Yields:
        series number, origin number, panel row (each (B,)) and quantiles (B, K, Q) in units of the row's scale.
    """
    if engine.manner.strategy == "recursive":
        yield from rolled_quantiles(engine, inputs, origins, k)
        return
    for series, column, rows, states, features in read_origins(engine, inputs, origins):
        for part, quantiles in decode_origins(engine, inputs, rows, states, features, k):
            yield series[part], column[part], rows[part], quantiles


def read_origins(
    engine: Engine, inputs: Inputs, origins: IntArray
) -> Iterator[tuple[IntArray, IntArray, IntArray, Float32Array, Float32Array]]:
    """The first half of `raw_quantiles`: read histories from the first observation as far as their last origins.

    Yields:
        series number, origin number, panel row (each (B,)), states (B, W) and features (B, F).
    """
    offsets, first = inputs.panel.offsets, inputs.panel.first_observed
    for chosen in in_batches(origins.max(1, initial=-1) + 1):
        where, column = np.nonzero(origins[chosen] >= 0)
        position = origins[chosen][where, column]
        begins, read = offsets[chosen] + first[chosen], position - first[chosen][where]
        states, features = _encode(engine, inputs, begins, where, read)
        yield chosen[where], column, offsets[chosen][where] + position, states, features


def decode_state(state: State, numbers: IntArray, k: IntArray) -> Iterator[tuple[slice, Floats]]:
    """What is said after the last rows of carried series (B,): quantiles (B, K, Q) of a slice of them at a time."""
    if state.engine.manner.strategy == "recursive":
        yield slice(None), rolled(state, numbers, k)
    else:
        view, rows = state.view(numbers), np.arange(len(numbers))
        yield from decode_origins(state.engine, view, rows, *state.last(numbers), k)


def decode_origins(
    engine: Engine, inputs: View, rows: IntArray, states: Float32Array, features: Float32Array, k: IntArray
) -> Iterator[tuple[slice, Floats]]:
    """The second half of `raw_quantiles`: quantiles (B, K, Q) of a slice of the origins at a time.

    Raises:
        UsageError: a step lies further ahead than the network reaches.
    """
    require_reach(engine.manner, int(k[-1]))
    asked = np.arange(1, k[-1] + 1) if engine.manner.strategy == "seq2seq" else k
    says = Distribution.of(engine.manner)
    size = max(1, DECODER_CELLS // len(asked))
    for i in range(0, len(rows), size):
        part = slice(i, i + size)
        units = inputs.units(rows[part])
        said = engine.decode(states[part], features[part], Ahead(asked, *inputs.steps(rows[part], asked), *units))
        yield part, says.quantiles(said if asked is k else said[:, k - 1], engine.manner.levels, k, *units)


def require_reach(manner: Manner, horizon: int) -> None:
    """Refuse steps that lie further ahead than a network reaches.

    Raises:
        UsageError: says how far it does.
    """
    if manner.reach is not None and horizon > manner.reach:
        raise UsageError(
            f"the horizon must be at most the {manner.reach} steps that this model was made for, but got {horizon}. "
            "Fit one with a longer horizon, or with a strategy of any reach such as 'parallel'."
        )


def in_batches(lengths: IntArray) -> Iterator[IntArray]:
    """Numbers of series with something to read, longest last, about ENCODER_CELLS steps at a time."""
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] > 0]
    begin = 0
    while begin < len(order):
        size = max(1, ENCODER_CELLS // int(lengths[order[begin]]))
        while size > 1 and lengths[order[min(begin + size, len(order)) - 1]] * size > 1.25 * ENCODER_CELLS:
            size = max(1, int(size * 0.8))
        yield order[begin : begin + size]
        begin += size


def _encode(
    engine: Engine, inputs: Inputs, begins: IntArray, where: IntArray, position: IntArray
) -> tuple[Float32Array, Float32Array]:
    """States (N, W) and features (N, F) of N origins: series numbered `where` of a batch, row `position` in each.

    Before the first observation, at a negative position, both are 0.
    """
    lengths = np.zeros(len(begins), np.int64)
    np.maximum.at(lengths, where, position + 1)
    carried, n = None, len(where)
    states, features = np.zeros((n, engine.width), np.float32), np.zeros((n, inputs.spec.n_features), np.float32)
    longest = max(1, int(lengths.max()))
    for begin in range(0, longest, ENCODER_STEPS):
        column = np.arange(begin, min(begin + ENCODER_STEPS, longest))
        block = inputs.features(np.where(column < lengths[:, None], begins[:, None] + column, -1))
        now = np.flatnonzero((position >= begin) & (position <= column[-1]))
        place, columns = _rectangle(where[now], position[now] - begin, len(begins))
        out, carried = engine.encode(block, columns, carried)
        states[now], features[now] = out[where[now], place], block[where[now], position[now] - begin]
    return states, features


def _rectangle(where: IntArray, position: IntArray, series: int) -> tuple[IntArray, IntArray]:
    """Positions (N,) of series numbered `where` (N,), ascending, as one rectangle.

    Returns:
        the column of each in the rectangle (N,), and the rectangle (series, O), 0 where a series has fewer.
    """
    counts = np.bincount(where, minlength=series)
    place = np.arange(len(where)) - np.repeat(np.cumsum(counts) - counts, counts)
    columns = np.zeros((series, max(1, int(counts.max(initial=0)))), np.int64)
    columns[where, place] = position
    return place, columns

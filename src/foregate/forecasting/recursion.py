"""Forecasts of several steps by a network that says one: what it said is fed back as if it had been observed.

One value fed back would say nothing of how errors grow. So futures are drawn: each draws the next value from what the
network says of it, reads it, and goes on from there. All series draw at the same probabilities, spread evenly over each
step, so that a forecast depends on nothing but its own series. Letters: S series, D draws of each, B origins, K horizon
steps, Q quantiles.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from foregate.core import Ahead, Engine
from foregate.data.inputs import Inputs, Units, View
from foregate.forecasting.distributions import Distribution
from foregate.forecasting.state import Known, State

__all__ = ["rolled", "rolled_paths", "rolled_quantiles", "states_at"]

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

TWINS = 5_000
"""Futures that are carried on at once, which bounds memory."""


def rolled_quantiles(
    engine: Engine, inputs: Inputs, origins: IntArray, k: IntArray
) -> Iterator[tuple[IntArray, IntArray, IntArray, FloatArray]]:
    """Forecasts at origins of a panel; see `foregate.forecasting.origins.raw_quantiles`."""
    panel = inputs.panel
    series, column = np.nonzero(origins >= 0)
    rows = panel.offsets[series] + origins[series, column]
    size = max(1, TWINS // max(1, engine.manner.draws))
    for i in range(0, len(rows), size):
        part = slice(i, i + size)
        state = states_at(engine, inputs, series[part], rows[part])
        yield series[part], column[part], rows[part], rolled(state, np.arange(len(state)), k)


def states_at(engine: Engine, inputs: Inputs, series: IntArray, rows: IntArray) -> State:
    """The states of series (B,) after panel rows (B,), which know the covariates that lie ahead."""
    panel, begins = inputs.panel, inputs.panel.offsets[series]
    past = panel.take(series).cut(rows + 1 - begins)
    known = Known(inputs.columns, series, begins, past.lengths)
    state = State(engine, inputs.spec, known if inputs.spec.columns else None)
    first = None if inputs.days is None else inputs.days.first[series]
    state.read(state.add(len(series), first), past.lengths, past.values, past.mask)
    return state


def rolled(state: State, numbers: IntArray, k: IntArray) -> FloatArray:
    """What is said of steps k (K,) after the last rows of series (S,), as quantiles (S, K, Q) in units of their scale.

    Of one future of medians, the quantiles of every step lie as far off as those of a single step, times the root of
    how far ahead it is.
    """
    manner, view, rows = state.engine.manner, state.view(numbers), np.arange(len(numbers))
    if manner.draws:
        paths = view.relative(rows, rolled_paths(state, numbers, int(k[-1]), manner.draws)[:, :, k - 1])
        return np.moveaxis(np.quantile(paths, manner.levels, axis=1), 0, -1)
    said = view.relative(rows, _medians(state, numbers, int(k[-1]))[:, k - 1])
    middle = said[..., len(manner.levels) // 2, None]
    return middle + np.sqrt(k)[:, None] * (said - middle)


def rolled_paths(
    state: State, numbers: IntArray, horizon: int, draws: int, seeds: Sequence[Sequence[int]] | None = None
) -> FloatArray:
    """Futures (S, D, K) of series, in the units of the data; the state stays as it is.

    Args:
        state: where they begin.
        numbers: (S,) the series.
        horizon: K steps.
        draws: D.
        seeds: (S,) what each series draws by; all of them by the same if not given.
    """
    own = [(0,)] * len(numbers) if seeds is None else seeds
    size = max(1, TWINS // draws)
    parts = [slice(i, i + size) for i in range(0, len(numbers), size)]
    return np.concatenate([_paths(state, numbers[part], horizon, draws, own[part]) for part in parts])


def _paths(state: State, numbers: IntArray, horizon: int, draws: int, seeds: Sequence[Sequence[int]]) -> FloatArray:
    """The same, all at once."""
    twins, all_ = state.take(np.repeat(numbers, draws)), np.arange(len(numbers) * draws)
    says = Distribution.of(state.engine.manner)
    values = np.empty((len(all_), horizon))
    for step in range(horizon):
        view, said, units = _next(twins, all_)
        u = np.concatenate([_spread(draws, (*seed, step)) for seed in seeds])
        value = says.sample(said, u[:, None], np.ones(1, np.int64), *units)
        values[:, step] = view.restore(all_, value[..., None])[:, 0, 0]
        _read(twins, all_, values[:, step])
    return values.reshape(len(numbers), draws, horizon)


def _medians(state: State, numbers: IntArray, horizon: int) -> FloatArray:
    """Quantiles (S, K, Q) in the units of the data, each step's after the medians of those before."""
    twins, all_ = state.take(numbers), np.arange(len(numbers))
    manner, one = state.engine.manner, np.ones(1, np.int64)
    says = Distribution.of(manner)
    values = np.empty((len(all_), horizon, len(manner.levels)))
    for step in range(horizon):
        view, said, units = _next(twins, all_)
        values[:, step] = view.restore(all_, says.quantiles(said, manner.levels, one, *units))[:, 0]
        _read(twins, all_, values[:, step, len(manner.levels) // 2])
    return values


def _next(twins: State, all_: IntArray) -> tuple[View, NDArray[np.float32], Units]:
    """A view of states, what the network says of their next step, and the units of it."""
    one, view = np.ones(1, np.int64), twins.view(all_)
    units = view.units(all_)
    said = twins.engine.decode(*twins.last(all_), Ahead(one, *view.steps(all_, one), *units))
    return view, said, units


def _read(twins: State, all_: IntArray, values: FloatArray) -> None:
    twins.read(all_, np.ones(len(all_), np.int64), values.astype(np.float32), np.ones(len(all_), np.bool_))


@functools.lru_cache(maxsize=1024)
def _spread(draws: int, seed: tuple[int, ...]) -> FloatArray:
    """Probabilities (D,), one in each D-th between 0 and 1, in an order of their own for every seed."""
    order: FloatArray = (np.random.default_rng(seed).permutation(draws) + 0.5) / draws
    return order

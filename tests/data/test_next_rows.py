"""The next rows of many series are carried on, and told, as by the arrays of `statistics` and `inputs`."""

import numpy as np
import pytest

from foregate.data.clock import Clock
from foregate.data.input_spec import InputSpec
from foregate.data.next_rows import NextRows
from foregate.data.statistics import CARRIED
from foregate.forecasting.state import State
from tests.streaming.models import Engine

SEASONS = [(1, 1), (3, 1), (2, 9), (5, 12), (24, 40)]
KINDS = ("positive", "signed", "zeros", "constant", "all zero", "falling")


def some(kind, seed=5, n=60):
    """Values with gaps."""
    rng = np.random.default_rng(seed)
    y = {
        "positive": rng.lognormal(3, 1, n),
        "signed": rng.normal(0, 5, n),
        "zeros": rng.poisson(0.7, n) * 1.0,
        "constant": np.full(n, 7.0),
        "all zero": np.zeros(n),
        "falling": np.where(np.arange(n) < n // 2, 9 + rng.random(n), rng.normal(0, 1, n)),
    }[kind]
    y[rng.random(n) < 0.2] = np.nan
    y[0] = 5 if kind != "all zero" else 0
    return y.astype(np.float32)


def started(spec, first):
    """A live state of series whose first rows are these (B,)."""
    state = State(Engine(spec), spec)
    numbers = state.add(len(first), 3.25 + np.arange(len(first)))
    state.read(numbers, np.ones(len(first), np.int64), np.nan_to_num(first), ~np.isnan(first))
    return state


def rows(state, numbers, values):
    """The next rows, the long way."""
    state._read_any(numbers, np.ones(len(numbers), np.int64), np.nan_to_num(values), ~np.isnan(values))


def alike(ours, theirs):
    """All arrays say the same; the tapes as far as they are looked back on, in the units that are read."""
    assert set(ours.arrays) == set(theirs.arrays)
    one, other = ours.compact(), theirs.compact()
    units = 1 + other["log"]
    for name in one:
        for i, n in enumerate(units):
            pair = [arrays[name][i, :n] if arrays[name].ndim > 2 else arrays[name][i] for arrays in (one, other)]
            np.testing.assert_allclose(*pair, rtol=2e-5, atol=2e-5, err_msg=f"{name} of {i}")
    carried = [state.arrays["carried"][: len(state)] for state in (ours, theirs)]
    for name in CARRIED.names:
        for i, n in enumerate(units):
            np.testing.assert_allclose(*[each[name][i, :n] for each in carried], rtol=1e-6, atol=1e-6, err_msg=name)


PAIRS = [
    (seasons, recent, ("all", "some")[(i + recent // 2) % 2]) for i, seasons in enumerate(SEASONS) for recent in (2, 4)
]
"""Every two of seasons, recent values and order once."""


@pytest.mark.parametrize(("seasons", "recent", "order"), PAIRS)
def test_rows_are_read_as_by_the_long_way(seasons, recent, order):
    """Rows after rows of any of the series, all that is carried, the tapes and the features are those of the long way:
    of positive and other series, with zeros, gaps, missing values, and changes of the units, which are declined."""
    spec, rng = InputSpec(seasons, recent, 20, clock=Clock.of(0.25, 7.0)), np.random.default_rng(1)
    y = np.stack([some(kind, i) for i, kind in enumerate(KINDS * 2)])
    ours, theirs = started(spec, y[:, 0]), started(spec, y[:, 0])
    declined, done = 0, np.ones(len(y), np.int64)
    for t in range(y.shape[1] - 1):
        numbers = np.arange(len(y)) if order == "all" else rng.permutation(len(y))[: rng.integers(1, len(y))]
        values = y[numbers, done[numbers]]
        done[numbers] += 1
        ours.make_room(numbers, 1)
        turn = NextRows(spec, ours.arrays).turn(numbers, values.astype(np.float64))
        rows(theirs, numbers, values)
        if not turn.fit.all():
            declined += 1
            rows(ours, numbers, values)
        else:
            told = turn.read()
            np.testing.assert_allclose(told, theirs.arrays["features"][numbers], rtol=2e-5, atol=5e-6)
            for name in ("features", "hidden", "output"):
                ours.arrays[name][numbers] = theirs.arrays[name][numbers]
        if t % 4 == 3:
            alike(ours, theirs)
    assert 0 < declined < 30


def test_what_it_cannot_read_it_does_not_touch():
    """Before a first observation, and where a series stops being clearly positive."""
    spec = InputSpec((3, 1), 4, 20)
    for first, value in ((np.nan, 3.0), (5.0, -1.0), (5.0, 0.0)):
        state = started(spec, np.array([4.0, first, -2.0], np.float32))
        before = state.compact()
        fit = NextRows(spec, state.arrays).turn(np.arange(3), np.array([4.0, value, 1.0])).fit
        np.testing.assert_array_equal(fit, [True, False, True])
        for name, array in state.compact().items():
            np.testing.assert_array_equal(array, before[name])

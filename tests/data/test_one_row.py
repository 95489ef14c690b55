"""One row in plain numbers is carried on, and told, as by the arrays of `statistics` and `inputs`."""

import numpy as np
import pytest

from foregate.core import Panel
from foregate.data.clock import Clock
from foregate.data.input_spec import InputSpec
from foregate.data.inputs import Inputs
from foregate.data.one_row import OneRow
from foregate.data.statistics import CARRIED
from foregate.forecasting.state import State
from tests.streaming.models import Engine

SEASONS = [(1, 1), (3, 1), (2, 9), (5, 12)]


def state_of(y, spec):
    """A live state that has read these, the long way."""
    state = State(Engine(spec), spec)
    numbers = state.add(1, np.array([3.25]))
    values = np.asarray(y, np.float32)
    state.read(numbers, np.array([len(values)]), np.nan_to_num(values), ~np.isnan(values))
    return state


def some(kind, n=90):
    """Values with gaps."""
    rng = np.random.default_rng(5)
    y = {"positive": rng.lognormal(3, 1, n), "signed": rng.normal(0, 5, n), "constant": np.full(n, 7.0)}[kind]
    y[rng.random(n) < 0.2] = np.nan
    y[0] = 5
    return y.astype(np.float32)


KINDS = ("positive", "signed", "constant")
PAIRS = [(kind, seasons, (2, 4)[(i + j) % 2]) for i, kind in enumerate(KINDS) for j, seasons in enumerate(SEASONS)]
"""Every two of kind, seasons and recent values once."""


@pytest.mark.parametrize(("kind", "seasons", "recent"), PAIRS)
def test_a_row_is_read_as_many_are(kind, seasons, recent):
    """After every row all that is carried, and the features, are those of the long way."""
    spec = InputSpec(seasons, recent, 20, clock=Clock.of(0.25, 7.0))
    y, state = some(kind), state_of(some(kind)[:1], spec)
    for t in range(1, len(y)):
        state.make_room(np.array([0]), 1)
        expected = state_of(y[: t + 1], spec).arrays
        row = OneRow(spec, state.arrays)
        latest = row.read(0, float(y[t]))
        if latest is None:
            state = state_of(y[: t + 1], spec)
            continue
        np.testing.assert_allclose(row.features(latest), expected["features"][0], rtol=1e-5, atol=2e-6)
        assert (latest.level, latest.number) == (row.latest(0).level, 0)
        units = 2 if expected["log"][0] else 1
        for name in CARRIED.names:
            ours, theirs = (arrays["carried"][name][0, :units] for arrays in (state.arrays, expected))
            np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6, err_msg=name)
        for name in ("rows", "late", "log"):
            np.testing.assert_array_equal(state.arrays[name], expected[name])


def test_what_it_cannot_read_it_does_not_touch():
    """Before the first observation, and where a series stops being clearly positive."""
    spec = InputSpec((3, 1), 4, 20)
    for y, value in (([np.nan, np.nan], 3.0), ([5.0, 6.0], -1.0), ([5.0, 6.0], 0.0)):
        state = state_of(y, spec)
        before = {name: array.copy() for name, array in state.compact().items()}
        assert OneRow(spec, state.arrays).read(0, value) is None
        for name, array in state.compact().items():
            np.testing.assert_array_equal(array, before[name])


def test_features_are_those_of_a_panel():
    """Of the last row of a panel that was read in one pass."""
    spec = InputSpec((3, 7), 4, 20)
    y = some("positive")
    state = state_of(y[:-1], spec)
    state.make_room(np.array([0]), 1)
    row = OneRow(spec, state.arrays)
    told = row.features(row.read(0, 4.5))
    y[-1] = 4.5
    expected = Inputs(Panel.from_arrays([y]), spec).features(np.array([len(y) - 1]))[0]
    np.testing.assert_allclose(told, expected, rtol=1e-5, atol=2e-6)

"""What the short way takes upon itself; that it leads to the same place is shown in tests/streaming/test_one.py."""

import numpy as np

from foregate.core import Panel
from foregate.forecasting.lean import Lean
from foregate.forecasting.quick import MOST_PLANS, Quick
from foregate.forecasting.state import State
from tests.streaming.obvious import obvious


def quick_of(model, y):
    state = State(model.engine, model.spec)
    numbers = state.add(1)
    panel = Panel.from_arrays([y])
    state.read(numbers, panel.lengths, panel.values, panel.mask)
    return Quick(model, state, Lean.of(model.engine))


def test_it_leaves_alone_what_is_not_its_own():
    """The first observation, a series that is positive no more, few observations, and heads without quantiles."""
    quick = quick_of(obvious(), [np.nan, np.nan])
    assert not quick.read(0, 3.0)
    quick = quick_of(obvious(), [3.0, 4.0])
    assert quick.forecast(0, 3, (0.5,)) is None
    assert not quick.read(0, -3.0)
    assert quick.read(0, 5.0)
    assert quick.forecast(0, 3, (0.5,)).shape == (3, 1)
    other = quick_of(obvious(head="gaussian"), [3.0, 4.0, 5.0])
    assert other.forecast(0, 3, (0.5,)) is None
    assert quick_of(obvious(plain=True), [3.0, 4.0, 5.0]).forecast(0, 3, (0.5,)) is None


def test_it_follows_a_state_that_grows():
    """New series move the arrays; what is read afterwards goes into the new ones."""
    quick = quick_of(obvious(), [3.0, 4.0, 5.0])
    assert quick.read(0, 5.0)
    quick.state.add(5)
    assert quick.read(0, 6.0)
    assert quick.state.rows[0] == 5


def test_few_plans_are_kept():
    """However many kinds of forecasts are asked for."""
    quick = quick_of(obvious(), [3.0, 4.0, 5.0])
    for horizon in range(1, 20):
        quick.forecast(0, horizon, (0.5,))
    assert len(quick._plans) == MOST_PLANS


def test_quantiles_never_cross():
    """Also where the calibration would have them cross, and between levels."""
    quick = quick_of(obvious(), [3.0, 4.0, 5.0, 3.5])
    said = quick.forecast(0, 30, tuple(np.linspace(0.01, 0.99, 99).tolist()))
    assert (np.diff(said, axis=1) >= 0).all()

"""Laws of the learning rate: a function of the step, the options and the checks so far."""

from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from foregate.training.options import Schedule, TrainingOptions
from foregate.training.schedules import learning_rate

NAMES = get_args(Schedule)


def rates(options, scores=()):
    return np.array([learning_rate(step, options, scores) for step in range(options.steps)])


def test_the_learning_rate_rises_and_falls():
    """It rises in a straight line over a tenth of the steps, then falls along a half cosine to nearly nothing."""
    options = TrainingOptions(steps=200, rate=0.01)
    found = rates(options)
    np.testing.assert_allclose(found[:20], 0.01 * np.arange(1, 21) / 20)
    assert np.all(np.diff(found[20:]) < 0)
    assert found.max() == 0.01
    assert 0 < found[-1] < 0.01 * 0.002
    assert found[110] == pytest.approx(0.01 * (1 + 1e-3) / 2)


@given(
    name=st.sampled_from(NAMES),
    steps=st.integers(1, 60),
    warm_up=st.floats(0, 0.99),
    scores=st.lists(st.floats(0, 9), max_size=20),
)
def test_every_step_has_a_rate(name, steps, warm_up, scores):
    """However few the steps and long the warm-up, every step has a rate above nothing and not above the highest."""
    options = TrainingOptions(steps=steps, schedule=name, warm_up=warm_up)
    found = rates(options, scores)
    assert np.all(found > 0)
    assert np.all(found <= options.rate)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("share", [0.0, 0.1, 0.3])
def test_the_rate_rises_over_the_warm_up_only(name, share):
    """It rises to the highest rate over the share of the steps that was asked for, and never again."""
    options = TrainingOptions(steps=100, schedule=name, warm_up=share)
    found, warm = rates(options), round(100 * share)
    assert np.all(np.diff(found[:warm]) > 0)
    assert np.all(np.diff(found[warm:]) <= 0)
    assert found[: warm + 1].max() == pytest.approx(options.rate)


def test_a_constant_rate_stays():
    """After the warm-up it is the same to the end."""
    assert set(rates(TrainingOptions(steps=50, schedule="constant", warm_up=0.0))) == {4e-3}


def test_a_rate_in_steps_falls_at_once():
    """It is multiplied by the factor every so many shares of the steps, as torch's StepLR does."""
    options = TrainingOptions(steps=100, schedule="step", warm_up=0.0, schedule_options={"every": 0.25, "factor": 0.5})
    np.testing.assert_allclose(rates(options), 4e-3 * 0.5 ** (np.arange(100) // 25))


def test_one_cycle_is_torchs():
    """Rising and falling along cosines, it has the rates of torch's OneCycleLR."""
    options = TrainingOptions(steps=100, schedule="one-cycle", warm_up=0.3)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=101, pct_start=31 / 101)
    expected = []
    for _ in range(100):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()
    np.testing.assert_allclose(rates(options), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("scores", "falls"),
    [
        ([], 0),
        ([3, 2, 1], 0),
        ([1, 1], 0),
        ([1, 1, 2], 1),
        ([1, 2, 0.5, 2], 0),
        ([1, 2, 2, 2, 2], 2),
        ([5, 6, 4, 4, 4], 1),
    ],
)
def test_on_a_plateau_the_rate_falls(scores, falls):
    """Each time that two checks in a row bring nothing better the rate is multiplied by the factor."""
    options = TrainingOptions(steps=10, schedule="plateau", warm_up=0.0, schedule_options={"factor": 0.1})
    assert learning_rate(5, options, scores) == pytest.approx(4e-3 * 0.1**falls)

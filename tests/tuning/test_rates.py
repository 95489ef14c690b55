"""Laws of `foregate.tuning.rates`."""

import copy
import math

import numpy as np
import pytest
import torch

from foregate.core import Panel, UsageError
from foregate.pipeline.recipe import Recipe
from foregate.tuning.rates import range_test, rate_curve


def quadratic(curvatures, rate=None, steps=30):
    """Gradient descent on half a quadratic form: a stepper for the range test, or the loss left after some steps."""
    weights = np.ones(len(curvatures))

    def step(rate):
        loss = float((curvatures * weights**2).sum() / np.sum(curvatures))
        weights[:] -= rate * curvatures * weights
        return loss

    if rate is None:
        return step
    for _ in range(steps):
        step(rate)
    with np.errstate(all="ignore"):
        return step(0.0)


def tiny_network(seed, rate=None, steps=40):
    """The same for a network of one hidden layer that learns a sine by Adam."""
    torch.manual_seed(seed)
    x = torch.linspace(-2, 2, 64)[:, None]
    y = torch.sin(2 * x)
    network = torch.nn.Sequential(torch.nn.Linear(1, 24), torch.nn.Tanh(), torch.nn.Linear(24, 1))
    first = copy.deepcopy(network)
    optimizer = torch.optim.Adam(network.parameters(), lr=1.0)

    def step(rate):
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = ((network(x) - y) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item() / ((first(x) - y) ** 2).mean().item()

    if rate is None:
        return step
    for _ in range(steps):
        last = step(rate)
    return last


@pytest.mark.parametrize("curvatures", [(1.0,), (10.0, 3.0), (0.05, 0.02, 0.01)])
def test_on_a_quadratic_it_is_near_the_best_of_a_sweep(curvatures):
    """The suggestion lies within a factor of ten of the rate that leaves least, and below where it blows up."""
    sweep = np.geomspace(1e-3, 200, 60)
    left = [quadratic(np.array(curvatures), rate) for rate in sweep]
    best = sweep[int(np.nanargmin(left))]
    found = range_test(quadratic(np.array(curvatures)), low=1e-4, high=300)
    assert best / 10 <= found.suggestion <= best * 10
    assert found.suggestion < 2 / max(curvatures)
    assert found.suggestion < found.ceiling


@pytest.mark.parametrize("seed", range(3))
def test_on_a_tiny_network_it_is_near_the_best_of_a_sweep(seed):
    """The same for a network that is trained by Adam."""
    sweep = np.geomspace(1e-4, 1, 13)
    best = sweep[int(np.argmin([tiny_network(seed, rate) for rate in sweep]))]
    found = range_test(tiny_network(seed), low=1e-5, high=10)
    assert best / 10 <= found.suggestion <= best * 10


def test_noise_does_not_decide():
    """With a tenth of noise on every loss the suggestion stays within the same factor."""
    rng = np.random.default_rng(0)
    step = quadratic(np.array([1.0]))
    found = range_test(lambda rate: step(rate) * math.exp(0.1 * rng.normal()), low=1e-4, high=300)
    assert 0.1 <= found.suggestion <= 2


def test_what_does_not_fall_is_kept_below_where_it_rises():
    """Weights that are best already: a tenth of the rate from which on the loss rises; without a rise, nothing."""
    found = range_test(lambda rate: 1 + max(0.0, rate - 0.01) * 10, low=1e-5, high=1)
    assert not found.fell
    assert found.suggestion == pytest.approx(0.1 * found.ceiling)
    assert 0.01 < found.ceiling < 0.02
    flat = range_test(lambda rate: 1.0, low=1e-5, high=1)
    assert flat.suggestion is flat.ceiling is None


def test_it_ends_where_the_loss_is_no_number():
    """What comes after an infinite loss is not asked for."""
    asked = []

    def step(rate):
        asked.append(rate)
        return 1.0 if rate < 1e-2 else math.inf

    found = range_test(step, low=1e-4, high=1)
    assert len(asked) == len(found.rates) + 1
    assert found.ceiling == pytest.approx(asked[-1])
    assert found.frame().columns == ["rate", "loss", "smoothed"]


def test_wrong_arguments_are_refused():
    """Rates must rise, and steps be enough to see anything."""
    with pytest.raises(UsageError, match="low and high must be rates"):
        range_test(lambda rate: 1.0, low=1, high=0.1)
    with pytest.raises(UsageError, match="steps must be a whole number of at least 20"):
        range_test(lambda rate: 1.0, steps=5)


def test_the_network_of_a_fit_is_tested():
    """The loss of a small network from scratch falls while the rate rises; the same seed gives the same curve, nobody's
    random numbers are used up, and held-out rows are never read."""
    rng = np.random.default_rng(0)
    series = [np.tile(rng.normal(size=7), 20) + 0.1 * rng.normal(size=140) + 9 for _ in range(4)]
    panel = Panel.from_arrays(series, freq="D")
    recipe = Recipe(7, season_length=(7,), start="scratch", hidden=8, decoder=8, layers=1, batch=8, crop=30)
    state = torch.get_rng_state()
    one = rate_curve(recipe, panel, steps=30)
    assert torch.equal(state, torch.get_rng_state())
    assert one.fell
    assert 1e-4 < one.suggestion <= 1
    other = Panel.from_arrays([np.r_[each[:-7], each[-7:] * 50] for each in series], freq="D")
    for again in (panel, other):
        np.testing.assert_array_equal(one.losses, rate_curve(recipe, again, steps=30).losses)

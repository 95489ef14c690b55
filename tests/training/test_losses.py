"""Losses are what their formulas and other libraries say."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from foregate.models.heads import pinball
from foregate.training.losses import masked_mean

LEVELS = (0.1, 0.5, 0.9)
finite = st.floats(-100, 100, width=32)


@given(st.lists(st.tuples(finite, finite, finite, finite), min_size=1, max_size=10))
def test_pinball_is_its_formula(rows):
    """Each outcome costs q times what it lies above a quantile, and 1-q times what it lies below, on average."""
    target = torch.tensor([row[0] for row in rows])
    quantiles = torch.tensor([sorted(row[1:]) for row in rows])
    loss = pinball(target, quantiles, torch.tensor(LEVELS))
    for n in range(len(rows)):
        costs = []
        for level, quantile in zip(LEVELS, quantiles[n].tolist(), strict=True):
            over = float(target[n]) - quantile
            costs.append(level * over if over > 0 else (level - 1) * over)
        assert float(loss[n]) == pytest.approx(np.mean(costs), rel=1e-5, abs=1e-5)


def test_pinball_is_that_of_other_libraries():
    """Averaged over outcomes it is the loss of scikit-learn or, without that, of utilsforecast, per level."""
    rng = np.random.default_rng(0)
    y, f = rng.normal(size=200), np.sort(rng.normal(size=(200, 3)))
    for q, level in enumerate(LEVELS):
        ours = float(pinball(torch.tensor(y), torch.tensor(f[:, q : q + 1]), torch.tensor([level])).mean())
        assert ours == pytest.approx(elsewhere(y, f[:, q], level), rel=1e-6)


def elsewhere(y, f, level):
    """The same loss by another library."""
    try:
        from sklearn.metrics import mean_pinball_loss
    except ImportError:
        pl = pytest.importorskip("polars", reason="utilsforecast scores frames")
        losses = pytest.importorskip("utilsforecast.losses", reason="another library to compare with")
        frame = pl.DataFrame({"unique_id": ["a"] * len(y), "ds": range(len(y)), "y": y, "m": f})
        return losses.quantile_loss(frame, models={"m": "m"}, q=level)["m"][0]
    return mean_pinball_loss(y, f, alpha=level)


def test_the_best_quantile_is_the_quantile():
    """The number that costs least over many outcomes is their quantile."""
    outcomes = torch.arange(1.0, 101)
    for level in LEVELS:
        candidates = torch.arange(0.5, 101)
        cost = pinball(outcomes[:, None], candidates[None, :, None].expand(100, -1, 1), torch.tensor([level])).mean(0)
        assert float(candidates[cost.argmin()]) == 100 * level + 0.5


@given(st.lists(st.tuples(finite, st.floats(0, 10, width=32)), min_size=1, max_size=20))
def test_masked_mean_is_a_weighted_mean(pairs):
    """What weighs nothing does not count, whatever it is."""
    loss, weight = (torch.tensor(each, dtype=torch.float64) for each in zip(*pairs, strict=True))
    expected = np.average(loss, weights=weight) if float(weight.sum()) > 1e-9 else 0.0
    mean = masked_mean(loss, weight)
    if float(weight.sum()) > 1e-6:
        assert float(mean) == pytest.approx(expected, rel=1e-6, abs=1e-9)
    spoiled = torch.where(weight > 0, loss, 1e9)
    assert torch.equal(masked_mean(spoiled, weight), mean)


def test_nothing_to_learn_from_is_no_loss():
    """Without a single target the loss is 0, with a gradient of 0, not NaN."""
    loss = torch.ones(3, requires_grad=True)
    mean = masked_mean(loss, torch.zeros(3))
    mean.backward()
    assert mean.item() == 0
    assert not bool(loss.grad.any())

"""Laws of widths that follow what comes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.forecasting.adaptive import MOST_STEPS, NARROWEST, PACE, WIDEST, AdaptiveWidths
from foregate.forecasting.intervals import Calibration

LEVELS = (0.025, 0.1, 0.2, 0.4, 0.5, 0.6, 0.8, 0.9, 0.975)


def learnt(rule, seed, rounds=200, series=2):
    """Factors after many outcomes of every kind."""
    rng = np.random.default_rng(seed)
    shape = series, len(rule.steps), len(rule.bounds)
    factors = np.zeros(shape)
    for _ in range(rounds):
        factors = rule.learn(factors, rng.random(shape) < rng.random(shape), rng.random(shape) < 0.9)
    return factors


def test_before_any_outcome_widths_are_as_calibrated():
    """A factor of 1 everywhere, to the bit."""
    rule = AdaptiveWidths(5, LEVELS)
    np.testing.assert_array_equal(rule.widths(np.zeros((3, 5, 3)), 8), np.ones((3, 8, len(LEVELS))))


@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 50))
def test_whatever_comes_nothing_crosses_and_the_median_stays(seed, judged, horizon):
    """Quantiles of any forecast stay in order, and its median stays to the bit."""
    rule, rng = AdaptiveWidths(judged, LEVELS), np.random.default_rng(seed)
    said = np.sort(rng.normal(size=(2, horizon, len(LEVELS))))
    moved = Calibration(np.ones((1, len(LEVELS)))).apply(said, rule.widths(learnt(rule, seed, 50), horizon))
    assert (np.diff(moved) >= 0).all()
    np.testing.assert_array_equal(moved[..., 4], said[..., 4])


@given(st.integers(0, 10**6))
def test_both_sides_and_inner_quantiles_share_a_factor(seed):
    """q and 1 - q are moved alike, and quantiles near the median as the last that is told apart from it."""
    rule = AdaptiveWidths(3, LEVELS)
    assert rule.bounds == (0.025, 0.1, 0.2)
    widths = rule.widths(learnt(rule, seed), 3)
    np.testing.assert_array_equal(widths, widths[..., ::-1])
    np.testing.assert_array_equal(widths[..., 3], widths[..., 2])


@given(st.lists(st.floats(NARROWEST * 1.2, WIDEST / 1.2), min_size=1, max_size=300))
def test_in_the_long_run_any_stream_is_covered(needed):
    """Whatever widths it takes, in whatever order, the share outside comes as near to the nominal one as it says."""
    rule = AdaptiveWidths(1, LEVELS)
    factors, outside = np.zeros((1, 1, 3)), np.zeros((len(needed), 3), bool)
    for i, width in enumerate(needed):
        outside[i] = width > np.exp(factors[0, 0])
        factors = rule.learn(factors, outside[i], np.ones((1, 1, 3), bool))
    apart = np.abs(outside.mean(0) - 2 * np.array(rule.bounds))
    assert (apart <= np.log(WIDEST / NARROWEST) / (PACE * len(needed))).all()


def test_what_tells_nothing_moves_nothing():
    """Outcomes that are not judged leave factors as they were."""
    rule = AdaptiveWidths(4, LEVELS)
    factors = learnt(rule, 3)
    np.testing.assert_array_equal(rule.learn(factors, np.ones((2, 4, 3), bool), np.zeros((2, 4, 3), bool)), factors)


def test_factors_keep_within_bounds():
    """However long everything misses or hits."""
    rule = AdaptiveWidths(2, LEVELS)
    for outside, bound in ((True, WIDEST), (False, NARROWEST)):
        factors = np.zeros((1, 2, 3))
        for _ in range(5_000):
            factors = rule.learn(factors, np.full((1, 2, 3), outside), np.ones((1, 2, 3), bool))
        np.testing.assert_allclose(np.exp(factors), bound)


@pytest.mark.parametrize("horizon", [1, 24, 25, 168, 720])
def test_long_horizons_are_judged_at_some_steps(horizon):
    """The first and the last are among them; steps between take the nearest, steps beyond the last."""
    rule = AdaptiveWidths(horizon, LEVELS)
    assert (rule.steps[0], rule.steps[-1], len(rule.steps)) == (1, horizon, min(horizon, MOST_STEPS))
    factors = learnt(rule, horizon)
    widths = rule.widths(factors, horizon + 3)
    np.testing.assert_allclose(widths[:, rule.steps - 1, :3], np.exp(factors))
    np.testing.assert_array_equal(widths[:, horizon:], widths[:, [horizon - 1] * 3])
    assert {tuple(row) for row in widths[0]} == {tuple(row) for row in widths[0, rule.steps - 1]}

"""Laws of `foregate.data.correlation`."""

import numpy as np
import pytest

from foregate.core import Panel
from foregate.data.correlation import Sample, alike, autocorrelation, clipped, differences


def seen_in(values, share=1.0, seed=0):
    return np.random.default_rng(seed).random(values.shape) < share


def test_autocorrelation_is_that_of_the_definition():
    """Every lag is the mean product of the pairs that were observed, over the variance, written out pair by pair."""
    values = np.random.default_rng(0).normal(size=(2, 40)).cumsum(1)
    seen = seen_in(values, 0.8)
    rho, pairs = autocorrelation(values, seen, 5)
    for s in range(2):
        own = values[s] - values[s][seen[s]].mean()
        for k in range(6):
            both = [(t, t + k) for t in range(40 - k) if seen[s, t] and seen[s, t + k]]
            expected = np.mean([own[a] * own[b] for a, b in both]) / np.mean(own[seen[s]] ** 2)
            assert pairs[s, k] == len(both)
            assert rho[s, k] == pytest.approx(expected)


def test_a_constant_is_alike_with_nothing():
    """A series without change has autocorrelation 0, and no pairs that count."""
    rho, pairs = autocorrelation(np.ones((1, 20)), np.ones((1, 20), bool), 3)
    assert not rho.any()
    assert not pairs.any()


def test_series_that_move_together_are_alike():
    """The same series twice is wholly alike, two of noise hardly."""
    noise = np.random.default_rng(1).normal(size=(2, 500))
    seen = np.ones_like(noise, bool)
    assert alike(noise[[0, 0]], seen) > 0.95
    assert alike(noise, seen) < 0.05


def test_differences_need_both_ends():
    """A change is observed where both values were; none is left of a series that is too short."""
    values = np.array([[1.0, 2.0, 4.0, 8.0]])
    changed, both = differences(values, np.array([[True, False, True, True]]), 1)
    assert changed.tolist() == [[1, 2, 4]]
    assert both.tolist() == [[False, False, True]]
    assert not differences(values, np.ones_like(values, bool), 9)[1].any()


def test_a_spike_is_clipped():
    """A value a hundred times as far off as the others is brought to five of their standard deviations."""
    values = np.random.default_rng(2).normal(size=(1, 200))
    values[0, 7] = 100
    assert 3 < clipped(values, np.ones_like(values, bool))[0, 7] < 8


def test_a_sample_is_standardised_and_aligned_at_the_end():
    """Each series has mean 0 and spread 1 over what was observed; the last rows stand in the last column."""
    panel = Panel.from_arrays([np.array([1.0, np.nan, 3.0]), np.arange(5.0)], freq=1)
    sample = Sample.of(panel, 10, 100)
    assert sample.seen.tolist() == [[False, False, True, False, True], [True] * 5]
    assert sample.values[0].tolist() == [0, 0, -1, 0, 1]
    assert Sample.of(panel, 1, 2).values.shape == (1, 2)

"""Quantiles of counts against SciPy's, and their laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.forecasting.counts import CERTAIN, ONE_BY_ONE, count_quantiles, log_probability

LEVELS = np.array([1e-6, 0.005, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.995, 0.9999])
tens = st.floats(-3, 3).map(lambda power: 10.0**power)


def quantiles(mean, size, p=LEVELS):
    return count_quantiles(np.array([mean]), np.array([size]), p[None])[0]


def shares(mean, size, counts):
    """SciPy's shares of outcomes up to counts, and below them."""
    stats = pytest.importorskip("scipy.stats")
    return [stats.nbinom.cdf(each, size, size / (size + mean)) for each in (counts, counts - 1)]


@given(st.floats(1e-6, 30), tens)
def test_small_counts_are_exact(mean, size):
    """The quantile is the least count that as large a share of outcomes does not exceed."""
    found = quantiles(mean, size)
    upto, below = shares(mean, size, found)
    if mean + 10 * np.sqrt(mean + mean**2 / size) + 30 * mean / size < ONE_BY_ONE / 2:
        assert np.all((upto >= LEVELS - 1e-9) & (below <= LEVELS + 1e-9))


@given(st.floats(2, 9).map(lambda power: 10.0**power), tens)
def test_great_counts_are_told_closely(mean, size):
    """Where bins hold many counts, the share of outcomes below a quantile is the level, or nearly so in both tails."""
    found = quantiles(mean, size)
    upto, below = shares(mean, size, found)
    off = np.maximum(np.maximum(LEVELS - upto, below - LEVELS), 0) / np.minimum(LEVELS, 1 - LEVELS)
    assert float(off[1:-1].max()) < 0.02
    assert float(off.max()) < 0.1


@given(st.floats(1e-60, 1e28), st.one_of(tens, st.floats(1e-100, 1e16)), st.integers(0, 2**31))
def test_counts_are_whole_and_ascend(mean, size, seed):
    """Whatever the parameters, quantiles are finite whole numbers from 0 on, and more probable means no lower."""
    found = quantiles(mean, size, np.sort(np.random.default_rng(seed).uniform(size=30)))
    assert np.all(np.isfinite(found))
    assert np.all((found >= 0) & (found == np.floor(found)))
    assert np.all(np.diff(found) >= 0)


def test_beyond_certainty_nothing_changes():
    """No outcome is looked for that has practically no probability."""
    for mean in (3.0, 3e6):
        far = quantiles(mean, 2.0, np.array([1e-300, CERTAIN, 1 - CERTAIN, 1 - 1e-16]))
        assert far[0] == far[1]
        assert far[2] == far[3]


def test_what_is_asked_beside_it_does_not_matter():
    """A quantile is the same whichever others are asked for with it, and whichever cells stand beside it."""
    rng = np.random.default_rng(0)
    mean, size = 10 ** rng.uniform(-1, 5, 40), 10 ** rng.uniform(-1, 3, 40)
    together = count_quantiles(mean, size, np.tile(LEVELS, (40, 1)))
    for i in range(40):
        for j in (0, 5, 10):
            assert quantiles(mean[i], size[i], LEVELS[[j]]) == together[i, j]


@given(st.floats(1e-3, 1e6), st.floats(1e-3, 1e4), st.integers(0, 10_000))
def test_probabilities_are_those_of_scipy(mean, size, y):
    """The logarithm of a probability is SciPy's."""
    stats = pytest.importorskip("scipy.stats")
    found = log_probability(np.array([float(y)]), np.array([mean]), np.array([size]))
    expected = stats.nbinom.logpmf(y, size, size / (size + mean))
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-7)


def test_huge_probabilities_keep_their_digits():
    """Next to the mean of a huge count probabilities are those of the normal distribution, which it has become."""
    mean, size = 1e20, 1e30
    y = mean + np.array([-2.0, 0.0, 1.0]) * np.sqrt(mean)
    found = log_probability(y, np.array([mean]), np.array([size]))
    np.testing.assert_allclose(found - found[1], [-2.0, 0.0, -0.5], rtol=1e-4, atol=1e-6)

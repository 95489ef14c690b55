"""What errors look like while all is well."""

import numpy as np
import pytest

from foregate import DataError
from foregate.monitoring.baseline import CLIPPED, Baseline
from tests.monitoring.streams import autoregressive


@pytest.mark.parametrize("phi", [0.0, 0.4, 0.7, 0.9])
def test_what_made_the_errors_is_found(phi):
    """Mean, likeness of neighbours and what is left of the spread come back from many errors."""
    usual = Baseline.of(3 + 2 * autoregressive(np.random.default_rng(1), 1, 40_000, phi)[0])
    assert abs(usual.centre - 3) < 0.3
    assert abs(usual.phi - phi) < 0.02
    assert abs(usual.scale - 2 * np.sqrt(1 - phi**2)) < 0.03


def test_what_is_unexplained_is_like_noise():
    """Without what carries on, neighbours are no longer alike, and the standard deviation is 1."""
    errors = autoregressive(np.random.default_rng(2), 1, 20_000)[0]
    left = Baseline.of(errors).unexplained(errors, np.append(np.nan, errors[:-1]))
    assert abs(np.corrcoef(left[1:], left[:-1])[0, 1]) < 0.02
    assert abs(left.std() - 1) < 0.02


def test_an_outlier_counts_for_no_more_than_the_bound():
    """However far out an error lies, it is read as five standard deviations."""
    usual = Baseline.of(np.random.default_rng(3).normal(size=500))
    assert usual.unexplained(np.array([1e12, -1e12]), np.array([np.nan, 0.0])).tolist() == [CLIPPED, -CLIPPED]


@pytest.mark.parametrize("errors", [np.zeros(99), np.full(200, np.nan), np.append(np.ones(200), np.inf)])
def test_too_few_or_broken_errors_are_refused(errors):
    """What cannot say what is usual is refused, and said so."""
    with pytest.raises(DataError, match="errors must be at least 100 finite"):
        Baseline.of(errors)


def test_errors_that_never_vary_are_refused():
    """Errors that are all the same have no spread to measure others by."""
    with pytest.raises(DataError, match="must differ"):
        Baseline.of(np.full(200, 3.3))

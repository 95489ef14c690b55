"""Forecasts: quantiles by name, intervals from levels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.core import Forecast, UsageError, levels_to_quantiles


def a_forecast(quantiles):
    """Two series, three steps, each quantile's value its probability."""
    values = np.broadcast_to(np.asarray(quantiles, np.float64), (2, 3, len(quantiles)))
    return Forecast(
        ids=np.array(["a", "b"]),
        times=np.array([[5, 6, 7], [8, 9, 10]]),
        cutoffs=np.array([4, 7]),
        quantiles=tuple(quantiles),
        values=values,
    )


@given(st.lists(st.floats(0.5, 99.5), min_size=1, max_size=5))
def test_levels_become_symmetric_quantiles(levels):
    """Quantiles of intervals ascend, mirror one another about the median, and hold every level."""
    quantiles = levels_to_quantiles(levels)
    assert list(quantiles) == sorted(set(quantiles))
    assert 0.5 in quantiles
    np.testing.assert_allclose(np.add(quantiles, quantiles[::-1]), 1)
    for level in levels:
        low, high = 0.5 - level / 200, 0.5 + level / 200
        assert np.isclose(quantiles, low, atol=1e-9).any()
        assert np.isclose(quantiles, high, atol=1e-9).any()


@given(st.lists(st.floats(1, 99), min_size=1, max_size=4))
def test_an_interval_is_bounded_by_its_quantiles(levels):
    """The interval of a level lies between the quantiles that leave equal shares outside, around the median."""
    forecast = a_forecast(levels_to_quantiles(levels))
    for level in levels:
        low, high = forecast.interval(level)
        assert low.shape == high.shape == forecast.median.shape == (2, 3)
        np.testing.assert_allclose(high - low, level / 100, atol=1e-8)
        assert ((low < forecast.median) & (forecast.median < high)).all()


def test_the_horizon_is_the_number_of_steps():
    """K is read from the values."""
    assert a_forecast((0.5,)).horizon == 3


@pytest.mark.parametrize("level", [0, 100, -5, 180])
def test_impossible_levels_are_refused(level):
    """A level is a percentage between none and all."""
    with pytest.raises(UsageError, match=f"level must be between 0 and 100 percent, but got {level}"):
        levels_to_quantiles([80, level])


def test_a_quantile_that_was_not_made_is_refused():
    """What was not forecast is not made up."""
    with pytest.raises(UsageError, match=r"q must be one of \(0.1, 0.5, 0.9\), but got 0.3"):
        a_forecast((0.1, 0.5, 0.9)).quantile(0.3)

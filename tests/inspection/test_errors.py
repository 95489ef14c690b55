"""Errors of the past, and the test whether they are independent."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate import Forecaster
from foregate.core import Panel
from foregate.inspection.errors import autocorrelations, errors_of, ljung_box


@given(st.integers(0, 10_000), st.integers(20, 80), st.integers(1, 10))
def test_the_statistic_is_that_of_statsmodels(seed, n, lags):
    """Of errors without holes, statistic and p-value are those of another implementation."""
    other = pytest.importorskip("statsmodels.stats.diagnostic")
    errors = np.random.default_rng(seed).normal(size=n).cumsum()
    known = other.acorr_ljungbox(errors, lags=[lags])
    np.testing.assert_allclose(ljung_box(errors, lags), known.to_numpy()[0], rtol=1e-6, atol=1e-12)


def test_independent_errors_are_seldom_rejected():
    """At 5 %, about one in twenty of independent series is, and one that is not nearly always."""
    rng = np.random.default_rng(0)
    p = [ljung_box(rng.normal(size=100), 10)[1] for _ in range(400)]
    assert 0.02 < np.mean(np.array(p) < 0.05) < 0.09
    noise = rng.normal(size=(50, 101))
    assert np.mean([ljung_box(row[1:] + 0.9 * row[:-1], 10)[1] < 0.05 for row in noise]) > 0.9


def test_holes_leave_the_autocorrelation_what_it_was():
    """Over the pairs that are known, a hole moves the autocorrelation of a wave little; a constant has none."""
    wave = np.sin(2 * np.pi * np.arange(280) / 7)
    holed = wave.copy()
    holed[::11] = np.nan
    assert autocorrelations(holed, 7)[6] == pytest.approx(autocorrelations(wave, 7)[6], abs=0.15)
    assert not autocorrelations(np.ones(20), 3).any()


def test_errors_are_those_of_the_forecasts():
    """Actual values, quantiles and the naive forecast are what the panel and the model say, in one unit."""
    rng = np.random.default_rng(0)
    made = [20 + 3 * np.sin(2 * np.pi * np.arange(n) / 7) + rng.normal(0, 0.3, n) for n in (90, 60)]
    made[0][80] = np.nan
    panel = Panel.from_arrays(made, freq="D")
    options = {"start": "scratch", "members": 1, "hidden": 8, "steps": 2}
    fitted = Forecaster(4, season_length=7, effort="fast", options=options, verbose=False).fit(panel).fitted_
    found = errors_of(fitted, panel)
    last = panel.offsets[2] - 4
    unit = found.actual[1, -1, 0] / panel.values[last]
    np.testing.assert_allclose(found.naive[1, -1], panel.values[last - 7 : last - 3] * unit, rtol=1e-5)
    said = fitted.forecast_origins(panel, np.array([[85], [55]]), 4, (0.1, 0.5, 0.9))
    np.testing.assert_allclose(found.said[1, -1], said[1, 0] * unit, rtol=1e-5)
    assert np.isnan(found.actual[0]).sum() == 1
    assert errors_of(fitted, panel.tail(5)) is None

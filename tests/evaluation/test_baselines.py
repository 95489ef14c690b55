"""The built-in baselines against their definitions, written out for one series at a time."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.core import Model, OriginModel, Panel, UsageError
from foregate.evaluation import Drift, Naive, SeasonalNaive

Z = NormalDist().inv_cdf(0.9)
whole = st.lists(st.floats(-100, 100, width=32), min_size=3, max_size=40)


def one(values):
    return Panel.from_arrays([np.array(values, np.float64)])


def spread_of(model, panel, horizon):
    """(K,) the standard deviation of the first series' forecast."""
    said = model.forecast(panel, horizon, (0.5, 0.9)).values[0]
    return (said[:, 1] - said[:, 0]) / Z


def test_baselines_are_models():
    """Every built-in baseline keeps the protocols, in one pass over many origins too."""
    for model in (Naive(), SeasonalNaive(7), Drift()):
        assert isinstance(model, Model)
        assert isinstance(model, OriginModel)


@given(whole, st.integers(1, 12))
def test_naive_is_a_random_walk(values, horizon):
    """Naive repeats the last value; its spread is the root mean square step times the root of the steps passed."""
    panel, y = one(values), np.array(values, np.float32).astype(float)
    assert np.all(Naive().forecast(panel, horizon, [0.5]).median == y[-1])
    sigma = np.sqrt(np.mean(np.diff(y) ** 2))
    expected = sigma * np.sqrt(np.arange(1, horizon + 1))
    np.testing.assert_allclose(spread_of(Naive(), panel, horizon), expected, atol=1e-9, rtol=1e-9)


@given(st.lists(st.floats(-100, 100, width=32), min_size=5, max_size=40), st.integers(1, 12))
def test_seasonal_naive_repeats_the_last_season(values, horizon):
    """SeasonalNaive repeats the last season; its spread grows with the root of the seasons passed (FPP3, 5.5)."""
    m, panel, y = 4, one(values), np.array(values, np.float32).astype(float)
    said = SeasonalNaive(m).forecast(panel, horizon, [0.5]).median[0]
    assert np.array_equal(said, np.tile(y[-m:], horizon)[:horizon])
    sigma, seasons = np.sqrt(np.mean((y[m:] - y[:-m]) ** 2)), (np.arange(horizon) // m) + 1
    np.testing.assert_allclose(spread_of(SeasonalNaive(m), panel, horizon), sigma * np.sqrt(seasons), atol=1e-9)


@given(whole, st.integers(1, 12))
def test_drift_is_the_line_from_first_to_last(values, horizon):
    """Drift goes on along the line; its spread is that of the steps around the slope, times √(k(1 + k/(T-1)))."""
    panel, y, k = one(values), np.array(values, np.float32).astype(float), np.arange(1, horizon + 1)
    slope = (y[-1] - y[0]) / (len(y) - 1)
    np.testing.assert_allclose(Drift().forecast(panel, horizon, [0.5]).median[0], y[-1] + slope * k, atol=1e-6)
    sigma = np.sqrt(np.sum((np.diff(y) - slope) ** 2) / (len(y) - 2))
    expected = sigma * np.sqrt(k * (1 + k / (len(y) - 1)))
    np.testing.assert_allclose(spread_of(Drift(), panel, horizon), expected, atol=1e-4, rtol=1e-6)


def test_a_missing_value_is_replaced_by_an_older_one():
    """The last value seen at the phase is used, and the interval is that of a value so many seasons older."""
    full, holed = one([1, 2, 3, 1, 2, 3.5, 1.5, 2, 4]), one([1, 2, 3, 1, 2, 3.5, 1.5, 2, np.nan])
    said = SeasonalNaive(3).forecast(holed, 3, [0.5]).median[0]
    assert np.array_equal(said, [1.5, 2, 3.5])
    wide = spread_of(SeasonalNaive(3), holed, 3)
    assert wide[2] == pytest.approx(np.sqrt(2) * wide[0])
    assert np.ptp(spread_of(SeasonalNaive(3), full, 3)) < 1e-12
    assert np.array_equal(Naive().forecast(holed, 1, [0.5]).median, [[2.0]])
    assert spread_of(Naive(), one([1, 2, 4, np.nan]), 1)[0] == pytest.approx(np.sqrt(2.5) * np.sqrt(2))


def test_short_series_follow_the_stated_rule():
    """Before a season has been seen, unseen phases repeat the last value, and the notes name the series."""
    panel = Panel.from_arrays([np.array([1.0, 4.0]), np.arange(9.0)], ids=["short", "long"])
    said = SeasonalNaive(4).forecast(panel, 4, [0.5])
    assert np.array_equal(said.median[0], [4, 4, 1, 4])
    assert said.notes == (
        "SeasonalNaive: 1 of 2 series ('short') are shorter than one season of 4 steps; a phase not seen yet repeats "
        "the last value.",
    )
    assert spread_of(SeasonalNaive(4), panel, 1)[0] == pytest.approx(3)


def test_one_observation_is_its_own_spread():
    """A single observation says nothing about spread, so its size is used; nothing at all is 0, and said."""
    for model in (Naive(), SeasonalNaive(3), Drift()):
        assert spread_of(model, one([-5.0]), 1)[0] == pytest.approx(5)
        nothing = model.forecast(one([np.nan, np.nan]), 2, [0.1, 0.9])
        assert np.all(nothing.values == 0)
        assert nothing.notes[0] == f"{model.name}: nothing was observed in 1 of 1 series ('s0'); the forecast is 0."


@given(st.integers(0, 10_000))
def test_intervals_hold_what_they_promise_on_their_own_process(seed):
    """On a random walk, about 80 % of what comes lies inside the 80 % interval of Naive, five steps ahead."""
    walks = np.cumsum(np.random.default_rng(seed).normal(size=(400, 105)), axis=1)
    said = Naive().forecast(Panel.from_arrays(list(walks[:, :100])), 5, (0.1, 0.5, 0.9))
    low, high = said.interval(80)
    assert np.mean((low <= walks[:, 100:]) & (walks[:, 100:] <= high)) == pytest.approx(0.8, abs=0.09)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: SeasonalNaive(0), "season must be a length of at least 1 step, but got 0"),
        (
            lambda p: Naive().forecast(p, 1, (0.9, 0.1)),
            r"quantiles must be ascending and between 0 and 1, but got \(0.9",
        ),
        (lambda p: Naive().forecast(p, 1, (1.0,)), "between 0 and 1"),
        (
            lambda p: Naive().forecast_origins(p, np.array([[5]]), 1, [0.5]),
            "origins must be rows of their series, from 0 to its length - 1, but got 5 to 5 for lengths 5 to 5",
        ),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    """An impossible season, quantile or origin is refused with what was given and what to do."""
    with pytest.raises(UsageError, match=message):
        call(one(np.arange(5.0)))


def test_a_panel_shorter_than_a_season_is_forecast():
    """Where no phase was seen, in no series, the last value stands in."""
    panel = Panel.from_arrays([np.array([1.0, 2.0, 3.0])])
    assert SeasonalNaive(52).forecast(panel, 2, [0.5]).median.tolist() == [[3.0, 3.0]]

"""Laws of `foregate.data.dependence`."""

from dataclasses import replace

import numpy as np
import pytest

from foregate.core import Panel, UsageError
from foregate.data.dependence import lag_evidence, longest_lag


def panel_of(*series, freq=1):
    return Panel.from_arrays([np.asarray(each, float) for each in series], freq=freq)


def autoregression(weights, rows, seed):
    values = np.random.default_rng(seed).normal(size=rows + 200)
    for t in range(len(weights), len(values)):
        values[t] += sum(weight * values[t - k] for k, weight in enumerate(weights, 1))
    return values[200:]


def bent(rows, seed, lag=3):
    """x_t = 1 - 2 x_{t-lag}² and a little noise: a map that is symmetric, and leaves no correlation at any lag."""
    rng = np.random.default_rng(seed)
    values = rng.uniform(-0.9, 0.9, rows + 100)
    for t in range(lag, len(values)):
        values[t] = np.clip(1 - 2 * values[t - lag] ** 2 + 1e-4 * rng.normal(), -1, 1)
    return values[100:] + 0.05 * rng.normal(size=rows)


@pytest.mark.parametrize("shape", ["one series", "a panel of short ones", "a panel that moves together"])
def test_white_noise_shows_no_lag(shape):
    """In 95 of 100 cases none of the three ways shows any lag at all."""

    def draw(seed):
        rng = np.random.default_rng(seed)
        if shape == "one series":
            return rng.normal(size=(1, 300))
        if shape == "a panel of short ones":
            return rng.normal(size=(12, 48))
        return rng.normal(size=150) + 0.3 * rng.normal(size=(6, 150))

    alarms = [max(curve.furthest for curve in lag_evidence(panel_of(*draw(seed))).curves) > 0 for seed in range(40)]
    assert sum(alarms) <= 2


@pytest.mark.parametrize("weights", [(0.5,), (0.4, -0.5), (0.3, 0.2, 0.35), (0, 0, 0, 0.6)])
def test_the_order_of_an_autoregression_is_found(weights):
    """The furthest partial autocorrelation that is shown is the order."""
    orders = [lag_evidence(panel_of(autoregression(weights, 1500, seed))).partial.furthest for seed in range(5)]
    assert sorted(orders)[1:4] == [len(weights)] * 3


def test_bent_dependence_is_found_by_information_alone():
    """Where a value follows from the square of the one three steps before, no correlation shows it."""
    for seed in range(4):
        found = lag_evidence(panel_of(bent(900, seed)))
        assert 3 in found.mutual.shown
        assert 3 in found.bent
        assert not len(found.autocorrelation.shown)
        assert not len(found.partial.shown)


def test_a_season_is_shown_by_all_ways():
    """Of days with a weekly profile lag 7 stands out in all ways, and none of them goes on without end."""
    rng = np.random.default_rng(5)
    week = np.tile(rng.normal(size=7), 60) + 0.5 * rng.normal(size=420)
    found = lag_evidence(panel_of(week, freq="D"))
    assert all(7 in curve.shown for curve in found.curves)
    assert not any(curve.endless for curve in found.curves)


def test_what_wanders_is_looked_at_as_changes():
    """Of random walks nothing is left but the last value; a level that is kept to is left as it is."""
    walks = np.random.default_rng(1).normal(size=(3, 400)).cumsum(1)
    found = lag_evidence(panel_of(*walks))
    assert found.changes
    assert [curve.furthest for curve in found.curves] == [0, 0, 0]
    assert not lag_evidence(panel_of(*np.diff(walks))).changes


def test_missing_values_are_left_out():
    """A third of the values missing hides no order, and what lies under the mask is never read."""
    values = autoregression((0.0, 0.7), 2000, 0)
    values[np.random.default_rng(0).random(2000) < 0.33] = np.nan
    panel = panel_of(values)
    found = lag_evidence(panel)
    assert found.partial.furthest == 2
    assert found.n_values == panel.mask.sum()
    other = replace(panel, values=np.where(panel.mask, panel.values, 1e6).astype(np.float32))
    for one, two in zip(found.curves, lag_evidence(other).curves, strict=True):
        np.testing.assert_array_equal(one.values, two.values)


def test_units_do_not_matter():
    """Multiplied, shifted and, for mutual information, bent by anything that rises, series show the same."""
    values = autoregression((0.5,), 500, 3)
    found, other = lag_evidence(panel_of(values)), lag_evidence(panel_of(1000 * values + 50))
    for one, two in zip(found.curves, other.curves, strict=True):
        np.testing.assert_allclose(one.values, two.values, atol=1e-3)
    rising = lag_evidence(panel_of(np.exp(values)))
    np.testing.assert_array_equal(rising.mutual.values, found.mutual.values)


def test_the_same_seed_gives_the_same():
    """Nothing but the permutations is drawn, and they follow from the seed."""
    panel = panel_of(autoregression((0.5,), 300, 3))
    one, two, other = (lag_evidence(panel, seed=seed).mutual for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.high, two.high)
    assert not np.array_equal(one.high, other.high)


def test_short_data_cannot_tell():
    """With eleven rows per series, or thirty values in all, there is no evidence; with many short series there is."""
    assert lag_evidence(panel_of(np.arange(8.0), np.arange(8.0) ** 2)) is None
    assert lag_evidence(panel_of(np.arange(30.0))) is None
    assert len(lag_evidence(panel_of(*np.random.default_rng(0).normal(size=(9, 14)))).partial.values) == 4


def test_how_far_back_is_looked():
    """Two of the longest season that fits, 40 steps otherwise, a third of the rows at most; or what is said."""
    year = panel_of(np.ones(3000), freq="D")
    assert longest_lag(year, (7, 365)) == 40
    assert longest_lag(year, (7, 120)) == 242
    assert longest_lag(panel_of(np.ones(90))) == 30
    assert longest_lag(panel_of(np.full(50, np.nan))) == 0
    found = lag_evidence(panel_of(autoregression((0.5,), 300, 3)), max_lag=7)
    assert found.partial.lags.tolist() == [1, 2, 3, 4, 5, 6, 7]
    with pytest.raises(UsageError, match="max_lag must be less than the rows of the longest series, but got 300"):
        lag_evidence(panel_of(np.ones(300)), max_lag=300)
    with pytest.raises(UsageError, match="max_lag must be a whole number"):
        lag_evidence(panel_of(np.ones(300)), max_lag=0)


def test_constant_series_show_nothing():
    """What never changes has no lag that matters."""
    found = lag_evidence(panel_of(np.ones(200), np.full(200, 3.0)))
    assert [curve.furthest for curve in found.curves] == [0, 0, 0]


def test_a_curve_is_a_frame():
    """One row per lag: the value, the band, and whether it is outside."""
    curve = lag_evidence(panel_of(autoregression((0.6,), 400, 0))).partial
    frame = curve.frame()
    assert frame.columns == ["lag", "value", "low", "high", "shown"]
    assert frame["lag"].to_list() == curve.lags.tolist()
    assert frame.filter("shown")["lag"].to_list() == curve.shown.tolist() == [1]

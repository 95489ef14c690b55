"""Laws of simulated futures."""

from dataclasses import replace

import numpy as np
import pytest

from foregate.core import DataError, Panel, UsageError
from foregate.forecasting.intervals import Calibration
from foregate.forecasting.paths import simulate
from tests.forecasting.networks import EVERY_WAY, HORIZON, RECURSIVE, close, counts, model, told

N = 20
EVENLY = ((np.arange(N) + 0.5) / N).tolist()
ways = pytest.mark.parametrize("label", [*EVERY_WAY, "negative-binomial", *RECURSIVE])


@ways
def test_at_every_step_futures_lie_where_the_quantiles_do(label):
    """Sorted, the futures of a step are the forecast's quantiles, evenly spread."""
    panel, made = counts(), model(label, factor=1.3)
    futures = simulate(made, panel, HORIZON, N, seed=3)
    assert futures.shape == (3, N, HORIZON)
    expected = made.forecast(panel, HORIZON, EVENLY).values
    np.testing.assert_array_equal(np.sort(futures, 1), expected.swapaxes(1, 2))


@ways
def test_futures_of_a_series_do_not_depend_on_others(label):
    """Alone, or in another order, every series has the futures it has."""
    panel, made = counts(), model(label)
    together = simulate(made, panel, HORIZON, N, seed=3)
    for which in ([1], [2, 0]):
        close(simulate(made, panel.take(which), HORIZON, N, seed=3), together[which])


def test_futures_follow_from_the_seed():
    """Same seed, same futures; another seed lays the same quantiles out otherwise."""
    panel, made = counts(), model()
    one, same, other = (simulate(made, panel, HORIZON, N, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    np.testing.assert_array_equal(np.sort(one, 1), np.sort(other, 1))


def test_series_go_their_own_ways():
    """Two series with the same past, of other names, have futures that are not ranked alike."""
    y = np.random.default_rng(0).normal(5, 1, 30)
    panel = Panel.from_arrays([y, y], ids=["a", "b"])
    one, other = simulate(model(), panel, HORIZON, N, seed=0)
    assert not np.array_equal(one.argsort(0), other.argsort(0))


@pytest.mark.parametrize("persistence", [0.0, 0.9])
def test_ranks_persist_as_errors_did(persistence):
    """From step to step, the ranks of futures correlate as much as errors on held-out origins."""
    made = replace(model(), calibration=Calibration(np.ones((1, 5)), persistence))
    futures = simulate(made, counts((40, 35)), 2, 4000, seed=0)
    for series in futures:
        ranks = series.argsort(0).argsort(0)
        assert np.corrcoef(ranks.T)[0, 1] == pytest.approx(persistence, abs=0.06)


def test_known_futures_are_told():
    """What is known of the steps ahead moves the futures."""
    panel, columns = told(counts())
    made = model(columns=columns)

    def given(price):
        ahead = {"price": np.full((3, HORIZON), price, np.float32), "promo": np.zeros((3, HORIZON), np.float32)}
        return simulate(made, panel, HORIZON, N, 0, ahead)

    assert not np.allclose(given(5), given(15))


def test_counts_are_whole():
    """The futures of a model of counts are whole numbers from 0 on."""
    futures = simulate(model("negative-binomial"), counts(), HORIZON, N, seed=0)
    np.testing.assert_array_equal(futures, np.round(futures))
    assert futures.min() >= 0


def test_what_cannot_be_simulated_is_refused():
    """No futures, no steps, or a series of nothing."""
    with pytest.raises(UsageError, match="n must be a whole number of at least 1, but got 0"):
        simulate(model(), counts(), HORIZON, 0, 0)
    with pytest.raises(UsageError, match="horizon must be a whole number of at least 1"):
        simulate(model(), counts(), 0, N, 0)
    with pytest.raises(DataError, match="must have an observed value"):
        simulate(model(), Panel.from_arrays([np.full(3, np.nan)]), HORIZON, N, 0)

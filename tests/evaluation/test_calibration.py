"""Whether quantile forecasts mean what they say."""

from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
import pytest
from scipy.stats import poisson

from foregate.core import Panel, UsageError
from foregate.evaluation import Naive, Plan, SeasonalNaive, backtest, calibration, scoreboard
from foregate.evaluation.calibration import _below, _by_cluster, _flatness


@dataclass
class WalkOracle:
    """Knows the distribution of a random walk with steps of one standard deviation; `spread` makes it wider."""

    spread: float = 1.0
    name: str = "WalkOracle"

    def forecast(self, panel, horizon, quantiles, future=None):
        raise AssertionError("a model that can forecast many origins in one pass must be asked to")

    def forecast_origins(self, panel, origins, horizon, quantiles):
        now = panel.values[panel.offsets[:-1, None] + origins].astype(float)
        normal = np.array([NormalDist().inv_cdf(q) for q in quantiles])
        steps = np.sqrt(np.arange(1, horizon + 1))
        return now[..., None, None] + self.spread * steps[:, None] * normal


def walks(n_series, length, seed):
    rng = np.random.default_rng(seed)
    return Panel.from_arrays([rng.normal(size=length).cumsum() for _ in range(n_series)])


def judged(panel, plan, spread=1.0):
    return calibration(backtest(lambda _: WalkOracle(spread), panel, plan), "WalkOracle")


PLANS = [
    (1, 250, Plan(1, 200)),
    (1, 500, Plan(4, 100)),
    (10, 120, Plan(12, 5)),
    (1, 500, Plan(4, 200, step=2)),
]


@pytest.mark.parametrize(("n_series", "length", "plan"), PLANS)
def test_a_perfect_forecaster_is_found_perfect(n_series, length, plan):
    """Its histogram is called uneven about as rarely as promised, and 95 % intervals hold the nominal share as often,
    although the outcomes of one forecast go wrong together."""
    found = [judged(walks(n_series, length, seed), plan) for seed in range(150)]
    assert np.mean([one.p_value < 0.05 for one in found]) < 0.1
    held = [np.mean((one.lower <= one.quantiles) & (one.quantiles <= one.upper)) for one in found]
    assert 0.91 < np.mean(held) <= 1
    np.testing.assert_allclose(np.mean([one.density for one in found], axis=0), 1, atol=0.12)


@pytest.mark.parametrize(("spread", "ends_higher"), [(0.5, True), (2.0, False)])
def test_wrong_widths_are_found_out(spread, ends_higher):
    """Intervals that are too narrow make the ends of the histogram high, too wide ones low, and the test rejects."""
    found = judged(walks(5, 300, 0), Plan(2, 100), spread)
    assert found.p_value < 1e-6
    assert (found.density[0] > 1) == ends_higher
    assert (found.observed[1] > found.quantiles[1]) == ends_higher
    assert not found.lower[1] <= found.quantiles[1] <= found.upper[1]


def test_shares_are_counts():
    """Without ties the share of a quantile is that of the outcomes below it, and of an interval its coverage."""
    result = backtest(Naive(), walks(3, 80, 1), Plan(4, 5))
    found = calibration(result, "Naive")
    said = result.outcomes("Naive")
    for q, share in zip(found.quantiles, found.observed, strict=True):
        assert share == pytest.approx(np.mean(result.actual < said.at(q)))
    inside = found.observed[found.quantiles == 0.9] - found.observed[found.quantiles == 0.1]
    assert 100 * inside[0] == pytest.approx(scoreboard(result)["Naive"].overall["coverage-80"])
    np.testing.assert_allclose(found.shares.sum(), 1)
    np.testing.assert_allclose(np.cumsum(found.shares)[:-1], found.observed)


def test_ties_are_shared_out():
    """Where every quantile is the outcome, as in series that are always 0, the histogram is flat."""
    zeros = Panel.from_arrays([np.zeros(60)] * 4)
    found = calibration(backtest(Naive(), zeros, Plan(2, 10)), "Naive")
    np.testing.assert_allclose(found.density, 1)
    np.testing.assert_allclose(found.observed, found.quantiles)
    assert found.p_value > 0.99


@pytest.mark.parametrize(("mean", "told", "uneven"), [(0.5, 0.5, False), (3, 3, False), (3, 1, True), (0.5, 3, True)])
def test_counts_are_judged_by_what_quantiles_promise(mean, told, uneven):
    """Forecasts of counts that are perfect are called uneven no more often than promised, and wrong ones are."""
    rng, quantiles = np.random.default_rng(0), np.array([0.1, 0.25, 0.5, 0.75, 0.9])
    said, found = poisson.ppf(quantiles, told), []
    for _ in range(60):
        actual = rng.poisson(mean, 200).astype(np.float64)
        below = _below(actual, np.broadcast_to(said, (200, 5)), quantiles)
        found.append(_flatness(_by_cluster(below, np.arange(200)), np.diff(quantiles, prepend=0, append=1))[1])
    assert np.mean(np.array(found) < 0.05) > 0.9 if uneven else np.mean(np.array(found) < 0.05) < 0.1


def test_outcomes_that_go_together_count_less():
    """Copies of a step within a forecast say nothing new; of forecasts far apart each counts."""
    far = judged(walks(1, 400, 2), Plan(1, 300))
    near = judged(walks(1, 3000, 2), Plan(20, 100))
    assert far.effective > 0.8 * far.n
    assert near.effective < 0.3 * near.n
    assert (far.clusters, near.clusters) == (300, 100)
    overlapping = judged(walks(2, 200, 2), Plan(10, 20, step=5))
    assert overlapping.clusters == 20


def test_one_forecast_is_one_outcome():
    """With a single cluster nothing is known of what is chance: no p-value, and intervals as of one outcome."""
    found = judged(walks(1, 50, 3), Plan(12))
    assert (found.clusters, found.effective) == (1, 1)
    assert np.isnan(found.p_value)
    assert np.all(found.upper - found.lower > 0.75)


def test_missing_outcomes_do_not_count():
    """Outcomes that were not observed are left out; where none was, nothing can be judged."""
    panel = walks(2, 60, 4)
    mask = panel.mask.copy()
    mask[-3:] = False
    found = calibration(backtest(Naive(), replace(panel, mask=mask), Plan(5, 2)), "Naive")
    assert found.n == 17
    mask[50:60] = mask[-10:] = False
    with pytest.raises(UsageError, match="outcomes must be known for Naive to be judged, but no held-out value was"):
        calibration(backtest(Naive(), replace(panel, mask=mask), Plan(5, 2)), "Naive")


def test_tables_say_what_was_found():
    """A row per quantile, and a row per bin."""
    found = judged(walks(1, 60, 5), Plan(2, 10))
    reliability, bins = found.frame(), found.histogram()
    assert reliability.columns == ["model", "quantile", "observed", "lower", "upper", "n"]
    assert reliability["quantile"].to_list() == found.quantiles.tolist()
    assert bins["expected"].sum() == pytest.approx(1)
    assert bins.height == reliability.height + 1


def test_wrong_questions_are_refused():
    """A model that was not run, and a chance that is none."""
    result = backtest(SeasonalNaive(2), walks(1, 40, 6), Plan(2))
    with pytest.raises(UsageError, match="model must be one of 'SeasonalNaive', but got 'LSTM'"):
        calibration(result, "LSTM")
    with pytest.raises(UsageError, match="alpha must be between 0 and 1, but got 95"):
        calibration(result, "SeasonalNaive", alpha=95)

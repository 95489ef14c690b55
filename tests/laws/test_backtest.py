"""A backtest is aligned: an exact forecaster scores exactly 0, and a forecast of times carries its own times."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foregate.core import Forecast, Panel
from foregate.evaluation import ERRORS, Drift, Plan, backtest, scoreboard


def flat_quantiles(values, quantiles):
    """(…, K) the same number at every quantile."""
    return np.repeat(np.asarray(values, np.float64)[..., None], len(quantiles), axis=-1)


@dataclass
class RampOracle:
    """Exact on a ramp: it goes on by the last difference. `shift` misplaces it by so many steps."""

    shift: int = 0
    name: str = "RampOracle"

    def forecast(self, panel, horizon, quantiles, future=None):
        last = panel.offsets[1:] - 1
        slope = panel.values[last] - panel.values[last - 1]
        steps = np.arange(1, horizon + 1) + self.shift
        values = panel.values[last, None].astype(float) + slope[:, None] * steps
        times = panel.freq.shift(panel.last_times[:, None], np.arange(1, horizon + 1))
        return Forecast(panel.ids, times, panel.last_times, tuple(quantiles), flat_quantiles(values, quantiles))


@dataclass
class TimeOracle:
    """Forecasts the time of each step, in one pass over many origins."""

    shift: int = 0
    name: str = "TimeOracle"

    def forecast(self, panel, horizon, quantiles, future=None):
        raise AssertionError("a model that can forecast many origins in one pass must be asked to")

    def forecast_origins(self, panel, origins, horizon, quantiles):
        now = panel.times[panel.offsets[:-1, None] + origins]
        return flat_quantiles(now[..., None] + np.arange(1, horizon + 1) + self.shift, quantiles)


@dataclass
class LearntTimes:
    """Remembers the last time of each series that it was fitted on; forecasts the time of each step after the panel."""

    known: dict
    name: str = "LearntTimes"

    def forecast(self, panel, horizon, quantiles, future=None):
        assert all(self.known[i] <= t for i, t in zip(panel.ids, panel.last_times, strict=True) if i in self.known)
        times = panel.last_times[:, None] + np.arange(1, horizon + 1)
        return Forecast(panel.ids, times, panel.last_times, tuple(quantiles), flat_quantiles(times, quantiles))


def learn_times(panel):
    return LearntTimes(dict(zip(panel.ids, panel.last_times, strict=True)))


plans = st.builds(
    Plan,
    horizon=st.integers(1, 6),
    n_windows=st.integers(1, 4),
    step=st.none() | st.integers(1, 7),
    gap=st.integers(0, 4),
    refit=st.booleans() | st.integers(1, 3),
)
lengths = st.lists(st.integers(1, 30), min_size=0, max_size=4).map(lambda some: [40, *some])


def ramps(lengths):
    """Series i begins at 100·i and climbs by i + 1; its first row cannot be the only one known."""
    return Panel.from_arrays([100.0 * i + (i + 1) * np.arange(n) for i, n in enumerate(lengths)])


def clocks(lengths):
    """Series whose value is its time."""
    return Panel.from_arrays([np.arange(float(n)) for n in lengths])


@given(lengths, plans)
def test_ramp_oracle_scores_zero(lengths, plan):
    """A forecaster that is exact on a ramp scores exactly 0 on every error, at every step, in every configuration."""
    some = [n for n in lengths if n > plan.reach + 4 * (plan.step or plan.horizon)]  # two rows before every origin
    board = scoreboard(backtest({"plain": RampOracle(), "drift": Drift()}, ramps(some or [60]), plan))
    for score in board.scores:
        assert all(score.overall[error] == 0 for error in ERRORS)
        assert all(np.all(score.by_step[error] == 0) for error in ERRORS)
        assert score.overall["coverage-80"] == 100
        assert score.overall["bias"] == 0


@settings(max_examples=10)
@given(plans, st.sampled_from([-1, 1]))
def test_a_shifted_oracle_is_found_out(plan, shift):
    """The ramp oracle can fail: misplaced by one step it is wrong by one slope everywhere."""
    board = scoreboard(backtest({"plain": RampOracle(shift), "one pass": TimeOracle(shift)}, clocks([60]), plan))
    for score in board.scores:
        assert score.overall["mae"] == 1
        assert score.overall["bias"] == shift


@given(lengths, plans)
def test_every_row_carries_its_own_time(lengths, plan):
    """Where the value is the time, each forecast row is the time of that row, in every configuration and entrance."""
    result = backtest({"one pass": TimeOracle(), "refitted": learn_times}, clocks(lengths), plan)
    present = result.origins >= 0
    assert np.array_equal(result.cutoffs[present], result.origins[present])
    for name in result.models:
        said = result.outcomes(name).at(0.5)
        assert np.array_equal(said[present], result.times[present])
        assert np.array_equal(result.actual[present], result.times[present])
        assert np.all(np.isnan(said[~present]))
        assert np.all(np.isnan(result.actual[~present]))


@given(lengths, plans)
def test_targets_come_after_the_gap(lengths, plan):
    """The targets of an origin are the rows gap + 1 to gap + horizon after it, and the newest end with the series."""
    result = backtest(TimeOracle(), clocks(lengths), plan)
    present = result.origins >= 0
    expected = result.origins[..., None] + plan.gap + np.arange(1, plan.horizon + 1)
    assert np.array_equal(result.times[present], expected[present])
    kept = [n for n in lengths if n > plan.reach]
    assert np.array_equal(result.times[:, -1, -1], np.array(kept) - 1)


@pytest.mark.parametrize(("refit", "fits"), [(False, 1), (True, 5), (2, 3), (5, 1)])
def test_a_fit_never_sees_beyond_its_first_origin(refit, fits):
    """The panel given to a fit ends at the origin of the first window it serves; later rows do not exist in it."""
    plan = Plan(horizon=3, n_windows=5, step=2, gap=1, refit=refit)
    panel, seen = clocks([40, 25, 12, 5]), []

    def fit(known):
        seen.append(known)
        return LearntTimes({})

    result = backtest(fit, panel, plan)
    assert len(seen) == fits
    for known, first in zip(seen, range(0, 5, int(refit) or 5), strict=True):
        present = result.origins[:, first] >= 0
        assert np.array_equal(known.ids, result.ids[present])
        assert np.array_equal(known.last_times, result.cutoffs[present, first])
        assert np.array_equal(known.lengths, result.origins[present, first] + 1)

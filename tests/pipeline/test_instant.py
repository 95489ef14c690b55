"""An instant forecaster works for any panel, learns nothing from it, and reads it once."""

from dataclasses import replace

import numpy as np
import pytest

from foregate.core import Covariate, DataError, Frequency, Panel, UsageError
from foregate.data.inputs import Inputs
from foregate.forecasting.intervals import Calibration
from foregate.forecasting.origins import raw_quantiles
from foregate.persistence import OnnxEngine, load_shipped
from foregate.pipeline.calibration import MOST_JUDGED, calibrated, judged_series, judged_steps, no_calibration
from foregate.pipeline.instant import MOST_HELD_OUT, instant, untold
from foregate.pipeline.plan import hold_out
from foregate.pipeline.recipe import Recipe

QUANTILES = (0.01, 0.1, 0.5, 0.9, 0.99)
START = load_shipped("tiny")


def at_once(panel, horizon=4, season=()):
    return instant(Recipe(horizon, season, "instant"), panel, START)


def wavy(*lengths, seed=0):
    rng = np.random.default_rng(seed)
    return Panel.from_arrays([10 + np.sin(np.arange(n) * np.pi / 2) + rng.normal(0, 0.3, n) for n in lengths])


def odd_panels():
    rng = np.random.default_rng(0)
    holes = 5 + rng.normal(0, 1, 60)
    holes[10:30] = np.nan
    return {
        "three points": [np.array([1.0, 2.0, 1.5])],
        "two points": [np.array([3.0, 4.0])],
        "one point": [np.array([5.0])],
        "a zero": [np.array([0.0])],
        "constant": [np.full(40, 7.0), np.full(3, -3.0)],
        "all zeros": [np.zeros(40), np.zeros(2)],
        "intermittent": [rng.poisson(0.2, 80).astype(float), rng.poisson(0.5, 9).astype(float)],
        "negative": [-5 + rng.normal(0, 1, 50), rng.normal(0, 1, 5)],
        "gaps": [holes, np.r_[np.full(40, np.nan), 5.0, 6.0, 5.5], np.r_[1.0, np.full(30, np.nan)]],
        "very large and very small": [1e9 * (5 + rng.normal(0, 1, 60)), 1e-6 * (5 + rng.normal(0, 1, 60))],
        "falls to zero": [np.r_[50 + rng.normal(0, 1, 40), np.zeros(20)]],
        "a spike": [np.where(np.arange(60) == 30, 1e9, 5.0)],
    }


@pytest.mark.parametrize("horizon", [1, 9, 100])
@pytest.mark.parametrize("season", [(), (4,), (3, 12), None])
@pytest.mark.parametrize("name", odd_panels())
def test_any_panel_is_forecast(name, season, horizon):
    """Whatever the series are like and however far: finite quantiles that do not cross; constants stay constant."""
    panel = Panel.from_arrays(odd_panels()[name])
    said = at_once(panel, horizon, season)[0].forecast(panel, horizon, QUANTILES).values
    assert np.all(np.isfinite(said))
    assert np.all(np.diff(said, axis=-1) >= 0)
    for i, values in enumerate(odd_panels()[name]):
        if np.nanmin(values) >= 0:
            assert np.all(said[i] >= 0)
        if np.nanmin(values) == np.nanmax(values) and np.sum(~np.isnan(values)) > 2:
            np.testing.assert_allclose(said[i], values[0], rtol=1e-6)


def test_what_is_known_of_little_is_wide():
    """A single point is forecast by itself, the wider the further ahead, and by the simple rule, which is said."""
    panel = Panel.from_arrays([np.array([5.0])])
    fitted, report = at_once(panel, 9)
    low, median, high = np.moveaxis(fitted.forecast(panel, 9, (0.1, 0.5, 0.9)).values[0], -1, 0)
    np.testing.assert_allclose(median, 5)
    assert np.all(np.diff(high - low) > 0)
    assert (high - low)[0] > 1
    assert any("last value" in note for note in report.notes)


def test_weights_are_those_of_the_package():
    """Nothing is trained: the engine is that of the start, whatever the panel."""
    fitted, report = at_once(wavy(60, 45))
    assert fitted.engine is START.engine
    assert report.start == START.label
    assert (report.training.steps, report.finish_steps, report.trust) == (0, 0, 0)
    assert report.parameters == sum(value.size for value in START.weights.values())


def test_seasons_are_found_when_not_given():
    """Those of the data, or those of the recipe."""
    day = 10 + 5 * np.sin(2 * np.pi * np.arange(240) / 12)
    panel = Panel.from_arrays([day + np.random.default_rng(i).normal(0, 0.1, 240) for i in range(3)])
    assert at_once(panel, season=None)[1].seasons[:1] == (12,)
    assert at_once(panel, season=(7,))[1].seasons == (7,)


def test_the_panel_is_read_once():
    """Calibration and forecast share one pass of the encoder; the answer is that of a pass of its own."""
    panel = wavy(60, 45, 9)
    read = []

    class Counting(OnnxEngine):
        def encode(self, features, columns, carried=None):
            read.append(features.shape[:2])
            return super().encode(features, columns, carried)

    fitted, _ = instant(Recipe(4, (), "instant"), panel, replace(START, engine=Counting(START.engine.network)))
    said = fitted.forecast(panel, 4, QUANTILES).values
    assert len(read) <= 3, "a batch per length at most"
    once = len(read)
    again = fitted.forecast(replace(panel), 4, QUANTILES).values
    assert len(read) > once
    np.testing.assert_allclose(said, again, rtol=1e-5)


def test_intervals_follow_the_past():
    """An engine whose intervals are half as wide ends with factors that are larger, and nearly the same intervals."""

    class Narrow(OnnxEngine):
        def decode(self, *arrays):
            said = super().decode(*arrays)
            median = said[..., said.shape[-1] // 2, None]
            return median + (said - median) / 2

    panel = wavy(*([60] * 30))
    recipe = Recipe(4, (4,), "instant")
    starts = START, replace(START, engine=Narrow(START.engine.network))
    usual, narrow = (instant(recipe, panel, start)[0] for start in starts)
    assert np.all(narrow.calibration.factors[:, 0] > 1.2 * usual.calibration.factors[:, 0])
    width, again = (np.ptp(each.forecast(panel, 4, (0.1, 0.9)).values, -1).mean() for each in (usual, narrow))
    assert 0.7 * width < again < 1.1 * width


def test_coverage_comes_near_what_is_promised():
    """On noise around a level the calibrated 80 % interval of new series of the kind holds about 80 %."""
    rng = np.random.default_rng(1)
    values = 50 + rng.normal(0, 3, (200, 84))
    panel = Panel.from_arrays(list(values[:, :80]))
    low, high = np.moveaxis(at_once(panel)[0].forecast(panel, 4, (0.1, 0.9)).values, -1, 0)
    covered = np.mean((values[:, 80:] >= low) & (values[:, 80:] <= high))
    assert 0.72 < covered < 0.88


def test_half_of_the_past_is_judged():
    """The network is asked at every row of the last half of a series that its horizon still has outcomes for."""
    asked = []

    class Listening(OnnxEngine):
        def decode(self, states, *arrays):
            asked.append(len(states))
            return super().decode(states, *arrays)

    instant(Recipe(4, (), "instant"), wavy(100), replace(START, engine=Listening(START.engine.network)))
    assert sum(asked) == 47, "from row 50 on, as far as four steps are known"


def test_without_a_past_intervals_are_the_networks_own():
    """Series too short to hold anything out leave the quantiles as they are, and it is said."""
    fitted, report = at_once(wavy(6, 5))
    np.testing.assert_array_equal(fitted.calibration.factors, no_calibration().factors)
    assert any("they are the network's own" in note for note in report.notes)
    assert report.held_out == 0


def test_of_many_series_some_are_judged():
    """A large panel is calibrated on a sample; each of its series is forecast as it would be with that calibration."""
    n = MOST_JUDGED + 88
    panel = wavy(*([30] * n))
    fitted, report = at_once(panel)
    assert report.held_out == MOST_JUDGED
    said = fitted.forecast(panel, 4, QUANTILES).values
    assert said.shape == (n, 4, len(QUANTILES))
    np.testing.assert_allclose(said[:5], fitted.forecast(panel.take(range(5)), 4, QUANTILES).values, rtol=1e-5)
    mostly_short = wavy(*([3] * n), 60, 60)
    fitted, report = at_once(mostly_short)
    assert report.held_out == 2
    alone, _ = at_once(mostly_short.take([n, n + 1]))
    np.testing.assert_allclose(fitted.calibration.factors, alone.calibration.factors, rtol=1e-4)
    assert at_once(wavy(*([3] * n)))[1].held_out == 0


def test_long_horizons_are_judged_at_some_steps():
    """Every step has a factor, though only some were looked at."""
    fitted, _ = at_once(wavy(900, 800), 200)
    assert fitted.calibration.factors.shape == (200, len(START.shape.levels))
    assert len(np.unique(fitted.calibration.factors[:, 0])) <= 48


def test_covariates_are_not_read():
    """They change nothing, and the notes say so."""
    panel = wavy(60, 40)
    priced = replace(panel, covariates={"price": Covariate("past", np.ones(100, np.float32))})
    (plain, _), (fitted, report) = at_once(panel), at_once(priced)
    np.testing.assert_array_equal(
        fitted.forecast(priced, 4, QUANTILES).values, plain.forecast(panel, 4, QUANTILES).values
    )
    assert any("covariates 'price' are not read by an instant forecaster" in note for note in report.notes)


def test_what_cannot_be_done_is_refused():
    """Uneven panels, and other sizes than those of the weights."""
    with pytest.raises(DataError, match="must be evenly spaced"):
        at_once(replace(wavy(20), freq=None))
    for other in ({"hidden": START.shape.hidden + 1}, {"recent": START.recent + 1}):
        with pytest.raises(UsageError, match="must be those of the pretrained weights"):
            instant(Recipe(4, (), "instant", **other), wavy(20), START)


@pytest.mark.parametrize(("freq", "usual"), [("h", (24, 168)), ("MS", (12, 1)), (1, (1, 1))])
def test_of_what_is_not_known_yet_the_usual_seasons_are_taken(freq, usual):
    """Those that go with the frequency, unless the recipe says others."""
    assert untold(Recipe(4, None, "instant"), Frequency.parse(freq), START).spec.seasons == usual
    assert untold(Recipe(4, (5,), "instant"), Frequency.parse(freq), START).spec.seasons == (5, 1)
    assert untold(Recipe(4, (), "instant"), Frequency.parse(freq), START).spec.seasons == (1, 1)


def test_a_step_of_the_calendar_is_no_matter():
    """The same values as months or as steps are forecast alike."""
    panel = wavy(60)
    monthly = Panel.from_arrays([panel.series(0)], freq=Frequency.parse("MS"))
    one, other = (at_once(each)[0].forecast(each, 4, QUANTILES).values for each in (panel, monthly))
    np.testing.assert_array_equal(one, other)
    assert isinstance(at_once(panel)[0].calibration, Calibration)


def test_calibration_is_that_of_a_pass_of_its_own():
    """Sharing the pass with the forecast changes nothing: every held-out origin counts, from what was known there."""
    panel, horizon = wavy(60, 45, 9, 80), 4
    fitted, _ = at_once(panel, horizon)
    held = hold_out(panel, horizon, 1, MOST_HELD_OUT)
    inputs = Inputs(panel, fitted.spec)
    said = raw_quantiles(START.engine, inputs, held.origins, judged_steps(horizon))
    alone = calibrated(inputs, held, judged_series(held), horizon, ((rows, raw) for _, _, rows, raw in said))
    np.testing.assert_allclose(fitted.calibration.factors, alone.factors, rtol=1e-4)

"""The time of day, week and year is told where it can be known, and is the same however a row is come to."""

import numpy as np
import pytest
import torch

from foregate import Forecaster, load
from foregate.core import ForegateError, ModelError, Panel, UsageError
from foregate.data.clock import YEAR, Clock
from foregate.persistence import load_shipped
from foregate.pipeline.fit import fit
from foregate.pipeline.instant import instant
from foregate.pipeline.recipe import Recipe
from foregate.streaming import Live

LEVELS = (0.1, 0.5, 0.9)
SMALL = {"steps": 3, "hidden": 6, "decoder": 5, "batch": 8, "crop": 40, "start": "scratch"}
DAYS = 1000


def days(*lengths, start="2020-03-01", freq="D"):
    rng = np.random.default_rng(3)
    year, week = (lambda n, days=days: np.sin(2 * np.pi * np.arange(n) / days) for days in (365.2425, 7))
    values = [50 + 10 * year(n) + week(n) + rng.normal(0, 1, n) for n in lengths]
    return Panel.from_arrays(values, freq=freq, start=0 if freq == 1 else np.datetime64(start, "us"))


def recipe(**changes):
    return Recipe(9, (7,), **{**SMALL, **changes})


def shaken(fitted):
    """Weights that look at everything; after three steps they would still look at next to nothing."""
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in fitted.engine.network.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=rng))
    return fitted


@pytest.fixture(scope="module")
def told():
    return shaken(fit(recipe(), days(DAYS, DAYS + 30))[0])


@pytest.mark.parametrize(
    ("panel", "asked", "longest"),
    [
        (days(DAYS), None, YEAR),
        (days(DAYS), False, 0),
        (days(330), None, YEAR),
        (days(320), None, 7),
        (days(300), True, YEAR),
        (days(DAYS, freq=1), None, 0),
        (days(DAYS, freq="MS"), None, 0),
        (days(DAYS, freq="W"), None, YEAR),
        (days(DAYS, freq="B"), None, YEAR),
        (days(DAYS, freq="h"), None, 7),
        (days(DAYS, 0, 0), None, YEAR),
    ],
)
def test_cycles_that_were_seen_are_told(panel, asked, longest):
    """By most series, nine tenths of each, and where it is asked for; never in whole numbers or months."""
    assert max(fit(recipe(clock=asked), panel)[0].spec.clock.cycles, default=0) == longest


def test_a_year_that_is_a_season_already_is_not_told_twice():
    """Weeks of a yearly season."""
    assert not fit(Recipe(9, (52,), **SMALL), days(DAYS, freq="W"))[0].spec.clock


@pytest.mark.parametrize("freq", [1, "MS"])
def test_what_has_no_time_is_refused(freq):
    """Whole numbers and months, where it is asked for."""
    with pytest.raises(UsageError, match=r"clock must be None or False for a step of .*, but got True\. Leave it out"):
        fit(recipe(clock=True), days(DAYS, freq=freq))


def test_forecasts_depend_on_it(told):
    """The same values half a year later are forecast otherwise, a year later the same."""
    now, half, ages = (
        told.forecast(days(400, start=start), 9, LEVELS).values for start in ("2020-03-01", "2020-09-01", "2420-03-01")
    )
    assert np.abs(half - now).max() > 100 * np.abs(ages - now).max()  # four centuries are whole weeks


def test_live_is_batch(told):
    """Warmed up or row by row, forked, restored, with a series that appears: the forecast is that of one pass."""
    panel = days(120, 90)
    whole = told.forecast(panel, 9, LEVELS).values
    live = Live.start(told, panel.cut(np.array([100, 60])))
    for i in range(30):
        rows = [
            {"unique_id": name, "ds": panel.times[row], "y": float(panel.values[row])}
            for name, row, end in ((panel.ids[0], 100 + i, 120), (panel.ids[1], 120 + 60 + i, 210))
            if row < end
        ]
        live.update(rows)
    live = Live.restore(told, live.fork().snapshot())
    np.testing.assert_allclose(live.forecast(9, quantiles=LEVELS).values, whole, rtol=1e-5)
    anew = Live(told, freq="D")
    anew.update(panel)
    np.testing.assert_allclose(anew.forecast(9, quantiles=LEVELS).values, whole, rtol=1e-5)


def test_live_steps_are_those_of_the_model(told):
    """Of another length, time would go by at another speed."""
    for freq in (1, "h"):
        with pytest.raises(ModelError, match=r"freq must be as long as the step of the model, 1 days"):
            Live(told, freq=freq)


def test_a_run_on_other_dates_is_not_gone_on_with(tmp_path):
    """Checkpoints of the same values at other times of the year are of another run."""

    def stop(event):
        if event.step == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(recipe(steps=10), days(DAYS), callbacks=[stop], checkpoint=tmp_path)
    with pytest.raises(ForegateError, match="must be"):
        fit(recipe(steps=10), days(DAYS, start="2020-09-01"), checkpoint=tmp_path)


def test_large_panels_are_told_the_same(told, monkeypatch):
    """To the bit."""
    panel = days(300, 200)
    whole = told.forecast(panel, 9, LEVELS).values
    monkeypatch.setattr("foregate.data.inputs.ROWS_KEPT", 0)
    monkeypatch.setattr("foregate.data.stretches.LEAST_APART", 16)
    np.testing.assert_array_equal(told.forecast(panel, 9, LEVELS).values, whole)


@pytest.mark.parametrize("label", ["recursive+draws=20", "seq2seq", "patched+lookback=30", "direct"])
def test_every_kind_of_network_can_be_told(label):
    """However steps are written, and however the past is read; live is batch."""
    model = Forecaster(9, season_length=7, model=label, options=SMALL, verbose=False).fit(days(DAYS))
    assert model.fitted_.spec.clock
    live = Live.start(shaken(model.fitted_), days(150))
    said = live.forecast(9, quantiles=LEVELS).values
    assert np.isfinite(said).all()
    if not label.startswith("recursive"):  # whose futures are drawn
        np.testing.assert_allclose(said, model.fitted_.forecast(days(150), 9, LEVELS).values, rtol=1e-5)


def test_it_is_saved(told, tmp_path):
    """A model that was saved says the same by torch and by ONNX Runtime."""
    panel = days(DAYS)
    model = Forecaster(9, season_length=7, options=SMALL, verbose=False).fit(panel)
    shaken(model.fitted_)
    model.save(tmp_path / "m")
    for runtime in ("torch", "onnx"):
        again = load(tmp_path / "m", runtime=runtime)
        np.testing.assert_allclose(again.forecast().values, model.forecast().values, rtol=1e-5)


def test_pretrained_weights_begin_without_it():
    """What the time adds is nothing before it is learnt: with a rate of nearly 0, forecasts are the instant ones."""
    panel, start = days(DAYS), load_shipped("tiny")
    begun = {"start": "pretrained", "hidden": None, "decoder": None, "rate": 1e-9, "members": 1, "validate": False}
    fitted, _ = fit(recipe(**begun), panel, start=start)
    at_once, _ = instant(Recipe(9, (7,), "instant"), panel, start)
    assert fitted.engine.network.spec.n_features == start.shape.n_features + Clock.of(1.0, YEAR).width
    one, other = (each.forecast(panel, 9, (0.5,)).values for each in (fitted, at_once))
    np.testing.assert_allclose(one, other, rtol=1e-3)


@pytest.mark.slow
def test_what_is_told_is_learnt():
    """Half a year ahead, a series of nothing but years is forecast better with the year than without."""
    panel = days(1400)
    errors = {}
    for clock in (True, False):
        sizes = {**SMALL, "steps": 60, "hidden": 16, "decoder": 16, "crop": 100, "clock": clock}
        fitted, _ = fit(Recipe(180, (7,), **sizes), panel.cut(np.array([1220])))
        said = fitted.forecast(panel.cut(np.array([1220])), 180, (0.5,)).values[0, :, 0]
        errors[clock] = np.abs(said - panel.values[1220:]).mean()
    assert errors[True] < 0.7 * errors[False]

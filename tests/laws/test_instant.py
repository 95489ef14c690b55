"""The pretrained LSTM obeys the laws of every model without being trained, through the pipeline and the forecaster."""

import numpy as np
import pytest

from foregate.core import Panel
from foregate.forecaster import Forecaster
from foregate.persistence import Artifact, load_model, load_shipped, save_model
from foregate.persistence.shipped import shipped_sizes
from foregate.pipeline.fit import fit
from foregate.pipeline.instant import instant
from foregate.pipeline.recipe import Recipe
from tests.laws.battery import HORIZON, LAWS, QUANTILES, SEASON, Subject, lively, name_of, troubled

ROUNDING = {"rtol": 1e-5, "units_rtol": 1e-4}
"""Batches of other sizes round otherwise, and so do values in other units."""


def at_once(size):
    def ready(panel):
        return instant(Recipe(HORIZON, (SEASON,), "instant"), panel, load_shipped(size))[0]

    return ready


def by_forecaster(panel):
    """What people use; seasons are found."""
    return Forecaster.pretrained(HORIZON).fit(panel).fitted_


def tuned(panel):
    """Trained for a few steps from the pretrained weights."""
    recipe = Recipe(HORIZON, (SEASON,), steps=3, crop=20, batch=8)
    return fit(recipe, panel, start=load_shipped("tiny"))[0]


@pytest.mark.parametrize("law", LAWS, ids=name_of)
@pytest.mark.parametrize("panel", [lively, troubled], ids=name_of)
@pytest.mark.parametrize("size", shipped_sizes())
def test_an_instant_forecaster_obeys(law, panel, size):
    """With each size that is shipped, on usual series and on troubled ones, with covariates beside."""
    law(Subject("LSTM-instant", at_once(size), panel=panel, **ROUNDING))


@pytest.mark.parametrize("law", LAWS, ids=name_of)
def test_an_instant_forecaster_of_the_public_interface_obeys(law):
    """What `Forecaster.pretrained` has fitted obeys every law."""
    law(Subject("LSTM-instant", by_forecaster, **ROUNDING))


@pytest.mark.parametrize("law", LAWS, ids=name_of)
def test_a_tuned_forecaster_obeys(law):
    """Fitted from the pretrained weights, the LSTM obeys every law."""
    law(Subject("LSTM", tuned, **ROUNDING))


@pytest.mark.parametrize("size", shipped_sizes())
def test_the_newest_datum_counts(size):
    """Another last observation is another first step, in every series that is not constant."""
    panel = lively(with_missing=False)
    ends = panel.offsets[1:] - 1
    values = panel.values.copy()
    values[ends] *= 1.01
    moved = Panel(panel.ids, panel.offsets, values, panel.mask, panel.times, panel.freq)
    fitted = at_once(size)(panel)
    before, after = (fitted.forecast(each, HORIZON, QUANTILES).values[:, 0] for each in (panel, moved))
    assert np.all(before != after)


@pytest.mark.parametrize("horizon", [1, 6, 720])
def test_saved_is_loaded(tmp_path, horizon):
    """Saved and loaded, an instant forecaster says the same to the bit of its own series, and by torch within 1e-5."""
    panel = lively()
    recipe = Recipe(HORIZON, (SEASON,), "instant")
    fitted, report = instant(recipe, panel, load_shipped("tiny"))
    save_model(tmp_path / "model", Artifact(fitted, recipe, panel, report.facts()))
    before = fitted.forecast(panel, horizon, QUANTILES).values
    np.testing.assert_array_equal(
        load_model(tmp_path / "model").fitted.forecast(panel, horizon, QUANTILES).values, before
    )
    by_torch = load_model(tmp_path / "model", runtime="torch").fitted.forecast(panel, horizon, QUANTILES).values
    size = np.abs(before).max((1, 2), keepdims=True)
    assert np.all(np.abs(by_torch - before) <= 1e-5 * size)

"""The LSTM obeys the laws of every model, fitted through the pipeline and through the forecaster."""

import pytest

from foregate.pipeline.fit import fit
from foregate.pipeline.recipe import Recipe
from tests.laws.battery import HORIZON, LAWS, SEASON, Subject, anything_gets_a_forecast, name_of, troubled

SMALL = {"steps": 3, "hidden": 8, "decoder": 8, "crop": 20, "batch": 8}
ROUNDING = {"rtol": 1e-5, "units_rtol": 1e-4}
"""Batches of other sizes round otherwise, and so do values in other units, before three steps of training."""


def fitted(**changes):
    def small_fit(panel):
        return fit(Recipe(HORIZON, (SEASON,), **SMALL, **changes), panel)[0]

    return small_fit


def by_forecaster(panel):
    """What people use."""
    from foregate.forecaster import Forecaster

    return Forecaster(HORIZON, season_length=SEASON, options=SMALL, verbose=False).fit(panel).fitted_


@pytest.mark.parametrize("law", LAWS, ids=name_of)
@pytest.mark.parametrize("validate", [True, False])
def test_a_fitted_model_obeys(law, validate):
    """Fitted with and without validation, the LSTM obeys every law."""
    law(Subject("LSTM", fitted(validate=validate), **ROUNDING))


@pytest.mark.parametrize("law", LAWS, ids=name_of)
def test_a_forecaster_obeys(law):
    """What a forecaster has fitted obeys every law."""
    law(Subject("LSTM", by_forecaster, **ROUNDING))


@pytest.mark.parametrize("law", [law for law in LAWS if law is not anything_gets_a_forecast], ids=name_of)
def test_a_model_of_troubled_series_obeys(law):
    """On negative and intermittent series, one that falls to zero, and with covariates, the laws hold as well."""
    law(Subject("LSTM", fitted(), panel=troubled, **ROUNDING))

"""Laws of `foregate.tuning.suggestion`."""

import json

from foregate.tuning import suggest
from tests.tuning.materials import weekly


def test_a_suggestion_is_numbers_and_tables():
    """Every way has its table, and all of it is JSON without anything that JSON does not know."""
    found = suggest(weekly(), 7, train=False)
    frames = found.frames()
    assert list(frames) == [
        "autocorrelation",
        "partial_autocorrelation",
        "mutual_information",
        "seasonality",
        "lengths",
        "lookbacks",
        "settings",
    ]
    assert frames["mutual_information"]["lag"].to_list() == found.lags.mutual.lags.tolist()
    assert frames["lookbacks"].height == 0
    document = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert document["lookback"] == found.lookback
    assert document["mutual_information"][0]["low"] is None


def test_the_forecaster_has_what_is_suggested():
    """Horizon, model, seasons, seed and options are those of the suggestion."""
    found = suggest(weekly(), 7, train=False, seed=3)
    assert repr(found.forecaster()) == "Forecaster(horizon=7, season_length=(7,), seed=3)"

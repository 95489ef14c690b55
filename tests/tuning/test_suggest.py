"""Laws of `foregate.tuning.suggest`."""

from dataclasses import replace

import numpy as np
import pytest

import foregate
from foregate import DataError, UsageError
from foregate.core import Panel
from foregate.tuning import lookbacks, suggest
from foregate.tuning import rates as tested
from foregate.tuning.lookbacks import CARRIED, LookbackScore
from foregate.tuning.suggest import Asked, _decided, look
from tests.tuning.materials import noisy, weekly


@pytest.fixture
def tiny(monkeypatch):
    """Small networks, and a short range test of few crops."""
    small = {"hidden": 4, "decoder": 4, "steps": 3, "batch": 8, "crop": 20}
    monkeypatch.setattr(lookbacks, "SMALL", lookbacks.SMALL | small)
    monkeypatch.setattr(tested, "MOST_CROPS", 2)
    monkeypatch.setattr(tested.rate_curve, "__kwdefaults__", {"start": None, "steps": 20})


def test_the_public_name_is_this_one():
    """`foregate.suggest` is the function of this layer."""
    assert foregate.suggest is suggest


def test_the_test_part_is_never_read(tiny):
    """Whatever the rows at the end of the series are, or whether they are there: the same suggestion, to the bit."""
    panel = weekly(series=2, rows=110)
    last = np.arange(len(panel.values)) >= np.repeat(panel.offsets[1:] - 7, panel.lengths)
    other = replace(panel, values=np.where(last, 1e6, panel.values).astype(np.float32))
    one, two, three = (
        suggest(data, 7, test=rows).to_dict()
        for data, rows in ((panel, 7), (other, 7), (panel.cut(panel.lengths - 7), 0))
    )
    assert one["lookbacks"]
    assert one["rates"]
    for each in (one, two, three):
        del each["held_back"]
        for row in each["lookbacks"]:
            del row["seconds"]
    assert one == two == three


def test_noise_is_told_that_no_lag_matters():
    """The reason says so, and nothing differs from what a fit decides."""
    found = suggest(noisy(), 5, train=False)
    assert "no lag matters" in found.reason
    assert (found.model, found.options, found.seasons) == (None, {}, ())


def test_without_training_nothing_is_trained():
    """No scores and no range test, and the universal network is suggested, which needs no length."""
    found = suggest(weekly(), 7, train=False)
    assert (found.scores, found.rates, found.model) == ((), None, None)
    assert found.lookback >= 14
    assert "needs no length" in found.reason


def test_a_window_is_suggested_where_it_is_better():
    """Then the model has that window; where the carried state is as good, it is told what the windows scored."""
    window, carried = LookbackScore("96 rows", 96, 0.5, 0, 0, 9, 1), LookbackScore(CARRIED, None, 0.7, 0.2, 0.1, 9, 1)
    rows, windowed, reason = _decided(48, "seasonality asks for 48 rows", (24,), (window, carried))
    assert (rows, windowed) == (96, True)
    assert "better than a carried state (0.5 against 0.7 MASE" in reason
    rows, windowed, reason = _decided(48, "so", (24,), (window, replace(carried, doubt=0.3)))
    assert (rows, windowed) == (48, False)
    assert "96 rows did best (0.5 against 0.7 MASE)" in reason


def test_a_suggested_window_comes_with_sizes(tiny, monkeypatch):
    """A window means a network from scratch: of little data a small one with dropout, and a forecaster that fits."""
    best = LookbackScore("10 rows", 10, 0.5, 0, 0, 9, 1)
    behind = LookbackScore(CARRIED, None, 0.9, 0.4, 0.1, 9, 1)
    import importlib

    module = importlib.import_module("foregate.tuning.suggest")
    monkeypatch.setattr(module, "try_lookbacks", lambda *given: ((best, behind), ()))
    found = suggest(weekly(series=2, rows=80), 7)
    assert found.model == "patched+lookback=10+dropout=0.1"
    assert found.options["hidden"] == 24
    model = found.forecaster()
    assert model.model == found.model
    assert model.set_params(options=dict(found.options) | {"steps": 2}, effort="fast", verbose=False).fit(weekly(2, 80))


def test_short_data_goes_by_custom():
    """Nine weeks: nothing to look at, and custom says so."""
    found = suggest(Panel.from_arrays([np.arange(9.0)], freq="W"), 2, train=False)
    assert found.lags is None
    assert any("custom" in way.reason for way in found.ways)
    assert found.frames()["lengths"].height == len(found.ways)


def test_given_seasons_are_taken():
    """They are not looked for."""
    found = suggest(noisy(), 5, season_length=6, train=False)
    assert found.seasons == (6,)
    assert suggest(weekly(), 5, season_length=1, train=False).seasons == ()


def test_it_is_told_what_is_done():
    """Whoever waits hears what for."""
    said = []
    look(weekly(), Asked(7, train=False), said.append)
    assert said == ["looking for seasons", "looking at lags"]


def test_wrong_arguments_are_refused():
    """Each with what it must be; a test part that leaves nothing is a problem of the data."""
    panel = weekly()
    for given, message in (
        ({"horizon": 0}, "horizon must be a whole number"),
        ({"horizon": 7, "test": -1}, "test must be a whole number"),
        ({"horizon": 7, "budget": 0}, "budget must be seconds above 0"),
        ({"horizon": 7, "train": 1}, "train must be True or False"),
        ({"horizon": 7, "season_length": (7, 2)}, "season_length must be at most two"),
    ):
        with pytest.raises(UsageError, match=message):
            suggest(panel, **given)
    with pytest.raises(DataError, match="before its last 150 rows, which are held back"):
        suggest(panel, 7, test=150)

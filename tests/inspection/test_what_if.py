"""What would be, if what is known of the future were otherwise."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from foregate import Forecaster
from foregate.core import Covariate, DataError, Panel, UsageError
from foregate.data import generate
from foregate.inspection.what_if import what_if

K = 3


@pytest.fixture(scope="module")
def model():
    """A forecaster of two series that fall as their price rises, and know their day."""
    rng, n = np.random.default_rng(0), 90
    price = rng.uniform(4, 8, 2 * n).astype(np.float32)
    panel = Panel.from_arrays(list((60 - 4 * price).reshape(2, n)))
    day = (np.arange(2 * n) % 2).astype(np.float32)
    panel = replace(
        panel, covariates={"price": Covariate("future", price), "day": Covariate("future", day, ("work", "feast"))}
    )
    options = {"hidden": 8, "start": "scratch", "members": 1, "steps": 60, "rate": 2e-2, "batch": 16, "crop": 40}
    return Forecaster(K, season_length=12, options=options, verbose=False).fit(panel)


def ahead(price=6.0, days=("work", "feast", "work")):
    """The next three steps of both series."""
    return pl.DataFrame(
        {
            "unique_id": ["s0"] * K + ["s1"] * K,
            "ds": [90, 91, 92] * 2,
            "price": [price] * (2 * K),
            "day": list(days) * 2,
        }
    )


def test_no_change_makes_no_difference(model):
    """A move by nothing leaves every forecast to the bit, which is that of predict."""
    found = what_if(model, None, {"price": "+0"}, future=ahead())
    assert not found.difference.any()
    np.testing.assert_array_equal(found.as_is.quantile(0.5), model.forecast(future=ahead()).quantile(0.5))


def test_a_change_is_what_predict_says_of_the_changed_table(model):
    """A price 10 % lower is forecast as a table with that price would be, whichever way it is said."""
    lower = model.forecast(future=ahead(5.4)).quantile(0.5)
    for change in ("-10%", "-0.6", 5.4, np.full((2, K), 5.4), [5.4] * K):
        found = what_if(model, None, {"price": change}, future=ahead())
        np.testing.assert_allclose(found.changed.quantile(0.5), lower, rtol=1e-5)


def test_the_sign_is_that_of_the_data(model):
    """Where the series fall as the price rises, a lower price raises them, and the table says by how many percent."""
    found = what_if(model, None, {"price": "-20%"}, future=ahead())
    assert (found.difference > 0).all()
    frame = found.frame()
    np.testing.assert_allclose(frame["percent"], 100 * frame["difference"] / frame["as_is"])
    assert frame["step"].to_list() == [1, 2, 3] * 2


def test_a_category_takes_the_place_of_all(model):
    """Every day becomes the one that is named."""
    found = what_if(model, None, {"day": "feast"}, future=ahead())
    every = model.forecast(future=ahead(days=("feast",) * 3)).quantile(0.5)
    np.testing.assert_array_equal(found.changed.quantile(0.5), every)


def test_what_was_never_seen_is_said(model):
    """A price far outside of the past is forecast, and the notes say that it was never learnt."""
    assert not what_if(model, None, {"price": 5.0}, future=ahead()).notes
    (note,) = what_if(model, None, {"price": "+50"}, future=ahead()).notes
    assert "6 of 6 changed values of 'price' lie outside of 4" in note


def test_wrong_changes_are_refused(model):
    """Unknown covariates, words that are no moves, wrong shapes, and models without a known future."""
    with pytest.raises(UsageError, match="must be of known-future covariates, 'day', 'price', but got 'cost'"):
        what_if(model, None, {"cost": 1.0}, future=ahead())
    with pytest.raises(UsageError, match="must be a move such as '-10%'"):
        what_if(model, None, {"price": "cheap"}, future=ahead())
    with pytest.raises(UsageError, match="one of its categories, 'work', 'feast', but got 'monday'"):
        what_if(model, None, {"day": "monday"}, future=ahead())
    with pytest.raises(DataError, match=r"must be one, 3 by step or \(2, 3\) by series and step"):
        what_if(model, None, {"price": np.ones(5)}, future=ahead())
    with pytest.raises(DataError, match="must be given for the 3 steps"):
        what_if(model, None, {"price": "-10%"})
    plain = Forecaster(K, season_length=12, options={"steps": 2, "hidden": 8}, verbose=False).fit(generate(1, 60))
    with pytest.raises(UsageError, match="reads none"):
        what_if(plain, None, {"price": "-10%"})

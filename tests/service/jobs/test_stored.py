"""Stored observations as a panel."""

import numpy as np
import pytest
from sqlalchemy import func, update

from foregate import DataError
from foregate.core import Frequency
from foregate.service.jobs.stored import keep, kept, series_of, take
from foregate.service.observations.announced import announce
from foregate.service.store.tables import forecasts, observations, sessions
from tests.service.jobs.stock import add, seasonal, store

HOUR = 3_600_000_000


def test_what_is_stored_is_what_is_trained_on(database):
    """Values, times, missing ones and names come back, the newest rows of each series."""
    values = seasonal(40)
    values[7] = np.nan
    store(database, values, "b", "h", start=5 * HOUR, step=HOUR)
    store(database, seasonal(20), "a", "h", start=0, step=HOUR)
    taken = database.read_now(lambda connection: take(connection, ["b", "a"], 35))
    panel = taken.panel
    assert panel.ids.tolist() == ["a", "b"]
    assert panel.lengths.tolist() == [20, 35]
    np.testing.assert_allclose(panel.series(1), values[5:].astype(np.float32), equal_nan=True)
    assert panel.times[-1] == np.datetime64(44 * HOUR, "us")
    assert taken.season_length == 6
    assert panel.is_regular


def test_gaps_become_missing_rows(database):
    """A step that no observation came for is a row whose value is missing."""
    number = store(database, [1.0, 2.0])
    database.write_now(lambda connection: add(connection, number, [5.0], start=4))
    panel = database.read_now(lambda connection: take(connection, ["a"], 100)).panel
    np.testing.assert_equal(panel.series(0), [1, 2, np.nan, np.nan, 5])


def test_a_panel_that_was_kept_is_the_same(database, tmp_path):
    """Written down and read again, a panel is the same to the bit, dates and whole numbers alike."""
    store(database, seasonal(30), "a", "h", step=HOUR)
    store(database, seasonal(30), "b", "2", step=2, start=10)
    for name in ("a", "b"):
        taken = database.read_now(lambda connection, name=name: take(connection, [name], 100))
        keep(taken, tmp_path / name / "series.npz")
        again = kept(tmp_path / name / "series.npz")
        assert again.season_length == 6
        assert again.panel.freq == taken.panel.freq
        assert again.panel.spec == taken.panel.spec
        for field in ("ids", "offsets", "values", "mask", "times"):
            np.testing.assert_array_equal(getattr(again.panel, field), getattr(taken.panel, field))


def test_covariates_come_with_their_rows(database, tmp_path):
    """Covariates stand beside the rows that they came with, gaps and cut rows included, and are kept as they are."""
    number = store(database, [1.0, 2.0, 3.0])
    database.write_now(lambda c: add(c, number, [9.0], start=5))
    said = update(observations).values(covariates=func.json_object("warm", observations.c.time))
    database.write_now(lambda c: c.execute(said) and None)
    roles = {"warm": "past"}
    taken = database.read_now(lambda c: take(c, ["a"], 5, roles))
    np.testing.assert_equal(taken.panel.series(0), np.float32([2, 3, np.nan, np.nan, 9]))
    np.testing.assert_equal(taken.panel.covariates["warm"].values, np.float32([1, 2, np.nan, np.nan, 5]))
    keep(taken, tmp_path / "series.npz")
    again = kept(tmp_path / "series.npz").panel.covariates["warm"]
    np.testing.assert_equal(again.values, taken.panel.covariates["warm"].values)
    assert (again.role, again.categories) == ("past", ())
    with pytest.raises(DataError, match="covariate 'wet' must be stored"):
        database.read_now(lambda c: take(c, ["a"], 5, {"wet": "static"}))


@pytest.mark.parametrize(
    ("names", "told"),
    [(["zzz"], "must be stored"), (["a", "b"], "of one frequency"), (["c"], "observations"), ([], "stored")],
)
def test_what_cannot_be_trained_on_is_refused(database, names, told):
    """Unknown, mixed and empty series are refused in words."""
    store(database, seasonal(10), "a")
    store(database, seasonal(10), "b", "h", step=HOUR)
    store(database, [np.nan, np.nan], "c")
    with pytest.raises(DataError, match=told):
        database.read_now(lambda connection: take(connection, names, 100))


def test_a_series_of_gaps_is_refused(database):
    """Two rows a million steps apart would be a million rows: that is told instead."""
    store(database, [1.0, 2.0], step=10_000_000)
    with pytest.raises(DataError, match="mostly gaps"):
        database.read_now(lambda connection: take(connection, ["a"], 100))


def test_the_series_of_a_model_are_those_of_its_sessions(database):
    """Sessions say which series a model forecasts, else its stored forecasts do, else there are none."""
    a, b = store(database, seasonal(5), "a"), store(database, seasonal(5), "b")
    told = {"model": "demand", "version": 1}
    made = {"origin": 4, "until": 7, "horizon": 3, "quantiles": "[]", "values": b"", "made_at": 0}
    assert database.read_now(lambda c: series_of(c, "demand")) == []
    database.write_now(lambda c: c.execute(forecasts.insert().values(series=b, **told, **made)) and None)
    assert database.read_now(lambda c: series_of(c, "demand")) == ["b"]
    row = {"seq": 0, "late": "reject", "created_at": 0}
    row |= {name: 3 for name in ("horizon",) if name in sessions.c}
    database.write_now(lambda c: c.execute(sessions.insert().values(series=a, **told, **row)) and None)
    assert database.read_now(lambda c: series_of(c, "demand")) == ["a"]


def test_what_was_announced_is_learnt_from(database):
    """Rows have the covariates that were announced of them, where the model is told these ahead."""
    number = store(database, [1.0])
    told = {time: {"price": float(time)} for time in range(1, 6)}
    database.write_now(lambda c: announce(c, number, Frequency.parse(1), told, 0))
    database.write_now(lambda c: add(c, number, [2.0, 3.0], start=1))
    database.write_now(lambda c: add(c, number, [5.0], start=4))
    taken = database.read_now(lambda c: take(c, ["a"], 100, {"price": "future"}))
    np.testing.assert_equal(taken.panel.covariates["price"].values, np.float32([np.nan, 1, 2, 3, 4]))
    np.testing.assert_equal(np.where(taken.panel.mask, taken.panel.values, np.nan), np.float32([1, 2, 3, np.nan, 5]))

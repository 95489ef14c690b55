"""What is known of the future is put at its series and step, or the error says what is missing."""

import numpy as np
import polars as pl
import pytest

from foregate.core import DataError
from foregate.data import align_future, read, split_known_future

HISTORY = pl.DataFrame(
    {
        "unique_id": ["b", "b", "b", "a", "a"],
        "ds": [1, 2, 3, 1, 2],
        "y": [1.0, 2.0, 3.0, 4.0, 5.0],
        "price": [1.0, 1.0, 2.0, 3.0, 3.0],
        "event": ["x", "z", "x", "x", None],
    }
)
FUTURE = pl.DataFrame(
    {
        "unique_id": ["a", "b", "a", "b", "c", "a", "b"],
        "ds": [3, 4, 4, 5, 4, 5, 3],
        "price": [13.0, 24.0, 14.0, 25.0, 0.0, 0.0, 0.0],
        "event": ["x", "z", None, "x", "x", "x", "x"],
    }
)
ROLES = {"price": "future", "event": "future"}


def panel():
    return read(HISTORY, covariates=ROLES)


@pytest.mark.parametrize("frame", [FUTURE, FUTURE.to_pandas(), FUTURE.to_arrow(), FUTURE.reverse()])
def test_values_stand_at_their_series_and_step(frame):
    """Values go to their series and step whatever the order of rows; rows of other series and times are ignored."""
    future = align_future(panel(), frame, 2)
    np.testing.assert_array_equal(future["price"], [[24, 25], [13, 14]])
    np.testing.assert_array_equal(future["event"], [[1, 0], [0, np.nan]])
    assert future.notes == ()
    assert set(future) == {"price", "event"}


def test_a_missing_step_is_named():
    """A step that is not there is an error that names columns, series and time."""
    with pytest.raises(
        DataError, match=r"future of 'price', 'event' must hold each of the 2 steps .* but misses 'b at 5'. Add"
    ):
        align_future(panel(), FUTURE.filter(pl.col("ds") != 5), 2)


def test_a_missing_series_is_named():
    """A series without any row is an error that names it."""
    with pytest.raises(DataError, match="has none of them for 'a'"):
        align_future(panel(), FUTURE.filter(pl.col("unique_id") != "a"), 2)


def test_a_repeated_step_is_named():
    """A step that is there twice is an error that names series and time."""
    with pytest.raises(DataError, match=r"but repeats 'b at 4'\. Keep one row of each"):
        align_future(panel(), pl.concat([FUTURE, FUTURE[1:2]]), 2)


def test_a_missing_column_is_named():
    """A covariate that is not there is an error that names it; so is giving no table at all."""
    with pytest.raises(DataError, match="'price' is not among"):
        align_future(panel(), FUTURE.drop("price"), 2)
    with pytest.raises(DataError, match="covariates 'price', 'event' must be given for the 2 steps"):
        align_future(panel(), None, 2)


def test_dates_where_the_panel_counts():
    """Dates in the future of a panel that counts in integers are an error."""
    dates = FUTURE.with_columns(ds=pl.date(2024, 1, pl.col("ds")))
    with pytest.raises(DataError, match="must hold whole numbers like the panel, but got dates"):
        align_future(panel(), dates, 2)


def test_unknown_categories_are_told_from_missing_ones():
    """A category that the panel has never seen has a code of its own, and a note names it; an empty one is missing."""
    new = pl.when(pl.col("ds") == 4).then(pl.lit("new"))
    future = align_future(panel(), FUTURE.with_columns(event=new), 2)
    np.testing.assert_array_equal(future["event"], [[2, np.nan], [np.nan, 2]])
    assert future.notes == ("Categories 'new' of 'event' were never seen before and are read as unknown.",)


def test_an_empty_number_of_the_future_is_named():
    """A number that is empty at a step, and never was in the past, is an error that names column, series and time."""
    gaps = FUTURE.with_columns(price=pl.when(pl.col("price") < 24).then("price"))
    with pytest.raises(
        DataError, match=r"'price' must have a value at each of the 2 steps.*empty for 'b at 4', 'b at 5'"
    ):
        align_future(panel(), gaps, 2)


def test_numbers_that_are_missing_in_the_past_too_are_counted():
    """Where a number was missing in the past as well, an empty step is unknown, and a note says how many there are."""
    history = read(HISTORY.with_columns(price=pl.when(pl.col("ds") > 1).then("price")), covariates=ROLES)
    future = align_future(history, FUTURE.with_columns(price=pl.when(pl.col("price") < 24).then("price")), 2)
    np.testing.assert_array_equal(future["price"], [[np.nan, np.nan], [13, 14]])
    assert future.notes == ("2 of 4 values of 'price' are missing in the future and count as unknown.",)


def test_a_panel_of_the_future_says_the_same_as_its_table():
    """A future that was read already gives what its table gives, however its categories are coded, or is refused."""
    rows = FUTURE.with_columns(y=1.0, event=pl.col("event").fill_null("x"))
    one, other = align_future(panel(), read(rows, covariates=ROLES), 2), align_future(panel(), rows, 2)
    for name in ROLES:
        np.testing.assert_array_equal(one[name], other[name])
    with pytest.raises(DataError, match="must hold numbers of covariate 'price', but got none"):
        align_future(panel(), read(rows, target_col="y", covariates={"event": "future"}), 2)
    with pytest.raises(DataError, match=r"misses 'b at 5'"):
        align_future(panel(), read(rows.filter(pl.col("ds") != 5), covariates=ROLES), 2)


def test_nothing_is_needed_without_future_covariates():
    """A panel without known-future covariates needs no table and ignores one."""
    plain = read(HISTORY)
    assert dict(align_future(plain, None, 2)) == dict(align_future(plain, FUTURE, 2)) == {}


def test_rows_with_an_empty_target_are_the_future():
    """Rows with known covariates and an empty target at the end give the same future as a table of its own."""
    wanted = FUTURE.filter(pl.col("unique_id").is_in(["a", "b"]) & (pl.col("price") > 1))
    together = read(pl.concat([HISTORY, wanted], how="diagonal"), covariates=ROLES)
    history, rest = split_known_future(together)
    assert history.lengths.tolist() == [3, 2]
    np.testing.assert_array_equal(history.values, panel().values)
    future, apart = align_future(history, rest, 2), align_future(panel(), FUTURE, 2)
    for name in ROLES:
        np.testing.assert_array_equal(future[name], apart[name])


def test_missing_ends_without_covariates_are_history():
    """Trailing rows in which nothing is known are missing history, and a series never observed is left whole."""
    frame = pl.DataFrame({"ds": [1, 2, 3], "y": [1.0, None, None], "price": [1.0, None, None]})
    same, rest = split_known_future(read(frame, covariates={"price": "future"}))
    assert rest is None
    assert same.lengths.tolist() == [3]
    never = HISTORY.with_columns(y=pl.when(pl.col("unique_id") == "a").then(None).otherwise("y"))
    same, rest = split_known_future(read(never, covariates=ROLES))
    assert rest is None
    assert same.lengths.tolist() == [3, 2]


def test_days_in_a_zone():
    """Future days of a zone with summer time are found at their steps."""
    days = pl.datetime_range(
        pl.datetime(2024, 3, 29), pl.datetime(2024, 4, 2), "1d", time_zone="Europe/Berlin", eager=True
    )
    frame = pl.DataFrame({"ds": days, "y": [1.0, 2.0, None, None, None], "holiday": [0, 0, 1, 2, 3]})
    roles = {"holiday": "future"}
    history = read(frame.head(2), covariates=roles)
    np.testing.assert_array_equal(align_future(history, frame, 3)["holiday"], [[1, 2, 3]])

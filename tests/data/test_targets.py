"""Several targets per series are read as a panel of single ones, and written as they came."""

import numpy as np
import polars as pl
import pytest

from foregate.core import DataError, Forecast, UsageError
from foregate.data import align_future, forecast_frame, panel_frame, read, regularize, split_known_future
from foregate.data.columns import fit_columns
from foregate.data.inputs import Inputs, InputSpec
from foregate.data.targets import group_targets, one_of_each, stack_targets

TARGETS = ("load", "price")
TABLE = pl.DataFrame(
    {
        "meter": ["b"] * 4 + ["a"] * 3,
        "day": [1, 2, 3, 4, 1, 2, 3],
        "load": [10.0, 11.0, None, 13.0, 500.0, 510.0, 520.0],
        "price": [1.0, None, 3.0, 4.0, 7.0, 8.0, None],
        "holiday": [0, 1, 0, 0, 0, 1, 0],
        "town": ["x", "x", "x", "x", "z", "z", "z"],
    }
)
NAMED = {"id_col": "meter", "time_col": "day", "target_cols": ["load", "price"]}
ROLES = {"holiday": "future", "town": "static"}


def both(**changes):
    return read(TABLE, **{**NAMED, "covariates": ROLES, **changes})


def lively(length=40, seed=0):
    """Two targets of two series of another size each."""
    rng = np.random.default_rng(seed)
    walks = np.cumsum(rng.normal(size=(4, length)), 1) * [[1], [50], [1], [0.01]] + 200
    rows = {"unique_id": np.repeat(["s", "t"], length), "ds": np.tile(np.arange(length), 2)}
    return pl.DataFrame({**rows, "load": walks[:2].reshape(-1), "price": walks[2:].reshape(-1)})


def test_every_target_of_every_series_is_a_series():
    """Series stand in the order of the table, and in it the targets in the order in which they were named."""
    panel = both()
    assert panel.ids.tolist() == ["b / load", "b / price", "a / load", "a / price"]
    assert panel.lengths.tolist() == [4, 4, 3, 3]
    for i, (one, name) in enumerate([("b", "load"), ("b", "price"), ("a", "load"), ("a", "price")]):
        column = TABLE.filter(pl.col("meter") == one)[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
        np.testing.assert_array_equal(panel.series(i), column)
    assert panel.spec.target_cols == TARGETS
    assert "2 targets of each series, 'load', 'price', were read to be predicted together." in panel.notes


def test_each_target_is_told_the_others_and_not_itself():
    """The past covariates of a target are the other ones at the same times; its own is empty."""
    panel = both()
    load, price = panel.covariates["load"].values, panel.covariates["price"].values
    np.testing.assert_array_equal(load, [np.nan] * 4 + [10, 11, np.nan, 13] + [np.nan] * 3 + [500, 510, 520])
    np.testing.assert_array_equal(price, [1, np.nan, 3, 4] + [np.nan] * 4 + [7, 8, np.nan] + [np.nan] * 3)
    assert panel.covariates["target"].categories == TARGETS
    np.testing.assert_array_equal(panel.covariates["target"].values, [0, 1, 0, 1])


def test_covariates_of_the_table_are_shared():
    """Each target has the covariates of its row."""
    panel = both()
    np.testing.assert_array_equal(panel.covariates["holiday"].values, [0, 1, 0, 0] * 2 + [0, 1, 0] * 2)
    np.testing.assert_array_equal(panel.covariates["town"].values, [0, 0, 1, 1])


def test_no_target_looks_ahead_at_another():
    """Change a target after a row: all that is told of the others up to that row stays, to the bit; at it, it shows."""
    table = lively()
    changed = table.with_columns(price=pl.when(pl.col("ds") >= 30).then(pl.col("price") * 3).otherwise("price"))
    one, other = (read(each, target_cols=["load", "price"]) for each in (table, changed))
    spec = InputSpec((7, 1), columns=fit_columns(one))
    first, second = (Inputs(each, spec).features(np.arange(160)) for each in (one, other))
    same = (first == second).all(1).reshape(4, 40)
    assert same[:, :30].all()
    assert not same[:, 30].any()


def test_series_of_any_size_are_told_alike():
    """What is told of the other target does not depend on its units, which may differ from series to series."""
    table = lively()
    other = table.with_columns(
        price=pl.when(pl.col("unique_id") == "t").then(pl.col("price") * 1024).otherwise("price")
    )
    one, two = (read(each, target_cols=["load", "price"]) for each in (table, other))
    spec = InputSpec((7, 1), columns=fit_columns(one))
    loads = np.r_[0:40, 80:120]
    np.testing.assert_array_equal(Inputs(one, spec).features(loads), Inputs(two, spec).features(loads))


def test_one_series_without_ids():
    """In a table of one series, the targets go by their names alone."""
    panel = read(TABLE.head(4).drop("meter", "town"), time_col="day", target_cols=["load", "price"])
    assert panel.ids.tolist() == ["load", "price"]
    assert "No column tells series apart: the table was read as one series." in panel.notes
    said = forecast_frame(constant(panel), panel.spec)
    assert said.columns == ["day", "load", "price"]


def constant(panel, horizon=2):
    """A forecast of series i that says i, at every step; its interval is one to either side."""
    number = np.arange(len(panel), dtype=np.float64)[:, None, None]
    values = np.broadcast_to(number, (len(panel), horizon, 1)) + np.array([-1.0, 0.0, 1.0])
    return Forecast(panel.ids, panel.future_times(horizon), panel.last_times, (0.1, 0.5, 0.9), values)


def test_forecasts_come_back_in_the_shape_of_the_table():
    """A row per series and step, and for each target its median and bounds under its own name."""
    said = forecast_frame(constant(both()), both().spec, levels=[80])
    assert said.columns == ["meter", "day", "load", "load-lo-80", "load-hi-80", "price", "price-lo-80", "price-hi-80"]
    assert said["meter"].to_list() == ["b", "b", "a", "a"]
    assert said["day"].to_list() == [5, 6, 4, 5]
    assert said["load"].to_list() == [0, 0, 2, 2]
    assert said["price-hi-80"].to_list() == [2, 2, 4, 4]


def test_a_part_of_the_panel_is_written_where_it_belongs():
    """A series that lacks a target has it empty; the order of the series does not matter."""
    panel = both().take([3, 0, 1])
    said = forecast_frame(constant(panel), panel.spec)
    assert said["meter"].to_list() == ["a", "a", "b", "b"]
    assert said["price"].to_list() == [0, 0, 2, 2]
    assert said["load"].to_list() == [None, None, 1, 1]


def test_columns_of_a_forecast_must_differ():
    """A target that is called like the bound of another one is refused, where that bound is asked for."""
    table = TABLE.rename({"price": "load-lo-80"})
    panel = read(table, **{**NAMED, "target_cols": ["load", "load-lo-80"]})
    assert forecast_frame(constant(panel), panel.spec).columns == ["meter", "day", "load", "load-lo-80"]
    with pytest.raises(UsageError, match=r"two would be 'load-lo-80'. Rename the targets"):
        forecast_frame(constant(panel), panel.spec, levels=[80])


def test_a_panel_as_a_table_has_a_row_per_target():
    """Rows of the panel say which series and target they are of, in the type that the ids had."""
    frame = panel_frame(both())
    assert frame.columns == ["meter", "target", "day", "y", "holiday", "town"]
    assert frame.filter((pl.col("meter") == "a") & (pl.col("target") == "price"))["y"].to_list() == [7, 8, None]
    numbered = read(TABLE.with_columns(meter=pl.col("meter").replace_strict({"b": 7, "a": 8})), **NAMED)
    assert panel_frame(numbered)["meter"].unique().to_list() == [7, 8]


def test_all_targets_of_a_series_have_its_future():
    """A known future is given once per series, as a table or as rows behind, and all targets read it."""
    ahead = pl.DataFrame({"meter": ["a", "a", "b", "b"], "day": [4, 5, 5, 6], "holiday": [1, 0, 0, 1]})
    known = align_future(both(), ahead, 2)
    np.testing.assert_array_equal(known["holiday"], [[0, 1], [0, 1], [1, 0], [1, 0]])
    with pytest.raises(DataError, match=r"future of 'holiday' .* misses 'a at 5'"):
        align_future(both(), ahead.filter((pl.col("meter") == "b") | (pl.col("day") != 5)), 2)
    behind = ahead.with_columns(town=pl.col("meter").replace_strict({"a": "z", "b": "x"}))
    whole = read(pl.concat([TABLE, behind], how="diagonal"), **NAMED, covariates=ROLES)
    history, rows = split_known_future(whole)
    assert history.lengths.tolist() == [4, 4, 3, 3], "where one target is missing at the end, the other is not"
    np.testing.assert_array_equal(align_future(history, rows, 2)["holiday"], known["holiday"])


def test_gaps_become_rows_of_all_targets():
    """A time that is left out is a missing row of every target and of what each is told of the others."""
    panel = regularize(read(TABLE.filter(pl.col("day") != 2), **NAMED, freq=1))
    assert panel.lengths.tolist() == [4, 4, 3, 3]
    assert not panel.mask[[1, 5, 9, 12]].any()
    assert np.isnan(panel.covariates["price"].values[[1, 9]]).all()


def test_one_of_each_is_the_table_without_its_targets():
    """It has the ids and covariates that the table had, and every series knows its place in it."""
    one, which = one_of_each(both())
    assert one.ids.tolist() == ["b", "a"]
    assert set(one.covariates) == set(ROLES)
    assert which.tolist() == [0, 0, 1, 1]


def test_ids_may_look_like_anything():
    """An id that holds what stands between id and target keeps it."""
    table = TABLE.with_columns(meter=pl.col("meter") + " / load")
    groups, which, target = group_targets(read(table, **NAMED).ids, both().spec)
    assert groups.tolist() == ["b / load", "a / load"]
    assert which.tolist() == [0, 0, 1, 1]
    assert target.tolist() == [0, 1, 0, 1]


def test_one_name_is_one_target():
    """A list of one target reads what target_col reads."""
    one, other = (read(TABLE.drop("price"), id_col="meter", time_col="day", **{k: v}) for k, v in ONE.items())
    assert one.ids.tolist() == other.ids.tolist() == ["b", "a"]
    assert one.spec == other.spec
    assert not one.covariates


ONE = {"target_col": "load", "target_cols": ["load"]}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"target_cols": "load"}, "must be a list of names of columns, but got 'load'"),
        ({"target_cols": []}, "must be a list of names of columns, but got"),
        ({"target_cols": ["load", 3]}, "must be a list of names of columns"),
        ({"target_cols": ["load", "load"]}, "must be different columns"),
        ({"target_col": "load"}, "target_col and target_cols must not both be given"),
        ({"target_cols": ["load", "day"]}, "'day' got more than one"),
        ({"target_cols": ["load", "target"]}, "must not be called 'target'"),
        ({"target_cols": ["load", "a / b"]}, "but got 'a / b'. Rename"),
        ({"wide": True}, "must be left out with wide=True"),
    ],
)
def test_wrong_targets_are_refused(wrong, message):
    """What cannot be meant is told before anything is read."""
    with pytest.raises(UsageError, match=message):
        read(TABLE, **{**NAMED, **wrong})


def test_a_covariate_must_not_be_called_target():
    """The name is taken by the category that tells targets apart."""
    with pytest.raises(UsageError, match="must not be called 'target'"):
        read(TABLE.rename({"town": "target"}), **NAMED, covariates={"target": "static"})
    one = read(TABLE.rename({"town": "target"}), id_col="meter", time_col="day", target_col="load")
    assert stack_targets({"load": one}).ids.tolist() == ["b / load", "a / load"]


def test_a_target_that_is_not_there_or_empty_is_named():
    """The message names the column."""
    with pytest.raises(DataError, match="'prize'"):
        read(TABLE, **{**NAMED, "target_cols": ["load", "prize"]})
    empty = TABLE.with_columns(price=pl.lit(None, pl.Float64))
    with pytest.raises(DataError, match="column 'price' must hold at least one value"):
        read(empty, **NAMED)

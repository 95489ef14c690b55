"""A backtest trains anew, and compares."""

import numpy as np
import polars as pl
import pytest

from foregate.core import UsageError
from foregate.forecaster import Forecaster, backtest
from tests.forecaster.models import HORIZON, small, table


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"model": None}, "model must be a Forecaster, but got None"),
        ({"baselines": "Naive"}, "baselines must be a list of names, but got 'Naive'"),
        ({"baselines": 3}, "baselines must be a list of names"),
        ({"level": "80"}, "level must be a number or several"),
    ],
)
def test_a_backtest_refuses_wrong_arguments(wrong, message):
    """Before any data is read, the message names the argument."""
    with pytest.raises(UsageError, match=message):
        backtest(**{"model": small(), "data": "nowhere.csv", **wrong})


def test_all_names_that_may_be_asked_for_are_told():
    """An unknown name is answered with those of the baselines, and of the instant forecaster too."""
    with pytest.raises(UsageError, match=r"must be one of LSTM-instant, Naive, .*, Prophet, but got 'Oracle'\."):
        backtest(small(), table(), baselines=["Naive", "Oracle"])


def test_a_backtest_trains_anew(fitted):
    """A backtest never uses what the model was fitted on, scores baselines beside it, and leaves the model alone."""
    before = fitted.fitted_
    results = backtest(fitted, table(), n_windows=2)
    assert set(results.models) == {"LSTM", "LSTM-instant", "SeasonalNaive"}
    assert fitted.fitted_ is before
    assert "LSTM" not in results.seen
    changed = table().with_columns(pl.when(pl.int_range(pl.len()) % 60 >= 56).then(99.0).otherwise("y").alias("y"))
    other = backtest(fitted, changed, n_windows=2)
    np.testing.assert_array_equal(results.forecasts["LSTM"], other.forecasts["LSTM"])


def test_the_instant_forecaster_is_compared_unasked():
    """A backtest has it beside the trained one; of an instant forecaster there is no need; by name it can be had."""
    model = Forecaster.pretrained(HORIZON)
    assert set(backtest(model, table()).models) == {"LSTM", "SeasonalNaive"}
    both = backtest(model, table(), baselines=["LSTM-instant"])
    np.testing.assert_array_equal(both.forecasts["LSTM"], both.forecasts["LSTM-instant"])


def test_processes_train_what_one_trains():
    """Trainings side by side give the same forecasts to the bit, in every scheme alike; the model stays as it was."""
    model = small(verbose=True)
    options = {"n_windows": 2, "scheme": "blocked", "gap": 1, "baselines": ["LSTM-instant", "Naive"]}
    one, several = (backtest(model, table(), **options, processes=n) for n in (1, 2))
    for name in ("LSTM", "LSTM-instant", "Naive"):
        np.testing.assert_array_equal(one.forecasts[name], several.forecasts[name])
    assert np.all(one.begins[:, 1] > one.origins[:, 0] + 1 + HORIZON)
    assert model.verbose


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"scheme": "rolling"}, "train_rows must be given for scheme='rolling'"),
        ({"gap": -1}, "gap must be a whole number"),
        ({"processes": 0}, "processes must be a whole number"),
    ],
)
def test_impossible_windows_are_refused_before_reading(wrong, message):
    """Before any data is read, the message names the argument."""
    with pytest.raises(UsageError, match=message):
        backtest(**{"model": small(), "data": "nowhere.csv", **wrong})

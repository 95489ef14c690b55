"""Tests of `foregate backtest`."""

import json

import polars as pl

FAST = ("--horizon", "2", "--effort", "fast", "--season-length", "1")


def test_models_are_scored_side_by_side(run, here):
    """The document, the files and the verdict tell of the same models and windows."""
    words = ("--windows", "2", "--baselines", "SeasonalNaive,Drift", "--level", "50", "--out", "scores", "--json")
    said = json.loads(run("backtest", "sales.csv", *FAST, *words).stdout)
    assert [row["model"] for row in said["scoreboard"]["models"]] == ["LSTM", "SeasonalNaive", "Drift"]
    assert said["scoreboard"]["n_windows"] == 2
    assert said["verdict"].startswith("LSTM ")
    assert sorted(path.name for path in (here / "scores").iterdir()) == ["backtest.csv", "scoreboard.csv"]
    rows = pl.read_csv("scores/backtest.csv")
    assert rows.height == 2 * 2 * 2
    assert {"cutoff", "y", "LSTM", "Drift-lo-50"} <= set(rows.columns)
    assert pl.read_csv("scores/scoreboard.csv")["model"].to_list() == ["LSTM", "SeasonalNaive", "Drift"]


def test_wrong_words_are_told_before_reading(run, here):
    """Windows and baselines are looked at before the table is."""
    assert "windows must be" in run("backtest", "none.csv", *FAST, "--windows", "0", code=2).stderr
    assert "baseline must be one of" in run("backtest", "none.csv", *FAST, "--baselines", "Oracle", code=2).stderr


def test_a_table_that_is_too_short_is_a_problem_with_the_data(run, here):
    """Where nothing can be held out, that is the answer."""
    assert "to be backtested" in run("backtest", "sales.csv", "--horizon", "24", "--effort", "fast", code=1).stderr


def test_the_instant_forecaster_is_scored_beside(run):
    """Unasked beside a trained one; alone with the baselines if it is the one that is scored."""
    words = ("backtest", "sales.csv", "--horizon", "3", "--json", "--effort")
    names = {
        effort: [row["model"] for row in json.loads(run(*words, effort).stdout)["scoreboard"]["models"]]
        for effort in ("instant", "fast")
    }
    assert names["instant"] == ["LSTM", "SeasonalNaive", "Naive"]
    assert names["fast"] == ["LSTM", "LSTM-instant", "SeasonalNaive", "Naive"]

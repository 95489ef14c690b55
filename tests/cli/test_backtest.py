"""Tests of `foregate backtest`."""

import json
from itertools import pairwise
from pathlib import Path

import polars as pl

FAST = ("--horizon", "2", "--effort", "fast", "--season-length", "1")


def test_models_are_scored_side_by_side(run, here):
    """The document, the files and the verdict tell of the same models and windows."""
    words = ("--windows", "2", "--baselines", "SeasonalNaive,Drift", "--level", "50", "--out", "scores", "--json")
    said = json.loads(run("backtest", "sales.csv", *FAST, *words).stdout)
    assert [row["model"] for row in said["scoreboard"]["models"]] == ["LSTM", "SeasonalNaive", "Drift"]
    assert said["scoreboard"]["n_windows"] == 2
    assert said["verdict"].startswith("LSTM ")
    assert sorted(path.name for path in (here / "scores").iterdir()) == sorted(Path(f).name for f in said["files"])
    rows = pl.read_csv("scores/backtest.csv")
    assert rows.height == 2 * 2 * 2
    assert {"cutoff", "y", "LSTM", "Drift-lo-50"} <= set(rows.columns)
    assert pl.read_csv("scores/scoreboard.csv")["model"].to_list() == ["LSTM", "SeasonalNaive", "Drift"]
    heights = {name: pl.read_csv(f"scores/{name}").height for name in said["files"]}
    assert {name: heights[f"by_{name}.csv"] for name in ("step", "series", "origin")} == dict.fromkeys(
        ("step", "series", "origin"), 3 * 2
    )
    assert (heights["differences.csv"], heights["differences_by_series.csv"], heights["ranks.csv"]) == (3, 6, 3)
    assert heights["pit.csv"] == heights["reliability.csv"] + 3
    assert [row["against"] for row in said["differences"]] == ["SeasonalNaive", "Drift", "Drift"]
    assert len(said["ranks"]) == 3


def test_wrong_words_are_told_before_reading(run, here):
    """Windows and baselines are looked at before the table is."""
    assert "windows must be" in run("backtest", "none.csv", *FAST, "--windows", "0", code=2).stderr
    assert "baseline must be one of" in run("backtest", "none.csv", *FAST, "--baselines", "Oracle", code=2).stderr


def test_windows_lie_as_they_are_asked_to(run, here):
    """Scheme, gap and step reach the backtest, and wrong ones are told before reading."""
    words = ("--effort", "instant", "--horizon", "2", "--windows", "3", "--baselines", "Naive", "--out", "scores")
    run("backtest", "sales.csv", *words, "--scheme", "rolling", "--train-rows", "9", "--gap", "1", "--step", "3")
    rows = pl.read_csv("scores/backtest.csv", try_parse_dates=True)
    cutoffs = sorted(set(rows["cutoff"]))
    assert [(b - a).days for a, b in pairwise(cutoffs)] == [3, 3]
    assert min((ds - cutoff).days for ds, cutoff in zip(rows["ds"], rows["cutoff"], strict=True)) == 2
    shown = run("backtest", "sales.csv", *words, "--overwrite", "--scheme", "blocked", "--processes", "2").stdout
    assert "LSTM and Naive cannot be told apart" in shown or "than Naive, by more than chance" in shown
    refused = run("backtest", "none.csv", *words, "--overwrite", "--scheme", "rolling", code=2).stderr
    assert "train_rows must be given for scheme='rolling'" in refused
    assert "On the command line: --train-rows" in refused or "--scheme" in refused
    assert "scheme must be one of" in run("backtest", "none.csv", *words, "--scheme", "random", code=2).stderr
    assert "processes must be" in run("backtest", "none.csv", *words, "--processes", "0", code=2).stderr


def test_a_model_alone_has_no_differences(run, here):
    """Without a baseline there is nothing to compare with, and no table of it."""
    words = ("--effort", "instant", "--horizon", "2", "--baselines", ",", "--out", "scores", "--json")
    said = json.loads(run("backtest", "sales.csv", *words).stdout)
    assert said["differences"] == said["ranks"] == []
    assert "ranks.csv" not in said["files"]


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

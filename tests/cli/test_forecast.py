"""Tests of `foregate forecast`."""

import json
import sys

import polars as pl
import pytest

from foregate import Forecaster
from foregate.cli.job import FILES
from tests.cli.conftest import contents

FAST = ("--horizon", "2", "--effort", "fast", "--season-length", "1", "--windows", "1", "--set", "steps=5")


def test_one_command_leaves_everything(run, here):
    """Forecasts, scores, a report and a model are there; the page names them, and where the LSTM stands."""
    shown = run("forecast", "sales.csv", *FAST, "--out", "out").stdout
    assert sorted(path.name for path in (here / "out").iterdir()) == sorted(FILES)
    labels = [line.split()[0] for line in shown.splitlines() if line and line[0] != " "]
    assert [label for label in labels if label != "Notes"] == ["Read", "Audit", "Score", "Files", "Next"]
    assert "LSTM beats SeasonalNaive on MASE" in shown or "LSTM loses to SeasonalNaive on MASE" in shown
    for name in ("out/forecasts.csv", "out/report.html", "out/model/", "foregate predict out/model sales.csv"):
        assert name in shown
    assert pl.read_csv("out/forecasts.csv").height == 2 * 2
    assert run("predict", "out/model").stdout == (here / "out" / "forecasts.csv").read_text()


def test_known_futures_are_used(run, here):
    """Prices of days to come may stand in the table, or in one of their own; the document says what was done."""
    days = pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 1, 20), eager=True).alias("ds")
    table = pl.DataFrame({"ds": days, "y": [float(i % 5) for i in range(18)] + [None] * 2, "price": range(20)})
    table.write_csv("both.csv")
    said = json.loads(run("forecast", "both.csv", *FAST, "--future", "price", "--out", "a", "--json").stdout)
    assert said["files"] == {name: f"a/{name}" for name in FILES}
    assert [row["model"] for row in said["scoreboard"]["models"]] == [
        "LSTM", "LSTM-instant", "SeasonalNaive", "Naive",
    ]  # fmt: skip
    table.filter(pl.col("y").is_not_null()).write_csv("past.csv")
    table.filter(pl.col("y").is_null()).drop("y").write_csv("plan.csv")
    again = run("predict", "a/model", "past.csv", "--future-data", "plan.csv").stdout
    assert again == (here / "a" / "forecasts.csv").read_text()


def test_a_future_of_its_own_is_used(run, here):
    """Without it the columns that are known for the future are asked for; with it the forecast is made."""
    days = pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 1, 5), eager=True).alias("ds")
    table = pl.DataFrame({"ds": days, "y": [1.0, 2, 3, None, None], "price": range(5)})
    table[:3].write_csv("past.csv")
    table[3:].drop("y").write_csv("plan.csv")
    words = ("past.csv", *FAST, "--freq", "D", "--future", "price", "--out", "a")
    told = run("forecast", *words, code=1).stderr
    assert "covariates 'price' must be given" in told
    assert "training" not in told, "it is told before training"
    assert not (here / "a").exists()
    without = [word for word in words if word not in ("--future", "price")]
    told = run("forecast", *without, "--target-col", "y", "--future-data", "plan.csv", code=2).stderr
    assert "but got no --future" in told
    assert "training" not in told
    run("forecast", *words, "--future-data", "plan.csv")
    assert pl.read_csv("a/forecasts.csv")["ds"].to_list() == ["2024-01-04", "2024-01-05"]


@pytest.mark.parametrize("wrong", ["photos", "model"])
def test_only_a_model_makes_way_for_a_model(run, here, wrong):
    """With --overwrite a folder called model that is none is kept, and that is said before training."""
    (here / "out" / "model").mkdir(parents=True)
    (here / "out" / "model" / wrong).write_text("mine")
    run("forecast", "none.csv", *FAST, "--out", "out", "--overwrite", code=1)
    assert contents(here / "out") == {f"model/{wrong}": b"mine"}


@pytest.mark.parametrize("there", FILES)
def test_results_are_not_replaced_by_accident(run, here, there):
    """Whatever of an earlier run is there is kept, and that is said before the table is looked for."""
    (here / "out").mkdir()
    (here / "out" / there).write_text("mine")
    assert f"'out/{there}' is there" in run("forecast", "none.csv", *FAST, "--out", "out", code=2).stderr
    assert contents(here / "out") == {there: b"mine"}


def test_a_problem_with_the_data_leaves_the_folder_as_it_was(run, here):
    """Nothing is written until everything is done."""
    (here / "bad.csv").write_text("ds,y\n2024-01-01,1\n2024-01-02,closed\n")
    assert "'closed' in row 2" in run("forecast", "bad.csv", *FAST, "--out", "out", code=1).stderr
    assert not (here / "out").exists()


INSTANT = ("--horizon", "3", "--effort", "instant")


def test_instant_forecasts_are_printed(run, here):
    """Without a folder nothing is written, and the forecasts are those of Python; with --json they are in the page."""
    before = contents(here)
    shown = run("forecast", "sales.csv", *INSTANT, "--level", "80")
    frame = pl.read_csv(shown.stdout.encode())
    assert frame.columns == ["unique_id", "ds", "LSTM", "LSTM-lo-80", "LSTM-hi-80"]
    expected = Forecaster.pretrained(3).predict(pl.read_csv("sales.csv"), level=[80])
    assert frame["LSTM"].to_list() == pytest.approx(expected["LSTM"].to_list(), rel=1e-5)
    assert "not trained on this data" in shown.stderr
    said = json.loads(run("forecast", "sales.csv", *INSTANT, "--json", "--quiet").stdout)
    assert len(said["forecasts"]) == said["rows"] == 6
    assert said["fit"]["steps"] == 0
    assert contents(here) == before


def test_the_size_of_the_weights_is_chosen(run, here):
    """The weights that are named are those that are used; a name that there is not ends before anything is read."""
    tiny, base = (run("forecast", "sales.csv", *INSTANT, "--weights", size).stdout for size in ("tiny", "base"))
    assert tiny != base == run("forecast", "sales.csv", *INSTANT).stdout
    told = run("forecast", "no.csv", *INSTANT, "--weights", "huge", code=2).stderr
    assert "weights must be one of tiny" in told


def test_an_instant_forecast_can_leave_everything_too(run, here):
    """With a folder it is scored, reported and saved like any other, beside baselines alone; the model can be used."""
    run("forecast", "sales.csv", *INSTANT, "--out", "out")
    assert sorted(path.name for path in (here / "out").iterdir()) == sorted(FILES)
    assert pl.read_csv("out/scoreboard.csv")["model"].to_list() == ["LSTM", "SeasonalNaive", "Naive"]
    printed = run("forecast", "sales.csv", *INSTANT).stdout
    assert run("predict", "out/model").stdout == (here / "out" / "forecasts.csv").read_text() == printed


def test_where_nothing_scores_or_draws_forecasts_are_left_all_the_same(run, here, monkeypatch):
    """Without the extra that scores and draws come the forecasts and the model, and what is lacking is said."""
    for library in ("matplotlib", "torch", "utilsforecast"):
        monkeypatch.setitem(sys.modules, library, None)
    shown = " ".join(run("forecast", "sales.csv", *INSTANT, "--out", "out").stdout.split())
    assert sorted(path.name for path in (here / "out").iterdir()) == ["forecasts.csv", "model"]
    assert 'Not scored. Scoring forecasts needs the "train" extra' in shown
    assert 'No report. Drawing charts needs the "train" extra' in shown
    assert run("predict", "out/model").stdout == (here / "out" / "forecasts.csv").read_text()


@pytest.mark.parametrize("more", [("--windows", "2"), ("--baselines", "Naive")])
def test_scores_that_were_asked_for_are_not_left_out(run, here, monkeypatch, more):
    """Who names windows or baselines is told that they cannot be had, before anything is done."""
    monkeypatch.setitem(sys.modules, "utilsforecast", None)
    said = run("forecast", "sales.csv", *INSTANT, "--out", "out", *more, code=1).stderr
    assert 'Scoring forecasts needs the "train" extra' in said
    assert "reading" not in said
    assert not (here / "out").exists()


@pytest.mark.parametrize("more", [("--windows", "2"), ("--baselines", "Naive"), ("--future-data", "sales.csv")])
def test_what_an_instant_forecast_does_not_do_is_not_asked_for(run, more):
    """Scores and futures are refused where only forecasts are printed."""
    told = run("forecast", "sales.csv", *INSTANT, *more, code=2).stderr
    assert f"{more[0]} must be left out with --effort instant" in told


def test_covariates_of_an_instant_forecast_are_said_not_to_be_read(run, here):
    """Columns that were named, with a known future behind the table, change nothing, with a folder or without."""
    table = pl.read_csv("sales.csv").with_columns(price=pl.int_range(pl.len()) % 5)
    behind = table.group_by("unique_id", maintain_order=True).tail(3)
    dates = pl.col("ds").str.to_date().dt.offset_by("3d").dt.to_string("iso")
    behind = behind.with_columns(dates.alias("ds"), y=pl.lit(None, pl.Float64))
    pl.concat([table, behind]).write_csv("priced.csv")
    plain = run("forecast", "sales.csv", *INSTANT).stdout
    for more in ((), ("--out", "out")):
        shown = run("forecast", "priced.csv", *INSTANT, "--target-col", "y", "--future", "price", *more)
        assert "covariates 'price' are not read" in " ".join((shown.stderr + shown.stdout).split())
    assert (here / "out" / "forecasts.csv").read_text() == plain


def test_several_targets_are_forecast_together(run, here):
    """They stand side by side in the forecasts, each is scored, and the saved model reads newer rows alike."""
    table = pl.read_csv("sales.csv").with_columns(returns=pl.col("y") / 10 + pl.int_range(pl.len()) % 5)
    table.write_csv("both.csv")
    words = ("--horizon", "3", *FAST[2:], "--target-cols", "y,returns")
    shown = run("forecast", "both.csv", *words, "--out", "out").stdout
    assert "MASE of" in shown
    said = pl.read_csv("out/forecasts.csv")
    assert said.columns[:4] == ["unique_id", "ds", "y", "y-lo-80"]
    assert said.columns[7] == "returns"
    assert said.height == 2 * 3
    table.filter(pl.col("ds") <= "2024-01-20").write_csv("older.csv")
    newer = run("predict", "out/model", "older.csv", "--level", "80").stdout.splitlines()
    assert newer[0] == "unique_id,ds,y,y-lo-80,y-hi-80,returns,returns-lo-80,returns-hi-80"
    assert newer[1].startswith("series_0,2024-01-21,")
    told = run("stream", "out/model", code=1).stderr
    assert "a live forecaster must have one target" in " ".join(told.split())


def test_several_targets_at_once(run, here):
    """Printed without training, each is forecast by itself, and that is said."""
    pl.read_csv("sales.csv").with_columns(returns=pl.col("y") / 10).write_csv("both.csv")
    shown = run("forecast", "both.csv", *INSTANT, "--target-cols", "y", "--target-cols", "returns", "--level", "80")
    assert shown.stdout.splitlines()[0] == "unique_id,ds,y,y-lo-80,y-hi-80,returns,returns-lo-80,returns-hi-80"
    assert "targets 'y', 'returns' are forecast each by itself" in " ".join(shown.stderr.split())


def test_one_target_or_several(run):
    """Both options at once are refused before anything is read; so are several where there is one."""
    told = run("forecast", "no.csv", *INSTANT, "--target-col", "y", "--target-cols", "y,z", code=2).stderr
    assert "--target-col and --target-cols must not both be given" in told
    told = run("stream", "--pretrained", "--target-cols", "y,z", code=2).stderr
    assert "--target-cols must be left out for a stream" in told


def test_a_future_that_misses_a_step_is_named(run, here):
    """Whether it stands in a table of its own or behind the history, column, series and time are named."""
    table = pl.read_csv("sales.csv").with_columns(price=pl.lit(1.0))
    table.write_csv("priced.csv")
    behind = table.group_by("unique_id", maintain_order=True).tail(3)
    dates = pl.col("ds").str.to_date().dt.offset_by("3d").dt.to_string("iso")
    behind = behind.with_columns(dates.alias("ds"), y=pl.lit(None, pl.Float64))
    short = behind.filter((pl.col("unique_id") == "series_0") | (pl.col("ds") != "2024-01-26"))
    short.write_csv("short.csv")
    pl.concat([table, short]).write_csv("together.csv")
    empty = behind.with_columns(price=pl.when(pl.col("ds") != "2024-01-26").then("price"))
    empty.write_csv("empty.csv")
    words = ("--horizon", "3", "--target-col", "y", "--future", "price")
    for more in (("priced.csv", "--future-data", "short.csv"), ("together.csv",)):
        told = " ".join(run("forecast", *more, *words, code=1).stderr.split())
        assert "'price' must hold each of the 3 steps" in told
        assert "misses 'series_1 at 2024-01-26'" in told
    told = " ".join(run("forecast", "priced.csv", *words, "--future-data", "empty.csv", code=1).stderr.split())
    assert "'price' must have a value at each of the 3 steps" in told
    assert "empty for 'series_0 at 2024-01-26', 'series_1 at 2024-01-26'" in told

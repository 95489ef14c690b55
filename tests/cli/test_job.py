"""Tests of the main job."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate import Forecaster, Panel, UsageError, load, read
from foregate.cli.job import BASELINES, FILES, Job, checked_baselines, verdict, windows_for
from foregate.data import generate
from foregate.evaluation import Plan, backtest, baseline, scoreboard


@given(st.integers(1, 500), st.integers(1, 60))
def test_most_of_a_series_is_kept_for_training(length, horizon):
    """There are one to three windows, and more than one only if they take at most a quarter of the rows."""
    windows = windows_for(Panel.from_arrays([[1.0] * length]), horizon)
    assert 1 <= windows <= 3
    assert windows == 1 or windows * horizon <= length / 4


def test_baselines_are_looked_at_before_anything_is_trained():
    """Names may be repeated or joined; without any there are two; unknown ones are refused."""
    assert checked_baselines(None, "fast") == BASELINES
    assert checked_baselines(None, "instant") == ("SeasonalNaive", "Naive")
    assert checked_baselines(["Drift,Naive", "LSTM-instant", "Naive"], "fast") == ("Drift", "Naive", "LSTM-instant")
    with pytest.raises(UsageError, match=r"must be one of LSTM-instant, Naive, .*, but got 'Oracle'"):
        checked_baselines(["Oracle"], "fast")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("LSTM", "Naive", "SeasonalNaive"), "LSTM and SeasonalNaive are level"),
        (("LSTM", "Naive"), "LSTM and Naive are level"),
        (("LSTM",), "Scored without a baseline"),
    ],
)
def test_the_verdict_is_against_seasonal_naive(names, said):
    """SeasonalNaive is the measure; where it was not run, the first other model is."""
    panel = Panel.from_arrays([[1.0, 2.0] * 6])
    models = {name: baseline("Naive", season=1) for name in names}
    assert verdict(scoreboard(backtest(models, panel, Plan(horizon=2)))).startswith(said)


@pytest.fixture(scope="module")
def short():
    """The result of a job on a series that is too short to hold anything out."""
    model = Forecaster(4, season_length=1, options={"steps": 2, "hidden": 8}, verbose=False)
    panel = read(generate(1, 5).drop("unique_id"), freq="D")
    said = []
    return Job("short.csv", panel, model, (80.0,)).run(said.append), said


def test_a_panel_too_short_to_score_is_forecast_all_the_same(short):
    """It is said that nothing was scored, and why, and the forecast is made."""
    result, said = short
    assert (result.backtest, result.board) == (None, None)
    assert result.verdict.startswith("Not scored, for nothing could be held out: ")
    assert result.forecast.values.shape == (1, 4, 3)
    assert said[0] == "auditing"
    assert said[-1] == "forecasting"


def test_files_are_written_together(short, tmp_path):
    """The folder holds the forecast, the report and a model that can be loaded; no scoreboard where there is none."""
    result, _ = short
    files = result.write(tmp_path / "out", [("foregate demo", "try")])
    assert files == [name for name in FILES if name != "scoreboard.csv"]
    assert sorted(path.name for path in tmp_path.joinpath("out").iterdir()) == sorted(files)
    assert load(tmp_path / "out" / "model").horizon == 4
    assert "Not scored" in (tmp_path / "out" / "report.html").read_text()


def test_the_document_and_the_page_tell_the_same(short, tmp_path, capsys):
    """What people read and what machines read name the same files and the same verdict."""
    result, _ = short
    told = result.to_dict(tmp_path, ["forecasts.csv"])
    result.show(tmp_path, ["forecasts.csv"], [("foregate demo", "try")])
    shown = " ".join(capsys.readouterr().out.split())
    assert told["verdict"] in shown
    assert told["scoreboard"] is None
    assert "foregate demo" in shown

"""Tests of `foregate tune`."""

import json

import polars as pl
import pytest

from foregate import Forecaster, load

FAST = ("--horizon", "2", "--effort", "fast", "--season-length", "1", "--set", "start=scratch", "--set", "steps=3")
SMALL = ("--set", "hidden=4", "--set", "layers=1", "--set", "decoder=4")
SPACE = "usual = false\nrate = [0.001, 0.01]\n"


@pytest.fixture
def words(here):
    """A search of three trials at most."""
    (here / "space.toml").write_text(SPACE)
    return ("tune", "sales.csv", *FAST, *SMALL, "--space", "space.toml", "--sampler", "grid")


def test_the_winner_is_saved_and_told(run, here, words):
    """The summary has the gain and what it cost, the folder the tables, the pictures and a model that forecasts."""
    said = run(*words)
    assert "held-back origin" in said.stdout
    assert "3 trials took" in said.stdout
    assert "foregate predict tuning/model" in said.stdout
    assert "trial 0: mase" in said.stderr
    assert pl.read_csv(here / "tuning" / "leaderboard.csv").height == 3
    assert load(here / "tuning" / "model", runtime="onnx").horizon == 2
    assert (here / "tuning.journal").exists()


def test_the_same_command_goes_on(run, here, words):
    """After a smaller budget the rest is run and nothing again; results are only replaced where that is said."""
    run(*words, "--trials", "2", "--quiet")
    assert "must not hold results already" in run(*words, code=2).stderr
    said = run(*words, "--overwrite").stderr
    assert "going on with a study of 2 trials" in said
    assert said.count("· trial ") == 1
    assert pl.read_csv(here / "tuning" / "leaderboard.csv").height == 3


def test_the_document_is_what_python_takes(run, here, words):
    """--json has the best settings as they are given to a forecaster, and the gain."""
    said = json.loads(run(*words, "--json", "--quiet", "--out", "found").stdout)
    best = said["best"]
    best["season_length"] = tuple(best["season_length"] or ())
    assert Forecaster(**best).horizon == 2
    assert said["gain"]["trials"] == 3
    assert said["study"] == "found.journal"
    assert json.loads((here / "found" / "tuning.json").read_text())["gain"]["winner"] == said["gain"]["winner"]


def test_wrong_words_are_told_before_reading(run, here, words):
    """Space, sampler, budgets, places: code 2 and a sentence, and no study is begun."""
    words = [word.replace("sales.csv", "none.csv") for word in words]
    (here / "bad.toml").write_text("hiden = [1, 2]")
    for more, sentence in (
        (("--sampler", "best"), "sampler must be one of"),
        (("--trials", "0"), "n_trials must be"),
        (("--seconds", "0"), "seconds must be"),
        (("--measure", "bias"), "measure must be one of"),
        (("--space", "bad.toml"), "Did you mean 'hidden'"),
        (("--study", "mysql://host/name"), "PostgreSQL"),
        (("--effort", "instant"), "effort"),
        (("--out", "nowhere/out"), "must be in a folder that exists"),
    ):
        assert sentence in run(*words, *more, code=2).stderr, more
    assert list(here.glob("*.journal")) == []


def test_a_table_that_is_too_short_is_a_problem_with_the_data(run, here, words):
    """Code 1, and no results."""
    words = [word if word != "2" else "23" for word in words]
    assert "to be backtested" in run(*words, code=1).stderr
    assert not (here / "tuning").exists()

"""Tests of `foregate demo`."""

import pytest

import foregate.data
from foregate.cli.demo import _of_demo
from foregate.cli.job import FILES
from foregate.data import co2, read
from tests.cli.conftest import contents


@pytest.fixture
def short_record(monkeypatch):
    """The end of the record and a few weeks ahead, too short to hold anything out, so that it takes seconds."""
    record = co2().tail(7)
    monkeypatch.setattr("foregate.cli.demo._HORIZON", 6)
    monkeypatch.setattr(foregate.data, "co2", lambda: record)
    return record


@pytest.mark.parametrize("more", [(), ("--effort", "instant")])
def test_it_leaves_results_that_it_may_replace(run, here, short_record, more):
    """The main job is done on the record, and what it leaves is known for a demo's when it is run again."""
    shown = run("demo", *more).stdout
    assert {path.name for path in (here / "demo").iterdir()} == set(FILES) - ({"scoreboard.csv"} if not more else set())
    assert "CO2 above Mauna Loa: one series of 7 rows" in shown
    assert "foregate forecast DATA" in shown
    assert _of_demo(here / "demo" / "model", read(short_record))


@pytest.mark.slow
def test_it_can_be_run_twice(run, here, short_record):
    """The second run replaces what the first has left, and says the same."""
    run("demo")
    before = contents(here / "demo")["forecasts.csv"]
    run("demo")
    assert contents(here / "demo")["forecasts.csv"] == before


def test_it_does_not_replace_the_work_of_others(run, here, model):
    """A folder of that name with results of something else is left alone."""
    model.rename(here / "demo")
    (here / "model").mkdir()
    (here / "demo").rename(here / "model" / "model")
    (here / "model").rename(here / "demo")
    before = contents(here / "demo")
    assert "'demo/model' is there" in run("demo", code=2).stderr
    assert contents(here / "demo") == before


def test_a_demo_is_told_by_its_data(model):
    """A model of other data, or none at all, is no demo's."""
    assert not _of_demo(model, read(co2()))
    assert not _of_demo(model / "none", read(co2()))
    assert _of_demo(model, read("sales.csv"))


@pytest.mark.slow
def test_the_whole_demo(run, here):
    """On the whole record the LSTM beats SeasonalNaive, and the 59 weeks that are missing are named."""
    shown = run("demo").stdout
    assert "LSTM beats SeasonalNaive" in shown
    assert "59 rows have no value" in shown
    assert {path.name for path in (here / "demo").iterdir()} == set(FILES)

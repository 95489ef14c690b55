"""Tests of `foregate inspect`."""

import json

import polars as pl
import pytest

from foregate import inspect, load
from foregate.inspection.look import Inspection
from tests.cli.conftest import contents

FEW = ("--rows", "8", "--lags", "6")


@pytest.fixture
def undrawn(monkeypatch):
    """A page without pictures, which take seconds: another test looks at them."""
    monkeypatch.setattr(Inspection, "html", lambda self: f"<!DOCTYPE html>{self.verdict}")


def test_a_folder_holds_what_the_api_says(run, model):
    """The page, tables and arrays, with the numbers of `inspect` in Python; the summary names them."""
    shown = run("inspect", "model", "--out", "seen", *FEW).stdout
    seen = inspect(load("model"), rows=8, lags=6)
    assert pl.read_csv("seen/gates.csv")["mean"].to_list() == pytest.approx(seen.gates.summary["mean"].to_list())
    assert "This model looks" in shown
    assert "seen/inspection.html" in shown
    assert (model.parent / "seen" / "inspection.html").read_text().startswith("<!DOCTYPE html>")


def test_other_series_are_read(run, model, undrawn):
    """A table under other names is what is looked at; --json tells the figures and the files."""
    pl.read_csv("sales.csv").rename({"ds": "day"}).write_csv("other.csv")
    result = run("inspect", "model", "other.csv", "--time-col", "day", "--out", "seen", *FEW, "--series", "1", "--json")
    said = json.loads(result.stdout)
    assert said["reach"] >= 0
    assert said["files"]["gates.csv"] == "seen/gates.csv"
    assert {row["gate"] for row in said["gates"]} >= {"forget"}
    assert "· looking at gradients" in result.stderr


def test_what_is_there_stays_unless_it_may_be_replaced(run, model, undrawn):
    """Other files of the folder are not touched."""
    (model.parent / "seen").mkdir()
    (model.parent / "seen" / "gates.csv").write_text("mine")
    said = run("inspect", "model", "--out", "seen", *FEW, "--quiet", code=2).stderr
    assert "'seen/gates.csv' is there" in said
    assert (model.parent / "seen" / "gates.csv").read_text() == "mine"
    run("inspect", "model", "--out", "seen", *FEW, "--overwrite")
    assert (model.parent / "seen" / "gates.csv").read_text() != "mine"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("none",), 1, "a model must be a folder, but got none"),
        (("model", "--rows", "0"), 2, "rows must be a whole number of at least 1, but got 0"),
        (("model", "--cells", "-1"), 2, "cells must be a whole number of at least 0, but got -1"),
        (("model", "none.csv"), 1, "the source must be a file that exists"),
    ],
)
def test_what_is_wrong_is_told(run, model, words, code, said):
    """Wrong use is 2, a problem with model or data 1, each in one sentence, and nothing is written."""
    before = contents(model.parent)
    assert said in run("inspect", *words, "--out", "seen", "--quiet", code=code).stderr
    assert contents(model.parent) == before

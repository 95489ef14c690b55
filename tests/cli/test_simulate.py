"""Tests of `foregate simulate`."""

import json

import polars as pl
import pytest

from foregate import Forecaster, load
from tests.cli.conftest import contents

FEW = ("--paths", "4")


def test_a_file_holds_what_the_api_says(run, model):
    """Parquet keeps every digit of what `simulate` gives in Python."""
    result = run("simulate", "model", *FEW, "--seed", "3", "--horizon", "5", "--out", "f.parquet")
    assert result.stdout == ""
    assert pl.read_parquet("f.parquet").equals(load("model").simulate(n=4, horizon=5, seed=3))


def test_futures_go_to_standard_output(run, model):
    """Without --out they are CSV, a row per series, future and step; the same seed, the same bytes."""
    shown = run("simulate", "model", *FEW).stdout
    assert shown.splitlines()[0] == "unique_id,ds,sample_id,LSTM"
    assert len(shown.splitlines()) == 1 + 2 * 4 * 3
    assert run("simulate", "model", *FEW).stdout == shown
    assert run("simulate", "model", *FEW, "--seed", "1").stdout != shown


def test_newer_rows_move_the_futures_on(run, model):
    """A table is gone on from its own end, under other names if these are given; a gap in it is told."""
    rows = pl.read_csv("sales.csv").filter(pl.col("ds") <= "2024-01-20").filter(pl.col("ds") != "2024-01-10")
    rows.rename({"ds": "day"}).write_csv("older.csv")
    result = run("simulate", "model", "older.csv", "--time-col", "day", *FEW, "--json")
    said = json.loads(result.stdout)
    assert said["forecasts"][0]["day"] == "2024-01-21"
    assert said["rows"] == 2 * 4 * 3
    assert any("missing days" in note for note in said["notes"])
    assert "· drawing 4 futures of each series" in result.stderr


def test_a_model_of_pandas_is_written_as_any_other(run, here):
    """What kind of frame a model was fitted on in Python makes no difference to the file."""
    pandas = pytest.importorskip("pandas")
    model = Forecaster.pretrained(3).fit(pandas.read_csv("sales.csv", parse_dates=["ds"]))
    model.save("m")
    run("simulate", "m", *FEW, "--out", "f.csv")
    assert pl.read_csv("f.csv")["LSTM"].to_list() == pytest.approx(model.simulate(n=4)["LSTM"].tolist(), rel=1e-4)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("none",), 1, "a model must be a folder, but got none"),
        (("model", "--paths", "0"), 2, "paths must be a whole number of at least 1, but got 0"),
        (("model", "--seed", "-1"), 2, "seed must be a whole number of at least 0, but got -1"),
        (("model", "--horizon", "0"), 2, "horizon must be a whole number"),
        (("model", "--out", "f.xlsx"), 2, "--out must end in"),
        (("model", "--out", "sales.csv"), 2, "'sales.csv' is there"),
        (("model", "none.csv"), 1, "the source must be a file that exists"),
        (("model", "--future-data", "sales.csv"), 2, "future must only be given to a model with known-future"),
    ],
)
def test_what_is_wrong_is_told(run, model, words, code, said):
    """Wrong use is 2, a problem with model or data 1, each in one sentence, and nothing is written."""
    before = contents(model.parent)
    assert said in run("simulate", *words, "--quiet", code=code).stderr
    assert contents(model.parent) == before

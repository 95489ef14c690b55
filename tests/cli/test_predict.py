"""Tests of `foregate predict`."""

import json
import resource

import polars as pl
import pytest

from foregate import load
from tests.cli.test_app import started


def test_forecasts_go_to_standard_output(run, model):
    """Without --out the forecasts are CSV on standard output, columns named as in the table."""
    lines = run("predict", "model").stdout.splitlines()
    assert lines[0] == "unique_id,ds,LSTM,LSTM-lo-80,LSTM-hi-80,LSTM-lo-95,LSTM-hi-95"
    assert [line.split(",")[:2] for line in lines[1:3]] == [["series_0", "2024-01-25"], ["series_0", "2024-01-26"]]
    assert len(lines) == 1 + 2 * 3


def test_a_file_holds_what_the_api_says(run, model):
    """Parquet keeps every digit of what `predict` gives in Python."""
    result = run("predict", "model", "--level", "50", "--horizon", "5", "--out", "f.parquet")
    assert result.stdout == ""
    assert pl.read_parquet("f.parquet").equals(load("model").predict(level=[50], horizon=5))


def test_newer_rows_move_the_forecast_on(run, model):
    """A table that goes on further is forecast from its own end; its columns need not be named again."""
    pl.read_csv("sales.csv").filter(pl.col("ds") <= "2024-01-20").write_csv("older.csv")
    rows = json.loads(run("predict", "model", "older.csv", "--json").stdout)["forecasts"]
    assert rows[0]["ds"] == "2024-01-21"
    assert set(rows[0]) > {"unique_id", "LSTM", "LSTM-lo-80"}


def test_what_was_done_to_a_table_is_said(run, model):
    """A gap that was made explicit is told on standard error, and in the document."""
    pl.read_csv("sales.csv").filter(pl.col("ds") != "2024-01-20").write_csv("gap.csv")
    result = run("predict", "model", "gap.csv", "--json")
    said = [note for note in json.loads(result.stdout)["notes"] if "missing days" in note]
    assert len(said) == 1
    assert said[0] in result.stderr


def test_columns_may_have_other_names(run, model):
    """Names that are given count, not those of the fit."""
    pl.read_csv("sales.csv").rename({"unique_id": "shop", "ds": "day", "y": "units"}).write_csv("other.csv")
    assert "id_col must be a column of the table" in run("predict", "model", "other.csv", code=1).stderr
    named = ("--id-col", "shop", "--time-col", "day", "--target-col", "units")
    assert run("predict", "model", "other.csv", *named).stdout.startswith("shop,day,LSTM,")


def test_the_same_forecast_from_a_wide_table(run, model):
    """A column per series says the same as a row per value."""
    pl.read_csv("sales.csv").pivot("unique_id", index="ds", values="y").write_csv("wide.csv")
    assert run("predict", "model", "wide.csv", "--wide").stdout == run("predict", "model", "sales.csv").stdout


def test_a_file_is_not_replaced_by_accident(run, model):
    """Without --overwrite an existing file stays; with it, it is replaced."""
    model.with_name("f.csv").write_text("mine")
    assert "'f.csv' is there" in run("predict", "model", "--out", "f.csv", code=2).stderr
    assert model.with_name("f.csv").read_text() == "mine"
    run("predict", "model", "--out", "f.csv", "--overwrite")
    assert model.with_name("f.csv").read_text() == run("predict", "model").stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("none",), 1, "a model must be a folder, but got none"),
        (("sales.csv",), 1, "a model must be a folder, but got sales.csv"),
        (("model", "--out", "f.xlsx"), 2, "--out must end in"),
        (("model", "--horizon", "0"), 2, "horizon must be a whole number"),
        (("model", "--level", "0"), 2, "level must be between 0 and 100"),
        (("model", "none.csv"), 1, "the source must be a file that exists"),
        (("model", "--future-data", "sales.csv"), 2, "future must only be given to a model with known-future"),
    ],
)
def test_what_is_wrong_is_told(run, model, words, code, said):
    """Wrong use is 2, a problem with model or data 1, each in one sentence."""
    assert said in run("predict", *words, "--quiet", code=code).stderr


def test_a_damaged_model_is_refused(run, model):
    """A model of which one byte has changed says so, and gives no forecast."""
    weights = model / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    result = run("predict", "model", "--quiet", code=1)
    assert result.stdout == ""
    assert "weights.safetensors must have the checksum" in result.stderr


def test_a_full_disk_leaves_the_old_file(model):
    """If writing fails half way, the file that was there stays, and nothing temporary is left."""
    folder = model.parent
    (folder / "f.csv").write_text("mine")
    full = started(
        "predict", "model", "--out", "f.csv", "--overwrite", "--quiet", cwd=folder,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)),
    )  # fmt: skip
    assert (full.returncode, full.stdout) == (1, "")
    assert "File too large" in full.stderr
    assert "Traceback" not in full.stderr
    assert (folder / "f.csv").read_text() == "mine"
    assert sorted(path.name for path in folder.iterdir()) == ["f.csv", "model", "sales.csv"]

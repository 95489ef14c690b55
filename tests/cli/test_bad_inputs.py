"""The command line gives every bad input the message that the API gives."""

from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from foregate.cli import app
from foregate.core import UsageError
from foregate.data import ReadOptions, read
from tests.contracts import bad_inputs
from tests.contracts.bad_inputs import BAD_INPUTS, BadInput

COMMANDS = {
    read: ("audit", "SOURCE"),
    bad_inputs.fitted: ("fit", "SOURCE", "--horizon", "2", "--out", "fitted"),
    bad_inputs.backtested: ("backtest", "SOURCE", "--horizon", "2"),
    bad_inputs.forecast: ("predict", "MODEL", "SOURCE"),
    bad_inputs.forecast_with: ("predict", "MODEL WITH PRICES", "--future-data", "SOURCE"),
    bad_inputs.loaded: ("predict", "SOURCE"),
}
"""What is said on the command line instead of a call."""
API_ONLY = {"options", "quantiles", "n_windows", "future", "runtime"}
"""Arguments that the command line has no word for, or another."""
NO_FILE = {"something that is no table", "no future for a model that needs one"}
"""Rows about sources that cannot be written into a file."""
ROWS = [
    bad
    for bad in BAD_INPUTS
    if bad.act in COMMANDS
    and bad.name not in NO_FILE
    and (bad.act is read or not API_ONLY & set(bad.arguments))
    and "known" not in (bad.arguments.get("covariates") or {}).values()
]


def words_of(bad: BadInput) -> list[str]:
    """The arguments of the call as options."""
    given = dict(bad.arguments)
    options = given.pop("options", None) or ReadOptions()
    given |= {name: value for name, value in vars(options).items() if value != vars(ReadOptions())[name]}
    given |= {role: name for name, role in given.pop("covariates", {}).items()}
    words = []
    for name, value in given.items():
        text = ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
        words += [f"--{name.replace('_', '-')}", *([text] * (value is not True))]
    return words


def source_of(bad: BadInput, folder: Path) -> str:
    """The source as something to type: a frame becomes a file."""
    source = bad.make(folder)
    if not isinstance(source, pl.DataFrame):
        return str(source)
    source.write_parquet(folder / "frame.parquet")
    return str(folder / "frame.parquet")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """The models of the table, saved."""
    folder = tmp_path_factory.mktemp("models")
    bad_inputs.model().save(folder / "plain")
    bad_inputs.model(future=True).save(folder / "prices")
    return {"MODEL": str(folder / "plain"), "MODEL WITH PRICES": str(folder / "prices")}


@pytest.mark.parametrize("bad", ROWS, ids=lambda bad: bad.name)
def test_message(bad, tmp_path, monkeypatch, models):
    """Same words, on standard error, code 2 for wrong use and 1 for the rest; nothing on standard output or on disk."""
    monkeypatch.chdir(tmp_path)
    places = models | {"SOURCE": source_of(bad, tmp_path)}
    before = sorted(tmp_path.rglob("*"))
    words = [places.get(word, word) for word in COMMANDS[bad.act]]
    result = CliRunner().invoke(app, [*words, *words_of(bad), "--quiet"])
    expected = bad.message.replace("{folder}", str(tmp_path)).replace("{folder.name}", tmp_path.name)
    assert result.stderr.splitlines()[0] == f"Error: {expected}"
    assert result.exit_code == (2 if issubclass(bad.error, UsageError) else 1)
    assert result.stdout == ""
    assert sorted(tmp_path.rglob("*")) == before


def test_nearly_all_rows_are_tried():
    """Only a few rows have no counterpart on the command line."""
    assert len(ROWS) >= len(BAD_INPUTS) - 20

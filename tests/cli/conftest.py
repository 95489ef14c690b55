"""What the tests of the command line share: a way to run it, a small table, and a model that was fitted once."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from foregate.cli import app
from foregate.data import generate

Run = Callable[..., Result]


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """An empty working directory with a table, sales.csv: 2 series of 24 days."""
    monkeypatch.chdir(tmp_path)
    generate(2, 24).write_csv("sales.csv")
    return tmp_path


@pytest.fixture
def run(here) -> Run:
    """A function that runs a command line in `here` and checks its exit code."""

    def invoke(*words: str, code: int = 0) -> Result:
        result = CliRunner().invoke(app, [str(word) for word in words])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    return invoke


@pytest.fixture(scope="session")
def fitted(tmp_path_factory) -> Path:
    """The folder of a model that `foregate fit` has made of the table in `here`, for 3 steps."""
    folder = tmp_path_factory.mktemp("fitted")
    generate(2, 24).write_csv(folder / "sales.csv")
    words = ["fit", str(folder / "sales.csv"), "--horizon", "3", "--effort", "fast", "--season-length", "1"]
    result = CliRunner().invoke(app, [*words, "--out", str(folder / "model")])
    assert result.exit_code == 0, result.output
    return folder / "model"


@pytest.fixture
def model(fitted, here) -> Path:
    """A copy of that model in `here`."""
    shutil.copytree(fitted, here / "model")
    return here / "model"


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

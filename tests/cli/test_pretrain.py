"""`foregate pretrain`."""

import json

import pytest
from typer.testing import CliRunner

from foregate.cli.app import app
from foregate.persistence.shipped import read_start

RUN = "hidden = 8\ndecoder = 8\nkinds = { yearly = 1 }\n[training]\nsteps = 4\nbatch = 16\ncrop = 30\nchecks = 2\n"


@pytest.fixture
def run(tmp_path):
    """A function that pretrains a small network with the given further arguments."""
    (tmp_path / "run.toml").write_text(RUN)

    def call(*arguments):
        given = ["pretrain", "--config", str(tmp_path / "run.toml"), "--processes", "0", *arguments]
        return CliRunner().invoke(app, given)

    return call


def test_weights_are_made_that_can_be_read(run, tmp_path):
    """The folder holds a network that runs, and what it was made of."""
    result = run("--out", str(tmp_path / "mine"), "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["kinds"] == {"yearly": 1.0}
    start = read_start(tmp_path / "mine")
    assert (start.shape.hidden, start.name) == (8, "mine")


def test_checks_are_told_while_it_runs(run, tmp_path):
    """Each check says how held-back series are forecast, on standard error."""
    result = run("--out", str(tmp_path / "mine"))
    assert result.stderr.count("held-back series") == 2
    assert "Made" in result.stdout


def test_what_is_there_is_not_lost(run, tmp_path):
    """Weights are only replaced on request, and that is told before anything is trained."""
    assert run("--out", str(tmp_path / "mine")).exit_code == 0
    before = (tmp_path / "mine" / "weights.safetensors").read_bytes()
    again = run("--out", str(tmp_path / "mine"))
    assert again.exit_code != 0
    assert "held-back" not in again.stderr
    assert (tmp_path / "mine" / "weights.safetensors").read_bytes() == before
    assert run("--out", str(tmp_path / "mine"), "--overwrite").exit_code == 0


def test_a_device_that_is_not_there_is_refused(run, tmp_path):
    """With what torch says of it, before anything is made."""
    file = tmp_path / "run.toml"
    file.write_text(file.read_text() + "device = 'abacus'\n")
    result = run("--out", str(tmp_path / "mine"))
    assert result.exit_code == 2
    assert "device must be one that torch can use here, but got 'abacus'" in " ".join(result.stderr.split())
    assert not (tmp_path / "mine").exists()


def test_processes_must_be_a_number_of_processes(run, tmp_path):
    """None at all is fine, fewer is not."""
    result = run("--out", str(tmp_path / "mine"), "--processes", "-1")
    assert result.exit_code == 2
    assert "processes must be 0 or more, but got -1" in result.stderr

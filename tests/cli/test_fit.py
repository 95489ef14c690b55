"""Tests of `foregate fit`."""

import json
import signal
import subprocess
import time
from datetime import date, timedelta
from functools import partial

import polars as pl
import pytest

from foregate import Forecaster, load
from foregate.data import generate
from tests.cli.conftest import contents
from tests.cli.test_app import PROGRAM

FAST = ("--horizon", "3", "--effort", "fast", "--season-length", "1")


def test_the_model_is_that_of_the_api(run, here, fitted):
    """What is saved forecasts as a forecaster that was fitted in Python with the same words."""
    model = Forecaster(3, effort="fast", season_length=1, verbose=False).fit("sales.csv")
    assert load(fitted, runtime="torch").predict(level=80).equals(model.predict(level=80))


def test_the_document_says_what_happened(run, here):
    """--json has the table, the place of the model and the report of the fit."""
    said = json.loads(run("fit", "sales.csv", *FAST, "--out", "m", "--json", "--quiet").stdout)
    assert (said["data"], said["model"], said["horizon"], said["seasons"]) == ("sales.csv", "m", 3, [])
    assert said["steps"] > 0
    assert "freq inferred as D (100.0% of steps)." in said["notes"]


def test_a_model_is_not_replaced_by_accident(run, model):
    """Without --overwrite an existing model is refused before the table is even looked for."""
    before = contents(model)
    said = run("fit", "none.csv", *FAST, "--out", "model", code=2).stderr
    assert said == (
        "Error: --out must not hold results already, but 'model' is there. Give another name, or --overwrite to "
        "replace them.\n"
    )
    assert contents(model) == before


def test_only_a_model_is_replaced(run, here):
    """A folder that holds something else is refused before training, with --overwrite too."""
    (here / "photos").mkdir()
    (here / "photos" / "one.jpg").write_bytes(b"1")
    said = run("fit", "none.csv", *FAST, "--out", "photos", "--overwrite", code=1).stderr
    assert "photos" in said
    assert contents(here / "photos") == {"one.jpg": b"1"}


def test_data_that_cannot_be_learnt_from_leaves_no_model(run, here):
    """A problem with the data is code 1, and nothing is written."""
    generate(1, 1).write_csv("one.csv")
    assert "must have 2 observed values" in run("fit", "one.csv", *FAST, "--freq", "D", "--out", "m", code=1).stderr
    assert not (here / "m").exists()


def test_ctrl_c_leaves_the_old_model(model):
    """An interrupted fit is code 130, one line and no traceback, and the model that was there is as it was."""
    days = [date(2024, 1, 1) + timedelta(i) for i in range(300)]
    rows = [f"s{shop},{day},{i % 7 + shop}" for shop in range(100) for i, day in enumerate(days)]
    (model.parent / "long.csv").write_text("\n".join(["shop,date,units", *rows]))  # enough to train on for a while
    before = contents(model.parent)
    words = ["fit", "long.csv", "--horizon", "3", "--effort", "best", "--out", "model", "--overwrite"]
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # who runs tests side by side may ignore it
    running = subprocess.Popen([PROGRAM, *words], stderr=subprocess.PIPE, text=True, cwd=model.parent, preexec_fn=heard)
    try:
        assert running.stderr.readline() == "· reading long.csv\n"
        assert running.stderr.readline() == "· training\n"
        time.sleep(3)  # so that it is training, and not importing
        assert running.poll() is None, "it was done too early for this test"
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
    finally:
        running.kill()
    assert (running.returncode, said) == (130, "Interrupted. What was there before is unchanged.\n")
    assert contents(model.parent) == before


@pytest.mark.parametrize("verb", ["fit", "forecast", "backtest"])
def test_without_torch_the_extra_is_named(run, here, monkeypatch, verb):
    """Where training is not installed, that is said before anything is read."""
    find = __import__("importlib.util").util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "torch" else find(name))
    said = run(verb, "none.csv", *FAST, *(("--out", "m") if verb != "backtest" else ()), code=1).stderr
    assert said == 'Error: training needs the "train" extra. Install it: pip install "foregate[train]"\n'


def test_an_instant_model_is_kept_and_used(run, here):
    """With --effort instant nothing is trained, which is said; the model forecasts newer rows."""
    shown = run("fit", "sales.csv", "--horizon", "3", "--effort", "instant", "--out", "model").stdout
    assert "weights from base" in shown
    assert " 0 steps in" in shown
    printed = run("predict", "model", "sales.csv").stdout
    assert printed == run("forecast", "sales.csv", "--horizon", "3", "--effort", "instant").stdout


def test_the_course_of_training_is_written_down(run, here):
    """--log has the rows of `history_`; another file of that name is refused, and with --overwrite replaced."""
    run("fit", "sales.csv", *FAST, "--out", "m", "--log", "log.csv")
    written = pl.read_csv("log.csv")
    assert written["score"].to_list() == load(here / "m").history_["score"].to_list()
    said = run("fit", "none.csv", *FAST, "--out", "n", "--log", "log.csv", code=2).stderr
    assert "--log must not hold results already, but 'log.csv' is there" in said
    assert pl.read_csv("log.csv").equals(written)
    run("fit", "sales.csv", *FAST, "--out", "n", "--log", "log.csv", "--overwrite", "--set", "steps=1")
    assert pl.read_csv("log.csv").height == 1


def test_tensorboard_gets_its_folder(run, here):
    """--tensorboard leaves event files in the folder."""
    pytest.importorskip("torch.utils.tensorboard")
    run("fit", "sales.csv", *FAST, "--out", "m", "--tensorboard", "board", "--set", "steps=1")
    assert [path.name for path in (here / "board").iterdir() if "tfevents" in path.name]


@pytest.mark.parametrize("words", [("--log", "log.csv"), ("--tensorboard", "board")])
def test_nothing_is_written_down_of_no_training(run, here, words):
    """With --effort instant there is nothing to log, which is said before the table is looked for."""
    said = run("fit", "none.csv", "--horizon", "3", "--effort", "instant", "--out", "m", *words, code=2).stderr
    assert "must be left out with --effort instant" in said
    assert not (here / "board").exists()


def test_a_log_needs_a_folder(run, here):
    """A log in a folder that is not there is refused before anything is read."""
    said = run("fit", "none.csv", *FAST, "--out", "m", "--log", "none/log.csv", code=2).stderr
    assert "--log must be in a folder that exists" in said

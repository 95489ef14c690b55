"""An installation without extras: models made elsewhere forecast and stream there, and what lacks is said."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from foregate import Forecaster, load
from foregate.data import generate
from tests.house import REPOSITORY

pytestmark = pytest.mark.slow

LARGEST = 400e6
"""Bytes of the installation."""
BROUGHT = {"pip", "setuptools", "pkg_resources", "_distutils_hack", "wheel"}
"""What an environment has before anything is installed into it."""
ABSENT = ("matplotlib", "onnx", "pandas", "pyarrow", "scipy", "statsmodels", "torch", "utilsforecast")
API = """
import importlib.util, json, sys
here = [name for name in {absent!r} if importlib.util.find_spec(name)]
assert not here, here
import foregate
assert sys.prefix in foregate.__file__, foregate.__file__
model = foregate.load("model", runtime="onnx")
said = model.predict("table.csv", level=[80])
live = model.live("table.csv")
rows = [{{"unique_id": name, "ds": when, "y": 3.0}} for name, when in zip(live.ids, live.expected())]
live.update(rows)
streamed = live.forecast(level=[80])
quick = foregate.Forecaster(3, effort="instant").fit("table.csv")
quick.save("quick")
assert foregate.load("quick").predict().equals(quick.predict())
for what in (lambda: foregate.load("model", runtime="torch"), lambda: foregate.Forecaster(3).fit("table.csv")):
    try:
        what()
    except foregate.MissingExtraError as error:
        assert 'pip install "foregate[train]"' in str(error)
    else:
        raise AssertionError("not refused")
print(json.dumps({{"said": said.select("^LSTM.*$").to_numpy().tolist(), "live": streamed.values.tolist()}}))
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """The folder of an environment with `foregate` alone, installed as the README says."""
    folder = tmp_path_factory.mktemp("installation") / "env"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    command = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run(folder, "python", *command, "-c", str(REPOSITORY / "constraints.txt"), str(REPOSITORY))
    return folder


@pytest.fixture
def place(tmp_path):
    """A folder with a table, and a model that was trained with all extras."""
    generate(2, 60).write_csv(tmp_path / "table.csv")
    options = {"steps": 2, "hidden": 8, "start": "scratch"}
    model = Forecaster(4, season_length=6, effort="fast", options=options, verbose=False)
    model.fit(tmp_path / "table.csv").save(tmp_path / "model")
    return tmp_path


def run(folder: Path, program: str, *words: str, given: str = "", within: Path | None = None) -> str:
    """What a program of the environment prints, in which nothing of this one can be imported."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    path = folder / ("Scripts" if os.name == "nt" else "bin") / program
    done = subprocess.run(
        [path, *words], cwd=within or folder, env=kept, input=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_model_runs_where_torch_is_not(environment, place):
    """By the API it says what it says where it was made, goes on with a stream, and training is refused by name."""
    told = json.loads(run(environment, "python", "-c", API.format(absent=ABSENT), within=place))
    model = load(place / "model", runtime="torch")
    expected = model.predict(place / "table.csv", level=[80]).select("^LSTM.*$").to_numpy()
    np.testing.assert_allclose(told["said"], expected, rtol=1e-5)
    live = model.live(place / "table.csv")
    live.update([{"unique_id": n, "ds": t, "y": 3.0} for n, t in zip(live.ids, live.expected(), strict=True)])
    np.testing.assert_allclose(told["live"], live.forecast(level=[80]).values, rtol=1e-5)


def test_the_command_line_runs_where_torch_is_not(environment, place):
    """Tables are audited and forecast, with a model or at once, and streams are answered line by line."""

    def foregate(*words: str, given: str = "") -> str:
        return run(environment, "foregate", *words, given=given, within=place)

    foregate("predict", "model", "table.csv", "--level", "80", "--out", "said.csv")
    said = pl.read_csv(place / "said.csv")
    assert said.columns == ["unique_id", "ds", "LSTM", "LSTM-lo-80", "LSTM-hi-80"]
    assert len(said) == 8
    foregate("audit", "table.csv")
    assert foregate("forecast", "table.csv", "--horizon", "3", "--effort", "instant").count("\n") == 1 + 2 * 3
    foregate("forecast", "table.csv", "--horizon", "3", "--effort", "instant", "--out", "out")
    assert {path.name for path in (place / "out").iterdir()} == {"forecasts.csv", "model"}
    line = json.dumps({"unique_id": "a", "ds": "2024-05-01", "y": 3.2}) + "\n"
    (answer,) = foregate("stream", "--pretrained", "--freq", "D", "--horizon", "3", given=line).splitlines()
    assert len(json.loads(answer)["LSTM"]) == 3


def test_the_installation_is_small(environment, capsys):
    """It takes less than 400 MB on disk; how much, and of what, is printed."""
    (packages,) = environment.rglob("site-packages")
    sizes = {each.name: below(each) for each in packages.iterdir() if each.name.split("-")[0] not in BROUGHT}
    total = sum(sizes.values())
    largest = sorted(sizes, key=sizes.__getitem__, reverse=True)[:6]
    with capsys.disabled():
        said = ", ".join(f"{name} {sizes[name] / 1e6:.0f}" for name in largest)
        print(f"\ninstalled without extras: {total / 1e6:.0f} MB ({said})")
    assert total < LARGEST


def below(path: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    return sum(each.lstat().st_size for each in (path, *path.rglob("*")) if each.is_file())

"""Every example runs as it stands, prints what it found, and is better than a simple baseline."""

import datetime as dt
import json
import math
import re
import runpy
import shutil
import subprocess
import sys

import numpy as np
import pytest

from foregate import Forecaster, export
from tests.house import REPOSITORY

FOLDER = REPOSITORY / "examples"


@pytest.fixture
def figures(request, capsys):
    """What `main` of the example that the test is named after gave, and what it printed."""
    name = request.node.name.removeprefix("test_")
    found = runpy.run_path(str(FOLDER / f"{name}.py"))["main"]()
    return found, capsys.readouterr().out


def numbers(line):
    return [float(each) for each in re.findall(r"\d+\.\d+", line)]


def test_univariate(figures):
    """One step ahead on a sine, an LSTM errs by little more than the noise, and persistence by much more."""
    found, printed = figures
    assert found["noise"] * 0.9 < found["LSTM"] < 0.7 * found["persistence"]
    assert numbers(printed) == pytest.approx(list(found.values()), abs=1e-3)


def test_multivariate(figures):
    """What drives a series is worth reading: both together beat the series alone, and persistence."""
    found, printed = figures
    assert found["both read, river"] < 0.5 * found["river read, river"]
    assert found["both read, rain"] < found["persistence, rain"]
    assert found["river read, river"] < found["persistence, river"]
    assert numbers(printed) == pytest.approx(list(found.values()), abs=1e-3)


def test_multistep(figures):
    """Two layers that say a day at once beat persistence and the day before, at first at every hour."""
    found, printed = figures
    assert {len(each) for each in found.values()} == {24}
    own, *others = found.values()
    assert sum(own) < 0.8 * min(map(sum, others))
    assert all(error < min(each) for error, *each in zip(own[:12], *others, strict=False))
    assert numbers(printed.splitlines()[1])[0] == pytest.approx(own[0], abs=1e-3)


def test_teacher_forcing(figures):
    """Every way to forecast many steps beats persistence; with as many values to learn from, two ways are as good."""
    found, printed = figures
    persistence, once, recursive, written = found.values()
    assert {len(each) for each in found.values()} == {40}
    assert sum(once) < 0.5 * sum(persistence)
    assert max(recursive + written) < 0.15
    assert 0.8 < sum(recursive) / sum(written) < 1.25
    assert numbers(printed.splitlines()[1])[0] == pytest.approx(persistence[0], abs=1e-3)


def test_attention(figures):
    """Where the cause lies 50 steps back, that is the place the learnt weights point to."""
    found, printed = figures
    assert found["steps back"] == 50
    assert found["weight"] > 0.5
    assert found["LSTM with attention"] < 0.2 * found["persistence"]
    assert " 50 steps back" in printed.splitlines()[2]


ALONE = """
import json, runpy, sys
sys.modules["foregate"] = None  # importing it would fail
found = runpy.run_path(sys.argv[1])["main"](sys.argv[2])
print(json.dumps(found["quantiles"].tolist()))
assert not [name for name in sys.modules if name.startswith("foregate.")]
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The folder of an exported model, and what the model itself says of the series of the examples."""
    folder, model = tmp_path_factory.mktemp("portable") / "exported", Forecaster.pretrained(4, freq="h")
    export(model, folder)
    live, start = model.live(), dt.datetime(2024, 1, 1)
    for row in range(120):
        value = 100 + 10 * math.sin(2 * math.pi * row / 24) + row % 7
        other = None if row % 5 == 3 else value - 100
        live.update(
            [
                {"unique_id": name, "ds": start + row * dt.timedelta(hours=1), "y": y}
                for name, y in (("a", value), ("b", other))
            ]
        )
    return folder, live.forecast(quantiles=live.fitted.levels).values


def assert_said(found, expected):
    """Within 1e-5 of the size of each series."""
    assert np.all(
        np.abs(np.reshape(found, expected.shape) - expected) <= 1e-5 * np.abs(expected).max((1, 2), keepdims=True)
    )


def test_portable(exported):
    """An exported model forecasts what the model does, in a process that cannot import Foregate."""
    folder, expected = exported
    words = [sys.executable, "-c", ALONE, str(FOLDER / "portable.py"), str(folder)]
    printed = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    assert_said(json.loads(printed[-1]), expected)
    assert printed[0].startswith("series 0, step 1: 0.025: ")


def test_portable_in_javascript(exported):
    """So it does in another language."""
    node = shutil.which("node")
    if node is None or subprocess.run([node, "-e", "require('onnxruntime-node')"], capture_output=True).returncode:
        pytest.skip("onnxruntime-node is not there: npm install onnxruntime-node, and set NODE_PATH to node_modules")
    folder, expected = exported
    words = [node, str(FOLDER / "portable.js"), str(folder)]
    said = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    assert said["shape"] == list(expected.shape)
    assert_said(said["quantiles"], expected)


@pytest.fixture(params=["real", "made up"])
def series(request, monkeypatch, tmp_path):
    """Whether the real data is there for an example to read, or not."""
    if request.param == "real":
        request.getfixturevalue("data_dir")
    else:
        monkeypatch.setenv("FOREGATE_DATA", str(tmp_path))
    return request.param


def test_replay(series, capsys):
    """Without a terminal the last frame is printed at once; the network beats the day before, and its band holds."""
    found = runpy.run_path(str(FOLDER / "replay.py"))["main"]()
    printed = capsys.readouterr().out
    assert found["LSTM"] < found["day before"]
    assert 0.7 < found["inside"] < 0.9
    assert printed.count("hours ahead") == 1
    assert f"{found['LSTM']:,.1f}" in printed.splitlines()[-2]
    drawn = [line for line in printed.splitlines() if any(0x2800 <= ord(sign) < 0x2900 for sign in line)]
    assert len(drawn) == 21
    assert "\x1b" not in printed


def printed_on(page):
    """What a page of the documents says that its script prints."""
    return re.search(r"^```text\n(.*?)^```$", (REPOSITORY / "docs" / page).read_text(), re.DOTALL | re.MULTILINE)[1]


def assert_as_printed(page, printed):
    """The same words, and about the same figures: other machines add up in another order."""
    words, figures = ([re.sub(r"-?[\d.,]*\d", "#", text).split(), numbers(text)] for text in (page, printed))
    assert words[0] == figures[0]
    assert words[1] == pytest.approx(figures[1], rel=0.2, abs=0.1)


def run_on(name, **words):
    """What `main` of an example gives."""
    return runpy.run_path(str(FOLDER / f"{name}.py"))["main"](**words)


def test_energy_demand(tmp_path, monkeypatch, capsys):
    """On demand that is made up, who is told the weather knows more, and a warmer afternoon needs more power."""
    monkeypatch.setenv("FOREGATE_DATA", str(tmp_path))
    found = run_on("energy_demand", windows=2, steps=60, hidden=16, batch=8, crop=144, rate=0.02)
    printed = capsys.readouterr().out
    assert found["weather as it came"][0] < 0.8 * found["demand alone"][0]
    assert all(hours.shape == (24,) for hours in found["hours"].values())
    assert found["+5"][12:20].mean() > 0 > found["-5"][12:20].mean()
    assert "seasons of 48 and 336" in printed
    assert f"{found['demand alone'][0]:8.0f}" in printed


def test_stock_prices(tmp_path, monkeypatch, capsys):
    """On random walks nothing is better than the naive forecast by more than luck, nor is the last value forgotten."""
    monkeypatch.setenv("FOREGATE_DATA", str(tmp_path))
    found = run_on("stock_prices", steps=10)
    assert 0.97 < found["LSTM"][0] / found["Naive"][0] < 1.05
    assert found["p"]["SeasonalNaive"] < 0.01
    assert found["moves"][-1] > 1.3 * found["moves"][0]
    shares = dict(found["memory"].select("lag", "share").rows())
    assert shares[0] == 1 > 5 * shares[1]
    last, change, neighbours, whole, causal = found["traps"].values()
    assert last > 0.99 > 0.1 > abs(change)
    assert neighbours == pytest.approx(math.sqrt(0.5), abs=0.03)  # of a random walk
    assert whole < -0.2
    assert abs(causal) < 0.03
    assert "seasons: none" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("name", ["energy_demand", "stock_prices"])
def test_pages_print_what_their_scripts_do(name, data_dir, monkeypatch, capsys):
    """Where the real data is there, the figures of a page are those of its script."""
    monkeypatch.setenv("FOREGATE_DATA", str(data_dir))
    run_on(name)
    assert_as_printed(printed_on(f"{name.replace('_', '-')}.md"), capsys.readouterr().out)


def test_each_is_listed_and_tested():
    """The README of the examples names every script, each short enough to be read, and each has a test here."""
    scripts = {path.stem: path.read_text() for path in FOLDER.glob("*.py")}
    assert set(re.findall(r"`python examples/(\w+)\.py`", (FOLDER / "README.md").read_text())) == set(scripts)
    assert set(scripts) <= {name.removeprefix("test_") for name in globals()}
    for name, text in scripts.items():
        # One draws, two have a page, and one runs a service and a worker.
        most = {"replay": 100, "energy_demand": 110, "stock_prices": 110, "service": 195}.get(name, 60)
        assert len([line for line in text.splitlines() if line.strip()]) <= most, name


@pytest.mark.slow
def test_service(figures):
    """The service goes its whole way by itself: a model, a change of the world, an alarm, and what is done about it."""
    _, printed = figures
    assert "1. http://127.0.0.1:" in printed
    assert re.search(r"trained: job 1 \(person\) done: promoted", printed)
    assert re.search(r"alarm of [\w-]+ after \d+ hours", printed)
    assert re.search(r"job \d+ \(drift\) done: promoted", printed)
    assert re.search(r"version \d+ answers", printed)
    assert re.search(r"8\. stopped after \d+ s", printed)

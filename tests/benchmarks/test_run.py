"""The runner records what became of a contender, whatever became of it, and asks again for nothing that it has."""

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks import run
from benchmarks.cases import CASES, Case
from benchmarks.job import Job

FAKE = """
import json, subprocess, sys, time
from pathlib import Path

name, folder, seed = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
if name == "best":
    print("it broke", file=sys.stderr)
    sys.exit(1)
if name == "standard":
    helper = "import sys, time; from pathlib import Path; time.sleep(3); Path(sys.argv[1]).touch()"
    subprocess.Popen([sys.executable, "-c", helper, {mark!r}])
    time.sleep(60)
import numpy as np
from benchmarks.job import Job

job = Job.load(folder)
np.save(folder / "said.npy", np.full((*job.known.shape, job.horizon, len(job.quantiles)), 3.0))
costs = {{"fit_seconds": 1.0, "predict_seconds": 1.0, "peak_mib": 1}}
facts = costs | {{"versions": {{"foregate": {version!r}}}, "notes": []}}
(folder / "facts.json").write_text(json.dumps(facts))
"""


@dataclass(frozen=True)
class Made(Case):
    """A set that needs no files."""

    def job(self, name, *, test):
        rows = pl.DataFrame({"unique_id": "a", "ds": range(5), "y": [1.0, 2.0, 3.0, 3.0, 3.0]})
        return Job(name, 2, 1, (), "1", rows, np.array([[3]]))


@pytest.fixture
def log(tmp_path, monkeypatch):
    """A runner whose contenders are a fake: instant answers, best fails, standard takes too long and starts others."""
    fake = tmp_path / "fake.py"
    mark = str(tmp_path / "outlived")
    fake.write_text(FAKE.format(mark=mark, version=run._version("foregate", sys.executable)))
    monkeypatch.setitem(CASES, "made", Made("made up", "", 2, 1))
    monkeypatch.setattr(run, "program", lambda contender: [sys.executable, str(fake)])
    return tmp_path / "runs.jsonl"


def ask(monkeypatch, log, *words):
    monkeypatch.setattr(sys, "argv", ["run", "made", "--log", str(log), *words])
    run.main()
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_a_line_says_what_was_found(log, monkeypatch):
    """Figures, costs and versions of what answers; why of what fails."""
    good, bad = ask(monkeypatch, log, "--with", "instant", "best")
    assert good["figures"]["mase"] == 0
    assert (good["set"], good["part"], good["contender"], good["seed"]) == ("made", "validation", "instant", 0)
    assert bad["failed"] == "it broke"
    assert bad["versions"]["foregate"] == good["versions"]["foregate"]


def test_what_takes_too_long_is_stopped_and_recorded(log, monkeypatch):
    """With whatever it had started itself, and the next one has its turn."""
    (slow,) = ask(monkeypatch, log, "--with", "standard", "--limit", "2")
    stopped = time.monotonic()
    _, good = ask(monkeypatch, log, "--with", "instant")
    assert slow["failed"] == "took longer than 2 s"
    assert "figures" in good
    time.sleep(max(0, stopped + 3 - time.monotonic()))
    assert not Path(log.parent / "outlived").exists()


def test_what_is_there_is_not_asked_again(log, monkeypatch):
    """Failures too; another seed, part, version or code of the library is another line."""
    assert len(ask(monkeypatch, log, "--with", "instant", "best")) == 2
    assert len(ask(monkeypatch, log, "--with", "instant", "best", "--missing")) == 2
    assert len(ask(monkeypatch, log, "--with", "instant", "fast", "--missing")) == 3
    assert len(ask(monkeypatch, log, "--missing", "--with", "instant", "--seed", "1")) == 4
    assert len(ask(monkeypatch, log, "--missing", "--with", "instant", "--test")) == 5
    older = log.read_text().replace('"foregate": "', '"foregate": "0.')
    log.write_text(older)
    assert len(ask(monkeypatch, log, "--missing", "--with", "instant")) == 6
    assert len(ask(monkeypatch, log, "--with", "instant")) == 7
    monkeypatch.setattr("benchmarks.run.code", lambda: "changed")
    assert len(ask(monkeypatch, log, "--missing", "--with", "instant")) == 8
    assert len(ask(monkeypatch, log, "--missing", "--with", "instant")) == 8

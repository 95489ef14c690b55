"""What the tests of tuning share: a small table, a small forecaster, and a PostgreSQL server where one is installed."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from foregate import Forecaster
from foregate.core import Panel
from foregate.data import generate, read, regularize
from foregate.evaluation import Plan
from foregate.tuning import Choice, Search, Space
from foregate.tuning.job import Job
from foregate.tuning.run import Task
from foregate.tuning.search import fingerprint

SMALL = {"steps": 5, "hidden": 4, "layers": 1, "decoder": 4, "start": "scratch", "batch": 8, "crop": 20}
"""Options of a network that is trained in no time."""
SPACE = Space({"rate": Choice(0.001, 0.01, 0.05), "training.decay": Choice(0.0, 0.01)})
"""Six points."""
PROGRAMS = Path("/usr/lib/postgresql")
"""Where Debian puts the programs of a server."""


def small(**options) -> Forecaster:
    """A forecaster of two steps that is trained in no time."""
    return Forecaster(2, season_length=1, effort="fast", options=SMALL | options, verbose=False)


@pytest.fixture(scope="session")
def panel() -> Panel:
    """Two series of 60 days."""
    return regularize(read(generate(2, 60)))


@pytest.fixture
def job(panel, tmp_path):
    """A function that makes a job of six points on a study in an empty folder."""

    def make(space: Space = SPACE, address: str | None = None, **search) -> Job:
        task = Task.of(2, space, small(), None, Search(**({"sampler": "random", "n_trials": 4} | search)))
        plan = Plan(2, season=1)
        prints = fingerprint(panel, task.recipe, task.space, task.search, plan)
        return Job(
            panel, task.recipe, task.space, task.search, plan, address or str(tmp_path / "study.journal"), prints
        )

    return make


@pytest.fixture(scope="session")
def server() -> str:
    """The address of a PostgreSQL server that was started for the tests, as somebody who may start one."""
    initdb = shutil.which("initdb") or next(map(str, sorted(PROGRAMS.glob("*/bin/initdb"))), None)
    if initdb is None:
        pytest.skip("no PostgreSQL server is installed: there is no initdb on the PATH or below /usr/lib/postgresql")
    programs, folder = Path(initdb).resolve().parent, Path(tempfile.mkdtemp(prefix="server"))
    who = {}
    if os.geteuid() == 0:  # the server refuses to be run by root, and others do not see into the folders of tests
        shutil.chown(folder, "nobody")
        who = {"user": "nobody"}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = folder / "data"
    command = [programs / "initdb", "-D", data, "-U", "tester", "--auth=trust", "--no-sync"]
    subprocess.run(command, check=True, capture_output=True, cwd=folder, **who)
    command = [programs / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", folder, "-F"]
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, **who)
    try:
        for _ in range(200):
            if b"ready to accept connections" in (folder / "log").read_bytes():
                break
            assert running.poll() is None, (folder / "log").read_text()
            time.sleep(0.1)
        yield f"postgresql://tester@127.0.0.1:{port}/postgres"
    finally:
        running.terminate()
        running.wait(timeout=30)
        shutil.rmtree(folder)

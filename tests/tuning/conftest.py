"""What the tests of tuning share: a small table, a small forecaster, and a PostgreSQL server where one is installed."""

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
def server(postgresql) -> str:
    """The address of a PostgreSQL server that was started for the tests."""
    return postgresql.address

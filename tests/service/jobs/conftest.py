"""A database, a clock and a queue."""

import pytest

from foregate.service.jobs.queue import Jobs
from foregate.service.registry.registry import Registry
from foregate.service.store.database import Database
from foregate.service.store.schema import migrate
from tests.service.databases import server, server_url, url

__all__ = ["server", "server_url", "url"]


@pytest.fixture
def database(tmp_path):
    """One of SQLite, with its tables."""
    opened = Database(f"sqlite:///{tmp_path / 'foregate.db'}")
    migrate(opened)
    yield opened
    opened.close()


@pytest.fixture
def jobs(database, clock):
    """The queue of that database."""
    return Jobs(database, clock)


@pytest.fixture
def registry(database, tmp_path, clock):
    """The registry of that database."""
    return Registry(database, tmp_path / "models", clock)

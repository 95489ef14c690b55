"""Databases of each kind, a clock and a queue."""

import pytest

from foregate.service.jobs.queue import Jobs
from foregate.service.registry.registry import Registry
from tests.service.databases import database, server, server_url, url

__all__ = ["database", "jobs", "registry", "server", "server_url", "url"]


@pytest.fixture
def jobs(database, clock):
    """The queue of that database."""
    return Jobs(database, clock)


@pytest.fixture
def registry(database, tmp_path, clock):
    """The registry of that database."""
    return Registry(database, tmp_path / "models", clock)

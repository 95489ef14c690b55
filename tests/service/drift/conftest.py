"""A database with its tables."""

import pytest

from foregate.service.store.database import Database
from foregate.service.store.schema import migrate
from tests.service.databases import server, server_url, url

__all__ = ["server", "server_url", "url"]


@pytest.fixture
def database(tmp_path):
    """One of SQLite."""
    opened = Database(f"sqlite:///{tmp_path / 'foregate.db'}")
    migrate(opened)
    yield opened
    opened.close()

"""A database of each kind, empty or with its tables."""

import secrets
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text

from foregate.service.store.database import Database
from foregate.service.store.schema import migrate
from tests.postgres import Server


@pytest.fixture(scope="session")
def server(postgresql) -> Server:
    """A PostgreSQL server."""
    return postgresql


def fresh(server: Server) -> str:
    """The URL of a new database of PostgreSQL."""
    name = "t" + secrets.token_hex(6)
    engine = create_engine(server.address.replace("://", "+psycopg://"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.address.removesuffix("postgres") + name


@pytest.fixture
def server_url(server) -> str:
    """Of an empty database of PostgreSQL."""
    return fresh(server)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path) -> str:
    """Of an empty database, of one kind after the other."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'data' / 'foregate.db'}"
    return str(request.getfixturevalue("server_url"))


@pytest.fixture
def database(url) -> Iterator[Database]:
    """One with its tables."""
    opened = Database(url)
    migrate(opened)
    yield opened
    opened.close()


@pytest.fixture
def sqlite(tmp_path) -> Iterator[Database]:
    """One of SQLite, with its tables."""
    opened = Database(f"sqlite:///{tmp_path / 'foregate.db'}")
    migrate(opened)
    yield opened
    opened.close()

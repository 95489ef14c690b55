"""Laws of connections on which nothing comes back."""

import time

import psycopg
import pytest
from sqlalchemy import text

from foregate.service.store.database import Database, StoreError
from foregate.service.store.patience import SECONDS, patient
from foregate.service.store.schema import migrate
from tests.service.toxic import Toxic


@pytest.fixture
def toxic(server):
    made = Toxic(server.port)
    yield made
    made.close()


def through(toxic, server, url):
    return url.replace(f":{server.port}/", f":{toxic.port}/")


def test_what_is_swallowed_is_an_error_in_time(toxic, server, server_url, monkeypatch):
    """Where what is sent is taken and nothing comes back, a read and a write fail in bounded time; then all is well."""
    monkeypatch.setattr(patient(), "seconds", 0.3)
    monkeypatch.setattr("foregate.service.store.engines.SERVER", {"connect_timeout": 2})
    monkeypatch.setattr("foregate.service.store.database.ATTEMPTS", 1)
    database = Database(through(toxic, server, server_url))
    migrate(database)
    toxic.be("hole")
    for work in (database.read_now, database.write_now):
        began = time.monotonic()
        with pytest.raises(StoreError, match=r"must answer|timeout"):
            work(lambda c: c.scalar(text("SELECT 1")))
        assert time.monotonic() - began < 4
    toxic.be("well")
    assert database.write_now(lambda c: c.scalar(text("SELECT 1"))) == 1
    database.close()


def test_patience_is_with_those_who_say_something(server_url, monkeypatch):
    """An answer that takes longer in all, but of which something comes again and again, is read to its end."""
    monkeypatch.setattr(patient(), "seconds", 0.4)
    with patient().connect(server_url) as connection, connection.cursor() as cursor:
        found = cursor.stream("SELECT pg_sleep(0.2), repeat('x', 9000) FROM generate_series(1, 4)")
        assert len(list(found)) == 4
        with pytest.raises(psycopg.OperationalError, match=r"must answer within 0\.4 s"):
            cursor.execute("SELECT pg_sleep(2)")
        assert connection.closed


def test_the_server_loses_patience_first(server_url):
    """A statement that takes too long is ended by the server, while the connection lasts."""
    database = Database(server_url)
    told = database.read_now(
        lambda c: c.scalar(text("SELECT setting FROM pg_settings WHERE name = 'statement_timeout'"))
    )
    assert 0 < int(told) / 1000 < SECONDS
    database.close()

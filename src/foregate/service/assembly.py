"""A service from its settings: every part, in the order in which they need one another.

A part that is added gets its routes in `routes` and its place in `running`, and is known nowhere else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from sqlalchemy import Connection

from foregate.service.access.gate import Gate
from foregate.service.access.keys import Order, add, all_keys
from foregate.service.api.endpoints import Routes
from foregate.service.context import Check, Service, now
from foregate.service.metrics import Metrics
from foregate.service.secret import secret_of
from foregate.service.settings import Settings
from foregate.service.store.database import Database
from foregate.service.store.tables import METADATA

__all__ = ["database_of", "first_key", "routes", "running"]


def routes() -> list[Routes]:
    """The routes of every part."""
    from foregate.service.credentials.routes import routes as credentials

    return [credentials]


@asynccontextmanager
async def running(settings: Settings, clock: Callable[[], int] = now) -> AsyncIterator[Service]:
    """A service that runs; it is ended in the opposite order."""
    async with AsyncExitStack() as stack:
        metrics = Metrics()
        database = database_of(settings)
        stack.callback(database.close)
        database.on_commit = lambda seconds, together: _committed(metrics, seconds, together)
        gate = Gate(settings, database, secret_of(settings), clock)
        stack.push_async_callback(gate.close)
        absent: Any = None
        service = Service(settings, database, gate, absent, absent, absent, metrics, clock)

        async def readable() -> None:
            await database.read(all_keys)

        service.checks["database"] = Check(readable, vital=False)
        yield service


def database_of(settings: Settings) -> Database:
    """The database, with its tables."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = Database(settings.database_url)
    METADATA.create_all(database.engine)
    return database


def first_key(database: Database, at: int) -> str | None:
    """A key that may do everything, where there has never been any; None: there has."""

    def work(connection: Connection) -> str | None:
        return None if all_keys(connection) else add(connection, Order("admin", ("admin",), "first start", at))

    return database.write_now(work)


def _committed(metrics: Metrics, seconds: float, together: int) -> None:
    metrics.commits.observe(seconds)
    metrics.commit_size.observe(together)

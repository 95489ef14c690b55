"""A service from its settings: every part, in the order in which they need one another.

A part that is added gets its routes in `routes` and its place in `running`, and is known nowhere else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from foregate.service.access.gate import Gate
from foregate.service.access.keys import Order, add_first
from foregate.service.api.endpoints import Routes
from foregate.service.context import Check, Service, now
from foregate.service.drift.keeper import Keeper
from foregate.service.forecasts.served import Served
from foregate.service.metrics import Metrics
from foregate.service.registry.registry import Registry
from foregate.service.registry.shared import blobs_of
from foregate.service.secret import require_shared, secret_of
from foregate.service.sessions.fleet import Fleet
from foregate.service.settings import Settings
from foregate.service.store.database import Database
from foregate.service.store.failures import StoreError
from foregate.service.store.schema import migrate
from foregate.service.upkeep import Upkeep

__all__ = ["checks", "database_of", "first_key", "routes", "running"]

MODELS = "models"
"""Folder of the models, in the data folder."""


def routes() -> list[Routes]:
    """The routes of every part."""
    from foregate.service.credentials.routes import routes as credentials
    from foregate.service.drift.routes import routes as drift
    from foregate.service.forecasts.oip import routes as inference
    from foregate.service.forecasts.routes import routes as forecasts
    from foregate.service.jobs.routes import routes as jobs
    from foregate.service.observations.routes import routes as observations
    from foregate.service.registry.routes import routes as registry
    from foregate.service.sessions.routes import routes as sessions

    return [credentials, registry, forecasts, inference, observations, sessions, jobs, drift]


@asynccontextmanager
async def running(settings: Settings, clock: Callable[[], int] = now) -> AsyncIterator[Service]:
    """A service that runs; it is ended in the opposite order."""
    async with AsyncExitStack() as stack:
        metrics = Metrics()
        database = database_of(settings)
        stack.callback(database.close)
        _count(database, metrics)
        secret = secret_of(settings)
        require_shared(settings, database, secret)
        gate = Gate(settings, database, secret, clock)
        stack.push_async_callback(gate.close)
        folder = settings.data_dir / MODELS
        blobs = blobs_of(settings, database, folder)
        registry = Registry(database, folder, clock, most_bytes=settings.limits.upload_bytes, blobs=blobs)
        await registry.ensure_shipped()
        await registry.start()
        stack.push_async_callback(registry.stop)
        served = Served(registry, settings, metrics)
        await served.start()
        stack.push_async_callback(served.close)
        fleet = Fleet(database, served, registry, settings, metrics, clock)
        await fleet.start()
        stack.push_async_callback(fleet.stop)
        service = Service(settings, database, gate, registry, served, fleet, metrics, clock)
        service.checks |= checks(service)
        upkeep = Upkeep(service)
        await upkeep.start()
        stack.push_async_callback(upkeep.close)
        keeper = Keeper(service)
        await keeper.start()
        stack.push_async_callback(keeper.stop)
        yield service


def checks(service: Service) -> dict[str, Check]:
    """What must be well."""

    async def model() -> None:
        await service.served.ready(service.settings.forecasts.model)

    async def database() -> None:
        if not await service.database.writable():
            raise StoreError("the database must take changes, but does not.")

    return {"model": Check(model), "database": Check(database, vital=False)}


def database_of(settings: Settings) -> Database:
    """The database, with its tables."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = Database(settings.database_url)
    try:
        migrate(database)
    except BaseException:
        database.close()
        raise
    return database


def first_key(database: Database, at: int) -> str | None:
    """A key that may do everything, where there has never been any; None: there has."""
    order = Order("admin", ("admin",), "first start", at)
    return database.write_now(lambda connection: add_first(connection, order))


def _count(database: Database, metrics: Metrics) -> None:
    """Let metrics know of commits and of what failed."""

    def committed(seconds: float, together: int) -> None:
        metrics.commits.observe(seconds)
        metrics.commit_size.observe(together)

    def failed(error: StoreError) -> None:
        metrics.store_errors.inc()

    database.on_commit, database.on_failure = committed, failed

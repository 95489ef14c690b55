"""A service in memory, for tests: a clock that stands still, a database in a folder, and a way to ask it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import Connection

from foregate.service.access.gate import Gate
from foregate.service.access.keys import Order, add
from foregate.service.api.app import App, create_app
from foregate.service.context import Service
from foregate.service.credentials.routes import routes as credentials
from foregate.service.metrics import Metrics
from foregate.service.problems import Problem
from foregate.service.settings import Settings
from foregate.service.store.database import Database
from foregate.service.store.tables import METADATA

SECRET = "a secret of tests, which is long enough"
START = 1_800_000_000_000_000
"""What the clock of tests says at first: microseconds since 1970."""


@dataclass
class Clock:
    """A clock that moves when it is told to."""

    now: int = START

    def __call__(self) -> int:
        return self.now

    def timer(self) -> float:
        """Seconds that only grow."""
        return self.now / 1e6

    def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        self.now += int(seconds * 1e6)


@dataclass
class Lab:
    """A service, and a way to ask it. It has no parts but database and gate, unless they are given.

    Everything that is awaited runs in one event loop, so that tests need not know of it.
    """

    service: Service
    app: App
    clock: Clock
    runner: asyncio.Runner
    keys: dict[tuple[str, ...], str] = field(default_factory=dict)

    def run(self, work: Awaitable[Any]) -> Any:
        """Wait for something."""

        async def wait() -> Any:
            return await work

        return self.runner.run(wait())

    def key(self, *scopes: str) -> str:
        """A key with these scopes."""
        if scopes not in self.keys:
            self.keys[scopes] = self.service.database.write_now(lambda connection: self._added(connection, scopes))
            self.run(self.service.access.renew())
        return self.keys[scopes]

    def _added(self, connection: Connection, scopes: tuple[str, ...]) -> str:
        order = Order("-".join(scopes), scopes, "tests", self.clock())
        try:
            return add(connection, order)
        except Problem:  # a lab that was killed here left its own
            return add(connection, replace(order, name=f"{order.name}-{uuid4().hex}"))

    async def asking(self, method: str, path: str, *, scope: str | None = None, **said: Any) -> httpx.Response:
        """Ask; see `ask`."""
        headers = dict(said.pop("headers", {}))
        if scope is not None:
            headers["Authorization"] = f"Bearer {self.keys[scope,]}"
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://tests") as client:
            return await client.request(method, path, headers=headers, **said)

    def ask(self, method: str, path: str, *, scope: str | None = None, **said: Any) -> httpx.Response:
        """Ask as somebody who has one scope, or none; the rest is as of httpx."""
        if scope is not None:
            self.key(scope)
        return self.run(self.asking(method, path, scope=scope, **said))


Parts = Callable[[Service], None]


@contextlib.contextmanager
def lab(
    folder: Path,
    *routes: Any,
    settings: dict[str, Any] | None = None,
    parts: Parts = lambda service: None,
    clock: Clock | None = None,
) -> Iterator[Lab]:
    """A service in a folder.

    Args:
        folder: where its database is.
        routes: of the parts of the API that are tested.
        settings: what differs from the defaults.
        parts: sets further parts of the service, such as `service.registry`.
        clock: of the service.
    """
    clock = clock or Clock()
    known = Settings(data_dir=folder, **(settings or {}))
    database = Database(known.database_url)
    METADATA.create_all(database.engine)
    gate = Gate(known, database, SECRET, clock, clock.timer)
    absent: Any = None
    service = Service(known, database, gate, absent, absent, absent, Metrics(), clock)
    try:
        with asyncio.Runner() as runner:
            parts(service)
            yield Lab(service, create_app(service, [credentials, *routes]), clock, runner)
    finally:
        database.close()

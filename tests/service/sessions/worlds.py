"""A small service around sessions: a real database, and models of two versions that need no weights."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

from sqlalchemy import insert, select, update

from foregate.core import Frequency
from foregate.service.metrics import Metrics
from foregate.service.observations.catalog import Known, Series
from foregate.service.observations.intake import Given, placed
from foregate.service.sessions.fleet import Fleet
from foregate.service.sessions.opening import Wish
from foregate.service.sessions.turns import Order
from foregate.service.settings import IngestSettings, Settings
from foregate.service.store.database import Database
from foregate.service.store.tables import METADATA, aliases, models, observations, sessions
from tests.streaming.models import fitted
from tests.streaming.obvious import obvious

DAY = 86_400_000_000
MODEL = "small"


class Served:
    """Two versions of one model, asked on one thread."""

    def __init__(self, registry):
        self.thread, self.registry, self.made = ThreadPoolExecutor(1), registry, {}
        self.fails = 0

    async def run(self, function, *arguments):
        return await asyncio.get_running_loop().run_in_executor(self.thread, function, *arguments)

    async def ready(self, model, which="champion"):
        version = self.registry.versions[which] if isinstance(which, str) else which
        made = {1: obvious, 2: lambda seasons: fitted(seasons, seed=8)}[version]

        def of(freq, season_length=None):
            key = version, season_length
            if key not in self.made:
                self.made[key] = made((season_length or 1, 1))
            return self.made[key]

        return SimpleNamespace(version=SimpleNamespace(model=model, version=version), fitted=of)


class Registry:
    """What an alias names."""

    def __init__(self):
        self.versions, self.on_move = {"champion": 1}, []


class World:
    """A fleet, its database, and a clock that can be set."""

    def __init__(self, path, url=None, **settings):
        self.url = url or f"sqlite:///{path / 'service.db'}"
        self.settings = Settings(ingest=IngestSettings(**({"horizon": 3, "quantiles": (0.1, 0.9)} | settings)))
        self.now = 1_700_000_000_000_000
        self.database = Database(self.url)
        self.database.exclusively(METADATA.create_all)
        self.database.exclusively(self._register)
        self.registry = Registry()
        self.served, self.metrics = Served(self.registry), Metrics()
        self.fleet = self.made()

    @staticmethod
    def _register(connection):
        if connection.execute(select(models)).first() is None:
            connection.execute(insert(models).values(name=MODEL, created_at=0))
            connection.execute(insert(aliases).values(model=MODEL, alias="champion", version=1, revision=1))

    def made(self):
        """Another fleet on the same database, as a process that starts anew has it."""
        return Fleet(self.database, self.served, self.registry, self.settings, self.metrics, lambda: self.now)

    async def series(self, *names, freq=1, season=3):
        known = Known(0, Frequency.parse(freq), None)
        for name in names:
            await self.fleet.catalog.put(name, Series(known, name, season, "", {}, 0))

    async def open(self, *names, which="champion", late="reject", horizon=3):
        return await self.fleet.opening.open(names, Wish(MODEL, which, late, horizon))

    async def order(self, name, *rows, fleet=None, **options):
        """An order to read rows."""
        known = (await self.fleet.catalog.all_known([name]))[name]
        seen = sorted((placed(time, known, 2**60), value, None) for time, value in rows)
        loop = asyncio.get_running_loop()
        return Order(known.id, "step", loop.create_future(), rows=seen, **options)

    async def step(self, name, *rows, fleet=None, **options):
        return await (fleet or self.fleet).step(await self.order(name, *rows, **options))

    async def take(self, *rows, revise=False):
        return await self.fleet.intake.take([Given(*row) for row in rows], revise=revise)

    async def stored(self, name):
        """Rows of a series: time, value, number."""
        known = (await self.fleet.catalog.all_known([name]))[name]
        query = select(observations.c.time, observations.c.value, observations.c.seq)
        query = query.where(observations.c.series == known.id).order_by(observations.c.time)
        return [tuple(row) for row in await self.database.read(lambda c: c.execute(query).all())]

    async def session(self, name):
        known = (await self.fleet.catalog.all_known([name]))[name]
        return await self.database.read(
            lambda c: c.execute(select(sessions).where(sessions.c.series == known.id)).one()
        )

    def champion(self, version):
        """Let the alias name another version."""
        self.registry.versions["champion"] = version
        self.database.write_now(
            lambda c: c.execute(update(aliases).values(version=version, revision=aliases.c.revision + 1))
        )

    def close(self):
        self.database.close()
        self.served.thread.shutdown()

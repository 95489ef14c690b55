"""What metrics say of champions."""

import asyncio
from types import SimpleNamespace

import pytest
from sqlalchemy import insert, update

from foregate.service.champions import Champions
from foregate.service.metrics import Metrics
from foregate.service.store.database import Database
from foregate.service.store.tables import METADATA, alias_events, aliases, model_versions, models


@pytest.fixture
def service(tmp_path):
    """A database with two versions of a model, the first of them champion; the clock stands at 100 s."""
    database = Database(f"sqlite:///{tmp_path / 'champions.db'}")
    METADATA.create_all(database.engine)
    facts = {"sha256": "", "size": 1, "facts": "{}", "metrics": "{}", "source": "upload", "created_by": "me"}

    def fill(connection):
        connection.execute(insert(models), {"name": "m", "created_at": 0})
        for version in (1, 2):
            connection.execute(
                insert(model_versions), {"model": "m", "version": version, "created_at": version * 10**7, **facts}
            )
        connection.execute(insert(aliases), {"model": "m", "alias": "champion", "version": 1, "revision": 1})

    database.write_now(fill)
    yield SimpleNamespace(database=database, metrics=Metrics(), clock=lambda: 10**8)
    database.close()


def move(service, to, actor, reason, alias="champion"):
    """Move an alias."""

    def work(connection):
        said = {"model": "m", "alias": alias, "after": to, "actor": actor, "reason": reason, "at": 0}
        connection.execute(insert(alias_events), said)
        connection.execute(update(aliases).values(version=to))

    service.database.write_now(work)


def test_moves_are_counted_by_their_kind(service):
    """Each move after the first look counts once: promotions, rollbacks and requests; what was before does not."""
    champions = Champions()
    move(service, 1, "key:me", "before")
    asyncio.run(champions(service))
    move(service, 2, "job:1", "promoted: 0.9 of champion's error")
    move(service, 1, "job:2", "rolled back: since then version 1 made 0.8")
    asyncio.run(champions(service))
    move(service, 2, "key:me", "rolled back, says a person")
    move(service, 2, "key:me", "another alias", alias="challenger")
    asyncio.run(champions(service))
    counted = {
        reason: service.metrics.registry.get_sample_value(
            "foregate_model_swaps_total", {"model": "m", "reason": reason}
        )
        for reason in ("promotion", "rollback", "request")
    }
    assert counted == {"promotion": 1, "rollback": 1, "request": 1}


def test_the_age_is_that_of_the_version(service):
    """The age is the time since the version that is champion was registered, and nobody's without one."""
    champions = Champions()

    def age():
        asyncio.run(champions(service))
        return service.metrics.registry.get_sample_value("foregate_model_age_seconds", {"model": "m"})

    assert age() == 90
    move(service, 2, "key:me", "x")
    assert age() == 80
    service.database.write_now(lambda connection: connection.execute(aliases.delete()))
    assert age() is None

"""A service from its settings."""

import asyncio

from foregate.service import assembly
from foregate.service.settings import Settings
from foregate.service.store.failures import StoreError


def test_what_was_started_is_ended(tmp_path):
    """After a service has ended its database is closed, and another one can be started in its place."""

    async def once():
        async with assembly.running(Settings(data_dir=tmp_path / "data")) as service:
            for check in service.checks.values():
                await check.run()
        return service

    first = asyncio.run(once())
    assert first.database._closed
    asyncio.run(once())


def test_the_first_key_is_made_once(tmp_path):
    """Where there has ever been a key, none is made."""
    database = assembly.database_of(Settings(data_dir=tmp_path))
    assert assembly.first_key(database, 1).startswith("fg_")
    assert assembly.first_key(database, 2) is None
    database.close()


def test_no_two_routes_are_the_same():
    """Every path and method is given once, and every function has a name of its own."""
    endpoints = [one for part in assembly.routes() for one in part.endpoints]
    places = [(one.method, one.path) for one in endpoints]
    assert len(set(places)) == len(places)
    names = [one.name for one in endpoints]
    assert len(set(names)) == len(names)


def test_failed_commits_are_counted(tmp_path):
    """A commit that fails is one more in the metric that alerts are about; so is every champion told of."""

    async def run():
        async with assembly.running(Settings(data_dir=tmp_path / "data")) as service:
            service.database.on_failure(StoreError("the disk must have room, but is full."))
            await asyncio.sleep(0.5)
            return service.metrics.text().decode()

    text = asyncio.run(run())
    assert "foregate_db_errors_total 1.0" in text
    assert 'foregate_model_age_seconds{model="pretrained"}' in text

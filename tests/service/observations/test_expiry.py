"""Laws of observations that expire."""

import asyncio

import numpy as np
import pytest
from sqlalchemy import select

from foregate.service.clock import DAY
from foregate.service.drift.feedback import Feedback
from foregate.service.jobs.triggers import due
from foregate.service.observations import expiry
from foregate.service.observations.announced import announce
from foregate.service.observations.expiry import expire
from foregate.service.settings import KeepSettings, WatchSettings
from foregate.service.store.tables import (
    aliases,
    announced,
    forecasts,
    model_versions,
    models,
    observations,
    revisions,
    session_states,
)
from tests.service.databases import database, server, server_url, url
from tests.service.drift.made import actual, forecast, new_series
from tests.service.sessions.worlds import World

__all__ = ["database", "server", "server_url", "url"]

NOW = 20_000 * DAY
BAND = np.array([[-1.0, 0.0, 1.0]])


def expired(database, warm=3, **keep):
    return asyncio.run(expire(database, KeepSettings(**keep), warm, NOW))


def times(database, number, table=observations):
    query = select(table.c.time).where(table.c.series == number).order_by(table.c.time)
    return database.read_now(lambda c: list(c.scalars(query)))


def test_exactly_what_is_old_goes(database, monkeypatch):
    """By number and by age, of times of the calendar and of whole numbers, the rows that are kept are the newest."""
    monkeypatch.setattr(expiry, "ROWS_AT_ONCE", 4)
    monkeypatch.setattr(expiry, "SERIES_AT_ONCE", 2)
    daily, counted, short = (new_series(database, name, freq) for name, freq in (("a", "D"), ("b", "1"), ("c", "D")))
    for i in range(20):
        actual(database, daily, NOW - i * DAY, 1.0, at=NOW)
        actual(database, counted, -i, 1.0, at=NOW - i * DAY)
    actual(database, short, NOW - 3 * DAY, 1.0)
    assert expired(database) == 0
    assert expired(database, observation_days=12.0) == 7 + 7
    assert [len(times(database, number)) for number in (daily, counted, short)] == [13, 13, 1]
    assert expired(database, observation_rows=5) == 16
    assert times(database, counted) == [-4, -3, -2, -1, 0]
    assert expired(database, observation_days=1.0) == 3 + 3 + 1
    assert times(database, short) == []


def test_what_belongs_to_a_row_goes_with_it(database):
    """Revisions and announcements of the times that went go too, and those of the others stay."""
    number = new_series(database)
    for time in range(10):
        database.write_now(lambda c, t=time: announce(c, number, expiry.Frequency.parse(1), {t: {"price": 1.0}}, 0))
        actual(database, number, time, 1.0)
        row = {"series": number, "time": time, "revision": 0, "value": 2.0, "received_at": 0}
        database.write_now(lambda c, row=row: c.execute(revisions.insert(), row) and None)
    assert expired(database, observation_rows=4) == 6
    assert [times(database, number, table) for table in (observations, revisions, announced)] == [[6, 7, 8, 9]] * 3


def test_an_actual_that_comes_again_is_not_scored_again(database):
    """A row that expired and is sent once more meets no forecast that it met before."""
    number = new_series(database)
    for time in range(8):
        forecast(database, number, time, np.repeat(BAND, 5, 0))
        actual(database, number, time + 1, 0.5)
    feedback = Feedback(database, lambda: NOW)
    assert asyncio.run(feedback.step()).actuals == 8
    assert expired(database, observation_rows=3) == 5
    assert times(database, number, table=observations) == [6, 7, 8]
    assert database.read_now(lambda c: list(c.scalars(select(forecasts.c.origin)))) == [6, 7]
    for time in range(1, 6):
        actual(database, number, time, 0.5)
    assert asyncio.run(feedback.step()).actuals == 0


def test_new_rows_are_counted_whatever_goes(database):
    """So many new observations start a training however many old ones expire meanwhile."""
    number = new_series(database)

    def setup(connection):
        connection.execute(models.insert().values(name="m", created_at=0))
        row = {"model": "m", "version": 1, "sha256": "", "size": 0, "facts": '{"kind": "model", "horizon": 3}'}
        row |= {"metrics": "{}", "source": "upload", "created_at": 0, "created_by": "x"}
        connection.execute(model_versions.insert().values(row))
        connection.execute(aliases.insert().values(model="m", alias="champion", version=1, revision=1))

    database.write_now(setup)
    settings = WatchSettings(new_rows=5)
    for time in range(10):
        actual(database, number, time, 1.0)
    assert database.write_now(lambda c: due(c, settings, NOW)) == []
    assert expired(database, observation_rows=2) == 8
    for time in range(10, 14):
        actual(database, number, time, 1.0, NOW + time)
        assert database.write_now(lambda c: due(c, settings, NOW)) == []
    actual(database, number, 14, 1.0, NOW + 14)
    assert [job.trigger for job in database.write_now(lambda c: due(c, settings, NOW))] == ["data"]


VALUES = np.round(np.random.default_rng(0).normal(5, 1, 100), 3).tolist()


@pytest.mark.parametrize("late", ["reject", "rebuild"])
def test_a_session_never_notices(tmp_path, url, late):
    """Whatever goes, and however a state is made anew, a session says what it says where nothing ever went."""
    world = World(tmp_path, url, snapshot_rows=7, warm_rows=12)

    async def act():
        await world.series("kept", "cut")
        await world.open("kept", "cut", late=late)
        number = (await world.fleet.catalog.all_known(["cut"]))["cut"].id
        for t in range(60):
            for name in ("kept", "cut"):
                await world.step(name, (t, VALUES[t]))
            if t % 9 == 8:
                await expire(world.database, KeepSettings(observation_rows=2), 12, NOW)
                assert len(await world.stored("cut")) < 30
                world.fleet = world.made()  # all states are lost
        if late == "rebuild":
            for name in ("kept", "cut"):
                await world.step(name, (57, 9.0), revise=True)
        first, second = await world.fleet.forecast(["kept", "cut"], 3)
        np.testing.assert_array_equal(first.values, second.values)
        drop = session_states.delete().where(session_states.c.series == number)
        world.database.write_now(lambda c: c.execute(drop) and None)
        await expire(world.database, KeepSettings(observation_rows=2), 12, NOW)
        assert len(await world.stored("cut")) >= 12
        world.fleet = world.made()
        assert (await world.fleet.forecast(["cut"], 3))[0].seq == second.seq

    asyncio.run(act())
    world.close()


def test_what_a_session_has_not_read_yet_stays(tmp_path):
    """Rows that came past a session are kept until its stored state has read them."""
    world = World(tmp_path, snapshot_rows=7, warm_rows=5)

    async def act():
        await world.series("a")
        await world.open("a")
        await world.step("a", *[(t, VALUES[t]) for t in range(8)])
        world.fleet.intake.on_news = lambda ids: None  # nobody reads
        await world.take(*[("a", t, VALUES[t]) for t in range(8, 60)])
        await expire(world.database, KeepSettings(observation_rows=2), 5, NOW)
        assert [row[0] for row in await world.stored("a")] == list(range(7, 60))
        await world.fleet.forecast(["a"], 3)
        await world.fleet.stop()
        await expire(world.database, KeepSettings(observation_rows=2), 5, NOW)
        assert [row[0] for row in await world.stored("a")] == list(range(55, 60))

    asyncio.run(act())
    world.close()

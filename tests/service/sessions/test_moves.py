"""Laws of sessions that begin from a history, and of sessions that move to other versions."""

import asyncio
import threading

import numpy as np
import pytest

from foregate.core import UsageError
from foregate.service.observations.intake import Given
from foregate.service.problems import Problem
from tests.service.sessions.test_fleet import VALUES, close, replayed, run, said
from tests.service.sessions.worlds import World
from tests.streaming.models import fitted


@pytest.fixture
def world(tmp_path, url):
    made = World(tmp_path, url, snapshot_rows=7)
    yield made
    made.close()


def second(rows):
    return replayed(rows, fitted((3, 1), seed=8))


def test_a_session_begins_with_what_is_stored(world):
    """However long the history, the session is where a live forecaster is that read it, and goes on from there."""

    async def act():
        await world.series("a", "b", "c")
        await world.take(*[("a", t, VALUES[t % 200]) for t in range(500)], ("b", 7, 1.0))
        found, created = await world.open("a", "b", "c")
        assert [(stored.seq, stored.time) for stored in found] == [(500, 499), (1, 7), (0, None)]
        assert created == 3
        assert (await world.open("c", "a"))[1] == 0
        stepped = await world.step("a", (500, 6.0))
        close(said(stepped), replayed([*((t, VALUES[t % 200]) for t in range(500)), (500, 6.0)]))

    run(act())


def test_only_the_last_rows_of_a_long_history_are_read(tmp_path):
    """Of more rows than are read at the beginning, and beyond a gap that is too long, the last ones count."""
    world = World(tmp_path, warm_rows=30, gap_rows=50)

    async def act():
        await world.series("a", "b")
        await world.take(*[("a", t, VALUES[t]) for t in range(100)])
        await world.take(*[("b", t + 1000 * (t > 20), VALUES[t]) for t in range(40)])
        await world.open("a", "b")
        for name, rows in (
            ("a", [(t, VALUES[t]) for t in range(70, 100)]),
            ("b", [(t + 1000, VALUES[t]) for t in range(21, 40)]),
        ):
            close(said((await world.fleet.forecast([name], 3))[0]), replayed(rows))

    run(act())
    world.close()


def test_what_cannot_be_opened_is_said(world):
    """Series that are not there, and sessions that are there and are otherwise, are refused."""

    async def act():
        await world.series("a")
        await world.open("a")
        with pytest.raises(Problem, match="series must be there, but got 'b'"):
            await world.open("b")
        for other in ({"which": 2}, {"which": 1}, {"late": "record"}, {"horizon": 7}):
            with pytest.raises(Problem, match="must be as it is wished, but is of 'small', version 1"):
                await world.open("a", **other)

    run(act())


def test_sessions_follow_their_alias(world):
    """When an alias moves, its sessions are read into the new version; those that stay with a version stay."""

    async def act():
        await world.series("a", "b", "c")
        await world.open("a", "c")
        await world.open("b", which=1)
        for t in range(20):
            await asyncio.gather(*(world.step(name, (t, VALUES[t])) for name in "ab"))
        world.champion(2)
        assert await world.fleet.mover.sweep() == 2
        assert await world.fleet.mover.sweep() == 0
        rows = list(enumerate(VALUES[:20]))
        versions = {}
        for name, expected in (("a", second(rows)), ("b", replayed(rows))):
            forecast = (await world.fleet.forecast([name], 3))[0]
            versions[name] = forecast.version
            close(said(forecast), expected)
        assert versions == {"a": 2, "b": 1}
        stepped = await world.step("a", (20, VALUES[20]))
        assert (stepped.seq, stepped.version) == (21, 2)
        close(said(stepped), second(list(enumerate(VALUES[:21]))))
        assert (await world.step("c", (0, 1.0))).version == 2

    run(act())


def test_sessions_move_while_they_are_used(world):
    """Nothing is lost or refused while sessions move to and fro under steps, and every answer names its version."""

    async def act():
        names = list("abcdef")
        await world.series(*names)
        await world.open(*names)
        seen = set()

        async def use(name):
            for t in range(40):
                stepped = await world.step(name, (t, VALUES[t]))
                assert stepped.seq == t + 1
                model = {1: None, 2: fitted((3, 1), seed=8)}[stepped.version]
                seen.add(stepped.version)
                if t % 8 == 7:
                    close(said(stepped), replayed(list(enumerate(VALUES[: t + 1])), model))

        async def move():
            for version in (2, 1, 2, 1, 2):
                world.champion(version)
                await world.fleet.mover.sweep()
                await asyncio.sleep(0.05)

        await asyncio.gather(move(), *map(use, names))
        assert seen == {1, 2}
        for name in names:
            assert [row[0] for row in await world.stored(name)] == list(range(40))
            assert [row[2] for row in await world.stored(name)] == list(range(1, 41))
            close(said((await world.fleet.forecast([name], 3))[0]), second(list(enumerate(VALUES[:40]))))

    run(act())


def test_a_version_that_cannot_read_a_session_leaves_it_where_it_is(world):
    """A session stays with its version where the new one refuses its series, and goes on; others move."""

    async def act():
        await world.series("a", "b")
        await world.open("a", "b")
        for t in range(10):
            await asyncio.gather(*(world.step(name, (t, VALUES[t])) for name in "ab"))
        ready, refused = world.served.ready, []

        async def ready_not_for_all(model, which="champion"):
            found = await ready(model, which)
            made = found.fitted

            def of(freq, season_length=None):
                if found.version.version == 2 and season_length == 5:
                    refused.append(1)
                    raise UsageError("freq must be another one, but got this one.")
                return made(freq, season_length)

            found.fitted = of
            return found

        world.served.ready = ready_not_for_all
        from sqlalchemy import update

        from foregate.service.store.tables import series

        world.database.write_now(
            lambda c: c.execute(update(series).where(series.c.name == "b").values(season_length=5))
        )
        world.champion(2)
        assert await world.fleet.mover.sweep() == 1
        assert await world.fleet.mover.sweep() == 0
        assert len(refused) == 2  # together with the other one, and alone
        assert [(await world.session(name)).version for name in "ab"] == [2, 1]
        assert (await world.step("b", (10, 1.0))).version == 1

    run(act())


def test_the_fleet_follows_by_itself(world):
    """A fleet that was started hears of a move, and moves its sessions without being asked."""

    async def act():
        await world.fleet.start()
        try:
            await world.series("a")
            await world.open("a")
            await world.step("a", (0, 1.0))
            world.champion(2)
            for told in world.registry.on_move:
                told("small", "champion", None)
            for _ in range(200):
                if (await world.session("a")).version == 2:
                    break
                await asyncio.sleep(0.01)
            assert (await world.session("a")).version == 2
            assert np.isfinite(said((await world.fleet.forecast(["a"], 3))[0])).all()
        finally:
            await world.fleet.stop()

    run(act())


@pytest.mark.parametrize("meanwhile", [("a", 5, 9.0), ("a", 6, -50.0)])
def test_a_session_has_read_what_came_while_it_was_opened(world, meanwhile):
    """What is stored or revised behind the newest row while a session is being opened is part of its state."""

    async def act():
        await world.series("a")
        rows = {t: VALUES[t] for t in range(40) if t != 5}
        await world.take(*[("a", t, value) for t, value in rows.items()])
        run_apart = world.served.run

        async def run_after(function, *arguments):
            if function.__name__ == "_read":
                world.served.run = run_apart  # once
                await world.take(meanwhile, revise=True)
            return await run_apart(function, *arguments)

        world.served.run = run_after
        await world.open("a")
        rows |= {meanwhile[1]: meanwhile[2], 40: 6.0}
        close(said(await world.step("a", (40, 6.0))), replayed(sorted(rows.items())))

    run(act())


def test_what_is_being_stored_while_a_session_opens_is_not_lost(server_url, tmp_path):
    """Rows of a transaction that ends after a session was made are among those that the session reads."""
    here, there = World(tmp_path, server_url), World(tmp_path, server_url)

    async def act():
        await here.series("a")
        await here.take(*[("a", t, VALUES[t]) for t in range(40)])
        stored, go = threading.Event(), threading.Event()

        def slow(connection):
            known = {"a": there_known}
            there.fleet.intake._store(connection, [Given("a", 40, 6.0)], known, revise=False)
            stored.set()
            go.wait(10)

        there_known = (await there.fleet.catalog.all_known(["a"]))["a"]
        storing = asyncio.ensure_future(there.database.write(slow))
        await asyncio.to_thread(stored.wait, 10)
        opening = asyncio.ensure_future(here.open("a"))
        await asyncio.sleep(0.3)
        go.set()
        await storing
        await opening
        rows = [*((t, VALUES[t]) for t in range(40)), (40, 6.0), (41, 7.0)]
        close(said(await here.step("a", (41, 7.0))), replayed(rows))

    try:
        run(act())
    finally:
        here.close()
        there.close()


@pytest.mark.parametrize("late", [True, False])
def test_a_session_opens_though_its_first_row_comes_meanwhile(world, late):
    """A series that was empty when it was looked at, and is not any more, has a session that has read what came."""

    async def act():
        await world.series("a", "b")
        wished = world.fleet.opening._wished

        async def slow(*arguments):
            found = await wished(*arguments)
            if late:
                await world.take(("a", 1, 3.0), ("a", 2, 5.0))
            return found

        world.fleet.opening._wished = slow
        found, created = await world.open("a", "b")
        assert created == 2
        assert [stored.seq for stored in found] == [2 if late else 0, 0]
        rows = [(1, 3.0), (2, 5.0)] if late else []
        close(said(await world.step("a", (3, 6.0))), replayed([*rows, (3, 6.0)]))

    run(act())


def test_whoever_is_stopped_holds_no_session(tmp_path):
    """A move that ends in the very moment in which it was given its session leaves it to others."""
    world = World(tmp_path)

    async def act():
        await world.series("a")
        found, _ = await world.open("a")
        ask = world.fleet.turns.ask

        async def stopped(order):
            await ask(order)
            raise asyncio.CancelledError

        world.fleet.turns.ask = stopped
        with pytest.raises(asyncio.CancelledError):
            await world.fleet.mover._switch(found[0], found[0], None)
        world.fleet.turns.ask = ask
        await asyncio.wait_for(world.step("a", (0, 1.0)), 5)
        await asyncio.wait_for(world.fleet.turns.close(), 5)

    run(act())
    world.close()

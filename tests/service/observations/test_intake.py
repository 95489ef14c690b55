"""Laws of taking in observations: each once, whatever comes twice, late or changed."""

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import settings as trying
from hypothesis import strategies as st
from sqlalchemy import select

from foregate.service.observations.intake import rows_of
from foregate.service.store.tables import revisions
from tests.service.sessions.worlds import World


@pytest.fixture
def world(tmp_path, url):
    made = World(tmp_path, url)
    yield made
    made.close()


def test_what_was_stored_stays_unless_it_is_revised(world):
    """The same value again is no news; another one is a conflict, or takes its place and is kept beside it."""

    async def act():
        await world.series("a")
        assert (await world.take(("a", 1, 1.0), ("a", 2, None))).counts == {"stored": 2}
        taken = await world.take(("a", 1, 1.0), ("a", 2, None), ("a", 3, 3.0))
        assert taken.counts == {"duplicate": 2, "stored": 1}
        taken = await world.take(("a", 1, 5.0), ("a", 4, 4.0))
        assert taken.counts == {"conflict": 1, "stored": 1}
        assert taken.told == [(0, "conflict", "another value is stored for this time; send revise=true to replace it")]
        for value in (5.0, 6.0, None):
            assert (await world.take(("a", 1, value), revise=True)).counts == {"revised": 1}
        assert [row[:2] for row in await world.stored("a")] == [(1, None), (2, None), (3, 3.0), (4, 4.0)]
        kept = await world.database.read(lambda c: c.execute(select(revisions.c.revision, revisions.c.value)).all())
        assert [tuple(row) for row in kept] == [(0, 1.0), (1, 5.0), (2, 6.0)]

    asyncio.run(act())


def test_one_call_may_say_a_thing_twice_but_not_two_things(world):
    """Within a call the same row counts once; a second value for its time is refused, and the first one is stored."""

    async def act():
        await world.series("a", "b")
        taken = await world.take(("a", 1, 1.0), ("a", 1, 1.0), ("a", 1, 2.0), ("b", 1, 2.0))
        assert taken.counts == {"stored": 2, "duplicate": 1, "conflict": 1}
        assert taken.told[0][0] == 2
        assert [row[:2] for row in await world.stored("a")] == [(1, 1.0)]

    asyncio.run(act())


def test_sessions_have_their_say(world):
    """Rows that come past a session are numbered for it, and its policy decides what comes late."""

    async def act():
        await world.series("reject", "record", "rebuild", "none")
        for late in ("reject", "record", "rebuild"):
            await world.open(late, late=late)
        names = ("reject", "record", "rebuild", "none")
        await world.take(*[(name, 10, 1.0) for name in names])
        taken = await world.take(*[(name, time, 2.0) for name in names for time in (5, 11)])
        assert taken.counts == {"late": 1, "recorded": 1, "stored": 6}
        assert [await world.stored(name) for name in names] == [
            [(10, 1.0, 1), (11, 2.0, 2)],
            [(5, 2.0, None), (10, 1.0, 1), (11, 2.0, 2)],
            [(5, 2.0, 2), (10, 1.0, 1), (11, 2.0, 3)],
            [(5, 2.0, None), (10, 1.0, None), (11, 2.0, None)],
        ]
        taken = await world.take(*[(name, 10, 9.0) for name in names], revise=True)
        assert taken.counts == {"late": 2, "revised": 2}
        known = (await world.fleet.catalog.all_known(["rebuild"]))["rebuild"]
        rows = await world.database.read(lambda c: rows_of(c, known.id, last=2))
        assert [row.time for row in rows] == [10, 11]

    asyncio.run(act())


def sent(world, rows, seed, calls):
    """Send rows as a bad network would: out of order, some twice, some calls cut before or after they were done."""
    rng = random.Random(seed)
    order = sorted(rows, key=lambda row: (row[0], row[1] + (rng.random() < 0.2) * rng.uniform(0, 50)))
    order += rng.sample(rows, int(0.3 * len(rows)))
    rng.shuffle(order[-len(rows) // 10 :])

    async def client(own):
        for i in range(0, len(own), calls):
            part = own[i : i + calls]
            while True:
                call = asyncio.create_task(world.take(*part))
                if rng.random() < 0.05:  # the connection is cut at some moment, and the client tries again
                    await asyncio.sleep(rng.choice((0, 0.001, 0.005)))
                    call.cancel()
                    await asyncio.gather(call, return_exceptions=True)
                    continue
                taken = await call
                assert taken.counts.keys() <= {"stored", "duplicate"}
                break

    async def act():
        names = sorted({row[0] for row in rows})
        await world.series(*names)
        await asyncio.gather(*(client(order[i::4]) for i in range(4)))
        for name in names:
            assert [row[:2] for row in await world.stored(name)] == sorted(row[1:] for row in rows if row[0] == name)

    asyncio.run(act())


@trying(max_examples=5, deadline=None)
@given(st.integers(0, 9999))
def test_the_stored_set_is_exact(tmp_path_factory, seed):
    """Of rows of which 30 % come twice, 20 % out of order and 5 % of calls are cut, each is stored once."""
    world = World(tmp_path_factory.mktemp("world"))
    sent(world, [(f"s{i % 7}", i // 7, float(i % 13)) for i in range(300)], seed, 10)
    world.close()


@pytest.mark.slow
def test_the_stored_set_of_100_000_is_exact(tmp_path):
    """The same, of 100,000."""
    world = World(tmp_path)
    sent(world, [(f"s{i % 70}", i // 70, float(i % 13)) for i in range(100_000)], 0, 100)
    world.close()

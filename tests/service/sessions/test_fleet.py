"""Laws of live sessions."""

import asyncio

import numpy as np
import pytest
from sqlalchemy import select

from foregate.core import DataError
from foregate.service.problems import Problem
from foregate.service.sessions.rows import Moved
from foregate.service.store.database import StoreError
from foregate.service.store.tables import events, forecasts, session_states
from foregate.streaming.live import Live
from tests.service.sessions.worlds import World
from tests.streaming.models import fitted
from tests.streaming.obvious import obvious

RNG = np.random.default_rng(0)
VALUES = [round(float(5 + i % 3 + e), 3) for i, e in enumerate(RNG.normal(0, 1, 200))]


def replayed(rows, model=None, horizon=3, quantiles=(0.1, 0.5, 0.9)):
    """What a live forecaster says that has read rows in the order of their times."""
    live = Live(model or obvious((3, 1)))
    live.update([{"unique_id": "a", "ds": time, "y": value} for time, value in rows])
    return live.forecast(horizon, quantiles=quantiles).values[0]


@pytest.fixture
def world(tmp_path, url):
    made = World(tmp_path, url, snapshot_rows=7)
    yield made
    made.close()


def run(coroutine):
    return asyncio.run(coroutine)


def said(answer):
    return answer.values if hasattr(answer, "values") else answer.said.values


def close(one, other):
    np.testing.assert_allclose(one, other, rtol=2e-5, atol=2e-5)


def test_a_session_is_the_live_forecaster(world):
    """After every observation, one or several, the forecast is that of a live forecaster that read them all."""

    async def act():
        await world.series("a", "b")
        await world.open("a", "b")
        rows = list(enumerate(VALUES[:40]))
        for t in range(0, 30, 3):
            stepped = await world.step("a", *rows[t : t + 1 + t % 2])
            await world.step("a", *rows[t + 1 + t % 2 : t + 3])
            assert stepped.seq == t + 1 + t % 2
            if t:
                close(said(stepped), replayed(rows[: t + 1 + t % 2]))
        await world.step("b", (0, 1.0))
        close(said((await world.fleet.forecast(["a"], 5))[0]), replayed(rows[:30], horizon=5))
        assert [row[0] for row in await world.stored("a")] == list(range(30))
        assert [row[2] for row in await world.stored("a")] == list(range(1, 31))

    run(act())


def test_a_state_that_was_lost_is_made_again(world):
    """Whether a process ended well or not at all, another one goes on to the same forecasts."""

    async def act():
        await world.series("a")
        await world.open("a")
        rows = [(t + 3 * (t > 12), value) for t, value in enumerate(VALUES[:40])]
        for i, row in enumerate(rows):
            if i % 5 == 4:
                if i % 2:
                    await world.fleet.stop()
                world.fleet = world.made()
            stepped = await world.step("a", row)
        close(said(stepped), replayed(rows))

    run(act())


def test_few_states_in_memory_are_enough(tmp_path):
    """With room for two states of nine, all sessions go on as if all were in memory."""
    world = World(tmp_path, resident=2, together=3, snapshot_rows=50)

    async def act():
        names = list("abcdefghi")
        await world.series(*names)
        await world.open(*names)
        for t in range(12):
            stepped = await asyncio.gather(*(world.step(n, (t, VALUES[t + i])) for i, n in enumerate(names)))
        assert len(world.fleet.residents.seats) <= 2 + 2 * 3  # and those of the batches under way
        for i, each in enumerate(stepped):
            close(said(each), replayed([(t, VALUES[t + i]) for t in range(12)]))
        assert sum(len(group.live) - len(group.dead) for group in world.fleet.residents.groups.values()) <= 8

    run(act())
    world.close()


def test_what_is_sent_again_is_answered_again(world):
    """The same observation again has the same answer, to the bit, and changes nothing; at the same time too."""

    async def act():
        await world.series("a")
        await world.open("a")
        for t in range(10):
            first = await world.step("a", (t, VALUES[t]))
        for fleet in (world.fleet, world.made()):
            again = await world.step("a", (9, VALUES[9]), fleet=fleet, expected=9)
            assert (again.seq, again.time, again.counts) == (10, 9, {"duplicate": 1})
            np.testing.assert_array_equal(said(again), said(first))
        both = await asyncio.gather(*(world.step("a", (10, 1.0)) for _ in range(5)))
        assert sorted(str(each.counts) for each in both) == ["{'duplicate': 1}"] * 4 + ["{'stored': 1}"]
        assert {each.seq for each in both} == {11}
        assert len(await world.stored("a")) == 11

    run(act())


def test_who_is_elsewhere_is_told(world):
    """A step that expects another number is refused and says which; nothing is read."""

    async def act():
        await world.series("a")
        await world.open("a")
        await world.step("a", (0, 1.0), expected=0)
        with pytest.raises(Problem, match="expected_seq of 'a' must be 1, but got 5") as caught:
            await world.step("a", (1, 1.0), expected=5)
        assert caught.value.status == 409
        assert caught.value.facts["expected_seq"] == 1
        await world.series("b")
        with pytest.raises(Problem, match="must have a session"):
            await world.step("b", (0, 1.0))
        assert (await world.session("a")).seq == 1

    run(act())


def test_late_observations_are_refused_by_default(world):
    """What is late or another value is refused with what would come next, alone: others of the batch go on."""

    async def act():
        await world.series("a", "b")
        await world.open("a", "b")
        await asyncio.gather(world.step("a", (0, 1.0), (5, 2.0)), world.step("b", (0, 1.0)))
        late, other, fine, wrong = await asyncio.gather(
            world.step("a", (3, 9.0)),
            world.step("a", (5, 9.0)),
            world.step("b", (1, 1.0)),
            world.step("a", (100_000, 9.0)),
            return_exceptions=True,
        )
        assert (late.status, late.slug, late.facts["last_time"]) == (409, "late-observation", 5)
        assert other.slug == "other-value"
        assert fine.seq == 2
        assert isinstance(wrong, DataError)
        assert "must not be without an observation for more than 10,000 steps" in str(wrong)
        assert await world.stored("a") == [(0, 1.0, 1), (5, 2.0, 2)]

    run(act())


def test_recorded_observations_are_stored_and_not_read(world):
    """Under record what is late is stored, and the state goes on as if it had never come, restarts or not."""

    async def act():
        await world.series("a")
        await world.open("a", late="record")
        rows = [(2 * t, value) for t, value in enumerate(VALUES[:20])]
        for i, row in enumerate(rows):
            await world.step("a", row)
            if i in (3, 9, 15):
                late = await world.step("a", (row[0] - 3, 50.0))
                assert late.counts == {"recorded": 1}
                world.fleet = world.made()
        close(said((await world.fleet.forecast(["a"], 3))[0]), replayed(rows))
        assert len(await world.stored("a")) == 23
        with pytest.raises(Problem, match="read on"):
            await world.step("a", (0, 77.0), revise=True)

    run(act())


def test_a_late_step_goes_on_where_another_process_was_faster(world):
    """What came late is stored already: where the session was moved on meanwhile, it is read once more and answered."""

    async def act():
        await world.series("a")
        await world.open("a", late="rebuild")
        await world.step("a", *[(t, VALUES[t]) for t in range(10) if t != 7])
        do, times = world.fleet._do, []

        async def once_too_late(orders):
            times.append(len(orders))
            if len(times) == 2:  # the first one holds what is simply next: nothing
                raise Moved
            await do(orders)

        world.fleet._do = once_too_late
        stepped = await world.step("a", (7, VALUES[7]))
        close(said(stepped), replayed(list(enumerate(VALUES[:10]))))
        assert len(times) == 3

    run(act())


def test_rebuilt_states_are_sorted_replays(world):
    """Under rebuild the state is that of all observations in the order of their times, however late or revised."""

    async def act():
        await world.series("a")
        await world.open("a", late="rebuild")
        order = RNG.permutation(40)
        for i, t in enumerate(order):
            row = (int(t), VALUES[t])
            stepped = await (world.step("a", row) if i % 3 else world.step("a", row, *rows_of(order, i)))
        close(said(stepped), replayed(list(enumerate(VALUES[:40]))))
        stepped = await world.step("a", (20, 99.0), revise=True)
        assert stepped.counts == {"revised": 1}
        changed = [(t, 99.0 if t == 20 else value) for t, value in enumerate(VALUES[:40])]
        close(said(stepped), replayed(changed))
        world.fleet = world.made()
        close(said((await world.fleet.forecast(["a"], 3))[0]), replayed(changed))

    def rows_of(order, i):
        return [(int(t), VALUES[t]) for t in order[max(i - 2, 0) : i]]

    run(act())


def test_what_is_ingested_in_bulk_is_read_by_the_session(world):
    """Observations that come past the session are read before it says anything, and forecasts are made of them."""

    async def act():
        await world.series("a")
        await world.take(*[("a", t, VALUES[t]) for t in range(10)])
        await world.open("a")
        assert (await world.session("a")).seq == 10
        await world.step("a", (10, VALUES[10]))
        taken = await world.take(*[("a", t, VALUES[t]) for t in range(8, 30)])
        assert taken.counts == {"stored": 19, "duplicate": 3}
        rows = list(enumerate(VALUES[:30]))
        close(said((await world.fleet.forecast(["a"], 3))[0]), replayed(rows))
        stepped = await world.step("a", (30, VALUES[30]))
        close(said(stepped), replayed(list(enumerate(VALUES[:31]))))
        assert stepped.seq == 31
        made = await world.database.read(lambda c: c.scalars(select(forecasts.c.origin)).all())
        assert set(made) == {10, 29, 30}
        told = await world.database.read(lambda c: c.scalars(select(events.c.kind)).all())
        assert told == ["forecast"] * 3

    run(act())


def test_two_processes_share_a_session(world):
    """Whichever of two fleets is asked, each observation is read once and the forecast is that of all of them."""

    async def act():
        await world.series("a")
        await world.open("a")
        fleets = world.fleet, world.made()
        for t in range(20):
            stepped = await world.step("a", (t, VALUES[t]), fleet=fleets[t // 2 % 2])
        close(said(stepped), replayed(list(enumerate(VALUES[:20]))))
        other = (await fleets[0].forecast(["a"], 3))[0]
        close(said(other), replayed(list(enumerate(VALUES[:20]))))
        assert world.metrics.conflicts._value.get() > 0

    run(act())


def test_what_cannot_be_committed_has_not_happened(world):
    """A commit that fails is told, and the session goes on as if nothing had been sent."""

    async def act():
        await world.series("a")
        await world.open("a")
        for t in range(5):
            await world.step("a", (t, VALUES[t]))
        write = world.database.write

        async def broken(work):
            raise StoreError("the database must answer, but got a disk that is full.")

        world.database.write = broken
        with pytest.raises(StoreError, match="disk that is full"):
            await world.step("a", (5, 1000.0))
        world.database.write = write
        stepped = await world.step("a", (5, VALUES[5]))
        assert stepped.seq == 6
        close(said(stepped), replayed(list(enumerate(VALUES[:6]))))

    run(act())


def test_damaged_states_are_made_again_from_the_rows(world):
    """A stored state that is damaged, or of another version of the program, is not used."""

    async def act():
        await world.series("a")
        await world.open("a")
        for t in range(15):
            await world.step("a", (t, VALUES[t]))
        for broken in (b"nothing", None):
            blob = await world.database.read(lambda c: c.scalars(select(session_states.c.blob)).one())
            new = {"blob": broken} if broken else {"blob": b"x" * len(blob), "crc": _crc(b"x" * len(blob))}
            await world.database.write(lambda c, new=new: c.execute(session_states.update().values(new)))
            world.fleet = world.made()
            forecast = (await world.fleet.forecast(["a"], 3))[0]
            close(said(forecast), replayed(list(enumerate(VALUES[:15]))))

    run(act())


def _crc(blob):
    import zlib

    return zlib.crc32(blob)


def test_closed_sessions_are_gone(world):
    """A session that was closed is not there, its observations are, and it can be opened again from them."""

    async def act():
        await world.series("a")
        await world.open("a")
        for t in range(12):
            await world.step("a", (t, VALUES[t]))
        await world.fleet.opening.close("a")
        with pytest.raises(Problem, match="must have a session"):
            await world.fleet.forecast(["a"], 3)
        with pytest.raises(Problem, match="must have a session, but has none"):
            await world.fleet.opening.close("a")
        await world.open("a", which=2)
        stepped = await world.step("a", (12, VALUES[12]))
        assert (stepped.version, stepped.seq) == (2, 13)
        close(said(stepped), replayed(list(enumerate(VALUES[:13])), fitted((3, 1), seed=8)))

    run(act())


def test_what_somebody_else_asked_for_is_not_the_answer(world):
    """A forecast that was recorded for a request is not what a repeated step is answered with."""

    async def act():
        await world.series("a")
        await world.open("a", horizon=0)
        await world.step("a", (0, 1.0))
        number = (await world.fleet.catalog.all_known(["a"]))["a"].id
        row = {"series": number, "origin": 0, "until": 1, "model": "other", "version": 1, "horizon": 1, "made_at": 0}
        row |= {"quantiles": "[0.5]", "values": np.float32([7.0]).tobytes(), "source": "request"}
        world.database.write_now(lambda c: c.execute(forecasts.insert(), row) and None)
        again = await world.step("a", (0, 1.0))
        assert (again.counts, again.said) == ({"duplicate": 1}, None)

    run(act())

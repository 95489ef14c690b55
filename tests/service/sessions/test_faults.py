"""Every call to the database fails once while sessions read: an error, or it is done; never something between."""

import asyncio
import shutil

import pytest
from sqlalchemy import event, select

from foregate.service.store.database import StoreError
from foregate.service.store.tables import forecasts, observations, revisions, sessions
from tests.service.faults import KINDS, Faults
from tests.service.sessions.test_fleet import close, replayed
from tests.service.sessions.worlds import World

NAMES, PLAIN = ("a", "b", "c"), "plain"
SMALL = {"resident": 2, "snapshot_rows": 3}
"""States are stored and made again all the time."""


async def step(world):
    """The next observation of a session, and a forecast."""
    return (await world.step("a", (8, 3.0), (9, 4.0), expected=8)).counts


async def late(world):
    """A late observation and a revision: the session reads again."""
    return (await world.step("c", (3, 9.0), (9, 4.0), revise=True)).counts


async def ingest(world):
    """Rows past two sessions and of a series without one."""
    rows = [(name, 8 + i, float(i)) for name in ("b", "c", PLAIN) for i in range(3)]
    return (await world.take(*rows)).counts


async def open_one(world):
    """A session of what is stored."""
    return [stored.seq for stored in (await world.open(PLAIN))[0]]


OPERATIONS = [step, late, ingest, open_one]
ERRORS = [KINDS[0], *(each.values[0] for each in KINDS[1:])]


def stored(world, operation):
    """All that counts of what is stored: states are copies, and numbers of rows say nothing.

    After an ingest sessions forecast when there is time: what fails then is not made up for.
    """
    counted = [observations, revisions, sessions] + [forecasts] * (operation is not ingest)

    def look(connection):
        found = []
        for table in counted:
            columns = [column for column in table.columns if column.name != "id"]
            found.append(sorted(map(repr, connection.execute(select(*columns)))))
        return found

    return world.database.read_now(look)


async def require_right(world):
    """Fail if a session says something else than what follows from its stored rows."""
    for name in NAMES:
        said = (await world.fleet.forecast([name], 3))[0]
        close(said.values, replayed([row[:2] for row in await world.stored(name)]))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A folder with three sessions, one of which reads again what comes late, and a series without one."""
    folder = tmp_path_factory.mktemp("faults") / "prepared"
    folder.mkdir()
    world = World(folder, **SMALL)

    async def make():
        await world.series(*NAMES, PLAIN)
        await world.open("a", "b")
        await world.open("c", late="rebuild")
        for name in NAMES:
            for t in range(8):
                await world.step(name, (t, float(t * 7 % 5 + 1)))
        await world.take(*[(PLAIN, t, float(t % 3)) for t in range(8)])
        await world.fleet.stop()

    asyncio.run(make())
    world.close()
    return folder


async def one(world, operation, n, error, *, after_commit):
    """Do it while the n-th call fails; whether it failed, and what it answered or raised."""
    faults = Faults()
    faults.error = error
    await require_right(world)
    if after_commit:
        event.listen(world.database.engine, "commit", lambda connection: _commit_and_fail(connection, faults))
    else:
        faults.watch(world.database)
    faults.left = n
    try:
        answer = await operation(world)
    except (StoreError, MemoryError) as raised:
        answer = raised
    met = faults.left <= 0
    await world.fleet.turns.close()  # what is done behind it may meet the fault too
    met, faults.left = met or faults.left <= 0, -1
    world.fleet = world.made() if n % 2 else reopened(world)
    return met, answer


def reopened(world):
    """The same fleet, going on."""
    world.fleet.turns._closed = False
    return world.fleet


def _commit_and_fail(connection, faults):
    """The commit is done, and then it is said that it failed."""
    if faults.count():
        connection.connection.dbapi_connection.execute("COMMIT")
        raise faults.error


def check(prepared, folder, operation, n, error, *, after_commit=False):
    """Let the n-th call fail, and look at what is there; whether there is such a call."""
    shutil.copytree(prepared, folder)
    world = World(folder, **SMALL)

    async def act():
        before = stored(world, operation)
        met, answer = await one(world, operation, n, error, after_commit=after_commit)
        now = stored(world, operation)
        if isinstance(answer, Exception):
            assert "injected" in str(answer)
            assert met
            unsure = getattr(answer, "unsure", False)
            assert now == before or unsure, f"call {n} failed, but something has happened"
            if after_commit and not isinstance(error, MemoryError):
                assert unsure or now == before
        await require_right(world)
        again = await operation(world)
        if not isinstance(answer, Exception):
            assert now != before, f"call {n} failed and it was said to be done, but nothing has happened"
            assert sum(again.values()) == again.get("duplicate", 0) if isinstance(again, dict) else again == answer
        await require_right(world)
        return met, stored(world, operation)

    met, found = asyncio.run(act())
    world.close()
    return met, found


def check_all(prepared, tmp_path, operation, calls, error, *, after_commit=False):
    """Let each of some calls fail, one at a time; how many there are."""
    _, wanted = check(prepared, tmp_path / "0", operation, 10**6, error)
    for n in calls:
        met, found = check(prepared, tmp_path / str(n), operation, n, error, after_commit=after_commit)
        assert found == wanted, f"after call {n} failed and the same again other rows are there"
        if not met:
            return n
    raise AssertionError("the calls must come to an end")


def test_a_call_that_fails_leaves_sessions_as_before(prepared, tmp_path):
    """Some calls of a step that comes late: an error and all as before, or done; the same again does it."""
    assert check_all(prepared, tmp_path, late, range(3, 100, 9), KINDS[0]) > 9


@pytest.mark.slow
@pytest.mark.parametrize("error", ERRORS, ids=repr)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.__name__)
def test_whichever_call_fails_sessions_are_as_before_and_go_on(prepared, tmp_path, operation, error):
    """For n = 1 to the last call: an error and all as before, or done; sessions go on, and the same again does it."""
    print(operation.__name__, error, check_all(prepared, tmp_path, operation, range(1, 1000), error) - 1, "calls")


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.__name__)
def test_a_commit_that_is_not_heard_of_has_its_effect_once(prepared, tmp_path, operation):
    """Where a commit is done but reported as failed, the error says that nobody knows; the same again does it once."""
    assert check_all(prepared, tmp_path, operation, range(1, 100), OSError(5, "injected"), after_commit=True) > 1

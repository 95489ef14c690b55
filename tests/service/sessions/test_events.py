"""Laws of server-sent events beyond those that routes have."""

import asyncio
import contextlib

import pytest

from foregate.service.problems import Problem
from foregate.service.sessions import events
from foregate.service.sessions.events import Hub, Sent
from foregate.service.store.database import Database
from foregate.service.store.statements import emit
from foregate.service.store.tables import METADATA


@pytest.fixture
def database(tmp_path):
    """A database with tables."""
    database = Database(f"sqlite:///{tmp_path / 'events.db'}")
    METADATA.create_all(database.engine)
    with contextlib.closing(database):
        yield database


def tell(database, number):
    """Something happens."""
    row = {"at": number, "kind": "job", "subject": "m", "data": {"job": number}}
    database.write_now(lambda connection: emit(connection, [row]))


def test_what_happens_while_somebody_comes_is_told(database, monkeypatch):
    """Events that are written while nobody follows yet, and are read when somebody just does, are sent."""
    hub, came = Hub(database), asyncio.Event()
    monkeypatch.setattr(events, "EVERY", 0.01)
    read = database.read

    async def meanwhile(work):
        found = await read(work)
        if work is events._newest and found and not came.is_set():
            came.set()  # whoever waits for this follows before what was read is known
            await asyncio.sleep(0.05)
        return found

    async def run():
        await hub.start()
        database.read = meanwhile
        tell(database, 1)
        await came.wait()
        stream = await hub.follow(frozenset({"job"}), 0)
        sent = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                while True:
                    sent.append(await anext(stream))
        await hub.stop()
        return sent

    sent = asyncio.run(run())
    assert [piece[:5] for piece in sent] == [b"retry", b"id: 1"]


def test_who_follows_is_sent_away_at_the_end(database):
    """A stream ends when the process is about to stop, and nobody is taken in any more."""
    hub = Hub(database)

    async def run():
        await hub.start()
        stream = await hub.follow(frozenset({"job"}), None)
        assert await anext(stream) == b"retry: 1000\n\n"
        hub.end()
        async with asyncio.timeout(5):
            assert [piece async for piece in stream] == []
        with pytest.raises(Problem, match="stops"):
            await hub.follow(frozenset({"job"}), None)
        await hub.stop()

    asyncio.run(run())


@pytest.mark.parametrize("gone", ["before it began", "while it is sent", "while nothing happens"])
def test_who_has_gone_does_not_count(database, gone):
    """A follower counts while it is answered: none that hung up before, within or between events stays counted."""
    hub = Hub(database)
    sent = []

    async def receive():
        if gone == "while nothing happens":
            while len(sent) < 2:  # the head of the answer and the first piece
                await asyncio.sleep(0)
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)
        if gone == "while it is sent" and message["type"] == "http.response.body":
            raise OSError("gone")

    async def run():
        await hub.start()
        answer = Sent(await hub.follow(frozenset({"job"}), None))
        with contextlib.suppress(OSError, ExceptionGroup):
            async with asyncio.timeout(5):
                await answer({"type": "http", "asgi": {"spec_version": "2.3"}}, receive, send)
        unused = await hub.follow(frozenset({"job"}), None)
        counted = hub.followers
        await unused.aclose()
        await hub.stop()
        return counted

    assert asyncio.run(run()) == 0

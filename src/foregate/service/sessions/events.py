"""Server-sent events: what happens, to whoever follows, from where they left off.

One task reads new rows of the table of events, and hands them to all who follow; who is too slow is cut off, and goes
on from the last event that arrived. What came before is read page by page.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from functools import partial
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from sqlalchemy import Connection, func, select, tuple_
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from foregate.core import ForegateError, Frequency
from foregate.service.problems import Problem
from foregate.service.sessions.answers import said_again
from foregate.service.store.database import Database
from foregate.service.store.tables import events, forecasts, series
from foregate.service.times import parsed

__all__ = ["KINDS", "Following", "Hub", "Sent"]

KINDS = ("forecast", "drift", "job", "alias")
PAGE = 200
WAITING = 1000
"""Events that may wait for one who follows."""
FOLLOWERS = 200
EVERY = 0.2
"""Seconds between two looks at the table."""
BEAT = 15.0
"""Seconds after which something is sent in any case, so that a connection that is gone is found out."""
Told = tuple[int, str, bytes]
"""Number, kind and JSON of an event."""


class Following(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which events."""

    kinds: Annotated[str, Meta(description=f"some of {','.join(KINDS)}; all when not given", max_length=64)] | None = (
        None
    )
    after: (
        Annotated[str, Meta(description="number of an event, where no Last-Event-ID can be sent", max_length=19)] | None
    ) = None


class Sent(StreamingResponse):
    """An answer that goes on, and ends what it sends when it ends itself, however that comes.

    Args:
        stream: what is sent.
    """

    def __init__(self, stream: AsyncGenerator[bytes]) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(stream, headers=headers, media_type="text/event-stream")
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._stream.aclose()


class Hub:
    """Hands events on.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._followers: set[asyncio.Queue[Told | None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._last = 0
        self._ended = False

    async def start(self) -> None:
        """Begin with what comes from now on."""
        self._last = await self._database.read(_newest)
        self._task = asyncio.create_task(self._look())

    def end(self) -> None:
        """Send all away who follow, and take nobody in: who comes back finds another process, and misses nothing."""
        self._ended = True
        for queue in self._followers:
            _cut(queue)

    async def stop(self) -> None:
        """See `end`; and read no more."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self.end()

    @property
    def followers(self) -> int:
        """How many follow now."""
        return len(self._followers)

    async def follow(self, kinds: frozenset[str], after: int | None) -> AsyncGenerator[bytes]:
        """Events of some kinds, as they are sent; whoever asks for them counts from the first piece to the close.

        Args:
            kinds: of `KINDS`.
            after: number of the last one that arrived; None: only new ones.

        Raises:
            Problem: too many follow already, or the process is about to stop.
        """
        if self._ended:
            detail = "the process must go on, but stops. Ask again."
            raise Problem(503, "stopping", detail, headers={"Retry-After": "1"})
        if len(self._followers) >= FOLLOWERS:
            raise Problem(
                503, "too-many-followers", f"at most {FOLLOWERS} may follow events.", headers={"Retry-After": "5"}
            )
        return self._sent(kinds, self._last if after is None else after)

    async def _sent(self, kinds: frozenset[str], after: int) -> AsyncGenerator[bytes]:
        queue: asyncio.Queue[Told | None] = asyncio.Queue(WAITING)
        self._followers.add(queue)  # only now: what is never begun is never ended either
        try:
            yield b"retry: 1000\n\n"
            until = self._last
            while after < until and not self._ended:
                page = await self._database.read(partial(_page, after=after))
                for told in page:
                    if told[1] in kinds:
                        yield _text(told)
                    after = told[0]
                if not page:
                    break
            while True:
                try:
                    new = await asyncio.wait_for(queue.get(), BEAT)
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                if new is None:
                    return
                if new[0] > after and new[1] in kinds:
                    yield _text(new)
        finally:
            self._followers.discard(queue)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            if not self._followers:
                with contextlib.suppress(ForegateError):
                    newest = await self._database.read(_newest)
                    if not self._followers:  # who has come meanwhile is told what lies between
                        self._last = newest
                continue
            try:
                while page := await self._database.read(partial(_page, after=self._last)):
                    self._last = page[-1][0]
                    self._hand_on(page)
            except ForegateError:
                continue

    def _hand_on(self, page: list[Told]) -> None:
        for queue in list(self._followers):
            try:
                for told in page:
                    queue.put_nowait(told)
            except asyncio.QueueFull:
                self._followers.discard(queue)
                _cut(queue)


def _cut(queue: asyncio.Queue[Told | None]) -> None:
    """Let a stream end after what waits; of a full one the last event goes, and is sent when it is asked for again."""
    if queue.full():
        queue.get_nowait()
    queue.put_nowait(None)


def _newest(connection: Connection) -> int:
    return int(connection.scalars(select(func.coalesce(func.max(events.c.id), 0))).one())


def _page(connection: Connection, after: int) -> list[Told]:
    """The events after one, with the numbers of the forecasts that they tell of."""
    rows = connection.execute(select(events).where(events.c.id > after).order_by(events.c.id).limit(PAGE)).all()
    said = _forecasts(connection, [msgspec.json.decode(row.data) for row in rows if row.kind == "forecast"])
    told: list[Told] = []
    for row in rows:
        data = msgspec.json.decode(row.data)
        if row.kind == "forecast":
            data |= said.get((data["series"], data["origin"], data["model"], data["version"]), {})
        told.append((row.id, row.kind, msgspec.json.encode({"subject": row.subject, **data})))
    return told


def _forecasts(connection: Connection, told: list[Any]) -> dict[tuple[Any, ...], Any]:
    """Times, quantiles and values of forecasts that events tell of."""
    if not told:
        return {}
    query = select(series.c.id, series.c.name, series.c.freq).where(
        series.c.name.in_({each["series"] for each in told})
    )
    known = {row.id: (row.name, Frequency.parse(row.freq)) for row in connection.execute(query)}
    numbers = {name: (number, freq) for number, (name, freq) in known.items()}
    keys, places = [], {}
    for each in told:
        if each["series"] in numbers:
            number, freq = numbers[each["series"]]
            origin = parsed(each["origin"], freq)
            keys.append((number, origin))
            places[number, origin, each["model"], each["version"]] = (
                each["series"],
                each["origin"],
                each["model"],
                each["version"],
            )
    found = {}
    query = select(forecasts).where(tuple_(forecasts.c.series, forecasts.c.origin).in_(keys))
    for row in connection.execute(query) if keys else ():
        place = places.get((row.series, row.origin, row.model, row.version))
        if place is not None:
            said = said_again(row, place[0], known[row.series][1], 0)
            found[place] = {"times": said.times, "quantiles": said.quantiles, "values": said.values.tolist()}
    return found


def _text(told: Told) -> bytes:
    number, kind, data = told
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (number, kind.encode(), data)

"""Sessions that follow an alias move to its new version: read anew in the background, switched in one transaction.

A state means nothing to another version. So the last rows are read into the new one beside the traffic, while the
session goes on with the old one; then the session is held for a moment, what came meanwhile is read too, and its row is
switched if it is still where it was thought to be.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select, update

from foregate.core import ForegateError
from foregate.service.problems import Problem
from foregate.service.sessions.crew import Crew
from foregate.service.sessions.opening import TOGETHER, Opening, warmed
from foregate.service.sessions.rows import Moved, Stored, put_states, stored_of
from foregate.service.sessions.turns import Order
from foregate.service.store.tables import aliases, observations, series, sessions

if TYPE_CHECKING:
    from foregate.service.registry.registry import Version

__all__ = ["Mover"]

EVERY = 5.0
"""Seconds between two looks, for moves that nobody told of."""
log = logging.getLogger(__name__)


class Mover:
    """Moves the sessions of a crew.

    Args:
        crew: their parts.
        opening: reads sessions anew.
    """

    def __init__(self, crew: Crew, opening: Opening) -> None:
        self._crew, self._opening = crew, opening
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._refused: dict[int, int] = {}
        self.moved = 0
        """Sessions that were moved so far."""

    def start(self) -> None:
        """Follow the aliases from now on."""
        self._loop = asyncio.get_running_loop()
        self._crew.registry.on_move.append(self._heard)
        self._task = asyncio.create_task(self._go())

    async def stop(self) -> None:
        """Leave sessions where they are."""
        if self._heard in self._crew.registry.on_move:
            self._crew.registry.on_move.remove(self._heard)
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def sweep(self) -> int:
        """Move all sessions that are behind their alias; how many were moved."""
        before, after = self.moved, 0
        while found := await self._crew.database.read(partial(_behind, after=after)):
            after = found[-1][0].series
            by_version: dict[int, list[Stored]] = {}
            for stored, version in found:
                if self._refused.get(stored.series) != version:
                    by_version.setdefault(version, []).append(stored)
            for version, some in by_version.items():
                await self._move(some, version)
        return self.moved - before

    def _heard(self, model: str, alias: str, version: Version) -> None:
        """An alias has moved; in any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake.set)

    async def _go(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self.sweep()
            except (ForegateError, Problem) as error:
                log.warning("sessions stay where they are: %s", error)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), EVERY)

    async def _move(self, found: Sequence[Stored], version: int) -> None:
        """Move sessions to a version; one that it cannot read stays."""
        new = [replace(stored, version=version) for stored in found]
        try:
            states = await warmed(self._crew, new)
        except ForegateError as error:
            if len(found) > 1:
                for stored in found:
                    await self._move([stored], version)
                return
            log.warning("the session of %r stays with version %d: %s", found[0].name, found[0].version, error)
            self._refused[found[0].series] = version
            return
        by_series = {state["series"]: state for state in states}
        for before, after in zip(found, new, strict=True):
            await self._switch(before, after, by_series.get(after.series))

    async def _switch(self, before: Stored, after: Stored, state: dict[str, Any] | None) -> None:
        """Hold a session, and switch it to another version."""
        order = Order(before.series, "hold", asyncio.get_running_loop().create_future())
        try:
            await self._crew.turns.ask(order)
            await self._switch_held(before, after, state)
        finally:  # also where it is held, and whoever asked for that has been stopped meanwhile
            order.release.set()

    async def _switch_held(self, before: Stored, after: Stored, state: dict[str, Any] | None) -> None:
        try:
            moved = await self._crew.database.write(partial(_switched, before=before, after=after, state=state))
            if not moved:  # something was read meanwhile: once more, while nothing else can be
                now = await self._opening.get(before.name)
                states = await warmed(self._crew, [replace(now, version=after.version)])
                last = states[0] if states else None
                moved = await self._crew.database.write(partial(_switched, before=now, after=after, state=last))
            if moved:
                await self._crew.served.run(self._crew.residents.drop, [before.series])
                self.moved += 1
        except (Moved, Problem):  # another process was faster, or it was closed
            self._crew.metrics.conflicts.inc()


def _behind(connection: Connection, after: int) -> list[tuple[Stored, int]]:
    """Some sessions whose alias names another version, and that version."""
    named = series.c.name, series.c.freq, series.c.season_length, series.c.attributes
    query = select(sessions, *named, aliases.c.version.label("next")).join(series, series.c.id == sessions.c.series)
    query = query.join(aliases, (aliases.c.model == sessions.c.model) & (aliases.c.alias == sessions.c.alias))
    query = query.where(aliases.c.version != sessions.c.version, sessions.c.series > after)
    rows = connection.execute(query.order_by(sessions.c.series).limit(TOGETHER)).all()
    return [(stored_of(row), row.next) for row in rows]


def _switched(connection: Connection, before: Stored, after: Stored, state: dict[str, Any] | None) -> bool:
    """Let a session go on with another version, if the state has read all that is stored.

    Raises:
        Moved: it is of another version than it was, or was closed.
    """
    session = connection.execute(select(sessions).where(sessions.c.series == before.series).with_for_update()).first()
    if session is None or session.version != before.version:
        raise Moved
    last = select(observations.c.time).where(observations.c.series == before.series)
    newest = connection.scalars(last.order_by(observations.c.time.desc()).limit(1)).first()
    if session.seq != before.seq or newest != (state["time"] if state else None):
        return False
    here = sessions.c.series == before.series
    connection.execute(update(sessions).where(here).values(version=after.version))
    if state is not None:
        put_states(connection, [state | {"seq": session.seq}])
    return True

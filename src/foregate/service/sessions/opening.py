"""How sessions begin and end: from what is stored of their series, read in small slices beside the traffic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, func, select

from foregate.core import Frequency
from foregate.service.observations.announced import Announced, told
from foregate.service.observations.intake import rows_of
from foregate.service.problems import Problem
from foregate.service.sessions.crew import Crew
from foregate.service.sessions.feeding import Feed, feed
from foregate.service.sessions.late import no_session
from foregate.service.sessions.residents import key_of, state_of
from foregate.service.sessions.rows import Seen, Stored, put_states, stored_of
from foregate.service.store.failures import half_done
from foregate.service.store.statements import insert_new
from foregate.service.store.tables import observations, series, session_states, sessions
from foregate.streaming.live import Live
from foregate.streaming.records import Recorder

__all__ = ["Opening", "Wish", "warmed"]

AT_ONCE = 1000
TOGETHER = 32
"""Series whose history is read together."""
SLICE = 64
"""Rows of each that are read in one call of the model's thread."""


@dataclass(frozen=True)
class Wish:
    """What sessions are to be."""

    model: str
    which: str | int
    """An alias, which they follow to other versions, or a version, where they stay."""
    late: str
    horizon: int
    """Of the forecast after every observation; 0: none."""


class Opening:
    """Opens and closes the sessions of a crew.

    Args:
        crew: their parts.
    """

    def __init__(self, crew: Crew) -> None:
        self._crew = crew

    async def open(self, names: Sequence[str], wish: Wish) -> tuple[list[Stored], int]:
        """Open sessions; those that are there already and are as they are wished stay as they are.

        Returns:
            the sessions in the order of the names, and how many of them are new.

        Raises:
            Problem: a series or the model is not there, or a session is there that is otherwise.
            ForegateError: the model cannot read such a series.
        """
        crew = self._crew
        known = await crew.catalog.all_known(names)
        ready = await crew.served.ready(wish.model, wish.which)
        version, ids = ready.version.version, [known[name].id for name in names]
        found = await self._wished(ids, wish, version)
        await crew.fitted(found)  # or it would be refused with the first observation
        filled = [stored for stored in found if stored.time is not None]
        created = await self._made([stored for stored in found if stored.time is None], [])
        with half_done():
            for i in range(0, len(filled), TOGETHER):
                created += await self._open_with(filled[i : i + TOGETHER])
            there = await crew.database.read(partial(_there, ids=ids))
        for stored in found:
            _require_alike(there[stored.series], wish)
        return [there[name] for name in ids], created

    async def close(self, name: str) -> None:
        """End a session; its observations stay.

        Raises:
            Problem: there is none.
        """
        number = (await self._crew.catalog.all_known([name]))[name].id

        def end(connection: Connection) -> int:
            connection.execute(session_states.delete().where(session_states.c.series == number))
            return connection.execute(sessions.delete().where(sessions.c.series == number)).rowcount

        if not await self._crew.database.write(end):
            raise no_session(name)
        await self._crew.served.run(self._crew.residents.drop, [number])
        self._crew.metrics.sessions.dec()

    async def get(self, name: str) -> Stored:
        """A session.

        Raises:
            Problem: there is none.
        """
        number = (await self._crew.catalog.all_known([name]))[name].id
        there = await self._crew.database.read(partial(_there, ids=[number]))
        if number not in there:
            raise no_session(name)
        return there[number]

    async def page(self, after: str, limit: int) -> list[Stored]:
        """Sessions after a series of that name, in the order of names."""
        query = _joined().where(series.c.name > after).order_by(series.c.name).limit(limit)
        return [stored_of(row) for row in await self._crew.database.read(lambda c: c.execute(query).all())]

    async def there(self, ids: Sequence[int]) -> set[int]:
        """Those of some series that have a session."""
        return set(await self._crew.database.read(partial(_there, ids=ids)))

    async def count(self) -> int:
        """How many sessions there are."""
        query = select(func.count()).select_from(sessions)
        return int(await self._crew.database.read(lambda connection: connection.scalars(query).one()))

    async def _wished(self, ids: Sequence[int], wish: Wish, version: int) -> list[Stored]:
        """Sessions as they are to be, with the time of the last observation of each."""
        at = self._crew.clock()

        def look(connection: Connection) -> list[Stored]:
            found = []
            last = select(func.max(observations.c.time)).where(observations.c.series == series.c.id).scalar_subquery()
            for i in range(0, len(ids), AT_ONCE):
                query = select(series, last.label("last_time")).where(series.c.id.in_(ids[i : i + AT_ONCE]))
                found += [_new(row, wish, version, at) for row in connection.execute(query)]
            return found

        return await self._crew.database.read(look)

    async def _open_with(self, found: Sequence[Stored]) -> int:
        """Open sessions of series that have a history."""
        left, created = list(found), 0
        while left:
            states = await warmed(self._crew, left)
            created += await self._made(left, states)
            there = await self.there([stored.series for stored in left])
            left = [stored for stored in left if stored.series not in there]  # something was stored meanwhile
        return created

    async def _made(self, found: Sequence[Stored], states: Sequence[dict[str, Any]]) -> int:
        """Store sessions that are not there yet; how many are new."""
        created = await self._crew.database.write(partial(_create, found=found, states=states))
        self._crew.metrics.sessions.inc(created)
        return created


async def warmed(crew: Crew, found: Sequence[Stored]) -> list[dict[str, Any]]:
    """Read the last rows of series from nothing, a slice at a time; states as they are stored.

    Args:
        crew: whose model's thread reads them.
        found: sessions, at most TOGETHER; how far they have read is set.

    Raises:
        ForegateError: the model cannot read one of them.
    """
    most = crew.settings.warm_rows
    names = [stored.series for stored in found]
    rows, known = await crew.database.read(partial(_all_read, names=names, most=most))
    states = []
    for key, model in (await crew.fitted(found)).items():
        some = [stored for stored in found if key_of(stored) == key]
        live = Live(model, freq=Frequency.parse(key[2]))
        recorder = Recorder(model, live.freq, live.spec)
        for begin in range(0, max(len(rows[stored.series]) for stored in some), SLICE):
            feeds = _slice(some, rows, known, begin)
            await crew.served.run(_read, live, feeds, crew.settings.gap_rows)
        for stored in some:
            own = rows[stored.series]
            stored.seq, stored.time = len(own), own[-1][0] if own else None
        kept = [stored for stored in some if str(stored.series) in live]
        records = await crew.served.run(recorder.written, live, [str(stored.series) for stored in kept])
        states += [state_of(stored, record) for stored, record in zip(kept, records, strict=True)]
    return states


def _all_read(
    connection: Connection, names: Sequence[int], most: int
) -> tuple[dict[int, list[Seen]], dict[int, Announced]]:
    """The last rows of series, and what was announced of their times."""
    rows = {name: [_seen(row) for row in rows_of(connection, name, last=most)] for name in names}
    return rows, told(connection, {name: (own[0][0] - 1, own[-1][0]) for name, own in rows.items() if own})


def _slice(found: Sequence[Stored], rows: dict[int, list[Seen]], known: dict[int, Announced], begin: int) -> list[Feed]:
    """Some rows of each of some series."""
    feeds = []
    for stored in found:
        own = rows[stored.series]
        if part := own[begin : begin + SLICE]:
            before = own[begin - 1][0] if begin else None
            feeds.append(Feed(str(stored.series), part, before, stored.attributes, known.get(stored.series, {})))
    return feeds


def _read(live: Live, feeds: Sequence[Feed], gap: int) -> None:
    for error in feed(live, feeds, gap, lenient=True).values():
        raise error


def _seen(row: Any) -> Seen:
    return row.time, row.value, row.covariates


def _new(row: Any, wish: Wish, version: int, at: int) -> Stored:
    alias = wish.which if isinstance(wish.which, str) else None
    return Stored(
        row.id,
        row.name,
        row.freq,
        row.season_length,
        row.attributes,
        wish.model,
        version,
        alias,
        0,
        row.last_time,
        wish.late,
        wish.horizon,
        at,
    )


def _create(connection: Connection, found: Sequence[Stored], states: Sequence[dict[str, Any]]) -> int:
    """Store sessions of series of which nothing was stored meanwhile; how many are new."""
    if not found:
        return 0
    last = select(func.max(observations.c.time))
    new = [s for s in found if connection.scalars(last.where(observations.c.series == s.series)).one() == s.time]
    rows = [
        {
            "series": stored.series,
            "model": stored.model,
            "version": stored.version,
            "alias": stored.alias,
            "seq": stored.seq,
            "last_time": stored.time,
            "late": stored.late,
            "horizon": stored.horizon,
            "created_at": stored.created_at,
        }
        for stored in new
    ]
    there = set(_there(connection, [stored.series for stored in new]))
    rows = [row for row in rows if row["series"] not in there]
    if not rows:
        return 0
    created = insert_new(connection, sessions, rows, "series")
    opened = {row["series"] for row in rows}
    put_states(connection, [state for state in states if state["series"] in opened])
    return created


def _joined() -> Any:
    named = series.c.name, series.c.freq, series.c.season_length, series.c.attributes
    return select(sessions, *named).join(series, series.c.id == sessions.c.series)


def _there(connection: Connection, ids: Sequence[int]) -> dict[int, Stored]:
    found = {}
    for i in range(0, len(ids), AT_ONCE):
        for row in connection.execute(_joined().where(sessions.c.series.in_(ids[i : i + AT_ONCE]))):
            found[row.series] = stored_of(row)
    return found


def _require_alike(stored: Stored, wish: Wish) -> None:
    alias = wish.which if isinstance(wish.which, str) else None
    version = stored.version if isinstance(wish.which, str) else wish.which
    here = stored.model, stored.alias, stored.version, stored.late, stored.horizon
    if here != (wish.model, alias, version, wish.late, wish.horizon):
        raise Problem(
            409,
            "other-session",
            f"the session of {stored.name!r} must be as it is wished, but is of {stored.model!r}, version "
            f"{stored.version}, with late={stored.late!r} and horizon={stored.horizon}. Close it first: DELETE.",
        )

"""How observations are taken in: each once, whatever is sent twice, late or changed.

A row is told by its series and its time. The same row with the same value is no news; with another value it is a
conflict, unless the caller says that it revises, and then the value before is kept as well. Where a series has a live
session, what comes is numbered in the same transaction: the session reads it from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from foregate.service.clock import DAY
from foregate.service.metrics import Metrics
from foregate.service.observations.catalog import Catalog, Known
from foregate.service.store.database import Database
from foregate.service.store.statements import insert_new
from foregate.service.store.tables import observations, revisions, series, session_states, sessions
from foregate.service.times import Time, parsed, shown, steps_between

__all__ = [
    "OUTCOMES",
    "Given",
    "Intake",
    "Row",
    "Taken",
    "anchored",
    "existing",
    "kept",
    "placed",
    "require_step",
    "rows_of",
    "settle",
]

OUTCOMES = ("stored", "duplicate", "revised", "recorded", "late", "conflict", "invalid")
"""What can become of a row: it is new; it was there; it took the place of another value; it came too late for the
session and is stored only; it came too late and is refused; it says another value; it cannot be stored at all."""
AT_ONCE = 1000
ANCHOR = (
    update(series)
    .where(series.c.id == bindparam("b_id"), series.c.anchor.is_(None))
    .values(anchor=bindparam("b_anchor"))
)


@dataclass(frozen=True, slots=True)
class Given:
    """A row as it came."""

    series: str
    time: Time
    value: float | None
    """None: missing."""
    covariates: str | None = None
    """JSON."""


@dataclass(slots=True)
class Row:
    """A row that can be stored."""

    place: int
    """Among those that came."""
    series: int
    time: int
    value: float | None
    covariates: str | None


@dataclass
class Taken:
    """What became of rows."""

    counts: dict[str, int] = field(default_factory=dict)
    """Of `OUTCOMES`."""
    told: list[tuple[int, str, str]] = field(default_factory=list)
    """Of each row that was refused: its place, what became of it, and why."""
    sessions: set[int] = field(default_factory=set)
    """Series whose sessions have something new to read."""

    def count(self, outcome: str, rows: int = 1) -> None:
        """So many rows more."""
        if rows:
            self.counts[outcome] = self.counts.get(outcome, 0) + rows

    def refuse(self, place: int, outcome: str, why: str) -> None:
        """A row that is not stored."""
        self.count(outcome)
        self.told.append((place, outcome, why))


class Intake:
    """Takes in observations.

    Args:
        database: where they go.
        catalog: the series.
        metrics: what counts them.
        clock: microseconds since 1970.
        future_days: that a time may lie ahead of the clock.
    """

    def __init__(
        self, database: Database, catalog: Catalog, metrics: Metrics, clock: Callable[[], int], future_days: float
    ) -> None:
        self._database, self._catalog, self._metrics, self._clock = database, catalog, metrics, clock
        self._future = int(future_days * DAY)
        self.on_news: Callable[[set[int]], None] = lambda ids: None
        """Told of series whose sessions have something new to read."""

    async def take(self, given: Sequence[Given], *, revise: bool = False) -> Taken:
        """Store rows of any series; each succeeds or fails alone.

        Args:
            given: rows.
            revise: whether another value for a time takes the place of the one before.

        Raises:
            StoreError: nothing was stored.
        """
        known = await self._catalog.known(row.series for row in given)
        taken = await self._database.write(lambda connection: self._store(connection, given, known, revise=revise))
        for outcome, rows in taken.counts.items():
            self._metrics.ingested.labels(outcome).inc(rows)
        self._metrics.last_ingest.set(self._clock() / 1e6)
        if taken.sessions:
            self.on_news(taken.sessions)
        return taken

    def latest(self) -> int:
        """The last time that may come now."""
        return self._clock() + self._future

    def _store(self, connection: Connection, given: Sequence[Given], known: dict[str, Known], *, revise: bool) -> Taken:
        taken, now = Taken(), self._clock()
        rows = self.rows(connection, given, known, taken)
        live = {row.series for row in _chunked(connection, [s.series for s in _firsts(rows)], sessions)}
        plain = [row for row in rows if row.series not in live]
        done = _all_new(connection, plain, now)
        if done:
            taken.count("stored", len(plain))
        for name, own in groupby(rows if not done else [r for r in rows if r.series in live], attrgetter("series")):
            settle(connection, name, list(own), taken, now, revise=revise)
        return taken

    def rows(self, connection: Connection, given: Sequence[Given], known: dict[str, Known], taken: Taken) -> list[Row]:
        """Rows that can be stored, each series' together in order of time; the others are refused."""
        latest = self.latest()
        anchors = anchored(connection, _first_times(given, known, latest))
        found: dict[tuple[int, int], Row] = {}
        for place, row in enumerate(given):
            told = known.get(row.series)
            if told is None:
                taken.refuse(place, "invalid", f"series {row.series[:200]!r} must be there: PUT it first")
                continue
            try:
                time = placed(row.time, told, latest)
                require_step(anchors[told.id] if told.anchor is None else told.anchor, time, told)
            except ValueError as error:
                taken.refuse(place, "invalid", str(error))
                continue
            _put(found, Row(place, told.id, time, row.value, row.covariates), taken)
        return sorted(found.values(), key=attrgetter("series", "time"))


def placed(time: Time, known: Known, latest: int) -> int:
    """A time of a series as it is stored.

    Raises:
        ValueError: it is none, or lies too far ahead.
    """
    found = parsed(time, known.freq)
    if found > latest and not known.freq.is_integer:
        raise ValueError(f"a time must not lie far ahead of the clock, but got {str(time)[:40]!r}")
    return found


def require_step(anchor: int, time: int, known: Known) -> None:
    """Refuse a time between two steps of a series.

    Raises:
        ValueError: it lies there.
    """
    if steps_between(anchor, time, known.freq) is None:
        first, said = shown(anchor, known.freq), shown(time, known.freq)
        raise ValueError(
            f"a time must lie whole steps of {known.freq.alias} away from the first one, {first}, but got {said}"
        )


def kept(row: Row, now: int, seq: int | None = None) -> dict[str, Any]:
    """A row as the table holds it."""
    return {
        "series": row.series,
        "time": row.time,
        "value": row.value,
        "covariates": row.covariates,
        "revision": 0,
        "seq": seq,
        "received_at": now,
    }


def existing(connection: Connection, name: int, times: Sequence[int]) -> dict[int, Any]:
    """Rows of a series that are stored, by time."""
    found: dict[int, Any] = {}
    for i in range(0, len(times), AT_ONCE):
        some = times[i : i + AT_ONCE]
        query = select(observations).where(observations.c.series == name, observations.c.time.in_(some))
        found |= {row.time: row for row in connection.execute(query)}
    return found


def revised(connection: Connection, row: Row, before: Any, now: int) -> None:
    """Put a value in the place of the one before, which is kept."""
    old = {name: getattr(before, name) for name in ("series", "time", "revision", "value", "covariates", "received_at")}
    connection.execute(revisions.insert(), old)
    new = {"value": row.value, "covariates": row.covariates, "revision": before.revision + 1, "received_at": now}
    here = (observations.c.series == row.series) & (observations.c.time == row.time)
    connection.execute(update(observations).where(here).values(new))


def rows_of(connection: Connection, name: int, last: int | None = None, after: int | None = None) -> list[Any]:
    """The rows of a series in order of time.

    Args:
        connection: of a transaction.
        name: number of the series.
        last: so many of the last ones; None: all.
        after: those after this time; None: all.
    """
    query = select(observations.c.time, observations.c.value, observations.c.covariates, observations.c.seq)
    query = query.where(observations.c.series == name)
    if after is not None:
        query = query.where(observations.c.time > after)
    rows = connection.execute(query.order_by(observations.c.time.desc()).limit(last)).all()
    return list(rows)[::-1]


def _put(found: dict[tuple[int, int], Row], row: Row, taken: Taken) -> None:
    """Take a row to be stored, unless the same time came before in the same call."""
    first = found.setdefault((row.series, row.time), row)
    if first is row:
        return
    if (first.value, first.covariates) == (row.value, row.covariates):
        taken.count("duplicate")
    else:
        taken.refuse(row.place, "conflict", "a time must come once in a call, but came with two values")


def _firsts(rows: Sequence[Row]) -> list[Row]:
    return [next(own) for _, own in groupby(rows, attrgetter("series"))]


def _chunked(connection: Connection, ids: Sequence[int], table: Any) -> list[Any]:
    """Rows of a table by the numbers of their series; those of sessions are locked until the transaction ends."""
    found: list[Any] = []
    for i in range(0, len(ids), AT_ONCE):
        query = select(table).where(table.c.series.in_(ids[i : i + AT_ONCE])).order_by(table.c.series)
        found += connection.execute(query.with_for_update()).all()
    return found


def anchored(connection: Connection, first: Mapping[int, int]) -> dict[int, int]:
    """Times that those of series are counted from, by the numbers of the series.

    Args:
        connection: of a transaction that writes.
        first: a time of each; it is the one from now on, if none has come before.
    """
    if not first:
        return {}
    ids = sorted(first)
    connection.execute(ANCHOR, [{"b_id": name, "b_anchor": first[name]} for name in ids])
    found: dict[int, int] = {}
    for i in range(0, len(ids), AT_ONCE):
        query = select(series.c.id, series.c.anchor).where(series.c.id.in_(ids[i : i + AT_ONCE]))
        found |= {row.id: int(row.anchor) for row in connection.execute(query)}
    return found


def _first_times(given: Sequence[Given], known: Mapping[str, Known], latest: int) -> dict[int, int]:
    """The first time that can be stored, of each series of which none has been yet."""
    first: dict[int, int] = {}
    for row in given:
        told = known.get(row.series)
        if told is not None and told.anchor is None and told.id not in first:
            with suppress(ValueError):  # it is refused, and the next one comes first
                first[told.id] = placed(row.time, told, latest)
    return first


def _all_new(connection: Connection, rows: Sequence[Row], now: int) -> bool:
    """Store rows, if all of them are new; otherwise nothing."""
    if not rows:
        return True
    with connection.begin_nested() as point:
        new = [kept(row, now) for row in rows]
        stored = insert_new(connection, observations, new, "series", "time") == len(rows)
        if not stored:
            point.rollback()
    return stored


def settle(connection: Connection, name: int, rows: list[Row], taken: Taken, now: int, *, revise: bool) -> None:
    """Store the rows of one series, looking at each; its session is locked until the transaction ends."""
    session: Any = connection.execute(select(sessions).where(sessions.c.series == name).with_for_update()).first()
    here = existing(connection, name, [row.time for row in rows])
    seq = session.seq if session else 0
    new: list[dict[str, Any]] = []
    for row in rows:
        before = here.get(row.time)
        late = session is not None and session.last_time is not None and row.time <= session.last_time
        if before is not None and (before.value, before.covariates) == (row.value, row.covariates):
            taken.count("duplicate")
        elif before is not None and not revise:
            taken.refuse(row.place, "conflict", "another value is stored for this time; send revise=true to replace it")
        elif late and (session.late == "reject" or (before is not None and session.late == "record")):
            taken.refuse(row.place, "late", "the session of this series has read on; it must allow rebuild for that")
        elif before is not None:
            revised(connection, row, before, now)
            taken.count("revised")
            seq += 1
            _forget(connection, name, row.time)
        elif late and session.late == "record":
            new.append(kept(row, now))
            taken.count("recorded")
        else:
            seq += 1
            new.append(kept(row, now, seq if session else None))
            taken.count("stored")
            if late:
                _forget(connection, name, row.time)
    if new:
        insert_new(connection, observations, new)
    if session is not None and seq != session.seq:
        before = [] if session.last_time is None else [session.last_time]
        last = max([row["time"] for row in new if row["seq"] is not None] + before)
        connection.execute(update(sessions).where(sessions.c.series == name).values(seq=seq, last_time=last))
        taken.sessions.add(name)


def _forget(connection: Connection, name: int, time: int) -> None:
    """A stored state that has read beyond a row that changes is not one any more."""
    here = (session_states.c.series == name) & (session_states.c.time >= time)
    connection.execute(session_states.delete().where(here))

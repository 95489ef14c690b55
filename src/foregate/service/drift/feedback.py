"""Actuals meet the forecasts that were made for them: errors, drift, and what follows from it.

The database notes every actual for which a forecast waits (triggers on observations). Here they are taken from the
head of that list, scored in a thread that reads, and taken off it in the transaction that writes what came of them: so
each counts exactly once, whatever dies when. Two processes that do this at once read the same head; whoever comes
second finds it gone, and nothing of its work happens.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy import Connection, Row, and_, bindparam, delete, func, select
from sqlalchemy.exc import SQLAlchemyError

from foregate.core import DataError, Frequency
from foregate.monitoring import Reference
from foregate.service.drift.scoring import Arrival, Error, Key, Said, Sums, score
from foregate.service.drift.watching import Found, Group, Told, encoded, watched
from foregate.service.store.database import Database
from foregate.service.store.failures import StoreError
from foregate.service.store.statements import EVENTS_LOCK, alone, emit, insert
from foregate.service.store.tables import (
    alias_events,
    arrivals,
    drift_events,
    drift_states,
    forecasts,
    model_versions,
    outcomes,
    series,
    sessions,
)

__all__ = ["Feedback", "Round"]

AT_ONCE = 500
log = structlog.get_logger("foregate.drift")
WATCH = "watch"
"""The row of ``drift_states`` that holds what all detectors of a group remember."""
SUMMED = ("n", "error", "bias", "pinball")
REACHED = (
    select(arrivals.c.series, func.min(arrivals.c.time).label("low"), func.max(arrivals.c.time).label("high"))
    .where(arrivals.c.id <= bindparam("last"))
    .group_by(arrivals.c.series)
    .subquery()
)
DUE = select(*(forecasts.c[name] for name in Said._fields)).join(
    REACHED,
    and_(
        forecasts.c.series == REACHED.c.series,
        forecasts.c.until >= REACHED.c.low,
        forecasts.c.origin < REACHED.c.high,
    ),
)
"""Statements that are asked again and again are built once: that takes longer than to answer them."""
OWN = and_(*(drift_states.c[name] == bindparam(name) for name in ("model", "version", "segment", "detector")))
STATE = select(drift_states.c.state, drift_states.c.updated_at).where(OWN)
CHANGED = select(drift_states.c.updated_at).where(OWN)
OUTCOMES = select(outcomes).where(
    *(outcomes.c[name] == bindparam(name) for name in ("model", "version", "segment", "day"))
)
Alarmed = Callable[[Connection, Sequence[Told], int], None]


class _Gone(Exception):  # noqa: N818 - nothing is wrong
    """Another process was faster."""


class _Unscored(Exception):  # noqa: N818 - what is wrong is its cause
    """Something that came cannot be scored.

    Args:
        heads: numbers of the actuals that were looked at.
    """

    def __init__(self, heads: Sequence[int]) -> None:
        super().__init__(heads)
        self.heads = heads


@dataclass
class Round:
    """What one look at the list came to."""

    actuals: int = 0
    sums: dict[Key, Sums] = field(default_factory=dict)
    found: dict[Group, Found] = field(default_factory=dict)
    texts: dict[Group, str] = field(default_factory=dict)
    """Their states, as they are kept."""

    @property
    def alarms(self) -> list[Told]:
        """Of all groups."""
        return [told for found in self.found.values() for told in found.alarms]


class Feedback:
    """Scores what comes.

    Args:
        database: with its tables.
        clock: microseconds since 1970.
        every: errors in which one false alarm is expected at most, of all segments of a version together.
        alarmed: called in the transaction that stores alarms: what is to follow is committed with them.
    """

    def __init__(
        self, database: Database, clock: Callable[[], int], *, every: int = 10_000, alarmed: Alarmed | None = None
    ) -> None:
        self.database, self.clock, self.every = database, clock, every
        self._alarmed = alarmed or (lambda connection, told, at: None)
        self._references: dict[tuple[str, int], Reference | None] = {}
        self._alone = 0
        """So many of the next actuals are scored one by one."""
        self.behind = False
        """Whether the last look found as many actuals as it took, so that more may wait."""

    async def step(self) -> Round:
        """Score the oldest actuals of the list; nothing is done where it is empty, or another process was faster.

        Raises:
            StoreError: the database fails; the actuals stay on the list.
        """
        self.behind = False
        try:
            heads, found, before = await self.database.read(self._read)
        except _Unscored as error:
            self.behind = True
            return await self._without(error)
        self.behind = len(heads) >= (1 if self._alone else AT_ONCE)
        self._alone -= min(self._alone, len(heads))
        if not heads:
            return Round()
        try:
            await self.database.write(lambda connection: self._write(connection, heads, found, before))
        except _Gone:
            return Round()
        return found

    async def _without(self, error: _Unscored) -> Round:
        """An actual that cannot be scored is taken off the list and told of, so that the others are."""
        if len(error.heads) > 1:
            self._alone = AT_ONCE  # one by one, to find it
            return Round()
        this = delete(arrivals).where(arrivals.c.id.in_(error.heads))
        await self.database.write(lambda connection: connection.execute(this) and None)
        log.warning("an actual cannot be scored", error=str(error.__cause__), exc_info=error.__cause__)
        return Round(1)

    def _read(self, connection: Connection) -> tuple[list[int], Round, dict[Group, int]]:
        """The head of the list, what it comes to, and how old the states were that it was read from."""
        query = select(arrivals).order_by(arrivals.c.id).limit(1 if self._alone else AT_ONCE)
        heads = connection.execute(query).all()
        if not heads:
            return [], Round(), {}
        try:
            return self._scored(connection, heads)
        except (SQLAlchemyError, StoreError):
            raise
        except Exception as error:
            raise _Unscored([row.id for row in heads]) from error

    def _scored(self, connection: Connection, heads: Sequence[Row[Any]]) -> tuple[list[int], Round, dict[Group, int]]:
        names = _names(connection, {row.series for row in heads})
        came = [_arrival(row, names[row.series]) for row in heads if row.series in names]
        sums, errors = score(came, _due(connection, heads[-1].id))
        groups: dict[Group, list[Error]] = defaultdict(list)
        for error in errors:
            groups[Group(error.model, error.version, error.segment)].append(error)
        found: dict[Group, Found] = {}
        texts, before = {}, {}
        for group, own in groups.items():
            state, before[group] = _state(connection, group)
            own.sort(key=lambda each: each.time)
            every = self.every * (_segments(connection, group) if state is None else 1)
            found[group] = watched(
                group, own, self._reference(connection, group), state, every, _turn(connection, group)
            )
            texts[group] = encoded(found[group].state)
        return [row.id for row in heads], Round(len(heads), sums, found, texts), before

    def _write(self, connection: Connection, heads: list[int], found: Round, before: Mapping[Group, int]) -> None:
        alone(connection, EVENTS_LOCK)  # what is added to is nobody else's until then; one lock for all blocks nobody
        gone = connection.execute(delete(arrivals).where(arrivals.c.id.in_(heads))).rowcount
        if gone != len(heads):
            raise _Gone
        at = self.clock()
        _add(connection, found.sums)
        for group, one in found.found.items():
            if (connection.scalar(CHANGED, _watch_of(group)) or 0) != before[group]:
                raise _Gone
            _put(connection, group, one, found.texts[group], max(at, before[group] + 1))
        alarms = found.alarms
        if alarms:
            connection.execute(insert(connection, drift_events), [_event_row(told, at) for told in alarms])
            emit(connection, [_event(told, at) for told in alarms])
            self._alarmed(connection, alarms, at)

    def _reference(self, connection: Connection, group: Group) -> Reference | None:
        key = (group.model, group.version)
        if key not in self._references:
            own = and_(model_versions.c.model == group.model, model_versions.c.version == group.version)
            blob = connection.scalar(select(model_versions.c.reference).where(own))
            try:
                self._references[key] = None if blob is None else Reference.from_bytes(blob)
            except DataError:
                self._references[key] = None
        return self._references[key]


def _names(connection: Connection, ids: set[int]) -> dict[int, Row[Any]]:
    return {row.id: row for row in connection.execute(select(series).where(series.c.id.in_(ids)))}


def _arrival(row: Row[Any], of: Row[Any]) -> Arrival:
    return Arrival(row.id, row.series, of.name, of.segment, Frequency.parse(of.freq), row.time, row.value, row.at)


def _due(connection: Connection, last: int) -> list[Said]:
    """The forecasts that reach one of the times of the list, up to some place of it."""
    return [Said(*row) for row in connection.execute(DUE, {"last": last})]


def _segments(connection: Connection, group: Group) -> int:
    """How many segments of a version are watched, about: each of them may raise so many times fewer false alarms."""
    s, d = sessions.c, drift_states.c
    own = select(func.count(series.c.segment.distinct())).join(sessions, s.series == series.c.id)
    live = connection.scalar(own.where(s.model == group.model)) or 0
    there = select(func.count()).where(d.model == group.model, d.version == group.version, d.detector == WATCH)
    return max(int(live), int(connection.scalar(there) or 0) + 1)


def _turn(connection: Connection, group: Group) -> int:
    """The number of the move that last made a version champion."""
    e = alias_events.c
    own = and_(e.model == group.model, e.alias == "champion", e.after == group.version)
    return int(connection.scalar(select(func.max(e.id)).where(own)) or 0)


def _state(connection: Connection, group: Group) -> tuple[dict[str, Any] | None, int]:
    row = connection.execute(STATE, _watch_of(group)).first()
    return (None, 0) if row is None else (json.loads(row.state), row.updated_at)


def _watch_of(group: Group) -> dict[str, Any]:
    return {**_named(group), "detector": WATCH}


def _named(group: Group) -> dict[str, Any]:
    return {"model": group.model, "version": group.version, "segment": group.segment}


def _put(connection: Connection, group: Group, found: Found, text: str, at: int) -> None:
    common = {**_named(group), "updated_at": at}
    most = max(found.scores.values(), default=0.0)
    rows = [{**common, "detector": WATCH, "state": text, "score": most}]
    rows += [{**common, "detector": name, "state": "{}", "score": score} for name, score in found.scores.items()]
    new = insert(connection, drift_states)
    changed = {name: new.excluded[name] for name in ("state", "score", "updated_at")}
    keys = ["model", "version", "segment", "detector"]
    connection.execute(new.on_conflict_do_update(index_elements=keys, set_=changed), rows)


def _add(connection: Connection, sums: Mapping[Key, Sums]) -> None:
    """Add to the errors that are stored."""
    of_day = {key._replace(step=0) for key in sums}
    stored = [row for key in of_day for row in connection.execute(OUTCOMES, key._asdict())]
    old = {Key(row.model, row.version, row.segment, row.step, row.day): row for row in stored}
    rows = []
    for key, own in sums.items():
        there = old.get(key)
        covered = dict(own.covered)
        for level, count in (json.loads(there.covered) if there else {}).items():
            covered[level] = covered.get(level, 0) + count
        added = {name: getattr(own, name) + (getattr(there, name) if there else 0) for name in SUMMED}
        rows.append({**key._asdict(), **added, "covered": json.dumps(covered)})
    if rows:
        new = insert(connection, outcomes)
        changed = {name: new.excluded[name] for name in (*SUMMED, "covered")}
        connection.execute(new.on_conflict_do_update(index_elements=list(Key._fields), set_=changed), rows)


def _event_row(told: Told, at: int) -> dict[str, Any]:
    group = told.group
    detail = json.dumps({"seen": told.seen, "time": told.time, "series": told.series})
    return {
        **_named(group),
        "kind": told.kind,
        "detector": told.detector,
        "score": told.score,
        "detail": detail,
        "at": at,
    }


def _event(told: Told, at: int) -> dict[str, Any]:
    group = told.group
    data: dict[str, Any] = {"version": group.version, "segment": group.segment}
    data |= {"kind": told.kind, "detector": told.detector}
    data |= {"score": told.score, "time": told.time, "series": told.series}
    return {"at": at, "kind": "drift", "subject": group.model, "data": data}

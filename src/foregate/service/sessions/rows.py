"""Sessions as rows: what is read of them, and what one transaction writes.

Observations are the truth, and a state is what reading them gives. It is stored now and then, so that what has to be
read again is bounded: a stored state and the observations that are numbered after it give the state of the session.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from foregate.service.observations.announced import Announced, told
from foregate.service.observations.intake import rows_of
from foregate.service.store.statements import emit, insert, insert_new, values
from foregate.service.store.tables import forecasts, observations, series, session_states, sessions

__all__ = ["Move", "Moved", "Position", "Seen", "Stored", "Written", "load", "save", "write"]

AT_ONCE = 1000
MOVE = (
    "UPDATE sessions SET seq = moved.column4, last_time = moved.column5 FROM (",
    ") AS moved WHERE sessions.series = moved.column1 AND sessions.version = moved.column2 "
    "AND sessions.seq = moved.column3",
)
"""What stands around `Move`; both databases call the columns of values so."""
Seen = tuple[int, float | None, str | None]
"""Time, value and covariates of a row."""


class Move(NamedTuple):
    """A session that moves on from where it was thought to be."""

    series: int
    version: int
    before: int
    """Observations that it had read."""
    seq: int
    """Those that it has read now."""
    last_time: int | None


class Moved(Exception):  # noqa: N818 - no error, but news
    """Another process, or a request past the session, has moved one on meanwhile; nothing was written."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far a state has read."""

    version: int
    seq: int
    time: int | None


@dataclass(slots=True)
class Stored:
    """A session, as it is stored."""

    series: int
    name: str
    freq: str
    season_length: int | None
    attributes: str
    model: str
    version: int
    alias: str | None
    seq: int
    time: int | None
    late: str
    horizon: int
    created_at: int
    state: Any = None
    """Its stored state; None: there is none, or it is not wanted."""
    rows: list[Seen] = field(default_factory=list)
    """What has to be read after that state, or after the position that was asked for."""
    known: Announced = field(default_factory=dict)
    """What was announced of the times of those rows, and between them."""
    follows: bool = False
    """Whether those rows follow the position that was asked for; otherwise they follow the stored state."""


@dataclass
class Written:
    """What a step of several sessions writes."""

    moves: list[Move] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    """Of observations."""
    forecasts: list[dict[str, Any]] = field(default_factory=list)
    states: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    known: dict[int, tuple[int | None, int, Announced]] = field(default_factory=dict)
    """Series -> what was read with its rows: announced of the times after one and up to another."""


def load(
    connection: Connection, wanted: Mapping[int, Position | None], most: int, *, anew: frozenset[int] = frozenset()
) -> dict[int, Stored]:
    """Sessions, with what is needed to have their states in memory; those that are not there are left out.

    Args:
        connection: of a transaction.
        wanted: numbers of series, and how far a state in memory has read; None where there is none.
        most: rows that are read at most where there is no stored state.
        anew: those whose stored state cannot be used.
    """
    found = {stored.series: stored for stored in _sessions(connection, list(wanted))}
    cold = []
    for stored in found.values():
        position = wanted[stored.series]
        if position is None or position.version != stored.version or stored.series in anew:
            cold.append(stored.series)
        elif position.seq == stored.seq:
            stored.follows = True
        else:
            rows = [row for row in rows_of(connection, stored.series, after=position.time) if row.seq is not None]
            stored.follows = position.time is None or position.seq + len(rows) == stored.seq
            if stored.follows:
                stored.rows = [(row.time, row.value, row.covariates) for row in rows]
            else:  # something came late: what is stored is read again
                cold.append(stored.series)
    _with_states(connection, found, cold, most, anew)
    some = [stored for stored in found.values() if stored.rows]
    known = told(connection, {stored.series: (_after(stored, wanted), stored.rows[-1][0]) for stored in some})
    for stored in some:
        stored.known = known[stored.series]
    return found


def write(connection: Connection, written: Written) -> None:
    """Move sessions on, all of them or none.

    Raises:
        Moved: one of them is not where it was thought to be.
    """
    before, after = MOVE
    if written.moves and values(connection, before, written.moves, after) != len(written.moves):
        raise Moved
    if insert_new(connection, observations, written.rows, "series", "time") != len(written.rows):
        raise Moved
    read = {series: span[:2] for series, span in written.known.items()}
    if read and told(connection, read) != {series: span[2] for series, span in written.known.items()}:
        raise Moved  # something else was announced meanwhile than was read with the rows
    insert_new(connection, forecasts, written.forecasts, "series", "origin", "model", "version")
    put_states(connection, written.states)
    emit(connection, written.events)


def _after(stored: Stored, wanted: Mapping[int, Position | None]) -> int | None:
    """Time of the row before those that have to be read; None: there is none."""
    position = wanted[stored.series]
    if stored.follows and position is not None:
        return position.time
    return None if stored.state is None else int(stored.state.time)


def save(connection: Connection, states: Sequence[dict[str, Any]]) -> None:
    """Store states of sessions that are still where these have read to; the others have something newer."""
    by_series = {state["series"]: state for state in states}
    kept = []
    for ids in _parts(list(by_series)):
        query = select(sessions.c.series, sessions.c.version, sessions.c.seq).where(sessions.c.series.in_(ids))
        for row in connection.execute(query.order_by(sessions.c.series).with_for_update()):
            state = by_series[row.series]
            if (state["version"], state["seq"]) == (row.version, row.seq):
                kept.append(state)
    put_states(connection, kept)


def put_states(connection: Connection, states: Sequence[dict[str, Any]]) -> None:
    """Store states in the place of the ones before."""
    if not states:
        return
    new = insert(connection, session_states)
    changed = {name: new.excluded[name] for name in ("version", "seq", "time", "blob", "crc")}
    checked = [state | {"crc": zlib.crc32(state["blob"])} for state in states]
    connection.execute(new.on_conflict_do_update(index_elements=["series"], set_=changed), checked)


def _sessions(connection: Connection, ids: Sequence[int]) -> list[Stored]:
    found = []
    for some in _parts(ids):
        query = select(sessions, series.c.name, series.c.freq, series.c.season_length, series.c.attributes)
        query = query.join(series, series.c.id == sessions.c.series).where(sessions.c.series.in_(some))
        found += [stored_of(row) for row in connection.execute(query)]
    return found


def stored_of(row: Any) -> Stored:
    """A row of sessions joined with series."""
    return Stored(
        series=row.series,
        name=row.name,
        freq=row.freq,
        season_length=row.season_length,
        attributes=row.attributes,
        model=row.model,
        version=row.version,
        alias=row.alias,
        seq=row.seq,
        time=row.last_time,
        late=row.late,
        horizon=row.horizon,
        created_at=row.created_at,
    )


def _with_states(
    connection: Connection, found: dict[int, Stored], cold: Sequence[int], most: int, anew: frozenset[int]
) -> None:
    """Add stored states of sessions, and the rows since."""
    broken = set(anew)
    for some in _parts(cold):
        for row in connection.execute(select(session_states).where(session_states.c.series.in_(some))):
            stored = found[row.series]
            if row.version == stored.version and zlib.crc32(row.blob) == row.crc and row.series not in anew:
                stored.state = row
            else:
                broken.add(row.series)
        for name, rows in _since(connection, [i for i in some if found[i].state is not None]).items():
            found[name].rows = rows
    for name in cold:
        stored = found[name]
        if stored.state is None:
            skip = stored.late == "record" and name not in broken  # what came late is stored and not read
            every = rows_of(connection, name, last=most)
            stored.rows = [(r.time, r.value, r.covariates) for r in every if not skip or r.seq is not None]


def _since(connection: Connection, ids: Sequence[int]) -> dict[int, list[Seen]]:
    """The rows after stored states, by series."""
    o, s = observations.c, session_states.c
    query = select(o.series, o.time, o.value, o.covariates).join(session_states, s.series == o.series)
    query = query.where(s.series.in_(ids), o.time > s.time, o.seq.is_not(None)).order_by(o.series, o.time)
    found: dict[int, list[Seen]] = defaultdict(list)
    for row in connection.execute(query) if ids else ():
        found[row.series].append((row.time, row.value, row.covariates))
    return found


def _parts(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[i : i + AT_ONCE] for i in range(0, len(ids), AT_ONCE)]

"""Observations expire where the settings say so, and nothing that goes by them ever notices.

Of a series with a live session these rows stay, however old they are: those after its stored state, which is made the
present one by reading them, and as many of the newest ones as a state is made from where there is none. So whatever
goes, every session has the same state afterwards, wherever it is loaded and however it comes about.

With the rows of a time go its revisions, what was announced of it, and the forecasts that were made from it: an actual
that is sent once more finds no forecast that it was scored with before.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, select

from foregate.core import Frequency
from foregate.service.clock import DAY
from foregate.service.settings import KeepSettings
from foregate.service.store.database import Database
from foregate.service.store.tables import (
    announced,
    forecasts,
    observations,
    revisions,
    series,
    session_states,
    sessions,
)

__all__ = ["expire"]

SERIES_AT_ONCE = 200
ROWS_AT_ONCE = 1000
NOTHING = -(2**63)
"""No row has a time before this one."""


class _Cut(NamedTuple):
    """What goes of a series."""

    series: int
    before: int | None
    """Rows of times before this one; None: nothing."""


async def expire(database: Database, keep: KeepSettings, warm: int, at: int) -> int:
    """Delete observations that need not be kept any longer; how many went.

    Args:
        database: while it is in use.
        keep: how long and how many are kept.
        warm: newest rows that a state of a session is made from.
        at: the time it is, in microseconds since 1970.

    Raises:
        StoreError: the database fails; what went before is gone.
    """
    gone, after = 0, 0
    if not (keep.observation_days or keep.observation_rows):
        return gone
    while page := await database.read(partial(_cuts, keep=keep, warm=warm, at=at, after=after)):
        after = page[-1].series
        for cut in (one for one in page if one.before is not None):
            while went := await database.write(partial(_delete, cut=cut, warm=warm)):
                gone += went
                if went < ROWS_AT_ONCE:
                    break
    return gone


def _cuts(connection: Connection, keep: KeepSettings, warm: int, at: int, after: int) -> list[_Cut]:
    """What goes of some series after one, the last of them with or without anything."""
    query = select(series.c.id, series.c.freq).where(series.c.id > after).order_by(series.c.id).limit(SERIES_AT_ONCE)
    found = []
    for row in connection.execute(query).all():
        cuts = [_by_rows(connection, row.id, keep.observation_rows) if keep.observation_rows else None]
        if keep.observation_days:
            cuts.append(_by_age(connection, row.id, Frequency.parse(row.freq), at - int(keep.observation_days * DAY)))
        chosen = max((cut for cut in cuts if cut is not None), default=None)
        before = _bounded(connection, row.id, chosen, warm)
        found.append(_Cut(row.id, before if _first(connection, row.id) < before else None))
    return found


def _first(connection: Connection, number: int) -> int:
    """Time of the first row of a series."""
    found = connection.scalar(select(func.min(observations.c.time)).where(observations.c.series == number))
    return -NOTHING if found is None else int(found)


def _by_rows(connection: Connection, number: int, most: int) -> int | None:
    """Time of the last of so many newest rows; None where there are no more."""
    o = observations.c
    newest = select(o.time).where(o.series == number).order_by(o.time.desc()).offset(most - 1).limit(1)
    return connection.scalars(newest).first()


def _by_age(connection: Connection, number: int, freq: Frequency, oldest: int) -> int | None:
    """The first time that is kept."""
    if not freq.is_integer:
        return oldest
    o = observations.c
    kept = connection.scalar(select(func.min(o.time)).where(o.series == number, o.received_at >= oldest))
    if kept is not None:
        return int(kept)
    last = connection.scalar(select(func.max(o.time)).where(o.series == number))
    return None if last is None else int(last) + 1


def _bounded(connection: Connection, number: int, chosen: int | None, warm: int) -> int:
    """Rows before this time go: as chosen, but for those that a session needs."""
    if chosen is None:
        return NOTHING
    if connection.scalar(select(sessions.c.series).where(sessions.c.series == number)) is None:
        return chosen
    needed = _by_rows(connection, number, warm)
    if needed is None:
        return NOTHING
    state = connection.execute(select(session_states.c.time).where(session_states.c.series == number)).first()
    if state is not None:
        needed = min(needed, NOTHING if state.time is None else int(state.time))
    return min(chosen, needed)


def _delete(connection: Connection, cut: _Cut, warm: int) -> int:
    """Delete some rows of a series, unless somebody needs them by now; how many."""
    o = observations.c
    session = select(sessions.c.series).where(sessions.c.series == cut.series).with_for_update()
    connection.execute(session)  # nobody opens or moves it on meanwhile
    before = _bounded(connection, cut.series, cut.before, warm)
    query = select(o.time).where(o.series == cut.series, o.time < before).order_by(o.time).limit(ROWS_AT_ONCE)
    times: Sequence[int] = connection.scalars(query).all()
    if not times:
        return 0
    until = times[-1]
    connection.execute(delete(forecasts).where(forecasts.c.series == cut.series, forecasts.c.origin <= until))
    for table in (revisions, announced, observations):
        connection.execute(delete(table).where(table.c.series == cut.series, table.c.time <= until))
    return len(times)

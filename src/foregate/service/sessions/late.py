"""What comes to a session late, again, or changed: looked up row by row, and settled by the session's policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from foregate.core import Frequency
from foregate.service.observations.intake import Row, Taken, existing, settle
from foregate.service.problems import Problem
from foregate.service.sessions.rows import Stored
from foregate.service.sessions.turns import Order
from foregate.service.store.tables import forecasts, sessions
from foregate.service.times import shown

__all__ = ["Settled", "no_session", "settled"]


@dataclass(frozen=True)
class Settled:
    """What became of the rows of an order."""

    counts: dict[str, int]
    changed: bool
    """Whether the session has something else to read than it has read."""
    seq: int
    """When the last of the rows was read; what the session has read where that is not known."""
    forecast: Any
    """That was made then; None: none was."""
    latest: bool = False
    """Whether the last of the rows is the last one of the session."""


def settled(connection: Connection, order: Order, stored: Stored, now: int) -> Settled:
    """Store the rows of an order, all of them or none.

    Raises:
        Problem: the policy of the session refuses one.
    """
    query = select(sessions).where(sessions.c.series == order.series).with_for_update()
    session = connection.execute(query).first()
    if session is None:
        raise no_session(stored.name)
    taken = Taken()
    rows = [Row(i, order.series, *row) for i, row in enumerate(order.rows)]
    settle(connection, order.series, rows, taken, now, revise=order.revise)
    if taken.told:
        place, outcome, why = min(taken.told)
        raise refused(order, stored, session, place, outcome, why)
    new = taken.counts.keys() - {"duplicate"}
    if order.expected is not None and new and order.expected != session.seq:
        raise out_of_sequence(stored, order.expected, session.seq)
    last = order.rows[-1][0]
    row = existing(connection, order.series, [last])[last]
    own = forecasts.c.source == "session"
    query = select(forecasts).where(forecasts.c.series == order.series, forecasts.c.origin == last, own)
    made = connection.execute(query.order_by(forecasts.c.id).limit(1)).first()
    seq = session.seq if row.seq is None else row.seq
    return Settled(taken.counts, bool(taken.sessions), seq, made, last == session.last_time)


def refused(order: Order, stored: Stored, session: Any, place: int, outcome: str, why: str) -> Problem:
    """What to say of a row that is not stored."""
    freq = Frequency.parse(stored.freq)
    slug = "late-observation" if outcome == "late" else "other-value"
    last = None if session.last_time is None else shown(session.last_time, freq)
    time = shown(order.rows[place][0], freq)
    detail = f"observations of {stored.name!r} must come after {last}, but got one at {time}: {why}."
    return Problem(409, slug, detail, expected_seq=session.seq, last_time=last)


def no_session(name: str) -> Problem:
    """What to say where a series has none, or has it no longer."""
    detail = f"series {name!r} must have a session, but has none. Open one: POST /v1/sessions."
    return Problem(404, "no-such-session", detail)


def out_of_sequence(stored: Stored, expected: int, seq: int) -> Problem:
    """What to say where a session is not where the caller thinks."""
    detail = (
        f"expected_seq of {stored.name!r} must be {seq}, but got {expected}. Look what was stored, and go on there."
    )
    return Problem(409, "out-of-sequence", detail, expected_seq=seq)

"""What is known ahead of series: covariates of times to come, told before the observations of these times are.

What was told of a time is read with the row of that time, unless the observation brings its own. It may be told anew
with other values for as long as no row of that time or a later one is stored. From then on it is as fixed as a row is,
so that what was read can be read again and gives the same state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from foregate.core import Frequency, listed
from foregate.service.problems import Problem
from foregate.service.store.statements import insert
from foregate.service.store.tables import announced, observations, sessions
from foregate.service.times import later, shown

__all__ = ["FURTHEST", "Announced", "Lacking", "announce", "lacking", "page", "told", "with_told"]

Announced = dict[int, dict[str, float | str | None]]
"""Time -> name of a covariate -> its value; null where it is told that it will not be known."""
Seen = tuple[int, float | None, str | None]
"""Time, value and covariates (JSON) of a row."""

FURTHEST = 10_000
"""Steps that may be told ahead at most, as a live forecaster has it."""
AT_ONCE = 500
LISTED = 1000
FIRST = -(2**63)


@dataclass(frozen=True)
class Lacking:
    """What must be told before a forecast can be made."""

    name: str
    """Of the series."""
    freq: Frequency
    times: Mapping[int, Sequence[str]]
    """Time -> names of the covariates that nothing is known of."""

    def problem(self) -> Problem:
        """What to say of it."""
        times = [shown(time, self.freq) for time in self.times]
        columns = list(dict.fromkeys(column for each in self.times.values() for column in each))
        facts = [
            {"time": time, "columns": list(each)}
            for time, each in zip(times[:LISTED], self.times.values(), strict=False)
        ]
        detail = (
            f"future of {self.name!r} must be known for all steps that are forecast, but nothing is of "
            f"{listed(columns)} at {listed(times)}. Announce it: PUT /v1/series/NAME/future, "
            "or ask for fewer steps."
        )
        return Problem(409, "future-unknown", detail, missing=facts)


def announce(connection: Connection, series: int, freq: Frequency, rows: Announced, now: int) -> int:
    """Take in covariates of times to come, all of them or none; how many values are new or others than before.

    Raises:
        Problem: a time has been passed by, and something else was told of it; or it lies too far ahead.
    """
    session = connection.execute(select(sessions).where(sessions.c.series == series).with_for_update()).first()
    newest = connection.scalar(select(func.max(observations.c.time)).where(observations.c.series == series))
    if session is not None and session.last_time is not None:
        newest = session.last_time if newest is None else max(newest, session.last_time)
    before = _known(connection, series, rows)
    changed = [
        (time, name, text)
        for time, columns in sorted(rows.items())
        for name, text in ((name, msgspec.json.encode(value).decode()) for name, value in columns.items())
        if before.get((time, name)) != text
    ]
    past = dict.fromkeys(time for time, _, _ in changed if newest is not None and time <= newest)
    if past:
        raise Problem(
            409,
            "late-announcement",
            f"what is announced must be of times after {shown(int(newest or 0), freq)}, the newest row, but got "
            f"{listed([shown(time, freq) for time in past])}. What is known of a stored row comes with the "
            "observation; leave these times out.",
        )
    furthest = later(min(rows, default=0) if newest is None else int(newest), FURTHEST, freq)
    if changed and changed[-1][0] > furthest:
        last = shown(changed[-1][0], freq)
        detail = f"what is announced must lie at most {FURTHEST:,} steps ahead, but got {last}. Announce it later."
        raise Problem(422, "too-far", detail)
    if changed:
        new = insert(connection, announced)
        other = {name: new.excluded[name] for name in ("value", "at")}
        put = new.on_conflict_do_update(index_elements=["series", "time", "name"], set_=other)
        connection.execute(
            put,
            [{"series": series, "time": time, "name": name, "value": text, "at": now} for time, name, text in changed],
        )
    return len(changed)


def told(connection: Connection, spans: Mapping[int, tuple[int | None, int]]) -> dict[int, Announced]:
    """What was announced of series: of the times after one (None: from the first) and up to another one, in order."""
    found: dict[int, Announced] = {series: {} for series in spans}
    ids, a = sorted(spans), announced.c
    for i in range(0, len(ids), AT_ONCE):
        some = {name: _span(*spans[name]) for name in ids[i : i + AT_ONCE]}
        after, until = min(each[0] for each in some.values()), max(each[1] for each in some.values())
        query = select(a.series, a.time, a.name, a.value).where(a.series.in_(some), a.time > after, a.time <= until)
        for row in connection.execute(query.order_by(a.series, a.time, a.name)):
            if some[row.series][0] < row.time <= some[row.series][1]:
                found[row.series].setdefault(row.time, {})[row.name] = msgspec.json.decode(row.value)
    return found


def page(connection: Connection, series: int, after: int | None, limit: int) -> tuple[Announced, bool]:
    """What was announced of a series after a time, of so many times at most; and whether there may be more."""
    a = announced.c
    times = select(a.time).where(a.series == series).distinct().order_by(a.time).limit(limit)
    found = list(connection.scalars(times if after is None else times.where(a.time > after)))
    known = told(connection, {series: (found[0] - 1, found[-1])})[series] if found else {}
    return known, len(found) == limit


def lacking(known: Announced, times: Iterable[int], columns: Sequence[str]) -> dict[int, list[str]]:
    """Times of which something is not known, with the names of that."""
    found = {time: [name for name in columns if name not in known.get(time, {})] for time in times}
    return {time: names for time, names in found.items() if names}


def with_told(rows: Sequence[Seen], known: Announced, after: int | None = None) -> list[Seen]:
    """Rows with what was announced of their times, where they bring nothing else themselves; steps that were left out
    are rows without a value where something was announced of them.

    Args:
        rows: in order of time.
        known: see `told`.
        after: time of the row before them; None: they are the first.
    """
    if not known or not rows:
        return list(rows)
    begin = rows[0][0] if after is None else after
    between = [(time, None, None) for time in known if begin < time < rows[-1][0]]
    own = {row[0]: row for row in (*between, *rows)}
    return [_joined(own[time], known.get(time)) for time in sorted(own)]


def _joined(row: Seen, known: Mapping[str, Any] | None) -> Seen:
    if not known:
        return row
    own = msgspec.json.decode(row[2]) if row[2] else {}
    return row[0], row[1], msgspec.json.encode({**known, **own}).decode()


def _span(after: int | None, until: int) -> tuple[int, int]:
    return FIRST if after is None else after, until


def _known(connection: Connection, series: int, rows: Announced) -> dict[tuple[int, str], str]:
    """What was told before of these times, as text."""
    found: dict[tuple[int, str], str] = {}
    times, a = sorted(rows), announced.c
    for i in range(0, len(times), AT_ONCE):
        query = select(a.time, a.name, a.value).where(a.series == series, a.time.in_(times[i : i + AT_ONCE]))
        found |= {(row.time, row.name): row.value for row in connection.execute(query)}
    return found

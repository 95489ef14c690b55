"""A change of the world, from the alarm that told of it until enough has come to learn all of it.

An alarm says that forecasts are wrong, and it comes when next to nothing is known of what is right now. So it does not
start one training but opens a *change*, which begins at the time of the actual that raised the alarm, and trainings
follow the rows that come after that:

- The first one begins when `first` rows have come: 4 horizons and 40.
- The next ones begin whenever there are half as many again as at the last one, since errors fall with the number of
  rows that are learnt from: 136, 204, 306, … for a horizon of 24. So there are few of them, however long it lasts.
- The last one is that for which the rows fill the history that the model is trained on (`Order.rows`): the change is
  over then, and nothing is left of the world before.

Each learns from the rows since the change (`Order.since`) and must beat the champion as any other has to. What starts
by schedule or new rows meanwhile learns from them too, and takes the place of the next one.

Alarms go on while nothing better than the champion was found, and are no further changes. Another change is what is
told by a champion that was trained on rows of this one, or after `CALM` rows without any alarm.

Alarms of versions that are not champion are only told, and so are those of inputs: what looks otherwise and is forecast
as well as before asks for nothing, and where it is not, errors say so.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from sqlalchemy import Connection, func, select

from foregate.service.store.statements import note, noted
from foregate.service.store.tables import aliases, model_versions, observations, series

__all__ = ["CALM", "Change", "change_of", "first", "learnt", "needed", "rows_of", "rows_since", "told", "waits"]

CALM = 500
"""Rows without an alarm after which the next alarm is of another change; detectors tell of a lasting one more often."""
NAMED = 10
"""Series whose rows are counted at most."""
GROWTH = 1.5
"""So many times as many rows as at the last training let the next one begin."""
CHAMPION = "champion"


@dataclass(frozen=True)
class Change:
    """One that trainings follow."""

    since: int
    """Time of the actual that raised the alarm, as stored."""
    last: int
    """That of the newest alarm."""
    series: tuple[str, ...]
    """Some of those whose errors raised it: their rows are counted."""
    rows: int = 0
    """How many there were when a training last began."""


class Alarmed(Protocol):
    """What an alarm says."""

    @property
    def kind(self) -> str:
        """residual, coverage or input."""

    @property
    def time(self) -> int:
        """Of the actual with which it was raised, as stored."""

    @property
    def series(self) -> tuple[str, ...]:
        """Some that had an actual then."""


def first(horizon: int) -> int:
    """Rows since a change that its first training needs.

    Examples:
        >>> first(24)
        136
    """
    return 4 * horizon + 40


def told(connection: Connection, model: str, version: int, alarms: Sequence[Alarmed]) -> None:
    """Open a change of a model, unless the alarms of this version are of one that is open, or it is not champion."""
    champion = _champion(connection, model)
    if champion is None or champion[0] != version:
        return
    for alarm in sorted((each for each in alarms if each.kind != "input"), key=lambda each: each.time):
        before = change_of(connection, model)
        if before is None or _another(connection, before, alarm, champion[1]):
            now = Change(alarm.time, alarm.time, alarm.series)
        else:
            named = tuple(dict.fromkeys([*alarm.series, *before.series]))[:NAMED]  # some may have ended since
            now = replace(before, last=max(before.last, alarm.time), series=named)
        _keep(connection, model, now)


def change_of(connection: Connection, model: str) -> Change | None:
    """The change that is open, if there is one."""
    said = noted(connection, _name(model))
    if not said:
        return None
    found: dict[str, Any] = json.loads(said)
    return Change(**{**found, "series": tuple(found["series"])})


def waits(connection: Connection, model: str, horizon: int) -> bool:
    """Whether enough has come since the change for its next training."""
    change = change_of(connection, model)
    if change is None:
        return False
    return rows_of(connection, change) >= needed(change, horizon)


def needed(change: Change, horizon: int) -> int:
    """Rows since a change with which its next training begins.

    Examples:
        >>> needed(Change(0, 0, ("a",), rows=136), 24)
        204
    """
    return max(first(horizon), math.ceil(GROWTH * change.rows))


def rows_of(connection: Connection, change: Change) -> int:
    """How many rows have come since a change."""
    return rows_since(connection, change.series, change.since)


def learnt(connection: Connection, model: str, rows: int) -> None:
    """Note that a training begins; the change is over when its rows fill the history of the model."""
    change = change_of(connection, model)
    if change is None:
        return
    now = rows_of(connection, change)
    if now >= rows:
        note(connection, _name(model), "")
    else:
        _keep(connection, model, replace(change, rows=now))


def _another(connection: Connection, change: Change, alarm: Alarmed, trained_until: int | None) -> bool:
    if trained_until is not None and trained_until > change.since:
        return True
    return rows_since(connection, (*alarm.series, *change.series), change.last, alarm.time) > CALM


def rows_since(connection: Connection, names: Sequence[str], after: int, until: int | None = None) -> int:
    """Rows of the one of some series that has most of them."""
    own = observations.c.series == series.c.id
    query = select(func.count().label("n")).select_from(series.join(observations, own))
    query = query.where(series.c.name.in_(names), observations.c.time > after)
    if until is not None:
        query = query.where(observations.c.time <= until)
    each = query.group_by(series.c.id).subquery()
    return int(connection.scalar(select(func.max(each.c.n))) or 0)


def _champion(connection: Connection, model: str) -> tuple[int, int | None] | None:
    """Its version, and the newest time that it was trained on, where that is known."""
    m, a = model_versions, aliases
    own = (m.c.model == a.c.model) & (m.c.version == a.c.version)
    query = select(m.c.version, m.c.metrics).join(a, own).where(a.c.model == model, a.c.alias == CHAMPION)
    row = connection.execute(query).first()
    if row is None:
        return None
    until = json.loads(row.metrics).get("trained_until")
    return int(row.version), None if until is None else int(until)


def _keep(connection: Connection, model: str, change: Change) -> None:
    note(connection, _name(model), json.dumps(asdict(change)))


def _name(model: str) -> str:
    return f"change:{model}"

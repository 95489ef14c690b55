"""What is old goes, a little at a time, so that nobody waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, select, tuple_

from foregate.service.clock import DAY, HOUR
from foregate.service.settings import KeepSettings
from foregate.service.store import tables
from foregate.service.store.database import Database

__all__ = ["retain"]

AT_ONCE = 1000
"""Rows that are deleted in one transaction at most."""
PAGES = 1000
"""Of SQLite's file that are given back in one transaction at most."""
OVER = ("done", "failed", "cancelled")


class _Rule(NamedTuple):
    table: Table
    old: ColumnElement[bool]


async def retain(database: Database, keep: KeepSettings, at: int) -> dict[str, int]:
    """Delete what need not be kept any longer, and give back the space.

    Args:
        database: while it is in use.
        keep: how long what is kept.
        at: the time it is, in microseconds since 1970.

    Returns:
        Table -> how many rows went.

    Raises:
        StoreError: the database fails; what went before is gone.
    """
    gone: dict[str, int] = {}
    for rule in _rules(keep, at):
        while found := await database.read(partial(_some, rule)):
            gone[rule.table.name] = gone.get(rule.table.name, 0) + await database.write(partial(_delete, rule, found))
            if len(found) < AT_ONCE:
                break
    if database.dialect == "sqlite":
        while await database.write(_give_back):
            pass
    return gone


def _rules(keep: KeepSettings, at: int) -> Iterator[_Rule]:
    aged = (
        (tables.forecasts, tables.forecasts.c.made_at, keep.forecast_days * DAY),
        (tables.revisions, tables.revisions.c.received_at, keep.revision_days * DAY),
        (tables.events, tables.events.c.at, keep.event_days * DAY),
        (tables.drift_events, tables.drift_events.c.at, keep.drift_days * DAY),
        (tables.audit_log, tables.audit_log.c.at, keep.audit_days * DAY),
        (tables.idempotency, tables.idempotency.c.at, keep.answer_hours * HOUR),
        (tables.revoked_tokens, tables.revoked_tokens.c.until, 0.0),
    )
    yield _Rule(tables.outcomes, tables.outcomes.c.day < (at - int(keep.error_days * DAY)) // DAY)
    for table, column, age in aged:
        yield _Rule(table, column < at - int(age))
    jobs = tables.jobs.c
    yield _Rule(tables.jobs, and_(jobs.state.in_(OVER), jobs.finished_at < at - int(keep.job_days * DAY)))


def _some(rule: _Rule, connection: Connection) -> list[tuple[Any, ...]]:
    """The keys of some old rows."""
    return [tuple(row) for row in connection.execute(select(*rule.table.primary_key).where(rule.old).limit(AT_ONCE))]


def _delete(rule: _Rule, found: list[tuple[Any, ...]], connection: Connection) -> int:
    """Delete rows by their keys, if they are still old; how many they were."""
    return connection.execute(delete(rule.table).where(tuple_(*rule.table.primary_key).in_(found), rule.old)).rowcount


def _give_back(connection: Connection) -> bool:
    """Give some empty pages of SQLite's file back; whether there are more."""
    free = int(connection.exec_driver_sql("PRAGMA freelist_count").scalar_one())
    for _ in range(min(free, PAGES)):  # each statement gives back one, since the driver steps it once
        connection.exec_driver_sql("PRAGMA incremental_vacuum(1)")
    return free > PAGES

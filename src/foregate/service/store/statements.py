"""Statements that both databases understand, for what several parts write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, literal_column, text
from sqlalchemy.dialects import postgresql, sqlite

from foregate.service.store.tables import events, marks

__all__ = ["Insert", "alone", "emit", "insert", "insert_all", "note", "noted", "only_new"]

Insert = sqlite.Insert | postgresql.Insert
EVENTS_LOCK = 4605002
NEW_EVENTS = events.insert()


def insert(connection: Connection, table: Table) -> Any:
    """An insertion that has ``on_conflict_do_nothing`` and ``on_conflict_do_update``, alike in both databases."""
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)


def insert_all(connection: Connection, new: Any, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert rows; how many were, where those that conflict are left out.

    PostgreSQL gets many of them in one statement, after which nobody knows that number unless the statement asks.
    """
    if connection.dialect.name == "postgresql":
        return len(connection.execute(new.returning(literal_column("1")), rows).all())
    return int(connection.execute(new, rows).rowcount)


def only_new(connection: Connection, table: Table, *keys: str) -> Any:
    """An insertion that leaves out the rows whose keys are there; the same one every time, so that making it ready is
    not done again."""
    return _only_new(connection.dialect.name, table, keys)


@cache
def _only_new(dialect: str, table: Table, keys: tuple[str, ...]) -> Any:
    made = (postgresql if dialect == "postgresql" else sqlite).insert(table)
    return made.on_conflict_do_nothing(index_elements=list(keys))


def note(connection: Connection, name: str, value: str) -> None:
    """Keep a value by its name, in place of the one before: a cursor, for instance."""
    new = insert(connection, marks).values(name=name, value=value)
    connection.execute(new.on_conflict_do_update(index_elements=["name"], set_={"value": new.excluded.value}))


def noted(connection: Connection, name: str) -> str | None:
    """What `note` kept."""
    value = connection.scalar(marks.select().with_only_columns(marks.c.value).where(marks.c.name == name))
    return None if value is None else str(value)


def alone(connection: Connection, lock: int) -> None:
    """Nobody else who asks for the same lock goes on until this transaction ends; SQLite has one writer anyway.

    What is read after it is what the one before has written.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": lock})


def emit(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write events that others follow by their number.

    Whoever has read up to a number must not find a smaller one later. SQLite has one writer; in PostgreSQL a
    transaction that writes events holds a lock until it ends, so that numbers become visible in their order.

    Args:
        connection: of a transaction that writes.
        rows: each with ``at``, ``kind``, ``subject`` and ``data``, which JSON can say.
    """
    if not rows:
        return
    alone(connection, EVENTS_LOCK)
    encoded = [{**row, "data": msgspec.json.encode(row["data"]).decode()} for row in rows]
    connection.execute(NEW_EVENTS, encoded)

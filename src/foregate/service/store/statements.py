"""Statements that both databases understand, for what several parts write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, text
from sqlalchemy.dialects import postgresql, sqlite

from foregate.service.store.tables import events, marks

__all__ = ["Insert", "alone", "emit", "insert", "insert_new", "note", "noted", "values"]

Insert = sqlite.Insert | postgresql.Insert
EVENTS_LOCK = 4605002
AT_ONCE = 1000
"""Rows in a statement: either database takes 32,766 values at least."""


def insert(connection: Connection, table: Table) -> Any:
    """An insertion that has ``on_conflict_do_nothing`` and ``on_conflict_do_update``, alike in both databases."""
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *keys: str) -> int:
    """Insert rows, many in a statement; how many were, where those whose keys are there are left out.

    Args:
        connection: of a transaction that writes.
        table: where they go.
        rows: all with the same columns, and values as the database takes them.
        keys: columns of which the table has no two rows alike; none: nothing may be there.
    """
    if not rows:
        return 0
    before, after = _insertion(table, tuple(rows[0]), keys)
    return values(connection, before, [tuple(row.values()) for row in rows], after)


def values(connection: Connection, before: str, rows: Sequence[tuple[Any, ...]], after: str = "") -> int:
    """Execute ``before VALUES (...), (...) after``; how many rows were changed.

    A statement for each row would let go of the interpreter and wait for it again with every one of them, which takes
    many times longer than the database does.
    """
    mark = "%s" if connection.dialect.name == "postgresql" else "?"
    row = f"({', '.join([mark] * len(rows[0]))})"
    changed = 0
    for i in range(0, len(rows), AT_ONCE):
        some = rows[i : i + AT_ONCE]
        statement = f"{before} VALUES {', '.join([row] * len(some))} {after}"
        changed += connection.exec_driver_sql(statement, tuple(chain.from_iterable(some))).rowcount
    return changed


@cache
def _insertion(table: Table, columns: tuple[str, ...], keys: tuple[str, ...]) -> tuple[str, str]:
    """What stands before and after the values."""
    before = f"INSERT INTO {_listed([table.name])} ({_listed(columns)})"
    return before, f"ON CONFLICT ({_listed(keys)}) DO NOTHING" if keys else ""


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


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
    insert_new(connection, events, encoded)

"""Tables are made and brought up to date when a service starts; any number of processes may start together."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from foregate.core import UsageError
from foregate.service.store.database import Database

__all__ = ["MIGRATIONS", "migrate", "newest"]

MIGRATIONS = Path(__file__).with_name("migrations")
TABLE = "alembic_version"


def migrate(database: Database, folder: Path = MIGRATIONS) -> None:
    """Make the tables, or bring them up to date: all of it in one transaction, alone.

    Args:
        database: of any earlier version, or empty.
        folder: of the steps.

    Raises:
        UsageError: the tables are those of a newer version of Foregate; nothing is changed.
        StoreError: the database fails; the tables are as they were.
    """
    if database.read_now(_revision) != newest(folder):
        database.exclusively(lambda connection: _upgrade(connection, folder))


def newest(folder: Path = MIGRATIONS) -> str:
    """The revision that the tables have when all steps are done.

    Examples:
        >>> newest() >= "0001"
        True
    """
    return _revisions(folder)[-1]


def _revisions(folder: Path) -> list[str]:
    """Of the steps, by the names of their files: m0001_what.py."""
    return sorted(path.name[1:5] for path in folder.glob("m[0-9][0-9][0-9][0-9]_*.py"))


def _revision(connection: Connection) -> str | None:
    """That the tables have; None where there are none."""
    if not inspect(connection).has_table(TABLE):
        return None
    found = connection.scalar(text(f"SELECT version_num FROM {TABLE}"))
    return None if found is None else str(found)


def _upgrade(connection: Connection, folder: Path) -> None:
    there, known = _revision(connection), _revisions(folder)
    if there == known[-1]:  # another process was faster
        return
    if there is not None and there not in known:
        raise UsageError(
            f"the database must be of this version of Foregate or an earlier one ({known[-1]}), but got {there}. "
            "Upgrade Foregate, or restore a backup."
        )
    from alembic.migration import MigrationContext  # a tenth of a second, and needed once
    from alembic.operations import Operations
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(folder), version_locations=[str(folder)])
    context = MigrationContext.configure(
        connection, opts={"fn": lambda revision, context: script._upgrade_revs("head", revision)}
    )
    with Operations.context(context):
        context.run_migrations()

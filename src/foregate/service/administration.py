"""What is done to a service from the command line, without asking it."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from sqlalchemy import Connection

from foregate.core import UsageError
from foregate.service.access import audit, keys
from foregate.service.assembly import MODELS, database_of
from foregate.service.context import now
from foregate.service.registry.registry import Registry
from foregate.service.settings import Settings

__all__ = ["Keys", "copy"]

DAY = 86_400 * 1_000_000
BEGINNING = "fg_"
"""How every key begins: its prefix may be given with it, as it stands there."""


class Keys:
    """The keys of a service, in its database.

    Args:
        settings: of the service.
    """

    def __init__(self, settings: Settings) -> None:
        self._database = database_of(settings)
        self._by = f"shell:{_user()}"

    def __enter__(self) -> Keys:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._database.close()

    def add(self, name: str, scopes: tuple[str, ...], days: float | None) -> str:
        """Make a key.

        Raises:
            UsageError: name or scopes are not possible.
            Problem: there is one of that name.
        """
        at = now()
        order = keys.Order(name, scopes, self._by, at, None if days is None else at + int(days * DAY))

        def work(connection: Connection) -> str:
            key = keys.add(connection, order)
            self._audit(connection, "key.add", name, at)
            return key

        return self._database.write_now(work)

    def rotate(self, prefix: str, overlap: float) -> str:
        """Make a key in place of another one, which stays good for `overlap` seconds.

        Raises:
            Problem: there is no such key.
        """
        at, prefix = now(), prefix.removeprefix(BEGINNING)

        def work(connection: Connection) -> str:
            key = keys.replace(connection, prefix, by=self._by, at=at, overlap=overlap)
            self._audit(connection, "key.rotate", prefix, at)
            return key

        return self._database.write_now(work)

    def revoke(self, prefix: str) -> None:
        """End a key.

        Raises:
            Problem: there is no such key.
        """
        at, prefix = now(), prefix.removeprefix(BEGINNING)

        def work(connection: Connection) -> None:
            keys.revoke(connection, prefix, at)
            self._audit(connection, "key.revoke", prefix, at)

        self._database.write_now(work)

    def table(self) -> Iterator[str]:
        """A line of each: prefix, name, scopes, until when it is good."""
        at = now()
        for key in self._database.read_now(keys.all_keys):
            ends = "until revoked" if key.expires_at is None else f"until {_day(key.expires_at)}"
            state = ends if key.good(at) else f"revoked {_day(key.revoked_at)}" if key.revoked_at else "expired"
            yield f"{key.prefix}  {key.name}  {','.join(sorted(key.scopes))}  {state}"

    def _audit(self, connection: Connection, action: str, subject: str, at: int) -> None:
        audit.record(connection, audit.Entry(at, self._by, action, subject, {}, "-"))


def copy(settings: Settings, target: Path) -> None:
    """Copy database and models of a service, whether it runs or not, into a new folder to start one on.

    Raises:
        UsageError: there is no service, the folder is there already, or the database is one of PostgreSQL.
        StoreError: the disk fails; there is no copy then.
    """
    if settings.database is None and not (settings.data_dir / "foregate.db").is_file():
        raise UsageError(f"--data-dir must be the folder of a service, but got {settings.data_dir} without a database.")
    with closing(database_of(settings)) as database:
        Registry(database, settings.data_dir / MODELS).backup(target)


def _day(time: int) -> str:
    return datetime.fromtimestamp(time / 1e6, UTC).strftime("%Y-%m-%d %H:%M")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in containers
        return "unknown"

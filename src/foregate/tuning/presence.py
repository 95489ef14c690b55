"""Who works on a study: one at a time where it matters, and nobody is waited for who is dead.

A process that dies, however it does, lets go of its locks at once: those of files, kept by the operating system, or
those of a session with a PostgreSQL server.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

__all__ = ["FileLock", "FilePresence", "Presence", "ServerPresence"]

KEEPALIVE = {"keepalives": 1, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
"""A server whose client is gone without a word is asked after a minute; in seconds."""


class Presence(Protocol):
    """That this process works on a study, and whether another one still does."""

    name: str
    """Of this process, unlike any other."""

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else is in here at the same time."""

    def lives(self, name: str) -> bool:
        """Whether the process of that name still works."""

    def close(self) -> None:
        """This one does no more."""


class FileLock:
    """A lock on a file that ends with the process; what optuna asks of one for its journal.

    Args:
        path: of the file, which is made.
    """

    def __init__(self, path: Path) -> None:
        self.path, self._file = path, -1

    def acquire(self, *, wait: bool = True) -> bool:
        """Take it; False where somebody else has it, and this one does not wait."""
        file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(file, wait=wait)
        except OSError:
            os.close(file)
            if wait:
                raise
            return False
        self._file = file
        return True

    def release(self) -> None:
        """Let go of it."""
        os.close(self._file)


class FilePresence:
    """Among processes of one machine, by locks beside a journal.

    Args:
        path: of the journal.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     here, there = (FilePresence(Path(folder, "study.journal")) for _ in range(2))
        ...     before = here.lives(there.name)
        ...     there.close()
        ...     before, here.lives(there.name), here.close()
        (True, False, None)
    """

    def __init__(self, path: Path) -> None:
        self.name = secrets.token_hex(6)
        self._path = path
        self._alone = FileLock(path.with_name(f"{path.name}.alone"))
        self._own = FileLock(self._place(self.name))
        self._own.acquire()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else is in here at the same time."""
        self._alone.acquire()
        try:
            yield
        finally:
            self._alone.release()

    def lives(self, name: str) -> bool:
        """Whether the process of that name still works."""
        place = self._place(name)
        if not place.exists():
            return False
        lock = FileLock(place)
        if not lock.acquire(wait=False):
            return True
        place.unlink(missing_ok=True)
        lock.release()
        return False

    def close(self) -> None:
        """This one does no more."""
        self._place(self.name).unlink(missing_ok=True)
        self._own.release()

    def _place(self, name: str) -> Path:
        return self._path.with_name(f"{self._path.name}.{name}.alive")


class ServerPresence:
    """Among machines, by advisory locks of a PostgreSQL server.

    Args:
        url: of the server, as SQLAlchemy takes it.
        study: name of the study.
    """

    def __init__(self, url: str, study: str) -> None:
        from sqlalchemy import create_engine, text

        self.name, self._study, self._text = secrets.token_hex(6), study, text
        self._engine = create_engine(url, isolation_level="AUTOCOMMIT", connect_args=KEEPALIVE)
        self._session = self._engine.connect()
        self._ask("pg_advisory_lock", self.name)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else is in here at the same time."""
        self._ask("pg_advisory_lock", self._study)
        try:
            yield
        finally:
            self._ask("pg_advisory_unlock", self._study)

    def lives(self, name: str) -> bool:
        """Whether the process of that name still works."""
        if name == self.name:
            return True
        free = self._ask("pg_try_advisory_lock", name)
        if free:
            self._ask("pg_advisory_unlock", name)
        return not free

    def close(self) -> None:
        """This one does no more."""
        self._session.close()
        self._engine.dispose()

    def _ask(self, function: str, name: str) -> Any:
        key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
        return self._session.execute(self._text(f"select {function}(:key)"), {"key": key}).scalar()


if sys.platform == "win32":

    def _lock(file: int, *, wait: bool) -> None:
        import msvcrt

        msvcrt.locking(file, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)

else:

    def _lock(file: int, *, wait: bool) -> None:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))

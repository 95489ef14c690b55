"""A disk and a database of whose calls one fails when it is told to."""

import errno
import sqlite3

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from foregate.service.store.database import Database
from foregate.service.store.disk import Disk

KINDS = [
    OSError(errno.ENOSPC, "injected"),
    *(pytest.param(OSError(code, "injected"), marks=pytest.mark.slow) for code in (errno.EIO, errno.EACCES)),
    pytest.param(MemoryError("injected"), marks=pytest.mark.slow),
]


class Faults(Disk):
    """A disk, and a listener of a database, of whose calls the n-th fails; a write that fails has half happened."""

    def __init__(self):
        self.left, self.error, self.calls = -1, None, 0

    def count(self) -> bool:
        self.calls += 1
        self.left -= 1
        return self.left == 0

    def meet(self, *_):
        if self.count():
            raise self.error

    def watch(self, database: Database):
        """Every statement and every commit counts, of who writes and of who reads."""
        event.listen(database.engine, "commit", self.meet)
        for engine in (database.engine, database._reader):
            event.listen(engine, "before_cursor_execute", self.meet_statement)

    def meet_statement(self, *_):
        """The n-th fails as SQLite would."""
        if self.count():
            if isinstance(self.error, MemoryError):
                raise self.error
            found = sqlite3.OperationalError("injected")
            found.sqlite_errorcode = sqlite3.SQLITE_FULL if self.error.errno == errno.ENOSPC else sqlite3.SQLITE_IOERR
            raise OperationalError("", None, found)

    def write(self, file, content):
        if self.count():
            super().write(file, content[: len(content) // 2])
            raise self.error
        super().write(file, content)


def failing(name):
    def call(self, *arguments):
        self.meet()
        return getattr(Disk, name)(self, *arguments)

    return call


for each in ("make_one", "create", "sync", "close", "rename", "sync_folder", "remove"):
    setattr(Faults, each, failing(each))

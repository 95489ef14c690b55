"""A copy of everything while it is in use: a data folder that a service can be started on."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from foregate.core import UsageError
from foregate.service.store.database import Database
from foregate.service.store.disk import Disk
from foregate.service.store.failures import StoreError, told

__all__ = ["backup"]

PIECE = 1 << 20


def backup(database: Database, target: Path, files: Iterable[Path], below: Path, disk: Disk | None = None) -> None:
    """Copy SQLite's database, and then files that never change, into a new folder; whole or not at all.

    The database is copied first, so that every file that its copy names is there to be copied.

    Args:
        database: while it is in use.
        target: the new folder; it gets the database by its name, and the files by theirs.
        files: to be copied, asked for when the database is copied.
        below: the folder whose name the files keep, and what is below it of theirs.
        disk: the calls that are made.

    Raises:
        UsageError: the folder is there, or the database is one of PostgreSQL, which has programs of its own.
        StoreError: the disk fails, or the copy is not sound; there is no copy then.
    """
    if database.path is None:
        raise UsageError(
            "a backup must be of SQLite, but got PostgreSQL. Use pg_dump, which copies the models too; where "
            "keep.models_in_folder is set, copy the folder of the models after it."
        )
    if target.exists():
        raise UsageError(f"the folder of a backup must be new, but got {target}, which is there. Give another.")
    disk, draft = disk or Disk(), target.with_name(target.name + ".tmp")
    try:
        with told():
            shutil.rmtree(draft, ignore_errors=True)
            disk.make(draft)
            _copy_database(database.path, draft / database.path.name, disk)
            for path in files:
                _copy(path, draft / below.name / path.relative_to(below), disk)
            disk.sync_folder(draft)
            disk.rename(draft, target)
            disk.sync_folder(target.parent)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)  # it was not there before
        raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _copy_database(path: Path, copy: Path, disk: Disk) -> None:
    """In one step, as of one moment; writers go on meanwhile."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as old, closing(sqlite3.connect(copy)) as new:
        old.backup(new)
        new.execute("PRAGMA journal_mode=DELETE")  # one file
        found = new.execute("PRAGMA integrity_check").fetchall()
    if found != [("ok",)]:
        raise StoreError(f"the copy of the database must be sound, but got: {found!r:.300}. Look at its disk.")
    _sync(copy, disk)


def _copy(path: Path, copy: Path, disk: Disk) -> None:
    disk.make(copy.parent)
    file = disk.create(copy)
    try:
        with path.open("rb") as content:
            while piece := content.read(PIECE):
                disk.write(file, piece)
        disk.sync(file)
    finally:
        disk.close(file)
    disk.sync_folder(copy.parent)


def _sync(path: Path, disk: Disk) -> None:
    file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        disk.sync(file)
    finally:
        disk.close(file)

"""What goes wrong with a database or a disk, as one kind of error that says what it means for whoever asked."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from foregate.core.errors import ForegateError

__all__ = ["StoreError", "failure", "half_done", "is_passing", "told"]

FULL_ERRNO = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
FULL_SQLSTATE = {"53100"}
PASSING_SQLSTATE = {"40001", "40P01", "55P03", "57P01", "57P02", "57P03"}
"""Serialisation, deadlock, a lock that was waited for too long, a server that goes down or comes up."""


class StoreError(ForegateError):
    """The database or the disk cannot be written or read now.

    Args:
        message: says what must be, and what was got.
        full: there is no space left.
        unsure: it failed in the moment of the commit: what was asked for may have happened, or not. Otherwise, nothing
            of it has.
    """

    def __init__(self, message: str, *, full: bool = False, unsure: bool = False) -> None:
        super().__init__(message)
        self.full, self.unsure = full, unsure


@contextmanager
def half_done() -> Iterator[None]:
    """Failures of what comes after a commit say that they are `unsure`: something has happened already."""
    try:
        yield
    except (StoreError, MemoryError) as error:
        known = failure(error)
        raise StoreError(str(known), full=known.full, unsure=True) from error


def failure(error: BaseException, *, committing: bool = False) -> StoreError:
    """An error of the database, the disk or a lock as a StoreError.

    Args:
        error: what was raised; what it came of is looked at too.
        committing: it was raised by the commit.

    Examples:
        >>> failure(OSError(errno.ENOSPC, "no space")).full
        True
    """
    if isinstance(error, StoreError):
        return error
    full = any(_is_full(each) for each in _chain(error))
    unsure = committing and not full and not (isinstance(error, DBAPIError) and _sqlstate(error) is not None)
    kind = type(error.orig if isinstance(error, DBAPIError) and error.orig is not None else error).__name__
    text = str(error.orig if isinstance(error, DBAPIError) else error).strip().partition("\n")[0]  # below are values
    what = "have space" if full else "answer"
    fix = "Free some." if full else "Try again; see whether it runs."
    return StoreError(f"the database must {what}, but got {kind}: {text}. {fix}", full=full, unsure=unsure)


def is_passing(error: BaseException) -> bool:
    """Whether the same work may succeed if it is done again at once.

    Examples:
        >>> is_passing(ValueError())
        False
    """
    for each in _chain(error):
        if isinstance(each, DBAPIError) and (each.connection_invalidated or _sqlstate(each) in PASSING_SQLSTATE):
            return True
        if isinstance(each, sqlite3.OperationalError) and _code(each) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return True
    return False


@contextmanager
def told() -> Iterator[None]:
    """Failures of the database and the disk as StoreError; other errors go through."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise failure(error) from error


def _is_full(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in FULL_ERRNO
    if isinstance(error, sqlite3.Error):
        return _code(error) == sqlite3.SQLITE_FULL
    return isinstance(error, DBAPIError) and _sqlstate(error) in FULL_SQLSTATE


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error, what the driver raised, and what it came of."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [each.__cause__, each.__context__, each.orig if isinstance(each, DBAPIError) else None]


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary code."""
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


def _sqlstate(error: DBAPIError) -> str | None:
    state = getattr(error.orig, "sqlstate", None)
    return state if isinstance(state, str) else None

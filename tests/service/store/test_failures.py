"""Failures as one kind of error."""

import errno
import sqlite3

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from foregate.service.store.failures import StoreError, failure, half_done, is_passing, told


def of_sqlite(code):
    error = sqlite3.OperationalError("words of SQLite")
    error.sqlite_errorcode = code
    return OperationalError("SELECT secret", {"password": "secret"}, error)


class OfServerError(Exception):
    def __init__(self, state):
        super().__init__("words of the server\nDETAIL:  Failing row contains (secret)")
        self.sqlstate = state


def of_server(state):
    return OperationalError("", None, OfServerError(state))


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, ""), OSError(errno.EDQUOT, ""), of_server("53100")], ids=repr)
def test_a_full_disk_is_known(error):
    """However it is said, no space is no space."""
    assert failure(error).full
    assert failure(of_sqlite(sqlite3.SQLITE_FULL)).full
    assert not failure(OSError(errno.EIO, "")).full


def test_what_fails_after_a_commit_says_that_something_has_happened():
    """A failure of what comes after a commit is unsure, and as full as it was; other errors go through."""
    for full in (False, True):
        with pytest.raises(StoreError, match="gone") as raised, half_done():
            raise StoreError("gone", full=full)
        assert (raised.value.unsure, raised.value.full) == (True, full)
    with pytest.raises(StoreError, match="MemoryError") as raised, half_done():
        raise MemoryError
    assert raised.value.unsure
    with pytest.raises(KeyError, match="other"), half_done():
        raise KeyError("other")


def test_what_it_came_of_counts():
    """An error that was raised while another one was being dealt with is of the kind of the first."""
    with pytest.raises(OperationalError) as raised:
        raise of_sqlite(sqlite3.SQLITE_ERROR) from of_sqlite(sqlite3.SQLITE_FULL)
    assert failure(raised.value).full
    raised.value.__cause__, raised.value.__context__ = None, of_sqlite(sqlite3.SQLITE_FULL)
    assert failure(raised.value).full


@pytest.mark.parametrize("state", ["40001", "40P01", "57P01"])
def test_what_passes_is_known(state):
    """A deadlock, a conflict and a server that goes down are worth another attempt; a constraint is not."""
    assert is_passing(of_server(state))
    assert is_passing(of_sqlite(sqlite3.SQLITE_BUSY))
    assert not is_passing(IntegrityError("", None, OfServerError("23505")))
    assert not is_passing(KeyError())


def test_only_a_commit_can_be_unsure():
    """An error before the commit says that nothing happened; one of the commit does so only if the database said it."""
    lost = OSError(errno.ECONNRESET, "gone")
    assert failure(lost, committing=True).unsure
    assert not failure(lost).unsure
    assert not failure(of_server("40001"), committing=True).unsure
    assert not failure(of_sqlite(sqlite3.SQLITE_FULL), committing=True).unsure


def test_messages_hold_no_data():
    """Neither statements nor values are in the message: they are for nobody outside."""
    assert "secret" not in str(failure(of_sqlite(1)))
    assert "words of SQLite" in str(failure(of_sqlite(1)))
    assert "secret" not in str(failure(of_server("23502")))
    assert "words of the server" in str(failure(of_server("23502")))


def test_other_errors_go_through():
    """What is no failure of the store stays what it is; what is one already too."""
    with pytest.raises(KeyError), told():
        raise KeyError
    mine = StoreError("mine")
    assert failure(mine) is mine

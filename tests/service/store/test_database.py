"""One contract of reading and writing, kept by SQLite and PostgreSQL alike."""

import asyncio
import errno
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from sqlalchemy import event, insert, select, text
from sqlalchemy.exc import DBAPIError

from foregate.core import UsageError
from foregate.service.store import database as module
from foregate.service.store.database import Database, StoreError
from foregate.service.store.schema import migrate
from foregate.service.store.statements import note, noted
from foregate.service.store.tables import marks, models

HOLDER = """
import fcntl, os, sys, time
fcntl.flock(os.open(sys.argv[1], os.O_RDWR), fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


def put(name, value="x"):
    return lambda connection: connection.execute(insert(marks).values(name=name, value=value))


def names(connection):
    return sorted(connection.scalars(select(marks.c.name)))


def test_what_was_answered_is_there(database):
    """What a write answered can be read from any connection from then on."""
    database.write_now(put("a"))
    assert database.read_now(names) == ["a"]


def test_work_that_raises_leaves_nothing_and_harms_no_other(database):
    """Of many writes that are committed together, each succeeds or fails alone."""

    def broken(connection):
        note(connection, "broken", "x")
        raise KeyError("mine")

    hold = threading.Event()
    first = database.submit(lambda connection: hold.wait(5))
    futures = [database.submit(broken if i % 3 == 1 else put(f"n{i}")) for i in range(9)]
    hold.set()
    first.result()
    for i, future in enumerate(futures):
        if i % 3 == 1:
            with pytest.raises(KeyError, match="mine"):
                future.result()
        else:
            future.result()
    assert database.read_now(names) == sorted(f"n{i}" for i in range(9) if i % 3 != 1)


def test_what_the_database_refuses_is_an_error_of_that_work_alone(database):
    """A statement that the database refuses fails its work, and what was sent beside it is committed."""
    database.write_now(put("a"))
    hold = threading.Event()
    first = database.submit(lambda connection: hold.wait(5))
    twice, other = database.submit(put("a")), database.submit(put("b"))
    hold.set()
    first.result()
    with pytest.raises(StoreError, match=r"must answer, but got \w+: .*(?i:unique)"):
        twice.result()
    other.result()
    assert database.read_now(names) == ["a", "b"]


def test_work_that_makes_light_of_a_refusal_is_not_answered_as_done(server_url):
    """Where a server refused a statement, it commits nothing of the transaction: that is an error, whoever hides it."""
    database = Database(server_url)
    migrate(database)

    def careless(connection):
        put("a")(connection)
        with suppress(DBAPIError):
            put("a")(connection)

    with pytest.raises(StoreError, match="must be whole, but the database refused a part of it"):
        database.write_now(careless)
    database.write_now(put("b"))
    assert database.read_now(names) == ["b"]
    database.close()


def test_rows_must_belong_to_what_is_there(database):
    """A row that refers to another one that is not there is refused."""
    statement = text("INSERT INTO aliases (model, alias, version, revision) VALUES ('none', 'a', 1, 1)")
    with pytest.raises(StoreError, match=r"(?i:foreign key)"):
        database.write_now(lambda connection: connection.execute(statement))


def test_a_read_sees_one_moment(database):
    """What is committed while something reads is not seen by it, however often it looks."""
    database.write_now(put("a"))

    def look(connection):
        before = names(connection)
        database.write_now(put("b"))
        return before, names(connection)

    assert database.read_now(look) == (["a"], ["a"])
    assert database.read_now(names) == ["a", "b"]


def test_reading_cannot_write(database):
    """Work that was said to read only is refused a write."""
    with pytest.raises(StoreError, match=r"(?i:read-?only)"):
        database.read_now(put("a"))
    assert database.read_now(names) == []


def test_reads_go_on_while_something_is_written(database):
    """A write that takes long holds up no read."""
    begun, hold = threading.Event(), threading.Event()

    def slow(connection):
        note(connection, "slow", "x")
        begun.set()
        hold.wait(10)

    future = database.submit(slow)
    begun.wait(10)
    assert database.read_now(names) == []
    hold.set()
    future.result()
    assert database.read_now(names) == ["slow"]


def test_two_programs_lose_no_write(url, database):
    """Two that write into one database at once lose nothing, and none is told that it is locked."""
    other = Database(url)

    def count(connection):
        note(connection, "n", str(int(noted(connection, "n") or 0) + 1))

    def add(opened):
        for _ in range(50):
            opened.write_now(lambda connection: connection.execute(select(models)) and None)
            opened.exclusively(count)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(add, (database, other)))
    assert database.read_now(lambda connection: noted(connection, "n")) == "100"
    other.close()


def test_asked_together_committed_together(database):
    """Many writes at once need few commits, and each is answered."""
    commits = []
    database.on_commit = lambda seconds, together: commits.append(together)

    async def many():
        await asyncio.gather(*(database.write(put(f"{i:03}")) for i in range(200)))
        return await database.read(names)

    assert asyncio.run(many()) == [f"{i:03}" for i in range(200)]
    assert sum(commits) == 200
    assert len(commits) < 100


def test_a_listener_that_fails_harms_nothing(database):
    """Whatever the listener of commits raises, writes are answered."""
    database.on_commit = lambda seconds, together: 1 / 0
    database.write_now(put("a"))
    database.write_now(put("b"))
    assert database.read_now(names) == ["a", "b"]


@pytest.mark.parametrize("error", [MemoryError(), SystemExit(3), RecursionError()], ids=repr)
def test_the_writer_outlives_everything(database, error):
    """Whatever work raises, it gets it back, and the next write is served."""

    def work(connection):
        note(connection, "a", "x")
        raise error

    with pytest.raises(type(error)):
        database.write_now(work)
    database.write_now(put("b"))
    assert database.read_now(names) == ["b"]


def test_a_commit_that_fails_is_an_error_for_all_of_it(database):
    """If the commit fails, every write in it gets to know, nothing is there, and the next write is served."""
    failing = [True]

    def refuse(connection):
        if failing.pop() if failing else False:
            raise OSError(errno.EIO, "the disk failed")

    event.listen(database.engine, "commit", refuse)
    failures = []
    database.on_failure = failures.append
    with pytest.raises(StoreError, match="the disk failed") as raised:
        database.write_now(put("a"))
    assert raised.value.unsure
    assert len(failures) == 1
    assert database.read_now(names) == []
    database.write_now(put("b"))
    assert database.read_now(names) == ["b"]


def test_what_passes_is_tried_again(database):
    """A lost connection before the commit is no error: the work is done again, once in effect."""
    lost = [True]

    def work(connection):
        note(connection, "a", "x")
        if lost:
            lost.pop()
            if database.dialect == "sqlite":
                busy = sqlite3.OperationalError("database is locked")
                busy.sqlite_errorcode = sqlite3.SQLITE_BUSY
                raise module.DBAPIError("", None, busy)
            connection.connection.dbapi_connection.close()
            connection.execute(text("SELECT 1"))

    database.write_now(work)
    assert database.read_now(names) == ["a"]


def test_whether_it_can_be_written(database, monkeypatch):
    """It is writable until a commit fails, and again when it no longer does."""
    monkeypatch.setattr(module, "PROBE_SECONDS", 0.0)
    assert asyncio.run(database.writable())

    def refuse(connection):
        raise OSError(errno.ENOSPC, "no space left")

    event.listen(database.engine, "commit", refuse)
    assert not asyncio.run(database.writable())
    event.remove(database.engine, "commit", refuse)
    assert asyncio.run(database.writable())


def test_after_the_end_nothing_is_accepted(url):
    """A database that was closed refuses, and has committed what waited."""
    opened = Database(url)
    opened.exclusively(marks.metadata.create_all)
    futures = [opened.submit(put(f"n{i}")) for i in range(20)]
    opened.close()
    opened.close()
    assert all(future.done() and future.exception() is None for future in futures)
    for asked in (lambda: opened.write_now(put("x")), lambda: asyncio.run(opened.read(names))):
        with pytest.raises(StoreError, match="must be open, but got one that was closed"):
            asked()
    again = Database(url)
    assert len(again.read_now(names)) == 20
    again.close()


def test_more_than_can_wait_is_refused(database, monkeypatch):
    """The queue is bounded: beyond, a write is an error at once."""
    monkeypatch.setattr(module, "WAITING", 3)
    hold = threading.Event()
    begun = threading.Event()
    first = database.submit(lambda connection: begun.set() or hold.wait(5))
    begun.wait(5)
    futures = [database.submit(put(f"n{i}")) for i in range(5)]
    with pytest.raises(StoreError, match="at most 3 writes must wait"):
        futures[-1].result()
    hold.set()
    first.result()
    assert [future.exception() is None for future in futures] == [True] * 3 + [False] * 2


def test_a_write_that_nobody_waits_for_any_longer_is_not_done(database):
    """A write that was cancelled before it began has no effect."""
    hold = threading.Event()
    begun = threading.Event()
    first = database.submit(lambda connection: begun.set() or hold.wait(5))
    begun.wait(5)
    future = database.submit(put("a"))
    assert future.cancel()
    hold.set()
    first.result()
    database.write_now(put("b"))
    assert database.read_now(names) == ["b"]


def test_a_server_that_comes_back_is_found_again(server, server_url):
    """A PostgreSQL server that is restarted costs at most errors while it is away; nobody restarts the service."""
    opened = Database(server_url)
    opened.exclusively(marks.metadata.create_all)
    opened.write_now(put("a"))
    server.stop()
    began = time.monotonic()
    with pytest.raises(StoreError, match="must answer"):
        opened.write_now(put("b"))
    with pytest.raises(StoreError, match="must answer"):
        opened.read_now(names)
    assert time.monotonic() - began < 20
    server.start()
    opened.write_now(put("c"))
    assert opened.read_now(names) == ["a", "c"]
    opened.close()


def test_a_deadlock_of_two_is_solved_by_doing_it_again(server_url):
    """Two that lock the same rows in other orders both succeed."""
    database, other = Database(server_url), Database(server_url)
    database.exclusively(marks.metadata.create_all)
    database.write_now(lambda connection: (note(connection, "a", "0"), note(connection, "b", "0")))
    meet = threading.Barrier(2, timeout=5)

    def crossing(one, two):
        def work(connection):
            note(connection, one, "1")
            if not meet.broken:
                with suppress(threading.BrokenBarrierError):
                    meet.wait(1)
            note(connection, two, "1")

        return work

    futures = database.submit(crossing("a", "b")), other.submit(crossing("b", "a"))
    assert [future.exception() for future in futures] == [None, None]
    database.close()
    other.close()


def test_sqlite_is_as_safe_as_it_can_be(sqlite):
    """Every connection waits for the disk, minds foreign keys, and empties no log by itself."""
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "wal_autocheckpoint": 0}
    for work in (sqlite.write_now, sqlite.read_now):
        found = work(lambda c: {name: c.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted})
        assert found == wanted


def test_the_log_stays_small(sqlite, monkeypatch):
    """However much is written, SQLite's log is emptied when it has grown, and nothing is lost."""
    monkeypatch.setattr(module, "CHECKPOINT_BYTES", 100_000)
    for i in range(60):
        sqlite.write_now(put(f"{i:03}", "x" * 20_000))
    assert sqlite.wal_bytes() < 400_000
    assert len(sqlite.read_now(names)) == 60
    assert sqlite.read_now(lambda c: c.exec_driver_sql("PRAGMA integrity_check").scalar()) == "ok"


def test_the_log_is_emptied_only_when_it_has_grown_again(sqlite, monkeypatch):
    """After a checkpoint so much must be written again until the next one, also where a reader holds the log back."""
    monkeypatch.setattr(module, "CHECKPOINT_BYTES", 100_000)
    monkeypatch.setattr(module, "AGAIN_BYTES", 100_000)
    connect, asked = sqlite.engine.raw_connection, []
    monkeypatch.setattr(sqlite.engine, "raw_connection", lambda: asked.append(1) or connect())

    def checkpoints(writes):
        asked.clear()
        for i in range(writes):
            sqlite.write_now(put(f"{i}-{time.monotonic()}", "x" * 10_000))
        return len(asked) - writes  # every write takes one too

    freely = checkpoints(50)
    reading = threading.Event(), threading.Event()

    def read(connection):
        names(connection)
        reading[0].set()
        reading[1].wait(60)

    reader = threading.Thread(target=lambda: sqlite.read_now(read))
    reader.start()
    reading[0].wait(60)
    held = checkpoints(15)
    reading[1].set()
    reader.join()
    assert 1 <= freely <= 25  # not after every write
    assert 1 <= held <= 10


def test_a_checkpoint_that_fails_is_no_failed_write(sqlite, monkeypatch):
    """What was committed is answered so, whatever comes of emptying the log."""
    monkeypatch.setattr(module, "CHECKPOINT_BYTES", 0)
    failures = []
    sqlite.on_failure = failures.append

    connect, asked = sqlite.engine.raw_connection, []

    def refuse():
        asked.append(1)
        if len(asked) == 2:  # the first is for the write itself
            raise OSError(errno.ENOSPC, "no space left")
        return connect()

    monkeypatch.setattr(sqlite.engine, "raw_connection", refuse)
    sqlite.write_now(put("a"))
    assert [failed.full for failed in failures] == [True]
    assert sqlite.read_now(names) == ["a"]


def test_somebody_who_holds_the_lock_for_ever_is_an_error(sqlite, monkeypatch):
    """A process that stands still with the lock makes writes fail in time; reads go on."""
    monkeypatch.setattr(sqlite._mutex, "patience", 0.2)
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(sqlite._mutex.path)], stdout=subprocess.PIPE)
    try:
        holder.stdout.readline()
        with pytest.raises(StoreError, match=r"must be free within 0.2 s, but got none"):
            sqlite.write_now(put("a"))
        assert sqlite.read_now(names) == []
    finally:
        holder.kill()
        holder.communicate()
    sqlite.write_now(put("b"))
    assert sqlite.read_now(names) == ["b"]


@pytest.mark.parametrize(
    ("url", "match"),
    [
        ("mysql://localhost/x", "must be sqlite or postgresql, but got 'mysql'"),
        ("sqlite://", "must be a file, but got one in memory"),
        ("sqlite:///:memory:", "must be a file, but got one in memory"),
        ("not a url", "must be given as a URL"),
    ],
)
def test_other_databases_are_refused(url, match):
    """What is neither a file of SQLite nor a PostgreSQL server is refused with what to give."""
    with pytest.raises(UsageError, match=match):
        Database(url)


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path):
    """Where the file cannot be made, opening says so."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="must answer, but got"):
        Database(f"sqlite:///{tmp_path / 'file' / 'foregate.db'}")


def test_it_says_what_it_is(database):
    """The database says its name and version, for the log."""
    assert database.release().startswith(("SQLite 3.", "PostgreSQL 1"))

"""One database, SQLite or PostgreSQL, with one way in: a piece of work that is given a connection.

All writing of a process goes through one thread. What waits there together is committed together: one wait for the
disk serves many, and each piece of work still succeeds or fails alone. With SQLite all writing of *all* processes, and
every checkpoint, happens while a lock on a file is held: in SQLite before 3.51.3 two processes that write the log and
empty it in the same moment can damage it (https://www.sqlite.org/wal.html#walresetbug).
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Transaction, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from foregate.service.store.engines import READERS, open_engines
from foregate.service.store.failures import StoreError, failure, is_passing, told
from foregate.service.store.statements import note

__all__ = ["Database", "StoreError"]

T = TypeVar("T")
Work = Callable[[Connection], T]
TOGETHER = 256
"""At most so many pieces of work are committed together."""
WAITING = 20_000
"""At most so many pieces of work wait; more are refused."""
ATTEMPTS = 4
"""So often work is done that failed of something that passes, such as a lost connection."""
PAUSE = 0.05
CHECKPOINT_BYTES = 8 << 20
"""A log of SQLite that has grown beyond is written into the database."""
AGAIN_BYTES = 1 << 20
"""By how much it must grow until that is tried again, where somebody who reads keeps it from beginning anew."""
PROBE_SECONDS = 2.0
"""So long it is believed that the database can be written."""


class _Done(NamedTuple):
    """What became of a piece of work."""

    future: Future[Any]
    result: Any
    raised: BaseException | None


class Database:
    """A database that is open.

    Args:
        url: ``sqlite:///PATH`` or ``postgresql://…``.

    Raises:
        UsageError: it is of another kind, or on a network file system.
        StoreError: it cannot be opened.
    """

    def __init__(self, url: str) -> None:
        with told():
            engines = open_engines(url)
        self.dialect, self.path, self.engine, self._reader, self._mutex = engines
        self._queue: queue.SimpleQueue[tuple[Work[Any], Future[Any]] | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-read")
        self._lock, self._closed = threading.Lock(), False
        self._checkpoint_at = 0
        self._probed: tuple[float, bool] = (-1e9, False)
        self.on_commit: Callable[[float, int], None] = lambda seconds, together: None
        """Told of every commit, in the thread that writes: how long it took, and how many pieces of work it held."""
        self.on_failure: Callable[[StoreError], None] = lambda error: None
        """Told of every commit and checkpoint that failed, in the thread that writes."""
        self._writer = threading.Thread(target=self._write_all, name="store-write", daemon=True)
        self._writer.start()

    async def write(self, work: Work[T]) -> T:
        """Do a piece of work in a transaction, and answer when it is committed.

        The work may be done more than once, so it must change nothing but the database.

        Raises:
            StoreError: the database failed; nothing has happened, unless it says `unsure`.
            Exception: whatever the work raises; nothing of it has happened then.
        """
        return await asyncio.wrap_future(self.submit(work))

    def write_now(self, work: Work[T]) -> T:
        """See `write`; waits in this thread."""
        return self.submit(work).result()

    def submit(self, work: Work[T]) -> Future[T]:
        """See `write`."""
        future: Future[T] = Future()
        with self._lock:  # so that nothing is put behind the mark that ends the queue
            if self._closed:
                future.set_exception(StoreError("the database must be open, but got one that was closed."))
            elif self._queue.qsize() >= WAITING:
                future.set_exception(StoreError(f"at most {WAITING:,} writes must wait, but got more. Try later."))
            else:
                self._queue.put((work, future))
        return future

    async def read(self, work: Work[T]) -> T:
        """Do a piece of work that only reads, on a consistent view of the database.

        Raises:
            StoreError: the database failed.
        """
        try:
            return await asyncio.get_running_loop().run_in_executor(self._readers, self.read_now, work)
        except RuntimeError as error:
            if not self._closed:
                raise
            raise StoreError("the database must be open, but got one that was closed.") from error

    def read_now(self, work: Work[T]) -> T:
        """See `read`; in this thread."""
        for left in range(ATTEMPTS - 1, -1, -1):
            try:
                with self._reader.connect() as connection, connection.begin():
                    return work(connection)
            except (SQLAlchemyError, OSError) as error:
                if not left or not is_passing(error):
                    raise failure(error) from error
                time.sleep(PAUSE)
        raise AssertionError("the last attempt ends the loop")

    async def writable(self) -> bool:
        """Whether a write is committed now; asked of the database once in two seconds."""
        at, well = self._probed
        if time.monotonic() - at > PROBE_SECONDS:
            try:
                await self.write(lambda connection: note(connection, "probe", str(time.time_ns())))
                well = True
            except StoreError:
                well = False
            self._probed = (time.monotonic(), well)
        return well

    def wal_bytes(self) -> int:
        """Size of SQLite's log; 0 where there is none."""
        if self.path is None:
            return 0
        try:
            return self.path.with_name(self.path.name + "-wal").stat().st_size
        except OSError:
            return 0

    def release(self) -> str:
        """Which database it is, and of what version."""
        if self.dialect == "sqlite":
            return f"SQLite {sqlite3.sqlite_version}"
        return "PostgreSQL " + str(self.read_now(lambda connection: connection.scalar(text("SHOW server_version"))))

    def close(self) -> None:
        """Commit what waits, and let go of everything."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._writer.join()
        self._readers.shutdown()
        with suppress(StoreError), told(), self._writing():
            # SQLite empties its log when the last connection goes, which belongs under the lock too.
            self._reader.dispose()
            self.engine.dispose()
        if self._mutex:
            self._mutex.close()

    def exclusively(self, work: Work[T]) -> T:
        """Do a piece of work alone, past the queue: for making and migrating tables."""
        with told(), self._writing(), self.engine.connect() as connection, connection.begin():
            if self.dialect == "postgresql":
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(4605001)")
            return work(connection)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        if self._mutex is None:
            yield
        else:
            with self._mutex:
                yield

    def _write_all(self) -> None:
        """What the one thread that writes does; whatever happens, it goes on."""
        while (first := self._queue.get()) is not None:
            batch, ended = [first], False
            while len(batch) < TOGETHER and not self._queue.empty():
                more = self._queue.get()
                if more is None:
                    ended = True
                    break
                batch.append(more)
            self._commit([(work, future) for work, future in batch if future.set_running_or_notify_cancel()])
            if ended:
                return

    def _commit(self, batch: list[tuple[Work[Any], Future[Any]]]) -> None:
        """Do pieces of work in one transaction; if the database fails, each gets to know it."""
        if not batch:
            return
        began = time.perf_counter()
        try:
            done = self._attempts(batch)
        except BaseException as error:  # nobody may wait for ever, and others are to be served
            failed = failure(error)
            failed.__cause__ = error if failed is not error else error.__cause__
            for _, future in batch:
                future.set_exception(failed)
            self._tell(lambda: self.on_failure(failed))
            return
        for future, result, raised in done:
            if raised is None:
                future.set_result(result)
            else:
                future.set_exception(raised)
        self._tell(lambda: self.on_commit(time.perf_counter() - began, len(batch)))

    def _tell(self, word: Callable[[], None]) -> None:
        """Whoever listens does not stop the writing."""
        with suppress(Exception):
            word()

    def _attempts(self, batch: list[tuple[Work[Any], Future[Any]]]) -> list[_Done]:
        for attempt in range(ATTEMPTS):
            try:
                with self._writing():
                    done = self._attempt(batch)
                    self._checkpoint()
                    return done
            except Exception as error:
                unsure = isinstance(error, StoreError) and error.unsure
                if attempt + 1 == ATTEMPTS or unsure or not is_passing(error):
                    raise
            time.sleep(PAUSE * 2**attempt)
        raise AssertionError("the last attempt ends the loop")

    def _attempt(self, batch: list[tuple[Work[Any], Future[Any]]]) -> list[_Done]:
        with self.engine.connect() as connection:
            transaction = connection.begin()
            try:
                one = len(batch) == 1
                done = [
                    _Done(future, *_alone(connection, work, transaction if one else None)) for work, future in batch
                ]
            except BaseException:
                _let_go(connection)
                raise
            try:
                if transaction.is_active:
                    transaction.commit()
            except Exception as error:
                _let_go(connection)
                raise failure(error, committing=True) from error
            return done

    def _checkpoint(self) -> None:
        """Write the log of SQLite into the database where it has grown; the lock is held.

        What was committed is committed, whatever comes of this.
        """
        size = self.wal_bytes()
        if size <= CHECKPOINT_BYTES:
            self._checkpoint_at = CHECKPOINT_BYTES
        if size <= max(self._checkpoint_at, CHECKPOINT_BYTES):
            return
        self._checkpoint_at = size + AGAIN_BYTES
        try:
            raw = self.engine.raw_connection()
            try:
                # PASSIVE waits for nobody; the log begins anew at the next write. Where readers held it back until it
                # was large, they are waited for.
                how = "TRUNCATE" if size > 8 * CHECKPOINT_BYTES else "PASSIVE"
                raw.cursor().execute(f"PRAGMA wal_checkpoint({how})")
            finally:
                raw.close()
        except Exception as error:
            failed = failure(error)
            self._tell(lambda: self.on_failure(failed))


def _let_go(connection: Connection) -> None:
    """Undo a transaction that failed, and have no more to do with its connection."""
    with suppress(Exception):
        connection.rollback()
    with suppress(Exception):
        connection.invalidate()


def _alone(connection: Connection, work: Work[T], own: Transaction | None) -> tuple[T | None, BaseException | None]:
    """Do a piece of work: what it gives, or what it raised, after which nothing of it has happened.

    The database's own failures go on up. So do failures of a savepoint, after which nobody knows what of the work would
    be committed.

    Args:
        connection: of the transaction.
        work: the piece.
        own: the transaction, where it holds nothing else; otherwise a savepoint is made.
    """
    undone = own or connection.begin_nested()
    try:
        result = work(connection)
    except BaseException as error:
        if is_passing(error) or not _is_open(connection):
            raise
        undone.rollback()
        if not isinstance(error, DBAPIError):
            return None, error
        refused = failure(error)
        refused.__cause__ = error
        return None, refused
    if own is None:
        undone.commit()
    return result, None


def _is_open(connection: Connection) -> bool:
    """Whether the transaction goes on: SQLite ends it by itself where the disk fails."""
    try:
        raw = connection.connection.dbapi_connection
    except SQLAlchemyError:
        return False
    return connection.in_transaction() and (raw.in_transaction if isinstance(raw, sqlite3.Connection) else True)

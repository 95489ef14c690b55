"""One database, SQLite or PostgreSQL, with one way in: a piece of work that is given a connection.

All writing of a process goes through one thread. What waits there together is committed together: one wait for the
disk serves many, and each piece of work still succeeds or fails alone. With SQLite all writing of *all* processes, and
every checkpoint, happens while a lock on a file is held: in SQLite before 3.51.3 two processes that write the log and
empty it in the same moment can damage it (https://www.sqlite.org/wal.html#walresetbug).
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from foregate.core import UsageError
from foregate.core.errors import ForegateError
from foregate.service.store.mutex import Mutex

__all__ = ["Database", "StoreError"]

T = TypeVar("T")
Work = Callable[[Connection], T]
TOGETHER = 256
"""At most so many pieces of work are committed together."""
READERS = 2
BUSY_MS = 10_000
CHECKPOINT_BYTES = 8 << 20
"""A log of SQLite that has grown beyond is written into the database."""


class StoreError(ForegateError):
    """The database cannot be written or read now: nothing of what was asked for has happened."""


class Database:
    """A database that is open.

    Args:
        url: ``sqlite:///PATH`` or ``postgresql+psycopg://…``.

    Raises:
        UsageError: it is of another kind.
    """

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        self.dialect = parsed.get_backend_name()
        if self.dialect not in ("sqlite", "postgresql"):
            raise UsageError(f"the database must be sqlite or postgresql, but got {self.dialect!r}.")
        if self.dialect == "sqlite" and not parsed.database:
            raise UsageError("the database must be a file, but got one in memory. Name a file.")
        self.path = Path(str(parsed.database)) if self.dialect == "sqlite" else None
        self.engine = _engine(url, self.dialect)
        self._mutex = Mutex(self.path.with_name(self.path.name + ".lock")) if self.path else None
        self._queue: queue.SimpleQueue[tuple[Work[Any], Future[Any]] | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-read")
        self._closed = False
        self.on_commit: Callable[[float, int], None] = lambda seconds, together: None
        """Told of every commit: how long it took, and how many pieces of work it held."""
        self._writer = threading.Thread(target=self._write_all, name="store-write", daemon=True)
        self._writer.start()

    async def write(self, work: Work[T]) -> T:
        """Do a piece of work in a transaction, and answer when it is committed.

        The work may be done more than once, so it must change nothing but the database.

        Raises:
            StoreError: the database failed; nothing has happened.
            Exception: whatever the work raises; nothing of it has happened then.
        """
        return await asyncio.wrap_future(self.submit(work))

    def write_now(self, work: Work[T]) -> T:
        """See `write`; waits in this thread."""
        return self.submit(work).result()

    def submit(self, work: Work[T]) -> Future[T]:
        """See `write`."""
        future: Future[T] = Future()
        if self._closed:
            future.set_exception(StoreError("the database must be open, but got one that was closed."))
        else:
            self._queue.put((work, future))
        return future

    async def read(self, work: Work[T]) -> T:
        """Do a piece of work that only reads, on a consistent view of the database.

        Raises:
            StoreError: the database failed.
        """
        return await asyncio.get_running_loop().run_in_executor(self._readers, self.read_now, work)

    def read_now(self, work: Work[T]) -> T:
        """See `read`; in this thread."""
        with _told(), self.engine.connect() as connection, connection.begin():
            return work(connection)

    def close(self) -> None:
        """Commit what waits, and let go of everything."""
        if self._closed:
            return
        self._closed = True
        self._queue.put(None)
        self._writer.join()
        self._readers.shutdown()
        self.engine.dispose()
        if self._mutex:
            self._mutex.close()

    def exclusively(self, work: Work[T]) -> T:
        """Do a piece of work alone, past the queue: for making and migrating tables."""
        with _told(), self._writing(), self._connection() as connection, connection.begin():
            return work(connection)

    def _connection(self) -> Connection:
        """One that may write."""
        return self.engine.connect().execution_options(writes=True)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        if self._mutex is None:
            yield
        else:
            with self._mutex:
                yield

    def _write_all(self) -> None:
        """What the one thread that writes does."""
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
        done: list[tuple[Future[Any], Any, BaseException | None]] = []
        began = time.perf_counter()
        try:
            with _told(), self._writing():
                with self._connection() as connection, connection.begin():
                    for work, future in batch:
                        done.append((future, *_alone(connection, work)))
                self._checkpoint()
        except Exception as error:  # of the database, the disk or the lock: nobody may wait for ever
            for _, future in batch:
                future.set_exception(error)
            return
        self.on_commit(time.perf_counter() - began, len(batch))
        for future, result, raised in done:
            if raised is None:
                future.set_result(result)
            else:
                future.set_exception(raised)

    def _checkpoint(self) -> None:
        """Write the log of SQLite into the database where it has grown; the lock is held."""
        if self.path is None:
            return
        log = self.path.with_name(self.path.name + "-wal")
        if log.exists() and log.stat().st_size > CHECKPOINT_BYTES:
            with self.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def _alone(connection: Connection, work: Work[T]) -> tuple[T | None, BaseException | None]:
    """Do a piece of work in a savepoint: what it gives, or what it raised. The database's own failures go on up."""
    try:
        with connection.begin_nested():
            return work(connection), None
    except DBAPIError as error:
        if error.connection_invalidated or not connection.in_transaction():
            raise
        return None, StoreError(f"the database refused: {error.orig}.")
    except Exception as error:
        return None, error


@contextmanager
def _told() -> Iterator[None]:
    """Failures of the database as one kind of error."""
    try:
        yield
    except SQLAlchemyError as error:
        raise StoreError(f"the database must answer, but got {type(error).__name__}: {error}.") from error


def _engine(url: str, dialect: str) -> Engine:
    if dialect == "postgresql":
        return create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 5})
    engine = create_engine(url, connect_args={"timeout": BUSY_MS / 1000, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # transactions are begun here, not by the driver
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "wal_autocheckpoint=0"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that reads first and writes then fails at once where another one has written, however long it
        # is told to wait: whoever may write says so at the beginning.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine

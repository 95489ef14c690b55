"""Connections to SQLite and PostgreSQL: one engine to write with, and one that can only read."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url

from foregate.core import UsageError
from foregate.service.store.mutex import Mutex
from foregate.service.store.patience import patient

__all__ = ["Engines", "open_engines", "require_local"]

BUSY_MS = 10_000
READERS = 2
"""Connections that only read, of one process."""
REMOTE = ("9p2000", "afs", "beegfs", "ceph", "cifs", "davfs", "fuse.", "glusterfs", "lustre", "ncp", "nfs", "smb")
"""File systems, by how their names begin, on which locks or synced writes cannot be relied on."""
SERVER = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    "options": "-c statement_timeout=20000 -c lock_timeout=10000 -c idle_in_transaction_session_timeout=60000",
}
"""So that a server that does not answer is an error in seconds."""


class Engines(NamedTuple):
    """How a database is reached."""

    dialect: str
    """sqlite or postgresql."""
    path: Path | None
    """SQLite's file."""
    writer: Engine
    reader: Engine
    mutex: Mutex | None
    """Whoever writes into SQLite's file holds it."""


def open_engines(url: str) -> Engines:
    """Open a database.

    Args:
        url: ``sqlite:///PATH`` or ``postgresql://…``.

    Raises:
        UsageError: it is of another kind, or SQLite's file is on a network file system.
        OSError: the folder cannot be made, or the file not opened.
    """
    try:
        parsed = make_url(url)
        dialect = parsed.get_backend_name()
    except Exception as error:  # whatever its parser thinks of
        raise UsageError(f"the database must be given as a URL, but got {url.split('@')[-1]!r}.") from error
    if dialect not in ("sqlite", "postgresql"):
        raise UsageError(f"the database must be sqlite or postgresql, but got {dialect!r}.")
    if dialect == "postgresql":
        return _server(parsed.set(drivername="postgresql+psycopg"))
    if not parsed.database or parsed.database == ":memory:":
        raise UsageError("the database must be a file, but got one in memory. Name a file.")
    return _file(Path(parsed.database))


def require_local(folder: Path, mounts: Path = Path("/proc/self/mounts")) -> None:
    """Refuse a folder on a network file system, where it can be known.

    Raises:
        UsageError: names the file system.

    Examples:
        >>> require_local(Path("/"))
    """
    try:
        lines = mounts.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return
    folder, kind, longest = folder.resolve(), "", -1
    for line in lines:
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = fields[1].encode("latin-1", "replace").decode("unicode_escape")
        if folder.is_relative_to(point) and len(point) >= longest:
            kind, longest = fields[2], len(point)
    if kind.startswith(REMOTE) and kind != "fuse.lxcfs":
        raise UsageError(
            f"the database must be on a local disk, but got {folder} on {kind}, where locks cannot be relied on. "
            "Choose another folder, or PostgreSQL."
        )


def _server(url: URL) -> Engines:
    writer = create_engine(url, pool_pre_ping=True, pool_size=2, connect_args=SERVER)
    reader = create_engine(
        url, pool_pre_ping=True, pool_size=READERS, isolation_level="REPEATABLE READ", connect_args=SERVER
    ).execution_options(postgresql_readonly=True)
    for engine in (writer, reader):
        event.listen(engine, "do_connect", _bounded)
    return Engines("postgresql", None, writer, reader, None)


def _bounded(dialect: Any, record: Any, arguments: Any, named: Any) -> Any:
    """A connection that waits for nothing for ever."""
    return patient().connect(*arguments, **named)


def _file(path: Path) -> Engines:
    path.parent.mkdir(parents=True, exist_ok=True)
    require_local(path.parent)
    mutex = Mutex(path.with_name(path.name + ".lock"))
    with mutex:  # nobody waits for a change of the journal's mode: it fails at once where two do it together
        first = sqlite3.connect(path, timeout=BUSY_MS / 1000, isolation_level=None)
        try:
            first.execute("PRAGMA auto_vacuum=INCREMENTAL")  # heeded only before the first table
            first.execute("PRAGMA journal_mode=WAL")
        finally:
            first.close()
    return Engines("sqlite", path, _engine(path, "BEGIN IMMEDIATE"), _engine(path, "BEGIN", "query_only=ON"), mutex)


def _engine(path: Path, opening: str, *more: str) -> Engine:
    """Connections whose transactions begin with `opening`.

    A transaction that reads first and writes then fails at once where another one has written, however long it is told
    to wait: whoever may write says so at the beginning.
    """
    arguments = {"timeout": BUSY_MS / 1000, "check_same_thread": False, "isolation_level": None}
    engine = create_engine(URL.create("sqlite", database=str(path)), connect_args=arguments, pool_size=READERS)
    # A log that begins anew is cut to what is in it: its size says how much was written since the last checkpoint.
    pragmas = (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "wal_autocheckpoint=0",
        "journal_size_limit=0",
        *more,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(opening)

    return engine

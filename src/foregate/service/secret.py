"""The secret that signs our own tokens: made once, and kept in the data folder.

Processes that share a database on a server must share it too, or each would refuse the tokens of the others. So the
database holds a mark of it, from which nothing can be learned of a random secret.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from sqlalchemy import Connection

from foregate.core import UsageError
from foregate.service.settings import Settings
from foregate.service.store.database import Database
from foregate.service.store.statements import insert, note, noted
from foregate.service.store.tables import marks

__all__ = ["require_shared", "secret_of"]

FILE = "secret"
MARK = "secret"


def secret_of(settings: Settings) -> str:
    """The secret of the settings, or that of the data folder; made where there is none.

    Raises:
        UsageError: the file is damaged, or others may read it.
    """
    if settings.access.secret is not None:
        return settings.access.secret.get_secret_value()
    path = settings.data_dir / FILE
    if not path.exists():
        _make(path)
    if path.stat().st_mode & 0o077:
        raise UsageError(f"{path} must be readable for its owner only, but others may read it. Run: chmod 600 {path}")
    secret = path.read_text(encoding="ascii").strip()
    if len(secret) < 64:
        raise UsageError(f"{path} must hold a secret, but got {len(secret)} characters. Delete it to have one made.")
    return secret


def require_shared(settings: Settings, database: Database, secret: str) -> None:
    """Refuse a secret that was made here where other processes on the same server have another one.

    One that is set is taken as the one of all, so that it can be changed.

    Args:
        settings: of the service.
        database: with its tables.
        secret: see `secret_of`.

    Raises:
        UsageError: it is another one.
        StoreError: the database fails.
    """
    if database.dialect == "sqlite":
        return
    own = hashlib.sha256(b"mark of the secret\0" + secret.encode()).hexdigest()

    def agreed(connection: Connection) -> str | None:
        if settings.access.secret is not None:
            note(connection, MARK, own)
        else:
            new = insert(connection, marks).values(name=MARK, value=own)
            connection.execute(new.on_conflict_do_nothing(index_elements=["name"]))
        return noted(connection, MARK)

    if database.write_now(agreed) != own:
        said = "access.secret must be the same for all processes of a database"
        raise UsageError(
            f"{said}, but got one that was made in {settings.data_dir}, and others have another. Set it for all of "
            "them."
        )


def _make(path: Path) -> None:
    """Write a new secret, unless another process is faster."""
    temporary = path.with_name(f"{FILE}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(32) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(temporary, path)  # fails where there is one
    except FileExistsError:
        pass
    finally:
        temporary.unlink()

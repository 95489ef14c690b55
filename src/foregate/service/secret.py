"""The secret that signs our own tokens: made once, and kept in the data folder."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from foregate.core import UsageError
from foregate.service.settings import Settings

__all__ = ["secret_of"]

FILE = "secret"


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

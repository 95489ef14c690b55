"""Writing files so that a failure leaves what was there before."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from foregate.core.errors import UsageError

__all__ = ["write_atomically"]


def write_atomically(path: str | Path, content: bytes, *, alone: bool = False) -> None:
    """Write a file under a temporary name beside it, sync it, and rename it: all of it is there, or what was before.

    Args:
        path: the file.
        content: what is to be in it.
        alone: whether nobody else can write this file at the same time. The temporary name is the same every time
            then, so that a process which is killed again and again leaves one file, and not many.

    Raises:
        UsageError: the folder does not exist, or `path` is a folder.
        OSError: the disk is full, or writing is not allowed; the temporary file is gone again.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_atomically(Path(folder, "a.txt"), b"new")
        ...     Path(folder, "a.txt").read_bytes()
        b'new'
    """
    path = Path(path)
    if path.is_dir() or not path.parent.is_dir():
        problem = "is a folder" if path.is_dir() else "is not in one"
        raise UsageError(f"path must be a file in a folder that exists, but got {str(path)!r}, which {problem}.")
    temporary = path.with_name(f"{path.name}.tmp" if alone else f".{secrets.token_hex(6)}.tmp")
    try:
        with temporary.open("wb" if alone else "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise

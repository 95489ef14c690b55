"""A lock that one thread of one process holds."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from pathlib import Path
from types import TracebackType

__all__ = ["Mutex"]

PATIENCE = 30.0
PAUSES = (0.0005, 0.02)
"""Seconds between two attempts: at first, and at most."""


class Mutex:
    """A lock on a file, which ends with the process that holds it.

    Args:
        path: the file; it is made, and stays.
        patience: seconds that are waited for it, so that a process that stands still stops no other one for ever.
    """

    def __init__(self, path: Path, patience: float = PATIENCE) -> None:
        self.path, self.patience = path, patience
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._thread = threading.Lock()

    def __enter__(self) -> None:
        until = time.monotonic() + self.patience
        if not self._thread.acquire(timeout=self.patience):
            raise self._late()
        try:
            pause = PAUSES[0]
            while not self._taken():
                if time.monotonic() > until:
                    raise self._late()
                time.sleep(pause)
                pause = min(2 * pause, PAUSES[1])
        except BaseException:
            self._thread.release()
            raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        finally:
            self._thread.release()

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

    def _taken(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _late(self) -> TimeoutError:
        return TimeoutError(
            f"the lock {self.path} must be free within {self.patience:g} s, but got none: another process holds it"
        )

"""Standard streams that are closed, or whose reader has gone: a sentence and an exit code, never a traceback."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable

__all__ = ["with_streams"]


class Closed(io.TextIOBase):
    """Stands for standard output that was closed: who has something to say there is told that nobody hears it."""

    def write(self, text: str) -> int:
        """Refuse.

        Raises:
            OSError: always.
        """
        raise OSError("standard output must be open to take the result, but is closed. Open it, or write to a file.")


def with_streams(run: Callable[[], None]) -> None:
    """Run a program that ends by `SystemExit`, with three streams whatever it was started with.

    Args:
        run: the program.

    Raises:
        SystemExit: always; with code 1 where what was said could not be delivered.
    """
    _open()
    code: str | int | None = 0
    try:
        try:
            run()
        except SystemExit as end:
            code = end.code
        sys.stdout.flush()
    except OSError as error:
        _to_nowhere()
        if error.errno != errno.EPIPE and not code:
            sys.stderr.write(f"Error: {error}\n")
        code = code or 1
    sys.exit(code)


def _open() -> None:
    """Have streams 0 to 2, so that no file that is opened later is taken for one of them."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    if sys.stdin is None:
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY))
    if sys.stdout is None:
        sys.stdout = Closed()
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")


def _to_nowhere() -> None:
    """Let what is still in the buffer go by when the interpreter ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)

"""Connections to PostgreSQL on which no answer is waited for without end.

The server ends statements that take too long, and the system notices a machine that is gone. Neither helps where
something in between takes what is sent and gives nothing back, such as a pooler or a balancer whose server is gone.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from functools import cache
from typing import Any

__all__ = ["SECONDS", "patient"]

SECONDS = 22.0
"""Without a sign of the server: a little longer than it lets a statement run."""


@cache
def patient() -> Any:
    """The kind of such connections."""
    import psycopg  # where there is no PostgreSQL, there may be no driver

    class Patient(psycopg.Connection[Any]):
        """A connection that ends where no answer comes."""

        seconds = SECONDS

        def wait(self, gen: Any, *arguments: Any, **named: Any) -> Any:
            """Wait for an answer; see psycopg.

            Raises:
                OperationalError: none came; the connection is closed.
            """
            try:
                return super().wait(_bounded(gen, self.seconds), *arguments, **named)
            except TimeoutError as error:
                self.pgconn.finish()  # whatever comes on it later belongs to nothing
                raise psycopg.OperationalError(str(error)) from error

    return Patient


def _bounded(steps: Any, seconds: float) -> Generator[Any, Any, Any]:
    """The steps of an exchange, until nothing has come for so many seconds."""
    until = time.monotonic() + seconds
    try:
        state = next(steps)
        while True:
            ready = yield state
            if ready:
                until = time.monotonic() + seconds
            elif time.monotonic() > until:
                raise TimeoutError(f"the server must answer within {seconds:g} s, but did not: its connection is ended")
            state = steps.send(ready)
    except StopIteration as ended:
        return ended.value

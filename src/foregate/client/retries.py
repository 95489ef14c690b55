"""When a request is sent again, and after which pause."""

from __future__ import annotations

import random
from dataclasses import dataclass

__all__ = ["Retries"]

AGAIN = frozenset({408, 429, 502, 503, 504, 507})
"""Answers after which another try may go better."""


@dataclass(frozen=True)
class Retries:
    """How patient a client is.

    Raises:
        ValueError: a number is negative.
    """

    tries: int = 5
    """At most, the first one counted."""
    pause: float = 0.1
    """Seconds after the first try; twice as many after each further one, half of them by chance."""
    longest: float = 10.0
    """Seconds of one pause at most; a service that asks for more is not waited for."""

    def __post_init__(self) -> None:
        if self.tries < 1 or self.pause < 0 or self.longest < 0:
            raise ValueError(f"tries must be at least 1 and pauses not negative, but got {self}.")

    def after(self, tried: int, status: int | None, retry_after: str | None, *, safe: bool) -> float | None:
        """Seconds until the next try; None: there is none.

        Args:
            tried: how often it was tried.
            status: of the answer; None: there was none.
            retry_after: what the answer says of when.
            safe: whether doing it twice does no harm.
        """
        worth = status is None or status in AGAIN
        # 429 and 503 with Retry-After say that nothing was done; after anything else it may have been.
        harmless = safe or (status in (429, 503) and retry_after is not None)
        if tried >= self.tries or not worth or not harmless:
            return None
        asked = _seconds(retry_after)
        if asked is not None:
            return asked if asked <= self.longest else None
        most = min(self.longest, self.pause * 2.0 ** (tried - 1))
        return most * (0.5 + 0.5 * random.random())


def _seconds(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else None
    except ValueError:  # a date: our services give none
        return None
    return value if value is not None and 0 <= value < float("inf") else None

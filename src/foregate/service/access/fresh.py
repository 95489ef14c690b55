"""Something that is fetched and kept for a while: asked for again when it has aged, and used on where that fails."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import structlog

__all__ = ["Fresh"]

T = TypeVar("T")
log = structlog.get_logger("foregate.access")


class Fresh(Generic[T]):
    """A value that is never older than told, unless it can't be had; then never older than a longer time.

    Args:
        name: for the log.
        fetch: gets it.
        seconds: after which it is fetched again.
        stale_seconds: until which an old one is used where a new one cannot be had.
        pause: seconds between two tries that fail.
        timer: seconds that only grow.
    """

    def __init__(
        self,
        name: str,
        fetch: Callable[[], Awaitable[T]],
        seconds: float,
        *,
        stale_seconds: float,
        pause: float = 5.0,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name, self._fetch, self._timer = name, fetch, timer
        self._seconds, self._stale, self._pause = seconds, stale_seconds, pause
        self._value: T | None = None
        self._at = self._failed = float("-inf")
        self._fetching: asyncio.Future[None] | None = None

    async def get(self) -> T | None:
        """The value; None where there is none that may be used."""
        if self._timer() - self._at >= self._seconds:
            await self.renew(self._pause)
        return self._value if self._timer() - self._at < self._stale else None

    async def renew(self, pause: float = 0.0) -> None:
        """Fetch it now, once for all who wait, unless that failed less than `pause` seconds ago."""
        if self._timer() - self._failed < pause:
            return
        if self._fetching is None:
            self._fetching = asyncio.ensure_future(self._renewed())
        await asyncio.shield(self._fetching)

    async def _renewed(self) -> None:
        began = self._timer()
        try:
            self._value = await self._fetch()
            self._at = began  # what changed while it was fetched may not be in it
        except Exception as error:
            self._failed = self._timer()
            log.warning("not renewed", what=self._name, error=str(error))
        finally:
            self._fetching = None

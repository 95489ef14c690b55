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
        patience: seconds that are waited for a new one, from when it was first asked for, while an old one may be used.
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
        patience: float = 0.5,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name, self._fetch, self._timer = name, fetch, timer
        self._seconds, self._stale, self._pause, self._patience = seconds, stale_seconds, pause, patience
        self._value: T | None = None
        self._at = self._failed = float("-inf")
        self._fetching: asyncio.Future[None] | None = None
        self._until = 0.0

    async def get(self) -> T | None:
        """The value; None where there is none that may be used.

        Who asks while it is fetched waits for it, but not for long where the old one may be used.
        """
        age = self._timer() - self._at
        if age >= self._seconds:
            await self.renew(self._pause, patient=age >= self._stale)
        return self._value if self._timer() - self._at < self._stale else None

    async def renew(self, pause: float = 0.0, *, patient: bool = True) -> None:
        """Fetch it now, once for all who wait, unless that failed less than `pause` seconds ago.

        Args:
            pause: see above.
            patient: whether to wait until it is there, or has failed.
        """
        if self._timer() - self._failed < pause:
            return
        if self._fetching is None:
            self._fetching = asyncio.ensure_future(self._renewed())
            self._until = time.monotonic() + self._patience
        left = None if patient else max(0.0, self._until - time.monotonic())
        if left != 0.0:
            await asyncio.wait([self._fetching], timeout=left)

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

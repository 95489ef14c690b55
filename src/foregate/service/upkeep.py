"""What a service does by itself while it answers: it looks how full things are, and throws away what is old."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from foregate.service.champions import Champions
from foregate.service.observations.expiry import expire
from foregate.service.store.failures import StoreError
from foregate.service.store.retention import retain

if TYPE_CHECKING:
    from foregate.service.context import Service

__all__ = ["Upkeep", "look", "sweep", "throw_away"]

LOOK_SECONDS = 10.0
THROW_SECONDS = 3600.0
log = structlog.get_logger("foregate.upkeep")


class Upkeep:
    """Does things again and again. What fails is told, and tried again at its next time.

    Args:
        service: whose it is.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin."""
        self.every(LOOK_SECONDS, look)
        self.every(LOOK_SECONDS, Champions())
        self.every(THROW_SECONDS, throw_away)
        self.every(THROW_SECONDS, sweep)

    def every(self, seconds: float, work: Callable[[Service], Awaitable[None]]) -> None:
        """Do something now, and again after so many seconds."""
        self._tasks.append(asyncio.create_task(self._again(seconds, work), name=_name(work)))

    async def close(self) -> None:
        """End."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task

    async def _again(self, seconds: float, work: Callable[[Service], Awaitable[None]]) -> None:
        while True:
            try:
                await work(self._service)
            except Exception as error:
                expected = isinstance(error, StoreError | OSError)
                log.warning("upkeep failed", what=_name(work), error=str(error), exc_info=None if expected else error)
            await asyncio.sleep(seconds)


def _name(work: Callable[[Service], Awaitable[None]]) -> str:
    return getattr(work, "__name__", type(work).__name__)


async def look(service: Service) -> None:
    """How large the log of the database is, and how much room there is."""
    service.metrics.wal_bytes.set(service.database.wal_bytes())
    service.metrics.disk_free.set(shutil.disk_usage(service.settings.data_dir).free)


async def throw_away(service: Service) -> None:
    """What need not be kept any longer."""
    began = time.monotonic()
    keep, at = service.settings.keep, service.clock()
    gone = await retain(service.database, keep, at)
    if expired := await expire(service.database, keep, service.settings.ingest.warm_rows, at):
        gone["observations"] = expired
    if gone:
        log.info("thrown away", seconds=round(time.monotonic() - began, 1), **gone)


async def sweep(service: Service) -> None:
    """Files of models that no version names."""
    gone = await service.registry.sweep()
    if gone:
        log.info("swept", files=len(gone))

"""The process of a worker: from settings to jobs that are done, until a signal."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress

from foregate.service.clock import now
from foregate.service.jobs.queue import Jobs
from foregate.service.jobs.worker import Worker
from foregate.service.registry.registry import Registry
from foregate.service.registry.shared import blobs_of
from foregate.service.settings import Settings
from foregate.service.store.database import Database
from foregate.service.store.schema import migrate

__all__ = ["work"]


def work(settings: Settings, say: Callable[[str], None], *, once: bool = False) -> None:
    """Do jobs until SIGTERM or SIGINT; the one that is being done goes back into the queue.

    Args:
        settings: of the service.
        say: told a line when a job begins and ends.
        once: end when no job waits.
    """
    with suppress(OSError):
        os.nice(settings.watch.nice)
    asyncio.run(_work(settings, say, once=once))


async def _work(settings: Settings, say: Callable[[str], None], *, once: bool) -> None:
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = Database(settings.database_url)
    try:
        await asyncio.to_thread(migrate, database)
        folder = settings.data_dir / "models"
        registry = Registry(database, folder, blobs=blobs_of(settings, database, folder))
        await registry.refresh()
        worker = Worker(Jobs(database, now), registry, settings.data_dir / "jobs")
        worker.on_job = lambda job, what: say(f"job {job.id} of {job.model}: {what}")
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, worker.stop)
        await worker.run(once=once)
    finally:
        await asyncio.to_thread(database.close)

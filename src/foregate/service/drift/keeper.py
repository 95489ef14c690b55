"""The task of a running service that scores what comes, tells metrics of it, and starts what follows."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress

import structlog
from sqlalchemy import Connection, func, select

from foregate.service.context import Service
from foregate.service.drift.feedback import WATCH, Feedback, Round
from foregate.service.drift.scoring import bucket
from foregate.service.drift.watching import Told
from foregate.service.jobs.changes import told as changed
from foregate.service.jobs.queue import Jobs
from foregate.service.jobs.triggers import due
from foregate.service.store.failures import StoreError
from foregate.service.store.tables import aliases, drift_states

__all__ = ["Keeper"]

log = structlog.get_logger("foregate.keeper")
LOOK_SECONDS = 10.0
"""Between two looks at changes, schedule, new rows and promotions."""
MEMORY = 500
"""Actuals over which coverage is told in metrics, about."""
STATES = ("queued", "running", "done", "failed", "cancelled")


class Keeper:
    """Runs beside the requests.

    Args:
        service: whose actuals, metrics and jobs these are.
    """

    def __init__(self, service: Service) -> None:
        self.service = service
        self.jobs = Jobs(service.database, service.clock)
        every = service.settings.watch.false_alarms
        self.feedback = Feedback(service.database, service.clock, every=every, alarmed=self._alarmed)
        self._inside: dict[tuple[str, str], tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name="keeper")

    async def stop(self) -> None:
        """End, after what is being written."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def step(self) -> int:
        """Score what came; how many actuals that were."""
        done = await self.feedback.step()
        self._tell(done)
        return done.actuals

    async def look(self) -> None:
        """Start what time, new rows and promotions ask for."""
        settings, at = self.service.settings.watch, self.service.clock()
        await self.service.database.write(lambda connection: due(connection, settings, at))
        counts = await self.jobs.counts()
        scores = await self.service.database.read(_scores)
        self.service.metrics.drift_score.clear()  # of a model without a champion nothing is told
        for model, detector, score in scores:
            self.service.metrics.drift_score.labels(model, detector).set(score)
        for state in STATES:
            self.service.metrics.jobs.labels(state).set(counts.get(state, 0))

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        looked = -LOOK_SECONDS
        while True:
            try:
                await self.step()
                if loop.time() - looked >= LOOK_SECONDS:
                    looked = loop.time()
                    await self.look()
            except StoreError:  # what came waits in the database
                pass
            except Exception as error:  # nobody else looks after this task: it goes on
                log.warning("keeping failed", error=str(error), exc_info=error)
            # Many together cost far less than each as it comes.
            await asyncio.sleep(0 if self.feedback.behind else self.service.settings.watch.poll_seconds)

    def _alarmed(self, connection: Connection, alarms: Sequence[Told], at: int) -> None:
        groups: dict[tuple[str, int], list[Told]] = defaultdict(list)
        for told in alarms:
            groups[told.group.model, told.group.version].append(told)
        for (model, version), own in sorted(groups.items()):
            changed(connection, model, version, own)

    def _tell(self, done: Round) -> None:
        metrics = self.service.metrics
        for key, sums in done.sums.items():
            metrics.abs_error.observe((key.model, bucket(key.step)), sums.sizes)
            for level, inside in sums.covered.items():
                n, share = self._inside[key.model, level]
                weight = min(n + sums.n, MEMORY)
                share += (inside / sums.n - share) * min(1.0, sums.n / weight)
                self._inside[key.model, level] = (weight, share)
                metrics.coverage.labels(key.model, level).set(share)
        for told in done.alarms:
            metrics.drift_alarms.labels(told.group.model, told.detector).inc()


def _scores(connection: Connection) -> list[tuple[str, str, float]]:
    """Where the detectors of every champion stand: in the segment in which each stands highest."""
    own = (drift_states.c.model == aliases.c.model) & (drift_states.c.version == aliases.c.version)
    keys = (drift_states.c.model, drift_states.c.detector)
    query = select(*keys, func.max(drift_states.c.score)).join(aliases, own)
    query = query.where(aliases.c.alias == "champion", drift_states.c.detector != WATCH).group_by(*keys)
    return [(str(row[0]), str(row[1]), float(row[2])) for row in connection.execute(query)]

"""Takes jobs one by one and does them, in a process of its own: training would hold requests up."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import shutil
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from foregate.core import Role
from foregate.core.errors import ForegateError
from foregate.service.jobs.queue import LEASE_SECONDS, Job, Jobs
from foregate.service.jobs.retraining import Made, Opponent, Order, make, review
from foregate.service.jobs.stored import Taken, keep, kept, series_of, take
from foregate.service.problems import Problem
from foregate.service.store.database import StoreError
from foregate.service.store.tables import alias_events, jobs, model_versions

if TYPE_CHECKING:
    from foregate.service.registry.records import Version
    from foregate.service.registry.registry import Registry
    from foregate.training.events import Event

__all__ = ["Ended", "Worker"]

CHAMPION, CHALLENGER = "champion", "challenger"
IDLE_SECONDS = 1.0
BEAT_SECONDS = 5.0
log = logging.getLogger(__name__)


class Ended(Exception):  # noqa: N818 - it is no error
    """The job ends before it is done: why."""


class Worker:
    """Does jobs.

    Args:
        jobs: the queue.
        registry: where champions come from and challengers go to.
        folder: of what is written while a job runs; one that was stopped goes on from there.
        lease: seconds for which a job stays its own without a sign of life.
    """

    def __init__(self, jobs: Jobs, registry: Registry, folder: Path, *, lease: float = LEASE_SECONDS) -> None:
        self.jobs, self.registry, self.folder, self.lease = jobs, registry, folder, lease
        self.name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._stopping = threading.Event()
        self.on_job: Callable[[Job, str], None] = lambda job, what: None
        """Told when a job begins and ends."""

    def stop(self) -> None:
        """End after the step that is being done; the job goes back into the queue."""
        self._stopping.set()

    async def run(self, *, once: bool = False) -> None:
        """Do jobs until it is told to stop.

        Args:
            once: end when no job waits, too.

        Raises:
            StoreError: of one that is to end by itself; another waits for the database to come back.
        """
        while not self._stopping.is_set():
            try:
                did = await self.step()
            except StoreError:
                if once:
                    raise
                did = False
            if not did and once:
                return
            if not did:
                await asyncio.sleep(IDLE_SECONDS)

    async def step(self) -> bool:
        """Do one job, if there is one."""
        job = await asyncio.to_thread(self.jobs.take, self.name, self.lease)
        if job is None:
            return False
        self.on_job(job, "begun")
        pulse = _Pulse(self.jobs, job, self.lease, self._stopping)
        try:
            state, result = "done", await (self._review(job) if job.kind == "review" else self._retrain(job, pulse))
        except Ended as why:
            if str(why) in ("stopped", "lost"):
                await asyncio.to_thread(self.jobs.put_back, job)
                return True
            state, result = "cancelled", {"reason": str(why)}
        except StoreError:
            raise  # nobody knows what became of it: the lease runs out, and it is taken up again
        except (ForegateError, Problem, ValueError, ArithmeticError) as error:
            state, result = "failed", {"reason": str(error)}
        except Exception as error:  # of torch, the disk, or a defect: the next job may fare better
            log.exception("job %s failed", job.id)
            state, result = "failed", {"reason": f"{type(error).__name__}: {error}"}
        finally:
            pulse.end()
        if await asyncio.to_thread(self.jobs.finish, job, state, result):  # type: ignore[arg-type]
            await asyncio.to_thread(shutil.rmtree, self._place(job), ignore_errors=True)
        else:  # another worker has it, and its folder
            state, result = "taken up by another worker", {}
        reason = result.get("reason")
        self.on_job(job, f"{state}: {reason}" if reason else state)
        return True

    def _place(self, job: Job) -> Path:
        return self.folder / str(job.id)

    async def _retrain(self, job: Job, pulse: _Pulse) -> dict[str, Any]:
        payload = dict(job.payload)
        names = payload.pop("series", None)
        order = Order(**payload)
        before, revision = await self._champion(job.model)
        version = await self._registered(job)
        if version is None:
            version = await self._made(job, order, names, before, pulse)
        return await self._placed(job, version, before, revision)

    async def _review(self, job: Job) -> dict[str, Any]:
        """Take a promotion back where the version before would have been better since."""
        said = dict(job.payload)
        champion, revision = await self._champion(job.model)
        if champion is None or champion.version != said["version"]:
            done = await self._moved(job)
            return {"rolled_back": bool(done), "reason": done or "the version is not champion any more"}
        former = await self.registry.resolve(job.model, int(said["before"]))
        order = Order(**{**champion.metrics["order"], "margin": 0.0})
        names = await self.jobs.database.read(lambda connection: series_of(connection, job.model))
        roles = {**_roles(former), **_roles(champion)}
        taken = await self.jobs.database.read(
            lambda connection: take(connection, names or said["series"], order.rows, roles)
        )
        folder = await asyncio.to_thread(self.registry.open, champion)
        opponent, since = await asyncio.to_thread(self._opponent, former), int(champion.metrics["judged_until"])
        verdict = await asyncio.to_thread(review, taken.panel, order, folder, opponent, since)
        reason = verdict.reason.removeprefix("promoted: ").removeprefix("rejected: ")
        if not verdict.promote:
            return {"rolled_back": False, "reason": f"kept: version {former.version} made {reason}"}
        reason = f"rolled back: since then version {former.version} made {reason}"
        await self.registry.move(job.model, CHAMPION, former.version, reason=reason, revision=revision, **self._as(job))
        return {"rolled_back": True, "reason": reason}

    async def _made(
        self, job: Job, order: Order, names: list[str] | None, before: Version | None, pulse: _Pulse
    ) -> Version:
        """Train, judge and register a challenger."""
        taken = await asyncio.to_thread(self._series, job, names, order.rows, _roles(before))
        opponent = await asyncio.to_thread(self._opponent, before)
        if order.season_length is None and taken.season_length is not None:
            order = replace(order, season_length=taken.season_length)
        made: Made = await asyncio.to_thread(make, taken.panel, order, opponent, self._place(job), pulse.tell)
        pulse.check()
        verdict = {"promote": made.verdict.promote, "reason": made.verdict.reason, "ratios": dict(made.verdict.ratios)}
        against = {"champion": None if before is None else before.version}
        actor = f"job:{job.id}"
        return await self.registry.register(
            job.model,
            self._place(job) / "model",
            metrics=made.metrics | verdict | against,
            reference=made.reference,
            source=actor,
            actor=actor,
        )

    async def _placed(self, job: Job, version: Version, before: Version | None, revision: int) -> dict[str, Any]:
        """Move the alias that the verdict says; done twice it is as done once."""
        said = version.metrics
        result = {"version": version.version, "metrics": dict(said), "reason": said["reason"]}
        result["champion_before"] = said["champion"]
        if before is not None and before.version == version.version:  # it was done before the worker was stopped
            return result | {"promoted": True}
        promote, reason = bool(said["promote"]), str(said["reason"])
        if promote and said["champion"] != (None if before is None else before.version):
            promote, reason = False, "rejected: the champion it was compared with is not champion any more"
        if promote and await self._moved(job):
            return result | {"promoted": True, "reason": f"{reason}; the champion was moved on since"}
        try:
            if promote:
                await self.registry.move(
                    job.model, CHAMPION, version.version, reason=reason, revision=revision, **self._as(job)
                )
            else:
                await self.registry.move(job.model, CHALLENGER, version.version, reason=reason, **self._as(job))
        except Problem as problem:
            if problem.status != 412:
                raise
            promote, reason = False, "rejected: the champion was moved meanwhile"
        return result | {"promoted": promote, "reason": reason}

    async def _moved(self, job: Job) -> str | None:
        """Why this job has moved the champion already, before its worker was stopped: it is not moved once more."""
        e = alias_events.c
        query = select(e.reason).where(e.model == job.model, e.alias == CHAMPION, e.actor == f"job:{job.id}")
        return await self.jobs.database.read(lambda connection: connection.scalar(query))

    def _as(self, job: Job) -> dict[str, Any]:
        """Who moves an alias, and that it is still wanted: asked in the transaction that moves it."""

        def wanted(connection: Connection) -> None:
            row = connection.execute(select(jobs).where(jobs.c.id == job.id).with_for_update()).first()
            if row is None or row.state != "running" or row.worker != job.worker:
                raise Ended("taken up by another worker")
            if row.cancel:
                raise Ended("cancelled")

        return {"actor": f"job:{job.id}", "also": wanted}

    async def _champion(self, model: str) -> tuple[Version | None, int]:
        """Who is champion, and the revision of the alias; 0 where there is none."""
        try:
            number, revision = (await self.registry.aliases(model)).get(CHAMPION, (0, 0))
        except Problem as problem:
            if problem.status == 404:
                return None, 0
            raise
        return (await self.registry.resolve(model, number) if number else None), revision

    async def _registered(self, job: Job) -> Version | None:
        """What this job registered before it was stopped, if it came so far."""
        wanted = (model_versions.c.model == job.model) & (model_versions.c.source == f"job:{job.id}")
        query = select(model_versions.c.version).where(wanted)
        number = await self.jobs.database.read(lambda connection: connection.scalar(query))
        return None if number is None else await self.registry.resolve(job.model, int(number))

    def _series(self, job: Job, names: list[str] | None, rows: int, roles: Mapping[str, Role]) -> Taken:
        """As they were when the job first began: a training goes on with the data that it began with."""
        path = self._place(job) / "series.npz"
        if not path.exists():
            wanted = names or self.jobs.database.read_now(lambda connection: series_of(connection, job.model))
            keep(self.jobs.database.read_now(lambda connection: take(connection, wanted, rows, roles)), path)
        return kept(path)

    def _opponent(self, before: Version | None) -> Opponent:
        if before is None or before.is_pretrained:
            return Opponent(None)
        return Opponent(self.registry.open(before))


def _roles(version: Version | None) -> Mapping[str, Role]:
    """Covariates that a version reads, with their roles; a challenger reads what the champion does."""
    return {} if version is None else version.facts.get("covariates", {})


class _Pulse:
    """Says that a job's worker is alive, and hears whether the job is still wanted."""

    def __init__(self, jobs: Jobs, job: Job, lease: float, stopping: threading.Event) -> None:
        self._jobs, self._job, self._lease, self._stopping = jobs, job, lease, stopping
        self._progress, self._reason = 0.0, ""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="job-pulse", daemon=True)
        self._thread.start()

    def tell(self, event: Event) -> None:
        """Of training."""
        done = (event.member + event.step / max(event.steps, 1)) / max(event.members, 1)
        self._progress = max(self._progress, 0.95 * min(done, 1.0))
        self.check()

    def check(self) -> None:
        """Raises `Ended` where the job must not go on."""
        if self._reason:
            raise Ended(self._reason)
        if self._stopping.is_set():
            raise Ended("stopped")

    def end(self) -> None:
        """The job is over."""
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        seen = time.monotonic()
        while not self._over.wait(min(BEAT_SECONDS, self._lease / 4)):
            try:
                job = self._jobs.beat(self._job, self._progress, self._lease)
            except StoreError:
                if time.monotonic() - seen > self._lease:
                    self._reason = "lost"
                continue
            seen = time.monotonic()
            if job is None:
                self._reason = "taken up by another worker"
            elif job.cancel:
                self._reason = "cancelled"

"""Work that takes minutes waits in a table: any process may ask for it, and workers take it one by one.

A worker leases a job and says again and again that it is alive. Where that stops, another worker takes the job up when
the lease has run out. Whoever was thought dead and is not finds that the job is no longer its own, and changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Row, func, select, update

from foregate.service.store.database import Database
from foregate.service.store.statements import emit, insert
from foregate.service.store.tables import jobs

__all__ = ["Job", "Jobs", "Kind", "State", "Trigger", "Wanted", "cancel", "submit"]

Kind = Literal["retrain", "review"]
State = Literal["queued", "running", "done", "failed", "cancelled"]
Trigger = Literal["drift", "schedule", "data", "person", "promotion"]

LEASE_SECONDS = 60
ATTEMPTS = 5
"""So often a job is taken up without getting any further before it has failed."""


@dataclass(frozen=True)
class Wanted:
    """Work that is asked for."""

    kind: Kind
    model: str
    trigger: Trigger
    payload: Mapping[str, Any]
    """What it needs to know; JSON can say it."""
    by: str
    """Who asks."""
    key: str | None = None
    """Two with the same key are one job."""


@dataclass(frozen=True)
class Job:
    """Work, and what became of it. Times are microseconds since 1970."""

    id: int
    kind: str
    model: str
    trigger: str
    state: State
    payload: dict[str, Any]
    result: dict[str, Any] | None
    """What came of it, with the reason."""
    progress: float
    """0 to 1."""
    cancel: bool
    """Whether somebody wants it to end."""
    worker: str | None
    attempt: int
    """How often it was taken up since it last got further."""
    created_at: int
    created_by: str
    started_at: int | None
    finished_at: int | None

    @classmethod
    def of(cls, row: Row[Any]) -> Job:
        """From a row of the table."""
        said = {name: getattr(row, name) for name in cls.__dataclass_fields__}
        said["payload"] = json.loads(row.payload)
        said["result"] = None if row.result is None else json.loads(row.result)
        return cls(**{**said, "cancel": bool(row.cancel)})

    @property
    def over(self) -> bool:
        """Whether nothing more will become of it."""
        return self.state in ("done", "failed", "cancelled")


class Jobs:
    """The queue.

    Args:
        database: with its tables.
        clock: microseconds since 1970.
    """

    def __init__(self, database: Database, clock: Callable[[], int]) -> None:
        self.database, self.clock = database, clock

    async def submit(self, wanted: Wanted) -> Job:
        """Put work into the queue, or find the job that has the same key."""
        at = self.clock()
        return await self.database.write(lambda connection: submit(connection, wanted, at))

    async def get(self, number: int) -> Job | None:
        """A job by its number."""
        return await self.database.read(lambda connection: _one(connection, number))

    async def list(self, *, model: str | None = None, state: str | None = None, most: int = 100) -> list[Job]:
        """Jobs, the newest first."""
        query = select(jobs).order_by(jobs.c.id.desc()).limit(most)
        if model is not None:
            query = query.where(jobs.c.model == model)
        if state is not None:
            query = query.where(jobs.c.state == state)
        rows = await self.database.read(lambda connection: connection.execute(query).all())
        return [Job.of(row) for row in rows]

    async def cancel(self, number: int) -> Job | None:
        """Let a job end: at once if it waits, at the next step of its worker if it runs, else it is over already."""
        at = self.clock()
        return await self.database.write(lambda connection: cancel(connection, number, at))

    async def counts(self) -> dict[str, int]:
        """State -> how many jobs are in it."""
        query = select(jobs.c.state, func.count()).group_by(jobs.c.state)
        rows = await self.database.read(lambda connection: connection.execute(query).all())
        return {str(row[0]): int(row[1]) for row in rows}

    def take(self, worker: str, seconds: float = LEASE_SECONDS) -> Job | None:
        """Lease the oldest job that waits, or whose worker is no longer heard of; None where there is none.

        Older ones that must not go on, cancelled or tried too often, are ended on the way.
        """
        at = self.clock()
        until = at + int(seconds * 1e6)

        def work(connection: Connection) -> Job | None:
            waits = (jobs.c.state == "queued") | ((jobs.c.state == "running") & (jobs.c.lease_until < at))
            query = select(jobs).where(waits).order_by(jobs.c.id).limit(1).with_for_update(skip_locked=True)
            while (row := connection.execute(query).first()) is not None:
                found = Job.of(row)
                if found.cancel:
                    _end(connection, found, "cancelled", {"reason": "cancelled"}, at)
                elif found.attempt >= ATTEMPTS:
                    reason = f"taken up {found.attempt} times without getting any further"
                    _end(connection, found, "failed", {"reason": reason}, at)
                else:
                    taken = {"worker": worker, "lease_until": until, "attempt": found.attempt + 1, "state": "running"}
                    started = {"started_at": found.started_at or at}
                    connection.execute(update(jobs).where(jobs.c.id == found.id).values(**taken, **started))
                    return _told(connection, found.id, at)
            return None

        return self.database.write_now(work)

    def beat(self, job: Job, progress: float | None = None, seconds: float = LEASE_SECONDS) -> Job | None:
        """Say that the worker is alive, and how far it is; None where the job is no longer its own."""
        at = self.clock()
        until = at + int(seconds * 1e6)

        def work(connection: Connection) -> Job | None:
            values: dict[str, Any] = {"lease_until": until}
            before = _one(connection, job.id)
            further = progress is not None and before is not None and progress > before.progress
            if further:
                values |= {"progress": min(float(progress or 0), 1.0), "attempt": 1}
            if not connection.execute(update(jobs).where(_own(job)).values(**values)).rowcount:
                return None
            return _told(connection, job.id, at) if further else _one(connection, job.id)

        return self.database.write_now(work)

    def finish(self, job: Job, state: State, result: Mapping[str, Any]) -> bool:
        """End a job; False where it is no longer the worker's own, and nothing is changed."""
        at = self.clock()

        def work(connection: Connection) -> bool:
            held = connection.execute(select(jobs.c.id).where(_own(job)).with_for_update()).first()
            if held is None:
                return False
            _end(connection, job, state, result, at)
            return True

        return self.database.write_now(work)

    def put_back(self, job: Job) -> bool:
        """Give a job back that is not done, so that any worker may go on with it."""
        mine = update(jobs).where(_own(job)).values(state="queued", worker=None, lease_until=None, attempt=0)
        return self.database.write_now(lambda connection: bool(connection.execute(mine).rowcount))


def submit(connection: Connection, wanted: Wanted, at: int) -> Job:
    """See `Jobs.submit`; within a transaction, so that what asks for the work is committed with it."""
    values = {
        "kind": wanted.kind,
        "model": wanted.model,
        "trigger": wanted.trigger,
        "unique_key": wanted.key,
        "state": "queued",
        "payload": json.dumps(dict(wanted.payload)),
        "created_at": at,
        "created_by": wanted.by,
    }
    new = insert(connection, jobs).values(**values).on_conflict_do_nothing(index_elements=["unique_key"])
    made = connection.execute(new.returning(jobs.c.id)).first()
    if made is not None:
        return _told(connection, made.id, at)
    return Job.of(connection.execute(select(jobs).where(jobs.c.unique_key == wanted.key)).one())


def cancel(connection: Connection, number: int, at: int) -> Job | None:
    """See `Jobs.cancel`; within a transaction."""
    found = _one(connection, number)
    if found is None or found.over:
        return found
    if found.state == "queued":
        return _end(connection, found, "cancelled", {"reason": "cancelled before it began"}, at)
    connection.execute(update(jobs).where(jobs.c.id == number).values(cancel=True))
    return _one(connection, number)


def _own(job: Job) -> Any:
    """The job as long as it is leased to the worker that holds this value of it."""
    held = (jobs.c.worker == job.worker) & (jobs.c.started_at == job.started_at)
    return (jobs.c.id == job.id) & (jobs.c.state == "running") & held


def _one(connection: Connection, number: int) -> Job | None:
    row = connection.execute(select(jobs).where(jobs.c.id == number)).first()
    return None if row is None else Job.of(row)


def _end(connection: Connection, job: Job, state: State, result: Mapping[str, Any], at: int) -> Job:
    values: dict[str, Any] = {"state": state, "result": json.dumps(dict(result)), "finished_at": at}
    if state == "done":
        values["progress"] = 1.0
    connection.execute(update(jobs).where(jobs.c.id == job.id).values(**values, lease_until=None))
    return _told(connection, job.id, at)


def _told(connection: Connection, number: int, at: int) -> Job:
    """The job as it is now, and an event that says so."""
    job = _one(connection, number)
    assert job is not None
    data = {"job": job.id, "state": job.state, "progress": job.progress, "trigger": job.trigger, "result": job.result}
    emit(connection, [{"at": at, "kind": "job", "subject": job.model, "data": data}])
    return job

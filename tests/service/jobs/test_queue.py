"""Jobs wait, are leased, and end once, on either kind of database."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, update

from foregate.service.jobs.queue import ATTEMPTS, LEASE_SECONDS, Wanted
from foregate.service.store.tables import events
from foregate.service.store.tables import jobs as table
from tests.service.databases import database

__all__ = ["database"]

LATER = int((LEASE_SECONDS + 1) * 1e6)


def wanted(key=None, model="demand"):
    return Wanted("retrain", model, "person", {"horizon": 3}, "me", key)


def submit(jobs, *said):
    return asyncio.run(jobs.submit(wanted(*said)))


def get(jobs, job):
    return asyncio.run(jobs.get(job.id))


def test_jobs_are_taken_in_their_order_and_once(jobs):
    """Whoever asks next gets the oldest job that nobody has."""
    first, second = submit(jobs), submit(jobs)
    assert [jobs.take("a").id, jobs.take("b").id, jobs.take("c")] == [first.id, second.id, None]


def test_two_with_one_key_are_one_job(jobs):
    """The same trigger told twice starts one training, also after that one has ended."""
    one = submit(jobs, "drift:7")
    jobs.finish(jobs.take("a"), "done", {})
    assert submit(jobs, "drift:7").id == one.id
    assert submit(jobs, "drift:8").id != one.id


def test_no_job_is_taken_by_two(jobs):
    """However many workers ask at the same time, each job goes to one of them."""
    made = {submit(jobs).id for _ in range(12)}
    with ThreadPoolExecutor(8) as pool:
        taken = [job.id for job in pool.map(lambda i: jobs.take(f"w{i}"), range(20)) if job]
    assert sorted(taken) == sorted(made)


def test_a_silent_worker_loses_its_job(jobs, clock):
    """When the lease has run out another worker takes the job, and what the first one says of it counts no more."""
    submit(jobs)
    first = jobs.take("a")
    assert jobs.take("b") is None
    clock.now += LATER
    second = jobs.take("b")
    assert second.id == first.id
    assert jobs.beat(first, 0.5) is None
    assert jobs.finish(first, "done", {"wrong": 1}) is False
    assert jobs.put_back(first) is False
    assert jobs.finish(second, "done", {"right": 1}) is True
    assert get(jobs, second).result == {"right": 1}


def test_a_sign_of_life_keeps_the_job(jobs, clock):
    """A worker that is heard of keeps its job beyond the first lease."""
    submit(jobs)
    job = jobs.take("a")
    for _ in range(3):
        clock.now += LATER // 2
        assert jobs.beat(job) is not None
    assert jobs.take("b") is None


def test_a_job_that_kills_its_workers_ends(jobs, clock):
    """Taken up again and again without getting further, it fails and says so; progress begins the count anew."""
    job = submit(jobs)
    for i in range(ATTEMPTS):
        taken = jobs.take(f"w{i}")
        if i == 2:
            jobs.beat(taken, 0.4)
        clock.now += LATER
    for i in range(3):
        job = jobs.take(f"v{i}") or job
        clock.now += LATER
    assert get(jobs, job).state == "failed"
    assert "without getting any further" in get(jobs, job).result["reason"]


def test_cancelling(jobs):
    """A job that waits ends at once, one that runs is told, and one that is over stays as it was."""
    waiting, running = submit(jobs), submit(jobs)
    asyncio.run(jobs.cancel(waiting.id))
    assert get(jobs, waiting).state == "cancelled"
    held = jobs.take("a")
    assert held.id == running.id
    assert asyncio.run(jobs.cancel(running.id)).state == "running"
    assert jobs.beat(held).cancel
    jobs.finish(held, "cancelled", {"reason": "cancelled"})
    assert asyncio.run(jobs.cancel(running.id)).state == "cancelled"
    assert asyncio.run(jobs.cancel(99)) is None


def test_what_must_not_go_on_keeps_nobody_from_the_next(jobs):
    """A worker that asks gets the next job however many before it were cancelled while they ran or tried too often."""
    cancelled, hopeless, good = submit(jobs), submit(jobs), submit(jobs)
    held = jobs.take("a")
    asyncio.run(jobs.cancel(held.id))
    jobs.put_back(held)  # its worker was stopped before it knew
    with jobs.database.engine.begin() as connection:
        connection.execute(update(table).where(table.c.id == hopeless.id).values(attempt=ATTEMPTS))
    assert jobs.take("b").id == good.id
    assert [get(jobs, each).state for each in (cancelled, hopeless)] == ["cancelled", "failed"]
    assert jobs.take("b") is None


def test_a_job_that_was_put_back_is_taken_again(jobs):
    """What a worker gives back waits for the next one, with what was done."""
    submit(jobs)
    job = jobs.take("a")
    jobs.beat(job, 0.3)
    assert jobs.put_back(job)
    again = jobs.take("b")
    assert (again.id, again.progress) == (job.id, 0.3)


def test_every_change_is_an_event(jobs, database):
    """Whoever follows the events sees a job wait, begin, get on and end, in this order."""
    job = submit(jobs)
    held = jobs.take("a")
    jobs.beat(held, 0.5)
    jobs.finish(held, "done", {"reason": "promoted"})
    rows = database.read_now(lambda connection: connection.execute(select(events).order_by(events.c.id)).all())
    assert [(row.kind, row.subject) for row in rows] == [("job", "demand")] * 4
    assert [state in row.data for row, state in zip(rows, ("queued", "running", "0.5", "promoted"), strict=True)]
    assert asyncio.run(jobs.counts()) == {"done": 1}
    assert [one.id for one in asyncio.run(jobs.list(model="demand", state="done"))] == [job.id]
    assert asyncio.run(jobs.list(model="other")) == []


@pytest.mark.parametrize("state", ["done", "failed", "cancelled"])
def test_what_is_over_stays_over(jobs, clock, state):
    """A job that has ended is never taken again, however long it is ago."""
    submit(jobs)
    jobs.finish(jobs.take("a"), state, {})
    clock.now += 100 * LATER
    assert jobs.take("b") is None

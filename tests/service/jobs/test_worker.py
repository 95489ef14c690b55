"""A worker does jobs, whatever becomes of it meanwhile."""

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from foregate.service.clock import now
from foregate.service.jobs.gate import Verdict
from foregate.service.jobs.queue import Jobs, Wanted
from foregate.service.jobs.worker import Worker
from foregate.service.problems import Problem
from foregate.service.registry.registry import Registry
from foregate.service.store.database import Database
from foregate.service.store.schema import migrate
from tests.service.jobs.stock import QUICK, seasonal, store

ANYWHERE = 0.3
"""Share of the kills that come at any moment after a worker's start, and not after a checkpoint."""


@pytest.fixture
def worker(jobs, registry, tmp_path):
    """One of the queue."""
    return Worker(jobs, registry, tmp_path / "jobs")


def wanted(**said):
    return Wanted("retrain", "demand", "person", {"series": ["a"], **QUICK, **said}, "me")


def done(worker, **said):
    """Submit a job, do it, and give it back."""

    async def run():
        job = await worker.jobs.submit(wanted(**said))
        assert await worker.step()
        return await worker.jobs.get(job.id)

    return asyncio.run(run())


def test_a_better_challenger_becomes_champion(worker, database, registry):
    """The first model of a name is promoted where it beats the pretrained one, or else is challenger; both are told."""
    store(database, seasonal(300, noise=0.05))
    job = done(worker, options={**QUICK["options"], "steps": 60}, held_out=40)
    assert job.state == "done", job.result
    version = asyncio.run(registry.resolve("demand", "champion" if job.result["promoted"] else "challenger"))
    assert version.version == job.result["version"] == 1
    assert version.source == f"job:{job.id}"
    assert asyncio.run(registry.history("demand"))[0].reason == job.result["reason"]
    assert not (worker.folder / str(job.id)).exists()


def test_what_fails_is_told(worker):
    """A job that cannot be done ends as failed with the reason, and the worker goes on."""
    job = done(worker)
    assert job.state == "failed"
    assert "must be stored" in job.result["reason"]
    assert asyncio.run(worker.step()) is False


def test_what_breaks_ends_the_job_and_not_the_worker(worker, monkeypatch):
    """An error that nobody thought of ends its job as failed; the worker goes on, and nobody tries it five times."""

    def breaks(*arguments):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(worker, "_series", breaks)
    told = []
    worker.on_job = lambda job, what: told.append(what)
    job = done(worker)
    assert job.state == "failed"
    assert job.result["reason"] == "RuntimeError: out of memory"
    assert told == ["begun", "failed: RuntimeError: out of memory"]
    assert asyncio.run(worker.step()) is False


def test_who_was_thought_dead_leaves_the_folder_alone(worker, monkeypatch):
    """A worker whose job another one has taken up takes nothing away of what that one writes."""
    told = []
    worker.on_job = lambda job, what: told.append(what)
    monkeypatch.setattr(worker, "_series", lambda *arguments: 1 / 0)
    monkeypatch.setattr(worker.jobs, "finish", lambda *arguments: False)

    async def run():
        job = await worker.jobs.submit(wanted())
        place = worker.folder / str(job.id)
        place.mkdir(parents=True)
        await worker.step()
        return place.exists()

    assert asyncio.run(run())
    assert told == ["begun", "taken up by another worker"]


def test_a_cancelled_job_ends(worker, database, monkeypatch):
    """Told to end while it trains, a job ends as cancelled and registers nothing."""
    store(database, seasonal(300))
    monkeypatch.setattr("foregate.service.jobs.worker.BEAT_SECONDS", 0.02)

    async def run():
        job = await worker.jobs.submit(wanted(options={**QUICK["options"], "steps": 100_000}))
        doing = asyncio.create_task(worker.step())
        while (await worker.jobs.get(job.id)).state != "running":
            await asyncio.sleep(0.01)
        await worker.jobs.cancel(job.id)
        await asyncio.wait_for(doing, 60)
        return await worker.jobs.get(job.id)

    job = asyncio.run(run())
    assert job.state == "cancelled"
    with pytest.raises(Problem, match="demand"):
        asyncio.run(worker.registry.versions("demand"))


def test_a_worker_that_is_told_to_stop_puts_its_job_back(worker, database):
    """The job that was being done waits again, for whoever comes next."""
    store(database, seasonal(300))

    async def run():
        job = await worker.jobs.submit(wanted(options={**QUICK["options"], "steps": 100_000}))
        doing = asyncio.create_task(worker.step())
        while (await worker.jobs.get(job.id)).state != "running":
            await asyncio.sleep(0.01)
        worker.stop()
        await asyncio.wait_for(doing, 60)
        return await worker.jobs.get(job.id)

    assert asyncio.run(run()).state == "queued"


def test_a_job_that_was_done_but_for_its_end_registers_once(worker, database, registry, clock):
    """Killed between registering and the last word, the job is taken up and finds what it has made."""
    store(database, seasonal(300))
    job = asyncio.run(worker.jobs.submit(wanted()))
    ended = worker.jobs.finish
    worker.jobs.finish = lambda *said: True  # the process dies here
    assert asyncio.run(worker.step())
    worker.jobs.finish = ended
    clock.pass_by(100)
    assert asyncio.run(worker.step())
    assert asyncio.run(worker.jobs.get(job.id)).state == "done"
    assert len(asyncio.run(registry.versions("demand"))) == 1


def promoted_at_once(worker, database):
    """A job that promotes, done but for its last word: the worker was killed there."""
    store(database, seasonal(300, noise=0.05))
    options = {**QUICK["options"], "steps": 60}
    job = asyncio.run(worker.jobs.submit(wanted(options=options, held_out=60)))
    ended, worker.jobs.finish = worker.jobs.finish, lambda *said: True
    assert asyncio.run(worker.step())
    worker.jobs.finish = ended
    return job


def test_what_a_person_moved_is_not_moved_back(worker, database, registry, clock, monkeypatch):
    """A promotion that a person has undone before the killed job came back is not done once more."""
    judged = "foregate.service.jobs.retraining.judge"
    monkeypatch.setattr(judged, lambda *said, **more: Verdict(True, "promoted: better", {}, {}))
    job = promoted_at_once(worker, database)
    assert asyncio.run(registry.resolve("demand")).version == 1
    asyncio.run(registry.remove("demand", "champion", actor="anna", reason="not this one"))
    clock.pass_by(100)
    assert asyncio.run(worker.step())
    assert asyncio.run(worker.jobs.get(job.id)).state == "done"
    assert "champion" not in asyncio.run(registry.aliases("demand"))


def test_what_is_cancelled_at_the_last_moment_moves_nothing(worker, database, registry, monkeypatch):
    """Cancelled after its model was judged and registered, a job still does not promote it."""
    judged = "foregate.service.jobs.retraining.judge"
    monkeypatch.setattr(judged, lambda *said, **more: Verdict(True, "promoted: better", {}, {}))
    store(database, seasonal(300))
    placed = worker._placed

    async def late(job, *said):
        await worker.jobs.cancel(job.id)
        return await placed(job, *said)

    monkeypatch.setattr(worker, "_placed", late)
    job = done(worker)
    assert (job.state, job.result["reason"]) == ("cancelled", "cancelled")
    assert asyncio.run(registry.aliases("demand")) == {}


def reached(checkpoint):
    """Steps that a checkpoint holds, 0 where there is none: what is there is whole at any moment."""
    try:
        raw = checkpoint.read_bytes()
    except FileNotFoundError:
        return 0
    header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
    return json.loads(header["__metadata__"]["run"])["step"]


def end(process, checkpoint, kill, draw):
    """Kill a worker: mostly some time after it has got further, else some time after its start; whether it was."""
    if not kill:
        process.communicate(timeout=300)
        return False
    before = reached(checkpoint)
    if draw.random() < ANYWHERE:
        with suppress(subprocess.TimeoutExpired):
            process.wait(draw.uniform(0, 8))
    else:
        while process.poll() is None and (now_at := reached(checkpoint)) == before:
            time.sleep(0.005)
        if process.poll() is None:
            assert now_at > before, "it must go on from its checkpoint, and not anew"
            time.sleep(draw.uniform(0, 0.2))
    alive = process.poll() is None
    process.kill()
    process.communicate()
    return alive


def killed(folder, kills, seed=0):
    """The model of a job whose worker is killed so often, and how often it was."""
    folder.mkdir()
    database, draw = Database(f"sqlite:///{folder / 'foregate.db'}"), random.Random(seed)
    migrate(database)
    store(database, seasonal(200))
    jobs = Jobs(database, now)
    options = {"steps": 80, "hidden": 8, "start": "scratch"}
    job = asyncio.run(jobs.submit(wanted(options=options)))
    command = [sys.executable, "-c", "from foregate.cli.app import main; main()", "worker", "--once", "--data-dir"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "FOREGATE_SERVE_WATCH__NICE": "0"}
    died = 0
    if not kills:  # in this process, which has loaded already what trains
        registry = Registry(database, folder / "models")
        assert asyncio.run(Worker(jobs, registry, folder / "jobs").step())
    checkpoint = folder / "jobs" / str(job.id) / "checkpoint" / "checkpoint.safetensors"
    while not asyncio.run(jobs.get(job.id)).over:
        database.write_now(lambda c: c.exec_driver_sql("UPDATE jobs SET lease_until = 0, attempt = 0") and None)
        process = subprocess.Popen([*command, str(folder)], env=environment, stderr=subprocess.PIPE)
        died += end(process, checkpoint, died < kills, draw)
    result = asyncio.run(jobs.get(job.id))
    assert result.state == "done", result.result
    registry = Registry(database, folder / "models")
    version = asyncio.run(registry.resolve("demand", 1))
    weights = (registry.open(version) / "weights.safetensors").read_bytes()
    assert len(asyncio.run(registry.versions("demand"))) == 1
    check = database.read_now(lambda c: c.exec_driver_sql("PRAGMA integrity_check").scalar())
    assert check == "ok"
    database.close()
    return weights, version.metrics, died


def test_killed_training_ends_in_the_same_bits(tmp_path):
    """A training whose worker was killed gives the same weights as one that was left alone."""
    alone = killed(tmp_path / "a", 0)
    again = killed(tmp_path / "b", 1)
    assert again == (*alone[:2], 1)


@pytest.mark.slow
def test_killed_fifty_times(tmp_path):
    """Killed fifty times, at any moment and mostly in the middle of training, jobs go on to the bit."""
    alone, died, jobs = killed(tmp_path / "a", 0), 0, 0
    while died < 50:
        weights, metrics, more = killed(tmp_path / f"b{jobs}", 5, seed=jobs)
        assert (weights, metrics) == alone[:2]
        died, jobs = died + more, jobs + 1
        print(f"{died} kills of {jobs} trainings")

"""The process of a worker."""

from foregate.service.clock import now
from foregate.service.jobs.process import work
from foregate.service.jobs.queue import Wanted, submit
from foregate.service.jobs.worker import Worker
from foregate.service.settings import Settings
from foregate.service.store.database import Database
from foregate.service.store.schema import migrate


def test_a_worker_does_what_waits_and_ends(tmp_path, monkeypatch):
    """Told to end when nothing waits, it does every job, says so, and leaves the database closed."""
    settings, said = Settings(data_dir=tmp_path), []
    monkeypatch.setattr("os.nice", lambda by: by)
    database = Database(settings.database_url)
    migrate(database)
    wanted = Wanted("retrain", "demand", "person", {"horizon": 3, "series": ["no such"]}, "me")
    database.write_now(lambda connection: submit(connection, wanted, now()))
    database.close()
    work(settings, said.append, once=True)
    assert said[0] == "job 1 of demand: begun"
    assert said[1].startswith("job 1 of demand: failed: series must be stored, but got none for ['no such']")
    assert len(said) == 2


def test_a_worker_that_is_stopped_takes_no_other_job(tmp_path, monkeypatch):
    """Told to stop, a worker that was to do all that waits does not take up again the job that it has just put back."""
    steps = []
    monkeypatch.setattr("os.nice", lambda by: by)

    async def put_back(worker):
        steps.append(1)
        if len(steps) < 9:
            worker.stop()
        return len(steps) < 9

    monkeypatch.setattr(Worker, "step", put_back)
    work(Settings(data_dir=tmp_path), print, once=True)
    assert len(steps) == 1

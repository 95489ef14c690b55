"""Jobs over HTTP."""

import pytest

from foregate.service.jobs.retraining import Order
from foregate.service.jobs.routes import routes
from foregate.service.problems import Problem
from tests.service.fakes import lab
from tests.service.jobs.stock import store

BODY = {"model": "demand", "horizon": 24, "series": ["a"]}


@pytest.fixture
def service(tmp_path, clock):
    """One with jobs and nothing else."""
    with lab(tmp_path, routes, clock=clock) as one:
        yield one


def test_a_training_is_asked_for_followed_and_cancelled(service):
    """What is asked for waits as a job, is found in the list, and ends where it is cancelled."""
    made = service.ask("POST", "/v1/jobs", scope="train", json=BODY)
    assert made.status_code == 202, made.text
    job = made.json()
    assert (job["state"], job["payload"]["horizon"], job["trigger"]) == ("queued", 24, "person")
    assert service.ask("GET", "/v1/jobs?model=demand", scope="read").json()["jobs"] == [job]
    assert service.ask("GET", "/v1/jobs?state=done", scope="read").json()["jobs"] == []
    assert service.ask("DELETE", f"/v1/jobs/{job['id']}", scope="train").json()["state"] == "cancelled"
    assert service.ask("GET", f"/v1/jobs/{job['id']}", scope="read").json()["state"] == "cancelled"


def test_who_starts_and_stops_is_written_down(service):
    """The audit log has who asked for a training and who ended it; what was not there leaves no trace."""
    job = service.ask("POST", "/v1/jobs", scope="train", json=BODY).json()["id"]
    service.ask("DELETE", f"/v1/jobs/{job}", scope="train")
    service.ask("DELETE", "/v1/jobs/77", scope="train")
    entries = service.ask("GET", "/v1/audit", scope="admin").json()["entries"]
    found = [(each["action"], each["actor"], each["subject"], each["detail"]) for each in entries]
    assert found == [
        ("job.cancel", "key:train", "demand", {"job": job}),
        ("job.start", "key:train", "demand", {"job": job}),
    ]


@pytest.mark.parametrize(
    ("freq", "since", "stored"),
    [("h", "2024-05-31T14:00:00+02:00", 1717156800000000), ("1", 40, 40), ("h", 40, None), ("1", "2024-05-31", None)],
)
def test_what_is_learnt_may_begin_at_a_time(service, freq, since, stored):
    """A person's training learns from a time on as those of the loop do; one of another kind is refused at once."""
    store(service.service.database, [1.0], freq=freq)
    made = service.ask("POST", "/v1/jobs", scope="train", json=BODY | {"since": since})
    if stored is None:
        assert (made.status_code, made.json()["type"].rsplit("/", 1)[1]) == (422, "invalid-time")
    else:
        assert Order(**{k: v for k, v in made.json()["payload"].items() if k != "series"}).since == stored


@pytest.mark.parametrize("number", ["77", "x", "-1", "9" * 40, "%F0%9F%98%80"])
def test_jobs_that_are_not_there(service, number):
    """Whatever stands in place of a number, the answer is 404."""
    assert service.ask("GET", f"/v1/jobs/{number}", scope="read").status_code == 404
    assert service.ask("DELETE", f"/v1/jobs/{number}", scope="train").status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": "pretrained"},
        {"model": "../x"},
        {"horizon": 0},
        {"effort": "instant"},
        {"x": 1},
        {"since": "2024-05-31"},
        {"since": 1.5},
        {"rows": 60, "held_out": 20},
    ],
)
def test_what_is_asked_wrongly_is_refused(service, wrong):
    """Names, horizons and efforts that cannot be trained are told at once."""
    assert service.ask("POST", "/v1/jobs", scope="train", json=BODY | wrong).status_code == 422


class Registry:
    """One that knows one model."""

    async def versions(self, model):
        if model != "demand":
            raise Problem(404, "no-such-model", "model must be one that is there, but got another one.")


def test_trainings_are_not_paused_at_first(service):
    """A model of which nobody said anything is not paused; one that is not there is not found."""
    service.service.registry = Registry()
    assert service.ask("GET", "/v1/models/other/retraining", scope="read").status_code == 404
    assert service.ask("GET", "/v1/models/demand/retraining", scope="read").json() == {"paused": False}

"""The whole way from forecasts of stored series to a better version, without a single session."""

import json

import numpy as np
import pytest
from sqlalchemy import select

from foregate import Panel
from foregate.monitoring import reference
from foregate.persistence.shipped import SHIPPED
from foregate.service.drift.keeper import Keeper
from foregate.service.drift.routes import routes as drift
from foregate.service.forecasts.routes import routes as forecasts
from foregate.service.forecasts.served import Served
from foregate.service.jobs.changes import first
from foregate.service.jobs.gate import judge
from foregate.service.jobs.queue import Jobs
from foregate.service.jobs.stored import series_of
from foregate.service.jobs.worker import Worker
from foregate.service.observations.catalog import Catalog
from foregate.service.observations.intake import Given, Intake
from foregate.service.registry.registry import Registry
from foregate.service.store.tables import alias_events, drift_events, jobs
from tests.service.fakes import lab
from tests.service.jobs.stock import QUICK, seasonal, store

KNOWN = 240
MORE = 8
ORDER = {**QUICK, "options": {**QUICK["options"], "steps": 20}, "held_out": None, "margin": 0.0}


@pytest.fixture
def plant(tmp_path, clock):
    """A service whose champion has brought errors of its own, and a series that it forecasts."""

    def parts(service):
        service.registry = Registry(service.database, tmp_path / "models", clock)
        service.served = Served(service.registry, service.settings, service.metrics)

    settings = {"watch": {"review_rows": MORE, "cooldown_hours": 0.0, "margin": 0.0}}
    with lab(tmp_path, forecasts, drift, settings=settings, parts=parts) as one:
        database, history = one.service.database, seasonal(KNOWN, noise=0.5)
        store(database, history, "plant")
        usual = np.random.default_rng(1).normal(0, 0.6, (1, 1000))
        made = reference(Panel.from_arrays([history], ids=["plant"]), usual, (np.abs(usual) > 1).astype(float))
        said = {"metrics": {"order": ORDER}, "reference": made.to_bytes(), "source": "upload", "actor": "anna"}
        one.run(one.service.registry.register("demand", SHIPPED / "tiny", **said, alias="champion"))
        one.run(one.service.served.start())
        yield one
        one.run(one.service.served.close())


def goes_on(plant, keeper, values, begin):
    """Ask for a forecast, let its three actuals come, and look, over and over; versions that answered."""
    service = plant.service
    intake = Intake(service.database, Catalog(service.database, plant.clock), service.metrics, plant.clock, 1.0)
    body, seen = {"series": ["plant"], "model": "demand", "horizon": 3}, []
    for i in range(0, len(values), 3):
        answer = plant.ask("POST", "/v1/forecasts", scope="forecast", json=body).json()
        assert answer["recorded"] is True
        seen.append(answer["version"])
        plant.run(intake.take([Given("plant", begin + i + j, float(v)) for j, v in enumerate(values[i : i + 3])]))
        plant.run(keeper.step())
    plant.run(keeper.look())
    return seen


def easily(challenger, opponents, **said):
    """A gate that lets everybody in: who deserves it is for tests of the gate."""
    return judge(challenger, opponents, **said | {"margin": -99.0})


def table(plant, one):
    return plant.service.database.read_now(lambda c: c.execute(select(one).order_by(one.c.id)).all())


def until_a_job_waits(plant, keeper):
    """Let the world change, until a training waits for what has come since; the values, and how many have come."""
    changed = 30 - seasonal(200, 7, noise=0.5) * 1.5
    goes_on(plant, keeper, seasonal(KNOWN + 6, noise=0.5)[KNOWN:], KNOWN)
    assert table(plant, drift_events) == []
    n = first(3) + 23
    assert set(goes_on(plant, keeper, changed[:n], KNOWN + 6)) == {1}
    assert {row.version for row in table(plant, drift_events)} == {1}
    (job,) = table(plant, jobs)
    assert (job.trigger, job.state, json.loads(job.payload)["since"] >= KNOWN + 6) == ("drift", "queued", True)
    return changed, n


def test_forecasts_of_stored_series_alone_start_a_training(plant):
    """A change raises an alarm by the errors of recorded forecasts, and a training waits when enough has come since."""
    until_a_job_waits(plant, Keeper(plant.service))
    assert plant.service.database.read_now(lambda c: series_of(c, "demand")) == ["plant"]


@pytest.mark.slow
def test_forecasts_of_stored_series_alone_keep_the_loop_going(plant, tmp_path, monkeypatch):
    """After a change a version that learnt it takes over, is scored by the forecasts that it makes of stored series,
    and reviewed when enough of its actuals have come."""
    monkeypatch.setattr("foregate.service.jobs.retraining.judge", easily)
    keeper = Keeper(plant.service)
    worker = Worker(Jobs(plant.service.database, plant.clock), plant.service.registry, tmp_path / "jobs")
    changed, n = until_a_job_waits(plant, keeper)
    assert plant.run(worker.step())
    done = json.loads(table(plant, jobs)[0].result)
    assert done.get("promoted"), done
    assert [row.reason for row in table(plant, alias_events)][-1] == done["reason"]
    plant.clock.pass_by(60)
    plant.run(plant.service.served.ready("demand", 2))
    seen = goes_on(plant, keeper, changed[n : n + 3 * MORE + 6], KNOWN + 6 + n)
    assert seen[-1] == 2
    told = plant.ask("GET", "/v1/errors?model=demand&by=version,step", scope="read").json()["errors"]
    steps = {(one["version"], one["step"]): one["n"] for one in told}
    assert steps[2, 1] >= MORE
    assert [row.kind for row in table(plant, jobs)] == ["retrain", "review"]
    assert plant.run(worker.step())
    assert table(plant, jobs)[1].state in ("done", "failed")

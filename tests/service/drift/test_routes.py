"""Errors and drift over HTTP."""

import asyncio

import numpy as np
import pytest
from sqlalchemy import insert

from foregate.service.drift.feedback import Feedback, _event_row
from foregate.service.drift.routes import routes
from foregate.service.drift.watching import Group, Told
from foregate.service.jobs.changes import first, told
from foregate.service.store.tables import aliases, drift_events, model_versions, models
from tests.service.drift.made import actual, forecast, new_series
from tests.service.fakes import lab


@pytest.fixture
def service(tmp_path, clock):
    """One with ten scored actuals of two versions."""
    with lab(tmp_path, routes, clock=clock) as one:
        database = one.service.database
        number = new_series(database, segment="north")
        for version in (1, 2):
            for origin in range(5):
                forecast(database, number, origin, np.array([[-1.0, version, 3.0]] * 2), version=version)
        for time in range(1, 6):
            actual(database, number, time, 0.0, at=clock())
        asyncio.run(Feedback(database, clock).step())
        yield one


def test_errors_by_version(service):
    """Each version has its mean error, bias and coverage."""
    said = service.ask("GET", "/v1/errors?model=m", scope="read").json()
    assert said["waiting"] == 0
    assert [(row["version"], row["n"], row["error"], row["bias"]) for row in said["errors"]] == [
        (1, 9, 1.0, 1.0),
        (2, 9, 2.0, 2.0),
    ]
    assert said["errors"][0]["coverage"] == {"80": 1.0}


def test_errors_by_step_and_segment(service):
    """Asked by step, the sums are parted; a segment without forecasts has none."""
    found = service.ask("GET", "/v1/errors?by=step,segment,day&version=1", scope="read").json()["errors"]
    assert [(row["step"], row["segment"], row["n"]) for row in found] == [(1, "north", 5), (2, "north", 4)]
    assert service.ask("GET", "/v1/errors?segment=south", scope="read").json()["errors"] == []


def test_drift_says_who_still_learns(service):
    """Versions without a reference learn what is usual first, and are named."""
    said = service.ask("GET", "/v1/drift?model=m", scope="read").json()
    assert said == {"detectors": [], "learning": ["m:1:north", "m:2:north"], "alarms": [], "changes": []}


def test_drift_says_what_follows_from_an_alarm(service):
    """Of an open change it is told since when, where, how many rows came and with how many a training begins."""

    def setup(connection):
        connection.execute(insert(models).values(name="m", created_at=0))
        said = {"model": "m", "version": 1, "sha256": "", "size": 0, "facts": "{}", "source": "upload", "created_at": 0}
        connection.execute(insert(model_versions).values(**said, metrics='{"order": {"horizon": 3}}', created_by="x"))
        connection.execute(insert(aliases).values(model="m", alias="champion", version=1, revision=1))
        alarm = Told(Group("m", 1, "north"), "residual", "cusum", 1.5, 2, 2, ("a",))
        connection.execute(insert(drift_events).values(**_event_row(alarm, 9)))
        told(connection, "m", 1, [alarm])

    service.service.database.write_now(setup)
    said = service.ask("GET", "/v1/drift?model=m", scope="read").json()
    own = {"model": "m", "since": 2, "last": 2, "series": ["a"], "rows": 3, "next": first(3), "paused": False}
    assert said["changes"] == [own]
    (alarm,) = said["alarms"]
    assert (alarm["time"], alarm["series"], alarm["seen"], alarm["at"]) == (2, ["a"], 2, 9)

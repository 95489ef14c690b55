"""Laws of forecasts of stored series that are kept until their actuals come."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from sqlalchemy import select

from foregate.persistence.shipped import SHIPPED
from foregate.service.drift.feedback import Feedback
from foregate.service.drift.routes import routes as drift
from foregate.service.forecasts.recording import PATIENCE
from foregate.service.forecasts.routes import routes as forecasts
from foregate.service.forecasts.served import Served
from foregate.service.store import tables
from foregate.service.store.failures import StoreError
from foregate.streaming.live import Live
from tests.service.databases import server, server_url, url
from tests.service.fakes import lab
from tests.service.forecasts.fakes import FakeRegistry
from tests.service.forecasts.test_stored import HOUR, VALUES, FakeFleet, ask, follow, store

__all__ = ["server", "server_url", "url"]

KEPT = (0.025, 0.1, 0.5, 0.9, 0.975)


def rows(service, table=tables.forecasts):
    return service.service.database.read_now(lambda c: c.execute(select(table)).all())


def actual(service, number, time, value, at=None):
    """Store an observation."""
    row = {"series": number, "time": time, "value": value, "revision": 0, "received_at": at or service.clock()}
    service.service.database.write_now(lambda c: c.execute(tables.observations.insert(), row) and None)


def scored(service):
    """Score what came, to the last."""
    feedback = Feedback(service.service.database, service.clock)
    while service.run(feedback.step()).actuals:
        pass
    return sum(row.n for row in rows(service, tables.outcomes))


@pytest.fixture
def either(tmp_path, registry, url):
    """A service on either kind of database."""

    def parts(service):
        service.registry = registry
        service.served = Served(registry, service.settings, service.metrics)

    with lab(tmp_path, forecasts, drift, settings={"database": url}, parts=parts) as one:
        one.run(one.service.served.start())
        yield one
        one.run(one.service.served.close())


def test_what_was_forecast_meets_its_actuals_once(either):
    """However often one asks and looks, each pair of a forecast and an actual counts once, and errors tell of it."""
    number = store(either, "plant", VALUES)
    for _ in range(3):
        assert ask(either, series=["plant"], quantiles=[0.3, 0.5]).json()["recorded"] is True
    for step in (1, 2):
        actual(either, number, (59 + step) * HOUR, 100.0)
        assert ask(either, series=["plant"]).json()["recorded"] is True
    assert [row.origin // HOUR for row in rows(either)] == [59, 60, 61]
    assert scored(either) == scored(either) == 3
    told = either.ask("GET", "/v1/errors?by=step", scope="read").json()["errors"]
    assert [(one["step"], one["n"]) for one in told] == [(1, 2), (2, 1)]
    assert told[0]["coverage"].keys() == {"80", "95"}


def test_it_is_what_was_answered(service):
    """What is kept are the numbers of the answer, at the levels that sessions keep, whatever levels are asked for."""
    store(service, "plant", VALUES)
    said = ask(service, series=["plant"], quantiles=[0.1, 0.37, 0.5]).json()
    (row,) = rows(service)
    values = np.frombuffer(row.values, "<f4").reshape(5, len(KEPT))
    assert tuple(json.loads(row.quantiles)) == KEPT
    np.testing.assert_array_equal(values[:, 1:3], np.float32(said["forecasts"][0]["values"])[:, [0, 2]])
    assert (row.origin, row.until, row.source, row.version) == (59 * HOUR, 64 * HOUR, "request", 1)


@pytest.mark.parametrize("values", [VALUES, [None if i in (7, 8, 30) else v for i, v in enumerate(VALUES)], [3.0, 5.0]])
def test_errors_are_measured_as_those_of_a_session(service, values):
    """The scale of a recorded forecast is that which a live forecaster has after the same rows."""
    store(service, "plant", values)
    ask(service, series=["plant"])
    live = Live(service.run(service.service.served.ready("pretrained")).fitted("h"), freq="h")
    times = np.datetime64(0, "us") + np.arange(len(values)) * np.timedelta64(1, "h")
    live.update([{"unique_id": "a", "ds": t, "y": v} for t, v in zip(times, values, strict=True) if v is not None])
    assert rows(service)[0].scale == pytest.approx(float(live.scales("a")[0]), rel=1e-12)


def test_a_question_of_what_would_be_is_not_scored(service):
    """With seasons of its own, or by its wish, a request records nothing; by its wish it does so nevertheless."""
    store(service, "plant", VALUES)
    for body in ({"record": False}, {"season_length": 7}):
        assert ask(service, series=["plant"], **body).json()["recorded"] is False
    assert rows(service) == []
    assert ask(service, series=["plant"], season_length=7, record=True).json()["recorded"] is True
    assert len(rows(service)) == 1


def test_it_can_be_switched_off(tmp_path, registry):
    """Where the settings say so nothing is recorded, unless a request asks for it."""

    def parts(service):
        service.served = Served(registry, service.settings, service.metrics)

    with lab(tmp_path, forecasts, settings={"forecasts": {"record": False}}, parts=parts) as one:
        one.run(one.service.served.start())
        store(one, "plant", VALUES)
        assert ask(one, series=["plant"]).json()["recorded"] is False
        assert ask(one, series=["plant"], record=True).json()["recorded"] is True
        one.run(one.service.served.close())
        assert len(rows(one)) == 1


def test_a_session_keeps_its_own(service):
    """What a live session says is recorded when it reads, not when it is asked; and its record is not a request's."""
    follow(service, store(service, "live", VALUES))
    service.service.fleet = FakeFleet()
    assert ask(service, series=["live"]).json()["recorded"] is True
    assert rows(service) == []


def test_histories_of_requests_have_no_actuals(service):
    """A forecast of a history that comes with the request is not recorded, and whoever asks for that is told."""
    history = [{"name": "plant", "values": VALUES}]
    assert "recorded" not in ask(service, histories=history).json()
    answer = ask(service, histories=history, record=True)
    assert (answer.status_code, answer.json()["detail"][:33]) == (422, "record must be of stored series, ")


@pytest.mark.parametrize("slow", [False, True])
def test_an_answer_does_not_depend_on_the_disk(service, monkeypatch, slow):
    """Where the forecast cannot be written, or not soon, the answer comes all the same and says that."""
    store(service, "plant", VALUES)
    own = ask(service, series=["plant"], record=False).json()["forecasts"]

    async def write(work):
        if slow:
            await asyncio.sleep(60)
        raise StoreError("the disk must have room, but is full.", full=True)

    monkeypatch.setattr("foregate.service.forecasts.recording.PATIENCE", 0.05)
    monkeypatch.setattr(service.service.database, "write", write)
    answer = ask(service, series=["plant"])
    assert (answer.status_code, answer.json()["recorded"], answer.json()["forecasts"]) == (200, False, own)
    assert PATIENCE < 10


CHILD = """
import sys
from pathlib import Path
from tests.service.forecasts.test_recording import going

going(Path(sys.argv[1]), int(sys.argv[2]))
"""
LEVEL = 100.0


def going(folder, begin):
    """Forecast, let the actual come, and score, over and over; say what was recorded."""
    registry = FakeRegistry()
    registry.add("pretrained", SHIPPED / "tiny", "champion")

    def parts(service):
        service.served = Served(registry, service.settings, service.metrics)

    with lab(folder, forecasts, parts=parts) as one:
        one.run(one.service.served.start())
        number = store(one, f"s{begin}", VALUES[:30])
        print("told begun", flush=True)
        for step in range(30, 10_000):
            if ask(one, series=[f"s{begin}"], horizon=3).json()["recorded"]:
                print("told", number, step - 1, flush=True)
            actual(one, number, step * HOUR, LEVEL)
            if step % 3 == 0:
                one.run(Feedback(one.service.database, one.clock).step())


def check_killed(folder, kills):
    """Kill a process that forecasts and scores so many times, and count."""
    rng, told = random.Random(0), []
    for kill in range(kills):
        with (folder / "told").open("w+") as out:
            words = [sys.executable, "-c", CHILD, str(folder), str(kill)]
            process = subprocess.Popen(words, stdout=out, env=os.environ | {"OMP_NUM_THREADS": "1"})
            until = time.monotonic() + 60
            while "told" not in (folder / "told").read_text() and process.poll() is None and time.monotonic() < until:
                time.sleep(0.005)
            time.sleep(0.1 + rng.random() * 0.5)
            process.send_signal(signal.SIGKILL)
            process.wait()
            out.seek(0)
            lines = [line for line in out.read().splitlines(keepends=True) if line.endswith("\n")]
        said = [line.split()[1:] for line in lines if line.startswith("told")]  # the rest is its log
        assert said[:1] == [["begun"]], "the process must have begun before it was killed"
        told += [tuple(map(int, words)) for words in said[1:]]
    with lab(folder) as one:
        kept = {(row.series, row.origin // HOUR) for row in rows(one)}
        came = {(row.series, row.time // HOUR) for row in rows(one, tables.observations)}
        pairs = sum((number, origin + k) in came for number, origin in kept for k in (1, 2, 3))
        assert set(told) <= kept
        assert scored(one) == pairs
    return len(told)


def test_nothing_recorded_is_lost_or_counted_twice_when_a_process_is_killed(tmp_path):
    """After kills at any moment every forecast that was answered as recorded is there, and each pair counts once."""
    assert check_killed(tmp_path, 1) > 2


@pytest.mark.slow
def test_nothing_recorded_is_lost_or_counted_twice_in_100_kills(tmp_path):
    """The same, 100 times."""
    assert check_killed(tmp_path, 100) > 500

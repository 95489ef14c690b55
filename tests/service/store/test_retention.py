"""What is old goes."""

import asyncio

import pytest
from sqlalchemy import func, insert, select

from foregate.service.settings import KeepSettings
from foregate.service.store import retention, tables
from foregate.service.store.retention import retain

DAY = 86_400_000_000
NOW = 1000 * DAY


def event(day, size=10):
    return {"at": day * DAY, "kind": "job", "subject": "s", "data": "x" * size}


def count(table):
    return lambda connection: connection.scalar(select(func.count()).select_from(table))


def test_what_is_old_goes_and_the_rest_stays(database, monkeypatch):
    """Exactly the rows that are older than what is kept go, however few are taken at once."""
    monkeypatch.setattr(retention, "AT_ONCE", 7)
    days = [*range(980, 1000)]
    database.write_now(lambda c: c.execute(insert(tables.events), [event(day) for day in days]))
    rows = [
        {"principal": "p", "key": str(hour), "body": "", "status": 200, "answer": b"", "at": NOW - hour * DAY // 24}
        for hour in range(48)
    ]
    database.write_now(lambda c: c.execute(insert(tables.idempotency), rows))
    gone = asyncio.run(retain(database, KeepSettings(event_days=7, answer_hours=24), NOW))
    assert gone == {"events": 13, "idempotency": 23}
    kept = database.read_now(lambda c: list(c.scalars(select(tables.events.c.at).order_by(tables.events.c.id))))
    assert kept == [day * DAY for day in range(993, 1000)]


def test_jobs_that_are_not_over_stay(database):
    """A job is kept until it is over and old."""
    plain = {"kind": "retrain", "model": "m", "trigger": "person", "payload": "{}", "created_at": 0, "created_by": "p"}
    states = [("queued", None), ("running", None), ("done", 0), ("failed", NOW - 10 * DAY), ("cancelled", 0)]
    rows = [{**plain, "state": state, "finished_at": at} for state, at in states]
    database.write_now(lambda c: c.execute(insert(tables.jobs), rows))
    asyncio.run(retain(database, KeepSettings(job_days=30), NOW))
    left = database.read_now(lambda c: list(c.scalars(select(tables.jobs.c.state).order_by(tables.jobs.c.id))))
    assert left == ["queued", "running", "failed"]


def test_numbers_are_never_given_twice(database):
    """An event that comes after all others have gone has a number of its own: nobody who follows misses it."""

    def add(connection):
        return connection.execute(insert(tables.events).returning(tables.events.c.id), event(0)).scalar_one()

    first = database.write_now(add)
    asyncio.run(retain(database, KeepSettings(), NOW))
    assert database.read_now(count(tables.events)) == 0
    assert database.write_now(add) > first


def test_space_is_given_back(sqlite):
    """SQLite's file shrinks when most of it has gone."""
    sqlite.write_now(lambda c: c.execute(insert(tables.events), [event(0, 20_000) for _ in range(200)]))

    def pages(connection):
        return connection.exec_driver_sql("PRAGMA page_count").scalar()

    before = sqlite.read_now(pages)
    asyncio.run(retain(sqlite, KeepSettings(), NOW))
    assert sqlite.read_now(pages) < before / 5
    assert sqlite.read_now(lambda c: c.exec_driver_sql("PRAGMA integrity_check").scalar()) == "ok"


TIMED = [name for name in KeepSettings.model_fields if name.endswith(("days", "hours"))]
TIMED.remove("observation_days")  # see `foregate.service.observations.expiry`


@pytest.mark.parametrize("name", TIMED)
def test_every_setting_does_something(database, name):
    """Each duration decides about some row: with it short the row goes, with it long it stays."""
    filled = {
        "forecasts": {"series": 1, "origin": 0, "model": "m", "version": 1, "horizon": 1, "quantiles": "[]"}
        | {"values": b"", "made_at": 0, "until": 0},
        "revisions": {"series": 1, "time": 0, "revision": 0, "value": 1.0, "received_at": 0},
        "outcomes": {"model": "m", "version": 1, "segment": "", "step": 1, "day": 0, "n": 1, "error": 1.0, "bias": 0.0}
        | {"pinball": 0.0, "covered": "{}"},
        "events": event(0),
        "drift_events": {"model": "m", "version": 1, "segment": "", "kind": "input", "detector": "psi", "score": 1.0}
        | {"detail": "{}", "at": 0},
        "jobs": {"kind": "retrain", "model": "m", "trigger": "data", "state": "done", "payload": "{}"}
        | {"created_at": 0, "created_by": "p", "finished_at": 0},
        "audit_log": {"at": 0, "actor": "a", "action": "b", "subject": "c", "detail": "{}", "request": "r"},
        "idempotency": {"principal": "p", "key": "k", "body": "", "status": 200, "answer": b"", "at": 0},
    }
    for table, row in filled.items():
        database.write_now(lambda c, table=table, row=row: c.execute(insert(tables.METADATA.tables[table]), row))
    long = dict.fromkeys(TIMED, 1e6)
    assert asyncio.run(retain(database, KeepSettings(**long), NOW)) == {}
    assert sum(asyncio.run(retain(database, KeepSettings(**long | {name: 1.0}), NOW)).values()) == 1

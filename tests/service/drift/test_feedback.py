"""Actuals and forecasts are joined exactly once, on either kind of database."""

import asyncio
import json

import numpy as np
import pytest
from sqlalchemy import select, update

from foregate.service.drift import feedback as feedback_module
from foregate.service.drift.feedback import Feedback
from foregate.service.store.tables import arrivals, drift_events, drift_states, events, observations, outcomes, sessions
from tests.service.databases import database
from tests.service.drift.made import actual, forecast, new_series, shifted

__all__ = ["database"]

BAND = np.array([[-1.0, 0.0, 1.0]])


def rows(database, table):
    return database.read_now(lambda c: c.execute(select(table)).all())


def total(database):
    return sum(row.n for row in rows(database, outcomes))


@pytest.fixture
def feedback(database, clock):
    """Of that database."""
    return Feedback(database, clock)


def step(feedback):
    return asyncio.run(feedback.step()).actuals


def test_an_actual_counts_once_for_every_forecast_of_it(database, feedback):
    """However often one looks, each pair of a forecast and an actual is in the sums once."""
    number = new_series(database)
    for origin in range(3):
        forecast(database, number, origin, np.repeat(BAND, 4, 0))
    actual(database, number, 3, 0.5)
    assert [step(feedback), step(feedback)] == [1, 0]
    assert sorted((row.step, row.n) for row in rows(database, outcomes)) == [(1, 1), (2, 1), (3, 1)]
    actual(database, number, 4, 2.0)
    assert step(feedback) == 1
    found = {row.step: (row.n, row.error, json.loads(row.covered)) for row in rows(database, outcomes)}
    assert found[2] == (2, 2.5, {"80": 1})
    assert total(database) == 6


def test_what_no_forecast_waits_for_is_not_noted(database):
    """Backfill and series without forecasts cost the list nothing."""
    number = new_series(database)
    for time in range(5):
        actual(database, number, time, 1.0)
    forecast(database, number, 4, BAND)
    actual(database, number, 9, 1.0)
    assert rows(database, arrivals) == []


def test_missing_values_wait_and_revisions_do_not_count(database, feedback):
    """A missing actual counts when its value comes; a value that is changed later was scored as it came first."""
    number = new_series(database)
    forecast(database, number, 0, np.repeat(BAND, 3, 0))
    actual(database, number, 1, None)
    actual(database, number, 2, 3.0)

    def revise(time, value):
        change = update(observations).where(observations.c.time == time).values(value=value)
        database.write_now(lambda c: c.execute(change) and None)

    revise(1, 2.0)
    revise(2, 100.0)
    step(feedback)
    assert sorted((row.step, row.error) for row in rows(database, outcomes)) == [(1, 2.0), (2, 3.0)]


def test_two_that_look_at_once_count_once(database, clock):
    """Two processes that score the same head of the list: one of them does, the other finds it gone."""
    number = new_series(database)
    for origin in range(40):
        forecast(database, number, origin, BAND)
        actual(database, number, origin + 1, 0.0)

    async def race():
        return await asyncio.gather(*(Feedback(database, clock).step() for _ in range(4)))

    done = asyncio.run(race())
    assert sorted(one.actuals for one in done) == [0, 0, 0, 40]
    assert total(database) == 40


def test_a_failed_write_leaves_the_actuals_on_the_list(database, clock):
    """Where what follows from an alarm cannot be written, nothing is, and the next look does it all."""
    number = new_series(database)
    forecast(database, number, 0, BAND)
    actual(database, number, 1, 0.0)
    feedback = Feedback(database, clock)
    whole = feedback._write

    def broken(*said):
        whole(*said)
        raise RuntimeError("the disk is full")

    feedback._write = broken
    with pytest.raises(RuntimeError):
        step(feedback)
    assert total(database) == 0
    feedback._write = whole
    assert step(feedback) == 1
    assert total(database) == 1


def test_a_shift_raises_an_alarm_and_what_follows_is_committed_with_it(database, clock):
    """After errors that taught what is usual, a shift is told in tables, events and to whoever follows."""
    number, told = new_series(database, segment="north"), []
    shifted(database, number)
    feedback = Feedback(database, clock, alarmed=lambda connection, alarms, at: told.extend(alarms))
    while step(feedback):
        pass
    found = rows(database, drift_events)
    assert {row.detector for row in found} >= {"cusum"}
    assert {(row.model, row.version, row.segment) for row in found} == {("m", 1, "north")}
    assert all(json.loads(row.detail)["time"] > 1050 and json.loads(row.detail)["series"] == ["a"] for row in found)
    assert len(told) == len(found) == len(rows(database, events))
    assert max(row.score for row in rows(database, drift_states)) >= 1


def test_numbers_too_large_to_reckon_with_hold_nothing_up(database, feedback):
    """A forecast beyond the numbers that it is stored in, or an actual of 1e300, is left out; the others are scored."""
    number = new_series(database)
    forecast(database, number, 0, np.array([[-1.0, np.inf, np.inf]]))
    for origin in (1, 2):
        forecast(database, number, origin, BAND)
    for time, value in enumerate((1.0, 1e300, 0.5), start=1):
        actual(database, number, time, value)
    assert step(feedback) == 3
    assert [(row.n, row.error) for row in rows(database, outcomes)] == [(1, 0.5)]


def test_an_actual_that_breaks_scoring_is_taken_out(database, feedback, monkeypatch):
    """Whatever is wrong with one actual, it is told of and left out, and all others are scored once."""
    number = new_series(database)
    for origin in range(4):
        forecast(database, number, origin, BAND)
        actual(database, number, origin + 1, 7.0 if origin == 2 else 0.0)
    whole = feedback_module.score

    def broken(came, said):
        if any(each.value == 7 for each in came):
            raise ArithmeticError("seven")
        return whole(came, said)

    monkeypatch.setattr(feedback_module, "score", broken)
    assert [step(feedback) for _ in range(6)] == [0, 1, 1, 1, 1, 0]
    assert total(database) == 3


def test_a_time_that_comes_in_pieces_is_one_error(database, clock):
    """What all series have in common counts once at each time, in however many rounds their actuals are scored."""
    numbers = [new_series(database, name) for name in "abc"]
    feedback = Feedback(database, clock)
    for time in range(6):
        for number in numbers:
            forecast(database, number, time, BAND)
            actual(database, number, time + 1, 0.3)
            step(feedback)
    (state,) = (json.loads(row.state) for row in rows(database, drift_states) if row.detector == "watch")
    assert state["watch"]["seen"] == 6
    assert state["gathering"]["size"] == 3


def test_many_segments_raise_no_more_false_alarms_than_one(database, clock):
    """A version that is watched on many segments is told of as seldom as on one: each has its share of false alarms."""
    for name in "abc":
        number = new_series(database, name, segment=name)
        said = {"series": number, "model": "m", "version": 1, "seq": 0, "late": "reject", "horizon": 1, "created_at": 0}
        if name != "c":
            database.write_now(lambda c, said=said: c.execute(sessions.insert().values(**said)) and None)
        forecast(database, number, 0, BAND)
    feedback = Feedback(database, clock)
    for number in (1, 2, 3):
        actual(database, number, 1, 0.3)
        step(feedback)
    kept = [json.loads(row.state)["watch"]["every"] for row in rows(database, drift_states)]
    assert kept == [20_000, 20_000, 30_000]

"""What starts a training by itself, and what keeps it from starting."""

import json
from types import SimpleNamespace

import pytest
from sqlalchemy import insert, select, update

from foregate.service.jobs.changes import first, told
from foregate.service.jobs.queue import Wanted, submit
from foregate.service.jobs.triggers import HOUR, due, pause, paused, start
from foregate.service.settings import WatchSettings
from foregate.service.store.tables import alias_events, aliases, forecasts, jobs, model_versions, models, outcomes
from tests.service.jobs.stock import add, store

ON = WatchSettings(cooldown_hours=2)


@pytest.fixture
def there(database):
    """A connection's work on a database with a champion that came of a job."""

    def setup(connection):
        connection.execute(insert(models).values(name="m", created_at=0))
        metrics = json.dumps({"order": {"horizon": 3}})
        common = {"model": "m", "sha256": "", "size": 0, "facts": "{}", "metrics": metrics, "source": "job:1"}
        rows = [{**common, "version": v, "created_at": 0, "created_by": "x"} for v in (1, 2)]
        connection.execute(insert(model_versions), rows)
        connection.execute(insert(aliases).values(model="m", alias="champion", version=2, revision=2))

    database.write_now(setup)
    return database.write_now


def over(connection):
    connection.execute(update(jobs).values(state="done"))


def test_an_alarm_starts_a_training_like_the_last(there):
    """Drift asks for a training in the way that the champion was made, with the margin of the settings."""
    job = there(lambda c: start(c, "m", "drift", ON, 5))
    assert (job.trigger, job.payload) == ("drift", {"horizon": 3, "margin": ON.margin})


def test_what_a_person_asked_for_last_is_how_it_is_trained(there):
    """The last training that a person asked for says how the next ones are made."""
    there(lambda c: submit(c, Wanted("retrain", "m", "person", {"horizon": 9}, "me"), 0))
    there(over)
    assert there(lambda c: start(c, "m", "drift", ON, 3 * HOUR)).payload["horizon"] == 9


def test_nothing_starts_while_one_waits_or_within_the_cooldown(there):
    """One training of a model at a time, and none before the cooldown is over."""
    assert there(lambda c: start(c, "m", "drift", ON, 0)) is not None
    assert there(lambda c: start(c, "m", "data", ON, 9 * HOUR)) is None
    there(over)
    assert there(lambda c: start(c, "m", "drift", ON, HOUR)) is None
    assert there(lambda c: start(c, "m", "drift", ON, 3 * HOUR)) is not None


def test_it_can_be_stopped(there):
    """Switched off for all or paused for one model, nothing starts; let go, it starts again."""
    assert there(lambda c: start(c, "m", "drift", WatchSettings(retrain=False), 0)) is None
    there(lambda c: pause(c, "m", 0, on=True))
    assert there(lambda c: paused(c, "m"))
    assert there(lambda c: start(c, "m", "drift", ON, 0)) is None
    there(lambda c: pause(c, "m", 0, on=False))
    assert there(lambda c: start(c, "m", "drift", ON, 0)) is not None


def test_a_pause_ends_what_waits(there):
    """A training that began by itself and waits for a worker when somebody pauses the model is not done any more."""
    job = there(lambda c: start(c, "m", "drift", ON, 0))
    own = there(lambda c: submit(c, Wanted("retrain", "m", "person", {"horizon": 9}, "me"), 0))
    there(lambda c: pause(c, "m", 1, on=True))
    states = there(lambda c: dict(c.execute(select(jobs.c.id, jobs.c.state)).all()))
    assert states == {job.id: "cancelled", own.id: "queued"}


def test_a_clock_that_was_ahead_holds_nothing_up(there):
    """Where the clock of the last training was years ahead and is right now, the next one is not years away."""
    settings = WatchSettings(every_hours=5, cooldown_hours=2)
    assert there(lambda c: start(c, "m", "drift", ON, 90_000 * HOUR)) is not None
    there(over)
    assert [job.trigger for job in there(lambda c: due(c, settings, 10 * HOUR))] == ["schedule"]
    there(over)
    assert there(lambda c: due(c, settings, 12 * HOUR)) == []


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_what_could_not_be_done_is_not_asked_for_again(there, state):
    """A training that a person asked for and that failed does not say how the next ones are made."""
    there(lambda c: submit(c, Wanted("retrain", "m", "person", {"horizon": 999}, "me"), 0))
    there(lambda c: c.execute(update(jobs).values(state=state)) and None)
    assert there(lambda c: start(c, "m", "drift", ON, 3 * HOUR)).payload["horizon"] == 3


def test_models_that_nobody_said_how_to_train_are_left_alone(there):
    """The pretrained model, or an unknown one, is never trained by itself."""
    assert there(lambda c: start(c, "pretrained", "drift", ON, 0)) is None


def test_a_schedule(there):
    """A training starts when so many hours have passed since the last one or the newest version."""
    settings = WatchSettings(every_hours=5, cooldown_hours=0)
    assert there(lambda c: due(c, settings, 4 * HOUR)) == []
    assert [job.trigger for job in there(lambda c: due(c, settings, 5 * HOUR))] == ["schedule"]
    there(over)
    assert there(lambda c: due(c, settings, 9 * HOUR)) == []
    assert [job.trigger for job in there(lambda c: due(c, settings, 10 * HOUR))] == ["schedule"]


def test_new_rows(there, database):
    """A training starts when so many observations have come since it was first looked at."""
    settings = WatchSettings(new_rows=10, cooldown_hours=0)
    assert there(lambda c: due(c, settings, 1)) == []
    store(database, [1.0] * 9, at=2)
    assert there(lambda c: due(c, settings, 2)) == []
    store(database, [1.0], "b", at=3)
    assert [job.trigger for job in there(lambda c: due(c, settings, 3))] == ["data"]
    there(over)
    assert there(lambda c: due(c, settings, 4)) == []


def test_new_rows_of_other_models_do_not_count(there, database):
    """A model that is trained on named series does not wait for, or begin with, the rows of others."""
    settings = WatchSettings(new_rows=10, cooldown_hours=0)
    order = json.dumps({"order": {"horizon": 3, "series": ["a"]}})
    there(lambda c: c.execute(update(model_versions).values(metrics=order)) and None)
    there(lambda c: due(c, settings, 1))
    store(database, [1.0] * 50, "b", at=2)
    assert there(lambda c: due(c, settings, 2)) == []
    store(database, [1.0] * 10, "a", at=3)
    assert [job.trigger for job in there(lambda c: due(c, settings, 3))] == ["data"]


def changed(database):
    """A champion's alarm at time 10, and rows up to it."""
    number = store(database, [1.0] * 11)
    database.write_now(lambda c: told(c, "m", 2, [SimpleNamespace(kind="residual", time=10, series=("a",))]))
    return number


def test_a_change_is_learnt_when_enough_has_come(there, database):
    """An alarm alone starts nothing; its training begins with the rows that it needs, and learns from the time on."""
    number = changed(database)
    assert there(lambda c: due(c, ON, 1)) == []
    there(lambda c: add(c, number, [2.0] * first(3), start=11))
    (job,) = there(lambda c: due(c, ON, 2))
    assert (job.trigger, job.payload) == ("drift", {"horizon": 3, "margin": ON.margin, "since": 10})
    there(over)
    assert there(lambda c: due(c, ON, 9 * HOUR)) == []
    there(lambda c: add(c, number, [2.0] * first(3), start=11 + first(3)))
    assert [job.trigger for job in there(lambda c: due(c, ON, 9 * HOUR))] == ["drift"]


def test_a_change_waits_for_the_cooldown(there, database):
    """Where enough has come too soon after a training, the next one begins when the cooldown is over."""
    number = changed(database)
    there(lambda c: start(c, "m", "schedule", ON, 0))
    there(over)
    there(lambda c: add(c, number, [2.0] * first(3), start=11))
    assert there(lambda c: due(c, ON, HOUR)) == []
    assert [job.trigger for job in there(lambda c: due(c, ON, 3 * HOUR))] == ["drift"]


def test_a_schedule_during_a_change_learns_from_it(there, database):
    """What starts for another reason while a change is open learns from its rows, once there are enough of them."""
    number = changed(database)
    assert "since" not in there(lambda c: start(c, "m", "schedule", ON, 0)).payload
    there(over)
    there(lambda c: add(c, number, [2.0] * first(3), start=11))
    assert there(lambda c: start(c, "m", "schedule", ON, 9 * HOUR)).payload["since"] == 10
    there(over)
    assert there(lambda c: due(c, ON, 20 * HOUR)) == []


def test_a_change_is_not_inherited(there, database):
    """A champion that was trained on a change says how the next ones are trained, but not since when."""
    said = json.dumps({"order": {"horizon": 3, "since": 7}})
    there(lambda c: c.execute(update(model_versions).values(metrics=said)) and None)
    assert there(lambda c: start(c, "m", "schedule", ON, 0)).payload == {"horizon": 3, "margin": ON.margin}


def moved(connection, actor="job:4", reason="promoted: better", before=1):
    row = {"model": "m", "alias": "champion", "before": before, "after": 2, "actor": actor, "reason": reason, "at": 1}
    connection.execute(insert(alias_events).values(row))


def scored(connection, n):
    row = {"model": "m", "version": 2, "segment": "", "step": 1, "day": 0, "n": n, "error": 1.0, "bias": 0.0}
    connection.execute(insert(outcomes).values(**row, pinball=0.0, covered="{}"))


def live(there, database, rows, names=("a",)):
    """Series of which the champion has forecast the newest, and rows that came since it was judged."""
    judged = json.dumps({"order": {"horizon": 3}, "judged_until": 10})
    there(lambda c: c.execute(update(model_versions).values(metrics=judged)) and None)
    for name in names:
        number = store(database, [1.0] * (11 + rows), name)
        said = {"series": number, "origin": 12, "until": 13, "model": "m", "version": 2, "horizon": 1, "made_at": 0}
        there(lambda c, said=said: c.execute(insert(forecasts).values(**said, quantiles="[]", values=b"")) and None)


def test_a_promotion_is_reviewed_again_and_again(there, database):
    """When enough actuals of the new champion have come it is compared with the one before, later twice more."""
    there(moved)
    live(there, database, ON.review_rows)
    assert there(lambda c: due(c, ON, 1)) == []
    there(lambda c: scored(c, 9 * ON.review_rows))
    (job,) = there(lambda c: due(c, ON, 2))
    assert (job.kind, job.payload["version"], job.payload["before"]) == ("review", 2, 1)
    more = 11 + ON.review_rows
    for rows in (ON.review_rows, 2 * ON.review_rows):
        there(over)
        there(lambda c, rows=rows, more=more: add(c, 1, [1.0] * (rows - 1), start=more))
        assert there(lambda c: due(c, ON, 3)) == []
        there(lambda c, rows=rows, more=more: add(c, 1, [1.0], start=more + rows - 1))
        assert [job.kind for job in there(lambda c: due(c, ON, 3))] == ["review"]
        more += rows
    there(over)
    there(lambda c: add(c, 1, [1.0] * 10 * ON.review_rows, start=more))
    assert there(lambda c: due(c, ON, 4)) == []


def test_many_series_are_no_more_rows(there, database):
    """A review waits for its rows: actuals of many series at a few times say little."""
    there(moved)
    live(there, database, 5, [f"s{i}" for i in range(40)])
    there(lambda c: scored(c, 40 * 5))
    assert there(lambda c: due(c, ON, 1)) == []


def test_a_pause_keeps_reviews_from_starting(there, database):
    """Of a model that somebody has paused nothing is taken back by itself."""
    there(moved)
    live(there, database, ON.review_rows)
    there(lambda c: scored(c, ON.review_rows))
    there(lambda c: pause(c, "m", 0, on=True))
    assert there(lambda c: due(c, ON, 1)) == []


@pytest.mark.parametrize("said", [{"actor": "anna"}, {"reason": "rolled back: worse"}, {"before": None}])
def test_what_needs_no_review(there, said):
    """What a person moved, what was rolled back and a first champion are not taken back."""
    there(lambda c: moved(c, **said))
    there(lambda c: scored(c, 10_000))
    assert there(lambda c: due(c, ON, 1)) == []
    assert there(lambda c: list(c.execute(select(jobs)))) == []

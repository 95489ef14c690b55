"""A change is opened by an alarm, and learnt as its rows come."""

import json
from dataclasses import dataclass

import pytest
from sqlalchemy import insert, update

from foregate.service.jobs.changes import CALM, GROWTH, change_of, first, learnt, rows_of, told, waits
from foregate.service.store.tables import aliases, model_versions, models
from tests.service.jobs.stock import add, store


@dataclass(frozen=True)
class Alarm:
    """What an alarm says."""

    time: int
    series: tuple[str, ...] = ("a",)
    kind: str = "residual"


@pytest.fixture
def there(database):
    """Work on a database with two versions, of which the second one, trained until 99, is champion; 100 rows."""

    def setup(connection):
        connection.execute(insert(models).values(name="m", created_at=0))
        common = {"model": "m", "sha256": "", "size": 0, "facts": "{}", "source": "job:1", "created_at": 0}
        said = json.dumps({"trained_until": 99})
        rows = [{**common, "version": v, "metrics": said, "created_by": "x"} for v in (1, 2)]
        connection.execute(insert(model_versions), rows)
        connection.execute(insert(aliases).values(model="m", alias="champion", version=2, revision=2))

    database.write_now(setup)
    number = store(database, [1.0] * 100)
    database.write_now(lambda c: add(c, number, [2.0] * 1500, start=100))
    return database.write_now


def opened(there, time=120, version=2, series=("a",)):
    there(lambda c: told(c, "m", version, [Alarm(time, series)]))
    return there(lambda c: change_of(c, "m"))


def test_an_alarm_of_the_champion_opens_a_change(there):
    """The change begins at the time of the actual that raised the alarm, whatever time it is by now."""
    assert opened(there).since == 120
    assert there(lambda c: rows_of(c, change_of(c, "m"))) == 1600 - 121


@pytest.mark.parametrize(("model", "version"), [("m", 1), ("other", 2)])
def test_alarms_of_others_open_none(there, model, version):
    """Versions that are not champion, and models that have none, are told of and not trained."""
    there(lambda c: told(c, model, version, [Alarm(120)]))
    assert there(lambda c: change_of(c, model)) is None


def test_inputs_that_look_otherwise_are_no_change(there):
    """An alarm of inputs is told and not answered: errors decide."""
    there(lambda c: told(c, "m", 2, [Alarm(120, kind="input")]))
    assert there(lambda c: change_of(c, "m")) is None
    there(lambda c: told(c, "m", 2, [Alarm(120, kind="input"), Alarm(130, kind="coverage")]))
    assert there(lambda c: change_of(c, "m")).since == 130


def test_what_goes_on_is_no_other_change(there):
    """Further alarms of the same champion keep the change where it began, for as long as they go on."""
    for time in range(120, 120 + 3 * CALM, CALM // 2):
        assert opened(there, time).since == 120


def test_a_series_that_ended_does_not_hold_a_change_up(there, database):
    """Rows of the series that the newest alarms are of count, be the first ones at their end."""
    store(database, [1.0] * 1600, "b")
    store(database, [1.0] * 121, "c")
    opened(there, 120, series=("c",))
    assert there(lambda c: rows_of(c, change_of(c, "m"))) == 0
    opened(there, 130, series=("b",))
    assert there(lambda c: rows_of(c, change_of(c, "m"))) == 1600 - 121
    assert there(lambda c: change_of(c, "m")).since == 120


def test_an_alarm_after_calm_is_of_another_change(there):
    """Where nothing was told for long, the change before is past, or was none."""
    opened(there)
    assert opened(there, 120 + CALM).since == 120
    assert opened(there, 120 + 2 * CALM + 1).since == 120 + 2 * CALM + 1


def test_a_champion_that_knows_the_change_tells_of_another(there):
    """An alarm of a model that was trained on rows of the change cannot be about that one."""
    opened(there)
    later = json.dumps({"trained_until": 200})
    there(lambda c: c.execute(update(model_versions).values(metrics=later)) and None)
    assert opened(there, 300).since == 300


def test_trainings_follow_the_rows_of_a_change(there):
    """The first begins with so many rows, the next with half as many again."""
    opened(there, 1600 - first(5))  # one row too few
    assert not there(lambda c: waits(c, "m", 5))
    there(lambda c: add(c, 1, [2.0], start=1600))
    assert there(lambda c: waits(c, "m", 5))
    there(lambda c: learnt(c, "m", 10_000))
    assert there(lambda c: change_of(c, "m")).rows == first(5)
    more = int(GROWTH * first(5)) - first(5)
    there(lambda c: add(c, 1, [2.0] * (more - 1), start=1601))
    assert not there(lambda c: waits(c, "m", 5))
    there(lambda c: add(c, 1, [2.0], start=1600 + more))
    assert there(lambda c: waits(c, "m", 5))


def test_a_change_is_over_when_it_fills_the_history(there):
    """When the rows since the change are as many as a model is trained on, no training follows it any more."""
    opened(there)
    there(lambda c: learnt(c, "m", 1480))
    assert there(lambda c: change_of(c, "m")) is not None
    there(lambda c: learnt(c, "m", 1479))
    assert there(lambda c: change_of(c, "m")) is None
    assert not there(lambda c: waits(c, "m", 1))

"""Statements that both databases understand."""

import json
import threading

import pytest
from sqlalchemy import select

from foregate.service.store.database import Database
from foregate.service.store.statements import emit, insert_new, note, noted, values
from foregate.service.store.tables import events, marks, observations


def event(i):
    return {"at": i, "kind": "job", "subject": "s", "data": {"i": i}}


def test_a_note_is_the_last_one(database):
    """A name has the value that was noted last, and none before."""
    assert database.read_now(lambda c: noted(c, "a")) is None
    for value in ("1", "2"):
        database.write_now(lambda c, value=value: note(c, "a", value))
    assert database.read_now(lambda c: noted(c, "a")) == "2"


def test_events_are_json_in_order(database):
    """Events are numbered as they were written; none is nothing."""
    database.write_now(lambda c: emit(c, []))
    database.write_now(lambda c: emit(c, [event(i) for i in range(3)]))
    found = database.read_now(lambda c: c.execute(select(events).order_by(events.c.id)).all())
    assert [json.loads(row.data)["i"] for row in found] == [0, 1, 2]


def test_nobody_who_follows_misses_one(url, database):
    """Whoever reads on from the last number that he saw sees every event, though several processes write at once."""
    others = [Database(url) for _ in range(2)]
    done, seen, after = threading.Event(), [], 0

    def write(opened):
        for i in range(40):
            opened.write_now(lambda c, i=i: emit(c, [event(i)]))

    writers = [threading.Thread(target=write, args=(opened,)) for opened in others]

    def wait():
        for thread in writers:
            thread.join()
        done.set()

    for thread in (*writers, waiter := threading.Thread(target=wait)):
        thread.start()
    ended = False
    while not ended:
        ended = done.is_set()
        look = select(events.c.id).where(events.c.id > after).order_by(events.c.id)
        new = database.read_now(lambda c, look=look: list(c.scalars(look)))
        seen += new
        after = seen[-1] if seen else 0
    waiter.join()
    assert len(seen) == 80
    assert database.read_now(lambda c: sorted(c.scalars(select(events.c.id)))) == seen
    for opened in others:
        opened.close()


def test_rows_go_where_their_names_say(database):
    """Rows whose columns come in another order are stored alike; one that lacks a column is refused, and so are all."""
    given = [{"name": "a", "value": "1"}, {"value": "2", "name": "b"}]
    assert database.write_now(lambda c: insert_new(c, marks, given, "name")) == 2
    assert [database.read_now(lambda c, name=name: noted(c, name)) for name in "ab"] == ["1", "2"]
    with pytest.raises(KeyError, match="value"):
        database.write_now(lambda c: insert_new(c, marks, [{"name": "c", "value": "3"}, {"name": "d"}], "name"))
    assert database.read_now(lambda c: noted(c, "c")) is None


def test_only_new_rows_are_counted(database):
    """However many rows are given at once, with odd values, those count that were not there."""
    odd = [None, 0.0, -1.5e308, 5e-324, float("inf")]
    row = {"series": 1, "covariates": None, "revision": 0, "seq": None, "received_at": 2**53}
    given = [row | {"time": time, "value": odd[time % 5]} for time in range(-1100, 1400)]
    for new, some in ((1200, given[:1200]), (1300, given), (0, given)):
        assert database.write_now(lambda c, some=some: insert_new(c, observations, some, "series", "time")) == new
    query = select(observations.c.time, observations.c.value).order_by(observations.c.time)
    found = database.read_now(lambda c: [tuple(row) for row in c.execute(query)])
    assert found == [(row["time"], row["value"]) for row in given]


def test_wide_rows_are_told_in_more_statements(database):
    """A statement has as many rows as the database takes values for, and one of them at least."""
    query = "INSERT INTO marks (name, value) SELECT column1, column2 FROM ("
    rows = [(f"n{i}", *["1"] * 99) for i in range(1000)]
    assert database.write_now(lambda c: values(c, query, rows, ") AS given")) == 1000

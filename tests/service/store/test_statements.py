"""Statements that both databases understand."""

import json
import threading

from sqlalchemy import select

from foregate.service.store.database import Database
from foregate.service.store.statements import emit, note, noted
from foregate.service.store.tables import events


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

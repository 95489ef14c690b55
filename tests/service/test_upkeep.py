"""What a service does by itself."""

import asyncio

import structlog
from sqlalchemy import insert, select

from foregate.service.store.tables import revoked_tokens
from foregate.service.upkeep import Upkeep, look, throw_away


def test_what_is_old_goes(bare, clock):
    """What has ended is deleted, what has not stays."""
    rows = [{"jti": "old", "until": clock() - 1}, {"jti": "new", "until": clock() + 10**9}]
    bare.service.database.write_now(lambda connection: connection.execute(insert(revoked_tokens), rows))
    bare.run(throw_away(bare.service))
    left = bare.service.database.read_now(lambda connection: connection.execute(select(revoked_tokens)).all())
    assert [row.jti for row in left] == ["new"]


def test_the_room_that_is_left_is_counted(bare):
    """Metrics say how large the log of the database is and what is free."""
    bare.run(look(bare.service))
    text = bare.service.metrics.text().decode()
    assert "foregate_disk_free_bytes 0.0" not in text
    assert "foregate_wal_bytes 0.0" not in text


def test_what_fails_is_tried_again(bare):
    """A failure is told and does not end the work."""
    times = []

    async def fails(service):
        times.append(1)
        raise KeyError("defect")

    async def run():
        upkeep = Upkeep(bare.service)
        upkeep.every(0.01, fails)
        await asyncio.sleep(0.1)
        await upkeep.close()

    with structlog.testing.capture_logs() as told:
        bare.run(run())
    assert len(times) > 2
    assert told[0]["what"] == "fails"

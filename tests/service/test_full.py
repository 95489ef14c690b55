"""A service whose disk is full."""

import asyncio
import contextlib
import time

import pytest

from tests.service.forked import Forked
from tests.service.harness import small_disk
from tests.service.kills import SETTINGS, World

MINUTE = 60


@pytest.fixture
def small(tmp_path):
    """A folder on a disk of 12 MiB; what is said is written elsewhere."""
    with small_disk(tmp_path / "small", 12) as point:
        (point / "data").mkdir()
        (tmp_path / "data").symlink_to(point / "data")
        yield point


def fill(path):
    """Write until there is no space."""
    with path.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(512))


async def until(told, within=MINUTE):
    """Wait until something is so; seconds that it took."""
    began = time.monotonic()
    while not await told():
        assert time.monotonic() - began < within, "it must be so by now"
        await asyncio.sleep(0.1)
    return time.monotonic() - began


async def lived(world, small):
    """Let clients write while the disk gets full and empty again; seconds until all was well."""
    process = Forked(world.folder / "data", **SETTINGS)
    process.wait()
    known, port = world.known, process.port
    known.may_refuse = {507}
    working = [asyncio.create_task(each.run(port, world.key, known)) for each in world.clients]

    async def wrote():
        return known.answers > 100

    async def refused():
        fill(small / "filler")  # what was removed meanwhile is no space either
        health = await world.asked(port, "GET", "/readyz")
        return known.refused[507] > 20 and health["status"] == "degraded"

    async def well():
        health = await world.asked(port, "GET", "/readyz")
        return known.answers > before + 50 and health["status"] == "ok"

    try:
        await until(wrote)
        await until(refused)
        for path in ("series/a0/observations", "sessions/a0", "sessions/a0/forecast", "models", "errors"):
            await world.asked(port, "GET", f"/v1/{path}")
        history = {"values": [1.0, 2.0, 3.0] * 9}
        await world.asked(port, "POST", "/v1/forecasts", {"horizon": 3, "season_length": 3, "histories": [history]})
        before = known.answers
        (small / "filler").unlink()
        took = await until(well)
        known.over = True
        await asyncio.gather(*working)
        await world.compare(port, world.whole + world.changed)
    finally:
        world.end(process)
    return took


@pytest.mark.slow
def test_a_full_disk_is_told_and_survived(tmp_path, small):
    """Under load on a full disk writes get 507 and readiness is degraded; forecasts and reads go on.

    When there is space again, writing goes on within ten seconds, without a restart; what was answered is there once.
    """
    world = World(tmp_path, 3)
    asyncio.run(world.first())
    took = asyncio.run(lived(world, small))
    world.look(everything=True)
    print(f"{world.known.answers} answers, refused {dict(world.known.refused)}, well after {took:.1f} s")
    assert took < 10

"""Laws of what is fetched and kept for a while."""

import asyncio
import time

from foregate.service.access.fresh import Fresh


class Source:
    """Gives numbers, one after the other; stands still while it is told to."""

    def __init__(self):
        self.given, self.goes = 0, asyncio.Event()
        self.goes.set()

    async def fetch(self):
        await self.goes.wait()
        self.given += 1
        return self.given


def test_nobody_waits_long_for_a_new_one_while_an_old_one_is_good():
    """Where fetching stands still, all who ask get the old one: the first soon, others at once; later the new one."""

    async def main():
        source, now = Source(), [0.0]
        fresh = Fresh("it", source.fetch, 2.0, stale_seconds=60.0, patience=0.1, timer=lambda: now[0])
        assert await fresh.get() == 1
        now[0] = 3.0
        source.goes.clear()
        began = time.monotonic()
        assert await asyncio.wait_for(asyncio.gather(*(fresh.get() for _ in range(50))), 5) == [1] * 50
        assert time.monotonic() - began < 2
        began = time.monotonic()
        assert [await fresh.get() for _ in range(50)] == [1] * 50
        assert time.monotonic() - began < 0.09
        source.goes.set()
        await asyncio.sleep(0.01)
        assert await fresh.get() == 2

    asyncio.run(main())


def test_who_may_not_use_the_old_one_waits():
    """Where there is none yet, or it is too old, whoever asks waits until it has come; so does who wants it anew."""

    async def main():
        source, now = Source(), [0.0]
        fresh = Fresh("it", source.fetch, 2.0, stale_seconds=60.0, patience=0.01, timer=lambda: now[0])
        for given, ask in ((1, fresh.get), (2, fresh.get), (3, fresh.renew)):
            source.goes.clear()
            asking = asyncio.ensure_future(ask())
            await asyncio.sleep(0.05)
            assert not asking.done()
            source.goes.set()
            await asking
            assert source.given == given
            now[0] += 61 * (given == 1)
        assert await fresh.get() == 3

    asyncio.run(main())


def test_who_stops_waiting_stops_nobody_else():
    """A caller that is cancelled takes nothing from the others."""

    async def main():
        source = Source()
        fresh = Fresh("it", source.fetch, 2.0, stale_seconds=60.0)
        source.goes.clear()
        first, second = asyncio.ensure_future(fresh.get()), asyncio.ensure_future(fresh.get())
        await asyncio.sleep(0.01)
        first.cancel()
        await asyncio.sleep(0.01)
        source.goes.set()
        assert await second == 1

    asyncio.run(main())

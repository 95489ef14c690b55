"""Whose turn it is."""

import asyncio

import pytest

import foregate.service.sessions.turns as turning
from foregate.service.problems import Problem
from foregate.service.sessions.turns import Order, Turns


class Work:
    """Notes the batches that it gets, and does each when it is told to."""

    def __init__(self):
        self.batches, self.go = [], asyncio.Event()

    async def __call__(self, orders):
        self.batches.append([order.series for order in orders])
        await self.go.wait()
        for order in orders:
            order.done.set_result(None)


def order(series):
    return Order(series, "step", asyncio.get_running_loop().create_future())


def test_who_comes_alone_does_not_wait(monkeypatch):
    """One order after another, each when the one before is done, begins at once, whatever the pace."""
    monkeypatch.setattr(turning, "PACE_SECONDS", 60.0)

    async def scene():
        work = Work()
        work.go.set()
        turns = Turns(work, 10, 100)
        for i in range(3):
            await asyncio.wait_for(turns.ask(order(i)), 10)
        await turns.close()
        return work.batches

    assert asyncio.run(scene()) == [[0], [1], [2]]


def test_those_who_come_soon_after_others_go_together():
    """Where several came at once, those that come in the moment after them are one batch."""

    async def scene():
        work = Work()
        work.go.set()
        turns = Turns(work, 10, 100)
        orders = [order(i) for i in range(5)]
        turns.put(orders[:2])
        await orders[1].done
        for one in orders[2:]:
            turns.put([one])
            await asyncio.sleep(0)
        await asyncio.gather(*(one.done for one in orders))
        await turns.close()
        return work.batches

    assert asyncio.run(scene()) == [[0, 1], [2, 3, 4]]


def test_a_full_batch_waits_for_nobody():
    """As many orders as may go together begin at once."""

    async def scene():
        work = Work()
        turns = Turns(work, 2, 100)
        turns.put([order(0)])
        turns.put([order(1), order(2)])
        await asyncio.sleep(0)
        begun = list(work.batches)
        work.go.set()
        await turns.close()
        return begun

    assert asyncio.run(scene()) == [[0], [1, 2]]


def test_a_session_does_one_thing_at_a_time_and_in_order():
    """Orders of one session are never in two batches at once, whatever others do meanwhile."""

    async def scene():
        work = Work()
        turns = Turns(work, 10, 100)
        turns.put([order(0), order(0), order(1)])
        await asyncio.sleep(0.05)
        begun = list(work.batches)
        work.go.set()
        while len(work.batches) < 2:
            await asyncio.sleep(0.01)
        await turns.close()
        return begun, work.batches

    assert asyncio.run(scene()) == ([[0, 1]], [[0, 1], [0]])


def test_too_many_are_refused_and_closing_does_what_waits():
    """Beyond the queue orders are refused, all of a call or none; what waits is done before the end."""

    async def scene():
        work = Work()
        work.go.set()
        turns = Turns(work, 2, 4)
        orders = [order(i) for i in range(8)]
        turns.put(orders)  # nobody waits yet: however many they are
        with pytest.raises(Problem, match="at most 4 calls of sessions may wait"):
            turns.put([order(8)])
        await turns.close()
        with pytest.raises(Problem, match="about to end"):
            turns.put([order(9)])
        return [one.done.done() for one in orders]

    assert asyncio.run(scene()) == [True] * 8

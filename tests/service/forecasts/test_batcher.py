"""Laws of the batcher: everybody gets their own answer, once, or is told why not."""

import asyncio
import random
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.service.forecasts.batcher import Batcher, Rules
from foregate.service.problems import Problem


class Thread:
    """Calls functions one at a time elsewhere, and notes who was computed with whom."""

    def __init__(self):
        self.batches, self.lock = [], threading.Lock()

    async def __call__(self, function, *arguments):
        return await asyncio.to_thread(function, *arguments)

    def squares(self, key, items):
        """Twice the item, by the key; some items are poison, and some are refused by themselves."""
        assert self.lock.acquire(blocking=False), "two batches at once"
        try:
            self.batches.append((key, list(items)))
            if any(item == "poison" for item in items):
                raise ValueError("poison")
            return [KeyError("own") if item == "own" else (key, item, 2 * item) for item in items]
        finally:
            self.lock.release()


def made(rules=None, thread=None):
    thread = thread or Thread()
    return Batcher(thread.squares, thread, rules or Rules(wait=0.001, queue=10_000, patience=60)), thread


def run(work):
    return asyncio.run(asyncio.wait_for(work, 60))


@given(
    st.lists(
        st.tuples(
            st.sampled_from("ab"),
            st.sampled_from(["fine", "fine", "poison", "own", "cancel", "late"]),
            st.integers(1, 50),
            st.booleans(),
        ),
        max_size=60,
    ),
    st.integers(1, 8),
)
def test_every_item_gets_its_own_answer(orders, together):
    """Result i belongs to request i; poison, items that are refused, given up or late fail alone; nothing is left."""
    run(mixed(orders, together))


async def mixed(orders, together):
    batcher, thread = made(Rules(together=together, weight=100, wait=0.0005, queue=100_000, patience=60))

    async def one(number, key, what, weight):
        item = number if what in ("fine", "cancel", "late") else what
        deadline = 0.0 if what == "late" else float("inf")
        return await batcher.ask(key, item, weight=weight, deadline=deadline)

    tasks = []
    for number, (key, what, weight, pause) in enumerate(orders):
        tasks.append(asyncio.create_task(one(number, key, what, weight)))
        if pause:
            await asyncio.sleep(0)
        if what == "cancel":
            tasks[-1].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    for number, ((key, what, *_), result) in enumerate(zip(orders, results, strict=True)):
        if what == "fine":
            assert result == (key, number, 2 * number)
        else:
            kinds = {"poison": ValueError, "own": KeyError, "cancel": asyncio.CancelledError, "late": Problem}
            assert isinstance(result, kinds[what]), (what, result)
    assert len(batcher) == 0
    assert batcher.delay == 0
    late = {number for number, (_, what, *_) in enumerate(orders) if what == "late"}
    assert late.isdisjoint(item for _, items in thread.batches for item in items)
    await batcher.close()


@pytest.mark.slow
def test_a_hundred_thousand_mixed_items_all_end():
    """Of 100,000 items with poison, cancellations and lateness every one gets what is its own, and nothing hangs."""
    rng = random.Random(0)
    kinds = ["fine"] * 20 + ["poison", "own", "cancel", "late"]
    for _ in range(100):
        orders = [(rng.choice("abcd"), rng.choice(kinds), rng.randint(1, 20), rng.random() < 0.2) for _ in range(1000)]
        run(mixed(orders, 32))


def test_what_comes_together_is_computed_together():
    """Items of one key that wait at the same time are one batch, up to the most that a batch may hold or weigh."""

    async def work():
        batcher, thread = made(Rules(together=4, weight=10, wait=0.001, queue=100, patience=60))
        await asyncio.gather(
            *(batcher.ask("a", i) for i in range(8)), *(batcher.ask("b", i, weight=6) for i in range(2))
        )
        return [(key, len(items)) for key, items in thread.batches]

    assert run(work()) == [("a", 4), ("a", 4), ("b", 1), ("b", 1)]


def test_what_weighs_too_much_is_computed_alone():
    """An item that alone weighs more than a batch may is computed all the same."""

    async def work():
        batcher, thread = made(Rules(weight=10, wait=0.001, patience=60))
        await asyncio.gather(batcher.ask("a", 1, weight=50), batcher.ask("a", 2, weight=1))
        return [items for _, items in thread.batches]

    assert run(work()) == [[1], [2]]


def test_who_comes_alone_does_not_wait():
    """A first item is computed at once, however long a batch may wait for others."""

    async def work():
        batcher, _ = made(Rules(wait=30))
        began = time.monotonic()
        await batcher.ask("a", 1)
        return time.monotonic() - began

    assert run(work()) < 10


def test_a_full_queue_refuses_at_once():
    """Beyond as many as may wait, an item is refused with 503 and a time to come again; the others are answered."""

    async def work():
        batcher, _ = made(Rules(queue=3, wait=0.05, patience=60))
        return await asyncio.gather(*(batcher.ask("a", i) for i in range(5)), return_exceptions=True)

    *fine, first, second = run(work())
    assert fine == [("a", i, 2 * i) for i in range(3)]
    assert {first.status, second.status} == {503}
    assert int(first.headers["Retry-After"]) >= 1


def test_a_backlog_refuses_and_a_burst_does_not():
    """What would wait longer than it may is refused, but only where the first has waited already."""

    class Slow(Thread):
        def squares(self, key, items):
            time.sleep(0.05 * len(items))
            return super().squares(key, items)

    async def work():
        batcher, _ = made(Rules(together=1, wait=0, queue=100, patience=0.2), Slow())
        await batcher.ask("a", 0)  # now it is known how long it takes
        burst = [asyncio.create_task(batcher.ask("a", i)) for i in range(10)]
        await asyncio.sleep(0.12)
        late = await asyncio.gather(batcher.ask("a", 99), return_exceptions=True)
        return await asyncio.gather(*burst), late[0]

    burst, late = run(work())
    assert len(burst) == 10
    assert late.slug == "busy"


def test_one_result_too_few_reaches_nobody():
    """Where as many results do not come as items went in, nobody gets another one's."""

    async def work():
        batcher = Batcher(lambda key, items: list(items)[:1], Thread(), Rules(wait=0.01))
        return await asyncio.gather(*(batcher.ask("a", i) for i in range(3)))

    assert run(work()) == [0, 1, 2]  # each was computed alone then


def test_who_gives_up_leaves_no_entry():
    """A request that is cancelled while it waits is not counted any more, and never computed."""

    async def work():
        batcher, thread = made(Rules(wait=0.05))
        await batcher.ask("a", 0)
        task = asyncio.create_task(batcher.ask("a", 7))
        await asyncio.sleep(0)
        waiting = len(batcher)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        left = len(batcher)
        await batcher.ask("a", 1)
        return waiting, left, thread.batches

    assert run(work()) == (1, 0, [("a", [0]), ("a", [1])])


def test_closing_answers_what_waits_and_refuses_what_comes():
    """A batcher that closes computes what it has taken, and takes no more."""

    async def work():
        batcher, _ = made(Rules(wait=0.01))
        tasks = [asyncio.create_task(batcher.ask("a", i)) for i in range(5)]
        await asyncio.sleep(0)
        await batcher.close()
        with pytest.raises(Problem, match="about to stop"):
            await batcher.ask("a", 6)
        return await asyncio.gather(*tasks)

    assert len(run(work())) == 5


def test_a_deadline_that_cannot_be_met_is_refused_at_once():
    """What would be answered after its deadline, as far as can be told, does not wait for it."""

    class Slow(Thread):
        def squares(self, key, items):
            time.sleep(0.1)
            return super().squares(key, items)

    async def work():
        batcher, thread = made(Rules(together=1, wait=0, patience=60), Slow())
        await batcher.ask("a", 0)
        running = asyncio.create_task(batcher.ask("a", 1))
        await asyncio.sleep(0.02)
        with pytest.raises(Problem, match="Ask again later"):
            await batcher.ask("a", 2, deadline=time.monotonic() + 0.01)
        assert await batcher.ask("a", 3, deadline=time.monotonic() + 30) == ("a", 3, 6)
        await running
        return thread.batches

    assert run(work()) == [("a", [0]), ("a", [1]), ("a", [3])]

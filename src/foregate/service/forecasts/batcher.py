"""Requests that come at about the same time are answered together, and each gets its own answer.

There is one queue for every kind of request, told by a key: what has the same key can be computed together. What waits
is counted, for how long it would wait is reckoned from how long it took before, and what would wait too long is refused
at once. Who stops waiting leaves no trace; what cannot be computed fails alone.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from foregate.service.problems import Problem

if TYPE_CHECKING:
    from foregate.service.metrics import Metrics

__all__ = ["Batcher", "Rules"]

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")
Result = TypeVar("Result")
T = TypeVar("T")

REMEMBERED = 16
"""Batches by which what a unit of weight costs is known."""
LATELY = 10
"""Times the wait that lie between two batches at most, where requests are said to come often."""
BEHIND = 0.25
"""Share of the patience that the first has waited when there is a backlog, rather than a burst."""


class Run(Protocol):
    """Calls a function with arguments elsewhere than on the event loop."""

    def __call__(self, function: Callable[..., T], *arguments: object) -> Awaitable[T]:
        """What the function gives."""


@dataclass(frozen=True)
class Rules:
    """How many wait how long."""

    together: int = 32
    """Items of a batch at most."""
    weight: int = 8192
    """Of a batch at most, but for an item that alone weighs more."""
    wait: float = 0.004
    """Seconds that the first of a batch waits for others, if one was computed lately: who comes alone does not wait."""
    queue: int = 256
    """Items that wait at most."""
    patience: float = 0.15
    """Seconds that an item waits at most, as far as can be told beforehand."""


@dataclass
class _Waiting(Generic[Item, Result]):
    item: Item
    weight: int
    since: float
    deadline: float
    answer: asyncio.Future[Result | Exception]


class Batcher(Generic[Key, Item, Result]):
    """Computes items in batches, one batch after the other.

    Args:
        compute: from a key and items to as many results, in the order of the items. A result that is an exception is
            raised to who asked for it; where it raises, the items are tried in halves, until the one is found that it
            cannot do.
        run: where it is called.
        rules: how many wait how long.
        metrics: told of batches; None: nobody is.
    """

    def __init__(
        self,
        compute: Callable[[Key, Sequence[Item]], Sequence[Result | Exception]],
        run: Run,
        rules: Rules,
        metrics: Metrics | None = None,
    ) -> None:
        self.rules = rules
        self._compute, self._run, self._metrics = compute, run, metrics
        self._queues: dict[Key, OrderedDict[int, _Waiting[Item, Result]]] = {}
        self._weights: dict[Key, int] = {}
        self._number, self._waiting, self._load = 0, 0, 0
        self._costs: deque[tuple[float, int]] = deque(maxlen=REMEMBERED)
        """Seconds and weight of batches."""
        self._something, self._full = asyncio.Event(), asyncio.Event()
        self._pump: asyncio.Task[None] | None = None
        self._closed, self._ended = False, -math.inf

    def __len__(self) -> int:
        """How many items wait."""
        return self._waiting

    @property
    def delay(self) -> float:
        """Seconds that a new item waits, as fast as it has gone lately."""
        weight = sum(weight for _, weight in self._costs)
        return self._load * sum(seconds for seconds, _ in self._costs) / weight if weight else 0.0

    @property
    def full(self) -> bool:
        """Whether an item that comes now is refused, whatever its deadline."""
        if self._waiting >= self.rules.queue:
            return True
        patience = self.rules.patience
        return self._waiting > 0 and self._age() > BEHIND * patience and self.delay > patience

    async def ask(self, key: Key, item: Item, *, weight: int = 1, deadline: float = math.inf) -> Result:
        """The result of an item.

        Args:
            key: what has the same one can be computed together.
            item: what to compute.
            weight: what it costs, in units of the caller's choice.
            deadline: on the monotonic clock; it is not computed later, and refused where that can be told already.

        Raises:
            Problem: 503, too much waits already; 504, its time is over.
            Exception: what `compute` said of it.
        """
        self._admit(deadline)
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._serve())
        loop = asyncio.get_running_loop()
        number, self._number = self._number, self._number + 1
        waiting = _Waiting[Item, Result](item, weight, time.monotonic(), deadline, loop.create_future())
        self._queues.setdefault(key, OrderedDict())[number] = waiting
        self._count(key, 1, weight)
        self._something.set()
        if len(self._queues[key]) >= self.rules.together or self._weights[key] >= self.rules.weight:
            self._full.set()
        try:
            result = await waiting.answer
        finally:
            queue = self._queues.get(key)
            if queue is not None and queue.pop(number, None) is not None:  # nobody waits for it any more
                self._count(key, -1, -weight)
        if isinstance(result, Exception):
            raise result
        return result

    async def close(self) -> None:
        """Answer what waits, and take nothing more."""
        self._closed = True
        while self._load:
            await asyncio.sleep(0.005)
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.gather(self._pump, return_exceptions=True)

    def _admit(self, deadline: float) -> None:
        if self._closed:
            raise Problem(503, "closing", "the service must be running, but it is about to stop. Ask again later.")
        delay = self.delay
        if self.full or time.monotonic() + delay > deadline:
            detail = f"at most {self.rules.queue} requests may wait, and not for long, but got more. Ask again later."
            raise Problem(503, "busy", detail, headers={"Retry-After": str(max(1, math.ceil(delay)))})

    def _age(self) -> float:
        """Seconds that the first has waited."""
        first = min((next(iter(queue.values())).since for queue in self._queues.values()), default=math.inf)
        return time.monotonic() - first

    def _count(self, key: Key, items: int, weight: int) -> None:
        self._waiting += items
        self._load += weight
        self._weights[key] = self._weights.get(key, 0) + weight
        if not self._queues[key]:
            del self._queues[key], self._weights[key]

    async def _serve(self) -> None:
        while True:
            if not self._waiting:
                self._something.clear()
                await self._something.wait()
            key = min(self._queues, key=lambda one: next(iter(self._queues[one])))  # of the item that waits longest
            await self._gather(key)
            batch = self._taken(key)
            if batch:
                await self._answer(key, batch)

    async def _gather(self, key: Key) -> None:
        """Wait for others, as long as the first may."""
        first = next(iter(self._queues[key].values()))
        now = time.monotonic()
        left = first.since + self.rules.wait - now
        if now - self._ended > LATELY * self.rules.wait:
            return
        self._full.clear()
        heavy = self._weights[key] >= self.rules.weight or len(self._queues[key]) >= self.rules.together
        if left <= 0 or heavy:
            return
        try:
            async with asyncio.timeout(left):
                await self._full.wait()
        except TimeoutError:
            pass

    def _taken(self, key: Key) -> list[_Waiting[Item, Result]]:
        """The next batch of a queue, without what is too late."""
        batch: list[_Waiting[Item, Result]] = []
        now, total = time.monotonic(), 0
        while queue := self._queues.get(key):
            number, first = next(iter(queue.items()))
            if batch and (len(batch) == self.rules.together or total + first.weight > self.rules.weight):
                break
            del queue[number]
            self._count(key, -1, -first.weight)
            if first.answer.done():
                continue
            if first.deadline < now:
                late = Problem(504, "deadline", "the request must end in time, but waited too long.")
                first.answer.set_result(late)
                continue
            total += first.weight
            batch.append(first)
            if self._metrics is not None:
                self._metrics.queue_wait.observe(now - first.since)
        return batch

    async def _answer(self, key: Key, batch: list[_Waiting[Item, Result]]) -> None:
        if self._metrics is not None:
            self._metrics.batch_size.observe(len(batch))
        began, weight = time.monotonic(), max(1, sum(each.weight for each in batch))
        self._load += weight  # what is being computed is waited for too
        try:
            results = await self._run(self._all, key, [each.item for each in batch])
        except Exception as error:  # of the thread itself: nobody may wait for ever
            results = [error for _ in batch]
        finally:
            self._load -= weight
        for each, result in zip(batch, results, strict=True):
            if not each.answer.done():
                each.answer.set_result(result)
        self._ended = time.monotonic()
        self._costs.append((self._ended - began, weight))

    def _all(self, key: Key, items: Sequence[Item]) -> list[Result | Exception]:
        """Results or exceptions of all items; in halves where they cannot be had together."""
        try:
            results = list(self._compute(key, items))
            if len(results) != len(items):
                raise RuntimeError(f"there must be {len(items)} results, but got {len(results)}.")
        except Exception as error:
            if len(items) == 1:
                return [error]
            middle = len(items) // 2
            return self._all(key, items[:middle]) + self._all(key, items[middle:])
        return results

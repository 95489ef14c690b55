"""Whose turn it is: many sessions at once, but of one never two things at a time, and in the order they came."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from foregate.service.problems import Problem
from foregate.service.sessions.rows import Seen

__all__ = ["Order", "Turns"]

Kind = Literal["step", "forecast", "refresh", "hold"]
LOOKED_AT = 1024
"""Orders that wait for their session are passed over, so many at most."""
AT_WORK = 2
"""Batches under way at once: one is read by the model while the other one is committed."""
PACE_SECONDS = 0.015
"""From the beginning of a batch to that of the next: what comes meanwhile is done together, for far less than one
after another. Whoever comes later than that, or after somebody who came alone and is done, does not wait."""


@dataclass(eq=False, slots=True)
class Order:
    """Something that a session is to do."""

    series: int
    kind: Kind
    done: asyncio.Future[Any]
    """What became of it."""
    name: str = ""
    """Of the series, for who asks for it by name."""
    rows: Sequence[Seen] = ()
    """Of a step, in order of time, each time once."""
    expected: int | None = None
    """Observations that the session is thought to have read before."""
    revise: bool = False
    horizon: int = 0
    """Of the forecast that is wanted; of a step the session says it itself."""
    quantiles: tuple[float, ...] = ()
    release: asyncio.Event = field(default_factory=asyncio.Event)
    """Ends a hold."""


class Turns:
    """Hands orders on in batches.

    Args:
        work: does the orders of a batch, each of another session.
        together: orders of a batch at most.
        queue: orders that wait at most.
    """

    def __init__(self, work: Callable[[list[Order]], Awaitable[None]], together: int, queue: int) -> None:
        self._work, self._together, self._most = work, together, queue
        self._waiting: deque[Order] = deque()
        self._behind: dict[int, None] = {}
        self.busy: set[int] = set()
        """Sessions that something is done with."""
        self._batches: set[asyncio.Task[None]] = set()
        self._holds: set[asyncio.Task[None]] = set()
        self._closed = False
        self._begun, self._size = float("-inf"), 0
        """When the last batch began, and of how many orders it was."""
        self._timer: asyncio.TimerHandle | None = None

    async def ask(self, order: Order) -> Any:
        """Have an order done.

        Raises:
            Problem: too many wait already, or the service is about to end.
            Exception: whatever becomes of it.
        """
        self.put([order])
        return await order.done

    def put(self, orders: Sequence[Order]) -> None:
        """Let orders wait for their turn, all of them or none.

        Raises:
            Problem: see `ask`.
        """
        if self._closed:
            raise Problem(503, "ending", "the service must run, but is about to end.", headers={"Retry-After": "1"})
        if len(self._waiting) + len(orders) > self._most and self._waiting:
            detail = f"at most {self._most:,} calls of sessions may wait, but more came. Send them again, slower."
            raise Problem(503, "too-busy", detail, headers={"Retry-After": "1"})
        self._waiting.extend(orders)
        self._go_on()

    def refresh(self, series: set[int]) -> None:
        """Let sessions read what was stored past them, when there is time."""
        if not self._closed:
            self._behind |= dict.fromkeys(series)
            self._go_on()

    @contextmanager
    def claimed(self, series: Iterable[int]) -> Iterator[None]:
        """Keep sessions that are not busy to oneself for a while."""
        mine = set(series)
        self.busy |= mine
        try:
            yield
        finally:
            self.busy -= mine
            self._go_on()

    async def close(self) -> None:
        """Do what waits, and take no more."""
        self._closed = True
        self._behind.clear()
        self._go_on()
        while self._batches or self._holds:
            await asyncio.wait({*self._batches, *self._holds})

    def _go_on(self) -> None:
        while len(self._batches) < AT_WORK and (self._waiting or self._behind) and self._is_time():
            orders = self._next()
            if not orders:
                return
            self._begun, self._size = asyncio.get_running_loop().time(), len(orders)
            task = asyncio.create_task(self._do(orders))
            self._batches.add(task)

    def _is_time(self) -> bool:
        """Whether the next batch may begin; if not, it is looked at again when it may."""
        loop = asyncio.get_running_loop()
        early = self._begun + PACE_SECONDS - loop.time()
        if early <= 0 or not 0 < len(self._waiting) < self._together or self._closed:
            return True  # nobody waits, or nobody more can go along
        if self._size == 1 and not self._batches:
            return True  # whoever comes comes alone
        if self._timer is None:
            self._timer = loop.call_later(early, self._on_time)
        return False

    def _on_time(self) -> None:
        self._timer = None
        self._go_on()

    def _next(self) -> list[Order]:
        """The orders of the next batch; their sessions are busy from now on."""
        orders: list[Order] = []
        left: list[Order] = []
        taken = set(self.busy)
        while self._waiting and len(orders) < self._together and len(left) < LOOKED_AT:
            order = self._waiting.popleft()
            if order.done.done():  # nobody waits for it any more
                continue
            if order.series in taken:
                left.append(order)
            elif order.kind == "hold":
                self._hold(order)
            else:
                orders.append(order)
            taken.add(order.series)
        self._waiting.extendleft(reversed(left))
        if not orders:
            orders = self._some_behind()
        self.busy.update(order.series for order in orders)
        return orders

    def _some_behind(self) -> list[Order]:
        """Orders to read on, of sessions that nothing is done with."""
        some = [name for name in self._behind if name not in self.busy][: self._together]
        for name in some:
            del self._behind[name]
        loop = asyncio.get_running_loop()
        orders = [Order(name, "refresh", loop.create_future()) for name in some]
        for order in orders:
            order.done.add_done_callback(asyncio.Future.exception)  # nobody waits for it
        return orders

    def _hold(self, order: Order) -> None:
        self.busy.add(order.series)
        order.done.set_result(None)
        task = asyncio.create_task(self._until_released(order))
        self._holds.add(task)

    async def _until_released(self, order: Order) -> None:
        await order.release.wait()
        self.busy.discard(order.series)
        task = asyncio.current_task()
        if task is not None:
            self._holds.discard(task)
        self._go_on()

    async def _do(self, orders: list[Order]) -> None:
        try:
            await self._work(orders)
        except BaseException as error:
            for order in orders:
                if not order.done.done():
                    order.done.set_exception(error)
            if not isinstance(error, Exception):  # the loop ends: nothing more is begun
                self._closed = True
                self._waiting.clear()
                self._behind.clear()
                raise
        finally:
            self.busy.difference_update(order.series for order in orders)
            task = asyncio.current_task()
            if task is not None:
                self._batches.discard(task)
            self._go_on()

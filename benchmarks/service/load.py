"""Requests at a fixed rate, whether or not the answers come: an open loop.

A client that waits for an answer before it asks again asks less just when the service is slow, and so hides it
(coordinated omission). Here every request has its time from the beginning, and its latency is counted from that time,
however late it could be sent. It runs in a process of its own, on as little processor time as Python allows.
"""

from __future__ import annotations

import asyncio
import math
import multiprocessing
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["Answer", "Load", "Outcome", "Request", "measure"]

SLACK = 5.0
"""Seconds after the last request in which answers are waited for."""
REFUSED = (429, 503)


@dataclass(frozen=True)
class Request:
    """One request of HTTP."""

    method: str
    path: str
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()

    def bytes(self, host: str) -> bytes:
        """As it is sent."""
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(self.body)}"]
        if self.body:
            lines.append("Content-Type: application/json")
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


@dataclass(frozen=True)
class Load:
    """What is sent."""

    host: str
    port: int
    rate: float
    """Requests per second."""
    seconds: float
    requests: Sequence[Request]
    """Sent one after the other, again and again."""
    warm: float = 0.0
    """Seconds at the beginning that are not counted."""
    connections: int = 256
    """Open at once, at most; kept alive."""
    random: bool = False
    """Whether requests come at random times (a Poisson process) instead of evenly."""
    keep: Callable[[bytes], Any] | None = None
    """Makes of an answer's body what is counted in `Outcome.kept`; it is sent to another process."""
    seed: int = 0


@dataclass(frozen=True)
class Answer:
    """What came of one request."""

    at: float
    """Seconds from the beginning to when it should have been sent."""
    latency: float
    """Seconds from then to the end of the answer."""
    status: int
    """Of HTTP; 0 where the connection broke or nothing came."""


@dataclass(frozen=True)
class Outcome:
    """What came of all requests."""

    answers: list[Answer]
    rate: float
    """Requests per second that were sent."""
    late: float
    """Seconds: the 99th percentile of how much later than planned a request was sent."""
    processor: float
    """Share of a core that the client took."""
    kept: Counter[Any] = field(default_factory=Counter)
    refused_bare: int = 0
    """Refused without saying when to come again."""

    def statuses(self) -> dict[int, int]:
        """How many answers had each status."""
        return dict(sorted(Counter(each.status for each in self.answers).items()))

    def errors(self) -> int:
        """Answers that were neither given nor refused."""
        return sum(not (200 <= each.status < 300 or each.status in REFUSED) for each in self.answers)

    def quantiles(self, *wanted: float, refused: bool = False) -> tuple[float, ...]:
        """Latencies in milliseconds, of what was answered, or of what was refused."""
        chosen = [a.latency for a in self.answers if (a.status in REFUSED if refused else 200 <= a.status < 300)]
        return tuple(1e3 * np.quantile(chosen, wanted)) if chosen else (math.nan,) * len(wanted)


def measure(load: Load) -> Outcome:
    """Send a load from another process."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_in_process, (load,))


def _in_process(load: Load) -> Outcome:
    import gc

    import uvloop

    gc.disable()  # it would be counted as latency
    return uvloop.run(_Client(load).run())


class _Connection(asyncio.Protocol):
    """One request at a time over one connection."""

    def __init__(self, client: _Client) -> None:
        self.client = client
        self.transport: asyncio.Transport | None = None
        self.due: float | None = None
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def send(self, data: bytes, due: float) -> None:
        self.due = due
        assert self.transport is not None
        self.transport.write(data)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head = self.buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        lower = self.buffer[:head].lower()
        place = lower.find(b"content-length:")
        end = lower.find(b"\r\n", place)
        length = int(lower[place + 15 : end if end > 0 else len(lower)])
        if len(self.buffer) < head + 4 + length:
            return
        status, body = int(self.buffer[9:12]), self.buffer[head + 4 : head + 4 + length]
        self.buffer = b""
        due, self.due = self.due, None
        closing = b"connection: close" in lower
        if closing and self.transport is not None:
            self.transport.close()
        if status in REFUSED and b"retry-after:" not in lower:
            self.client.bare += 1
        self.client.answered(self, due, status, body, alive=not closing)

    def connection_lost(self, error: Exception | None) -> None:
        if self.due is not None:
            due, self.due = self.due, None
            self.client.answered(self, due, 0, b"", alive=False)
        else:
            self.client.lost(self)


class _Client:
    """Sends requests when they are due, each over a connection that is free."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.data = [each.bytes(f"{load.host}:{load.port}") for each in load.requests]
        self.free: deque[_Connection] = deque()
        self.open = 0
        self.waiting: deque[tuple[bytes, float]] = deque()
        self.answers: list[Answer] = []
        self.kept: Counter[Any] = Counter()
        self.delays: list[float] = []
        self.sent = self.done = self.bare = 0
        self.began = 0.0

    async def run(self) -> Outcome:
        plan = self.plan()
        await asyncio.gather(*(self.connect(park=True) for _ in range(min(8, self.load.connections))))
        busy, self.began = time.process_time(), time.perf_counter()
        for i, due in enumerate(plan):
            left = self.began + due - time.perf_counter()
            if left > 0:
                await asyncio.sleep(left)
            self.send(self.data[i % len(self.data)], due)
        over = time.perf_counter() + SLACK
        while self.done < len(plan) and time.perf_counter() < over:
            await asyncio.sleep(0.01)
        missing = [Answer(due, SLACK, 0) for _ in range(len(plan) - self.done) for due in (self.load.seconds,)]
        counted = [each for each in self.answers if each.at >= self.load.warm] + missing
        taken = (time.process_time() - busy) / (time.perf_counter() - self.began)
        late = float(np.quantile(self.delays, 0.99)) if self.delays else 0.0
        return Outcome(counted, self.sent / self.load.seconds, late, taken, self.kept, self.bare)

    def plan(self) -> list[float]:
        """Seconds from the beginning, of every request."""
        n = int(self.load.rate * self.load.seconds)
        if not self.load.random:
            return [i / self.load.rate for i in range(n)]
        rng, at, plan = random.Random(self.load.seed), 0.0, []
        while (at := at + rng.expovariate(self.load.rate)) < self.load.seconds:
            plan.append(at)
        return plan

    def send(self, data: bytes, due: float) -> None:
        if self.free:
            connection = self.free.popleft()
            self.sent += 1
            self.delays.append(time.perf_counter() - self.began - due)
            connection.send(data, due)
            return
        self.waiting.append((data, due))
        if self.open < self.load.connections:
            task = asyncio.create_task(self.connect())
            task.add_done_callback(lambda done: done.exception())

    async def connect(self, *, park: bool = False) -> None:
        self.open += 1
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: _Connection(self), self.load.host, self.load.port
            )
        except OSError:
            self.open -= 1
            if self.waiting and not park:
                _, due = self.waiting.popleft()
                self.done += 1
                self.answers.append(Answer(due, time.perf_counter() - self.began - due, 0))
            return
        self.free.append(connection)
        self.next()

    def next(self) -> None:
        while self.waiting and self.free:
            self.send(*self.waiting.popleft())

    def answered(self, connection: _Connection, due: float | None, status: int, body: bytes, *, alive: bool) -> None:
        assert due is not None
        self.done += 1
        latency = time.perf_counter() - self.began - due
        self.answers.append(Answer(due, latency, status))
        if self.load.keep is not None:
            self.kept[self.load.keep(body) if status == 200 else f"status {status}"] += 1
        if alive:
            self.free.append(connection)
        else:
            self.open -= 1
            if self.waiting:
                task = asyncio.create_task(self.connect())
                task.add_done_callback(lambda done: done.exception())
        self.next()

    def lost(self, connection: _Connection) -> None:
        """A connection that was free was closed by the other side."""
        if connection in self.free:
            self.free.remove(connection)
            self.open -= 1

"""How much is done at once, and until when: what is too much is refused at once, and for next to nothing.

Where more is asked than can be answered, refusing must not take the time that answering needs. So a request is refused
before anything of it is read, where that can be told already: as many as may be are being answered, or its route says
that it has a queue that is too long. The refusal is written once and sent with the id of each request.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import structlog
from starlette.requests import Request

from foregate.service.api.endpoints import PUBLIC, Endpoint
from foregate.service.api.exchange import ALWAYS, METHODS, request_id_of
from foregate.service.metrics import Metrics
from foregate.service.problems import Problem

if TYPE_CHECKING:
    from foregate.service.settings import LimitSettings

__all__ = ["Load", "Shed", "deadline_of"]

MARK = "-request-id-"
LOGGED_SECONDS = 1.0
"""Between two lines of the log about requests that were refused unread: they count those since the one before."""
log = structlog.get_logger("foregate.load")


class Load:
    """Counts what is being answered.

    Args:
        limits: how much there may be.
        metrics: where it is told.
    """

    def __init__(self, limits: LimitSettings, metrics: Metrics) -> None:
        self._most = {"body_bytes": limits.inflight, "upload_bytes": limits.uploads}
        self._now = dict.fromkeys(self._most, 0)
        self._gauge = metrics.inflight

    def free(self, kind: str = "body_bytes") -> int:
        """Places that are free."""
        return self._most[kind] - self._now[kind]

    @contextmanager
    def place(self, endpoint: Endpoint) -> Iterator[None]:
        """A place among what is being answered; public routes need none.

        Raises:
            Problem: none is free.
        """
        if endpoint.scope == PUBLIC:
            yield
            return
        kind = endpoint.limit
        if self.free(kind) <= 0:
            raise overloaded()
        self._now[kind] += 1
        self._gauge.inc()
        try:
            yield
        finally:
            self._now[kind] -= 1
            self._gauge.dec()


class Shed:
    """Refuses requests of which nothing but the headers is known.

    Args:
        load: what is being answered.
        find: the endpoint of a request; raises a `Problem` where there is none.
        busy: says by route that it has too much to do: a path, and what is asked for it.
        metrics: where it is counted.
    """

    def __init__(
        self,
        load: Load,
        find: Callable[[Any], Endpoint],
        busy: Mapping[str, Callable[[], bool]],
        metrics: Metrics,
    ) -> None:
        self._load, self._find, self._busy, self._metrics = load, find, busy, metrics
        self._asked = tuple(dict.fromkeys(busy.values()))
        self.coming = 0
        """Requests that were taken in since the event loop last looked for what came, and have no place yet."""
        self._counts: dict[tuple[str, str], tuple[Any, Any]] = {}
        self._refused, self._logged = 0, float("-inf")
        answer = overloaded().response(MARK)
        headers = [pair for pair in (*answer.raw_headers, *ALWAYS) if pair[0] != b"content-length"]
        self._head = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        self._body = tuple(bytes(answer.body).split(MARK.encode()))

    def refusal(self, scope: Any) -> bytes | None:
        """What is answered to a request that comes at a bad time, as it is sent; None: it may be taken in."""
        began = time.perf_counter()
        full = self.coming >= self._load.free()
        if not full and not any(asked() for asked in self._asked):
            return None
        try:
            endpoint = self._find(scope)
        except Problem:
            return None  # it is told so, for as little
        if endpoint.scope == PUBLIC or endpoint.limit != "body_bytes" or scope["method"] not in METHODS - {"HEAD"}:
            return None
        if not full and not self._busy.get(endpoint.path, _never)():
            return None
        answer = self._written(request_id_of(scope))
        self._count(endpoint, time.perf_counter() - began)
        return answer

    def come(self) -> None:
        """A request that was taken in has a place, or waits for something else."""
        self.coming -= 1

    def _count(self, endpoint: Endpoint, seconds: float) -> None:
        key = endpoint.path, endpoint.method
        known = self._counts.get(key)
        if known is None:
            requests, rejected = self._metrics.requests.labels(*key, "503"), self._metrics.rejected.labels("overloaded")
            known = self._counts[key] = requests, rejected
        known[0].observe(seconds)
        known[1].inc()
        self._refused += 1
        now = time.monotonic()
        if now - self._logged >= LOGGED_SECONDS:
            log.warning("refused unread", requests=self._refused, route=endpoint.path)
            self._refused, self._logged = 0, now

    def _written(self, request_id: str) -> bytes:
        named = request_id.encode()
        body = named.join(self._body)
        return b"HTTP/1.1 503 Service Unavailable\r\n%sx-request-id: %s\r\ncontent-length: %d\r\n\r\n%s" % (
            self._head,
            named,
            len(body),
            body,
        )


def overloaded() -> Problem:
    """Too much is being answered."""
    detail = "requests must be fewer for this one to be answered soon, but got too many at once. Try again."
    return Problem(503, "overloaded", detail, headers={"Retry-After": "1"})


def _never() -> bool:
    return False


def deadline_of(request: Request, most: float) -> float:
    """When the caller stops waiting, by the clock of the event loop.

    Args:
        request: it may name its patience: `Foregate-Deadline-Ms`, or `Request-Timeout` in seconds.
        most: seconds that it may have.

    Raises:
        Problem: it names something else than a positive number.
    """
    seconds = most
    for name, unit in (("foregate-deadline-ms", 0.001), ("request-timeout", 1.0)):
        text = request.headers.get(name)
        if text is None:
            continue
        try:
            value = float(text) * unit
        except ValueError:
            value = 0.0
        if not 0 < value < float("inf"):
            raise Problem(422, "invalid-deadline", f"{name} must be a positive number, but got {text[:50]!r}.")
        seconds = min(seconds, value)
    return asyncio.get_running_loop().time() + seconds

"""How much is done at once, and until when: what is too much is refused at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from starlette.requests import Request

from foregate.service.api.endpoints import PUBLIC, Endpoint
from foregate.service.metrics import Metrics
from foregate.service.problems import Problem

if TYPE_CHECKING:
    from foregate.service.settings import LimitSettings

__all__ = ["Load", "deadline_of"]


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
        if self._now[kind] >= self._most[kind]:
            detail = f"at most {self._most[kind]} requests must be answered at once, but got one more. Try again."
            raise Problem(503, "overloaded", detail, headers={"Retry-After": "1"})
        self._now[kind] += 1
        self._gauge.inc()
        try:
            yield
        finally:
            self._now[kind] -= 1
            self._gauge.dec()


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

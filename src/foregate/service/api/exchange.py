"""What surrounds every request: its id, its line in the log, its count in the metrics, the headers of every answer."""

from __future__ import annotations

import random
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog
from starlette.requests import Request
from starlette.types import Message, Scope, Send

if TYPE_CHECKING:
    from foregate.service.access.gate import Gate
    from foregate.service.metrics import Metrics

__all__ = ["Exchange", "exchange_of", "request_id_of"]

ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
ALWAYS = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))
ids = random.Random()
"""Ids tell requests apart; they are no secrets."""
log = structlog.get_logger("foregate.access")


@dataclass
class Exchange:
    """A request and what became of it."""

    request_id: str
    method: str
    peer: str
    """Address of who asks, as limits see it."""
    via: str
    """The other end of the connection, where that is another: a proxy, or of IPv6 one address of a network."""
    route: str = "unmatched"
    """The template of the path, never the path."""
    principal: str = ""
    status: int = 0
    """0: nothing has been answered."""
    problem: str = ""
    began: float = field(default_factory=time.perf_counter)

    def sending(self, send: Send, *, last: bool = False) -> Send:
        """`send`, with the status noted and the headers added.

        Args:
            send: of the server.
            last: whether the connection ends with this answer.
        """

        async def pass_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                headers = message.setdefault("headers", [])
                there = {name.lower() for name, _ in headers}
                headers += [pair for pair in ALWAYS if pair[0] not in there]
                headers.append((b"x-request-id", self.request_id.encode()))
                if last:
                    headers.append((b"connection", b"close"))
            await send(message)

        return pass_on

    def end(self, metrics: Metrics) -> None:
        """Count it and write it into the log."""
        seconds = time.perf_counter() - self.began
        method = self.method if self.method in METHODS else "OTHER"
        metrics.requests.labels(self.route, method, str(self.status)).observe(seconds)
        if self.problem:
            metrics.rejected.labels(self.problem).inc()
        log.info(
            "request",
            request_id=self.request_id,
            method=method,
            route=self.route,
            status=self.status,
            ms=round(seconds * 1000, 2),
            principal=self.principal,
            peer=self.peer,
            via=self.via,
            problem=self.problem,
        )


def exchange_of(request: Request, gate: Gate) -> Exchange:
    """Of a request that has just come.

    Args:
        request: of which the headers are known.
        gate: knows the proxies.
    """
    end = (request.scope.get("client") or ("",))[0]
    peer = gate.peer(request)
    return Exchange(request_id_of(request.scope), request.method, peer, end if end != peer else "")


def request_id_of(scope: Scope) -> str:
    """The id of the caller, where he gave a good one, else a new one."""
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"").decode("latin-1")
    return given if ID.fullmatch(given) else f"{ids.getrandbits(64):016x}"

"""The application: every route of every part, with what surrounds a request.

A request goes through: load, route, principal, scope, rate, body, place, deadline, function. What is refused is refused
as early as that can be known, and nothing is read from somebody who may not ask, nor where there is no time for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from foregate.service.api.bodies import Deadline, Held, body_of, decoded, query_of
from foregate.service.api.endpoints import PUBLIC, Call, Endpoint, Routes
from foregate.service.api.exchange import Exchange, exchange_of
from foregate.service.api.faults import problem_of
from foregate.service.api.health import health_routes
from foregate.service.api.idempotency import Idempotency
from foregate.service.api.load import Load, Shed, deadline_of
from foregate.service.api.openapi import document_routes
from foregate.service.api.table import Match, Table
from foregate.service.context import Service
from foregate.service.problems import Problem

__all__ = ["App", "create_app"]

log = structlog.get_logger("foregate.app")


class App:
    """An ASGI application.

    Args:
        service: what answers.
        endpoints: all of them.
    """

    def __init__(self, service: Service, endpoints: Sequence[Endpoint]) -> None:
        self.service, self.endpoints = service, tuple(endpoints)
        self.table = Table(endpoints)
        limits = service.settings.limits
        self.held, self.load = Held(limits.held_bytes), Load(limits, service.metrics)
        busy: dict[str, Callable[[], bool]] = {
            one.path: partial(one.busy, service) for one in self.endpoints if one.busy is not None
        }
        self.shed = Shed(self.load, lambda scope: self.table.find(scope).endpoint, busy, service.metrics)
        """Refuses what comes at a bad time before it gets here."""
        self.idempotency = Idempotency(service.database, service.clock, stale=2 * limits.seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        exchange = exchange_of(request, self.service.access)
        try:
            response = await self._response(request, exchange)
            # Whoever keeps connections shall have none left of a process that is about to stop.
            await response(scope, receive, exchange.sending(send, last=self.service.draining))
        except ClientDisconnect:
            exchange.problem = "disconnected"
        finally:
            exchange.end(self.service.metrics)

    async def _response(self, request: Request, exchange: Exchange) -> Response:
        try:
            match = self.table.find(request.scope)
            exchange.route = match.endpoint.path
            return await self._answered(match, request, exchange)
        except ClientDisconnect:
            raise
        except Exception as error:
            problem = problem_of(error)
            exchange.problem = problem.slug
            if problem.status == 500:
                log.error("defect", request_id=exchange.request_id, route=exchange.route, exc_info=error)
            return problem.response(exchange.request_id)

    async def _answered(self, match: Match, request: Request, exchange: Exchange) -> Response:
        endpoint, service, limits = match.endpoint, self.service, self.service.settings.limits
        principal = await service.access.authenticate(request, public=endpoint.scope == PUBLIC)
        exchange.principal = principal.name
        if endpoint.scope != PUBLIC and not principal.may(endpoint.scope):
            detail = f"the key must have the scope {endpoint.scope!r}, but got {principal.name!r} without it."
            raise Problem(403, "missing-scope", detail)
        await service.access.admit(principal, request)
        upload = endpoint.limit == "upload_bytes"
        deadline = deadline_of(request, limits.upload_seconds if upload else limits.seconds)
        limit: int = getattr(limits, endpoint.limit)
        reading = Deadline(limits.body_seconds, limits.body_rate)
        raw = b""
        if endpoint.body is not None:
            raw = await body_of(request, limit, reading, self.held)
        try:
            body: Any = raw if endpoint.body is bytes else None
            query = query_of(request, endpoint.query) if endpoint.query is not None else None
            with self.load.place(endpoint):
                if endpoint.body is not None and endpoint.body is not bytes:
                    body = decoded(raw, endpoint.body, request.headers.get("content-type"), limits.depth)
                call = Call(
                    service, request, principal, body, query, exchange.request_id, limit, match.path, deadline, reading
                )
                return await self._called(endpoint, call, raw)
        finally:
            self.held.now -= len(raw)

    async def _called(self, endpoint: Endpoint, call: Call[Any], raw: bytes) -> Response:
        try:
            async with asyncio.timeout_at(call.deadline):
                if endpoint.idempotent and "idempotency-key" in call.request.headers:
                    return await self.idempotency.answer(endpoint, call, raw)
                return encoded(endpoint, await endpoint.handler(call))
        except TimeoutError:
            detail = "the request must end before its deadline, but took longer. Ask for less, or allow more time."
            raise Problem(504, "deadline", detail) from None


def encoded(endpoint: Endpoint, given: Any) -> Response:
    """What a function gave, as an answer."""
    if isinstance(given, Response):
        return given
    return Response(msgspec.json.encode(given), endpoint.status, media_type="application/json")


def create_app(service: Service, parts: Sequence[Routes] = ()) -> App:
    """The application of a service.

    Args:
        service: its parts.
        parts: routes of each part of the API; health, metrics and the API document come with the application.
    """
    endpoints = [one for part in (health_routes(service), *parts) for one in part.endpoints]
    return App(service, [*endpoints, *document_routes(endpoints).endpoints])

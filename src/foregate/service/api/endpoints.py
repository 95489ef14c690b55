"""How a request becomes a call of a function, the same way for every route.

A route states what it needs and what it gives: the scope, the shape of the body, of the query and of the answer. From
that come the checks, the decoding and the OpenAPI document, so that no route can do without them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from foregate.service.access.scopes import Principal, Scope
from foregate.service.problems import Problem

if TYPE_CHECKING:
    from foregate.service.context import Service

__all__ = ["PUBLIC", "Call", "Endpoint", "Routes", "answer_of"]

Public = Literal["public"]
PUBLIC: Public = "public"
Body = TypeVar("Body")
Handler = Callable[["Call[Any]"], Awaitable[Any]]


@dataclass
class Call(Generic[Body]):
    """One request, checked."""

    service: Service
    request: Request
    principal: Principal
    body: Body
    """Decoded; None where the route takes none, or streams it."""
    query: Any
    """A struct, decoded; None where the route takes none."""
    request_id: str
    limit: int
    """Bytes of the body at most."""

    @property
    def path(self) -> dict[str, str]:
        """Parts of the path by their names."""
        return dict(self.request.path_params)

    async def stream(self) -> AsyncIterator[bytes]:
        """The body in pieces, for routes that do not hold it in memory.

        Raises:
            Problem: it is larger than allowed.
        """
        read = 0
        async for piece in self.request.stream():
            read += len(piece)
            if read > self.limit:
                raise _too_large(self.limit)
            yield piece


@dataclass(frozen=True)
class Endpoint:
    """A route, and all that is to be known of it."""

    method: str
    path: str
    scope: Scope | Public
    handler: Handler
    body: Any = None
    """Type of the body, a msgspec struct; None: no body, or one that the handler streams."""
    query: Any = None
    """Type of the query, a msgspec struct of plain fields with defaults."""
    answer: Any = None
    """Type of the answer, a msgspec struct; None: the handler gives a Response."""
    status: int = 200
    tag: str = ""
    examples: dict[str, Any] = field(default_factory=dict)
    """Name -> body."""
    media: str = "application/json"
    """Of a body that is streamed."""
    limit: str = "body_bytes"
    """The setting of `LimitSettings` that limits the body."""


class Routes:
    """Collects the endpoints of one part of the API.

    Args:
        tag: the part's name in the OpenAPI document.
    """

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.endpoints: list[Endpoint] = []

    def add(self, method: str, path: str, *, scope: Scope | Public, **said: Any) -> Callable[[Handler], Handler]:
        """Register a function; the arguments are the fields of `Endpoint`."""

        def register(handler: Handler) -> Handler:
            self.endpoints.append(Endpoint(method, path, scope, handler, tag=self.tag, **said))
            return handler

        return register


async def answer_of(endpoint: Endpoint, service: Service, request: Request, request_id: str) -> Response:
    """Check a request, call the function, and encode what it gives.

    Raises:
        Problem: something is not as it must be.
    """
    limit = int(getattr(service.settings.limits, endpoint.limit))
    principal = await service.access.authenticate(request, public=endpoint.scope == PUBLIC)
    if endpoint.scope != PUBLIC and not principal.may(endpoint.scope):
        detail = f"the key must have the scope {endpoint.scope!r}, but got {principal.name!r} without it."
        raise Problem(403, "missing-scope", detail)
    await service.access.admit(principal, request)
    body = await _decoded(endpoint, request, limit) if endpoint.body is not None else None
    query = _query(endpoint, request) if endpoint.query is not None else None
    call = Call(service, request, principal, body, query, request_id, limit)
    try:
        async with asyncio.timeout(service.settings.limits.seconds):
            given = await endpoint.handler(call)
    except TimeoutError:
        raise Problem(504, "deadline", "the request must end in time, but took too long.") from None
    if isinstance(given, Response):
        return given
    return Response(msgspec.json.encode(given), endpoint.status, media_type="application/json")


async def _decoded(endpoint: Endpoint, request: Request, limit: int) -> Any:
    pieces, read = [], 0
    async for piece in request.stream():
        read += len(piece)
        if read > limit:
            raise _too_large(limit)
        pieces.append(piece)
    try:
        return msgspec.json.decode(b"".join(pieces), type=endpoint.body)
    except msgspec.ValidationError as error:
        raise Problem(422, "invalid-body", f"the body must be as the API document says, but: {error}.") from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Problem(400, "malformed-body", f"the body must be JSON, but: {error}.") from None


def _query(endpoint: Endpoint, request: Request) -> Any:
    try:
        return msgspec.convert(dict(request.query_params), endpoint.query, strict=False)
    except msgspec.ValidationError as error:
        raise Problem(422, "invalid-query", f"the query must be as the API document says, but: {error}.") from None


def _too_large(limit: int) -> Problem:
    return Problem(413, "body-too-large", f"the body must have at most {limit:,} bytes, but got more.", limit=limit)

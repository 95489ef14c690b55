"""How a request becomes a call of a function, the same way for every route.

A route states what it needs and what it gives: the scope, the shape of the body, of the query and of the answer. From
that come the checks, the decoding and the OpenAPI document, so that no route can do without them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, get_args

import msgspec
from sqlalchemy import Connection
from starlette.requests import Request

from foregate.core import UsageError
from foregate.service.access import audit
from foregate.service.access.scopes import SCOPES, Principal, Scope
from foregate.service.api.bodies import Deadline, pieces

if TYPE_CHECKING:
    from foregate.service.context import Service

__all__ = ["PUBLIC", "Call", "Endpoint", "Link", "Routes"]

Public = Literal["public"]
PUBLIC: Public = "public"
Body = TypeVar("Body")
Handler = Callable[["Call[Any]"], Awaitable[Any]]
Limit = Literal["body_bytes", "upload_bytes"]


@dataclass
class Call(Generic[Body]):
    """One request, checked."""

    service: Service
    request: Request
    principal: Principal
    body: Body
    """Decoded; the bytes where the route asks for `bytes`; None where it takes none, or streams it."""
    query: Any
    """A struct, decoded; None where the route takes none."""
    request_id: str
    limit: int
    """Bytes of the body at most."""
    path: dict[str, str]
    """Parts of the path by their names, decoded."""
    deadline: float
    """When the caller stops waiting, by the clock of the event loop (seconds)."""
    reading: Deadline
    """Until when the body must be there."""
    settle: Callable[[Connection, bytes, int], None] | None = None
    """Writes down the answer of a request that has an idempotency key; see `keep`."""
    kept: bool = False

    async def stream(self) -> AsyncIterator[bytes]:
        """The body in pieces, for routes that do not hold it in memory.

        Raises:
            Problem: it is larger than allowed, or too slow.
        """
        async for piece in pieces(self.request, self.limit, self.reading):
            yield piece

    def keep(self, connection: Connection, answer: Any, status: int = 200) -> None:
        """Write the answer down in the transaction of the effect, for whoever repeats the request with its key.

        Without it the answer is written down afterwards, in a transaction of its own. It may be called again where the
        work is done again, and does nothing where the request has no key.
        """
        if self.settle is not None:
            self.settle(connection, msgspec.json.encode(answer), status)
            self.kept = True

    def audit(self, connection: Connection, action: str, subject: str, **detail: Any) -> None:
        """Write into the audit log who has done this, in the transaction of what was done."""
        entry = audit.Entry(self.service.clock(), self.principal.name, action, subject, detail, self.request_id)
        audit.record(connection, entry)


@dataclass(frozen=True)
class Link:
    """What can be asked next with what an answer says, for the API document."""

    to: str
    """Name of the other endpoint."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Part of its path -> expression of OpenAPI: where its value is found, such as ``$response.body#/id``."""
    body: Mapping[str, Any] | None = None
    """Members of its body, as expressions."""


@dataclass(frozen=True)
class Endpoint:
    """A route, and all that is to be known of it.

    Raises:
        UsageError: its scope is not one that there is.
    """

    method: str
    path: str
    """A template: `/v1/models/{model}`; each part in braces is one segment, percent-decoded."""
    scope: Scope | Public
    handler: Handler
    body: Any = None
    """Type of the body, a msgspec struct; `bytes`: as it comes; None: no body, or one that the handler streams."""
    query: Any = None
    """Type of the query, a msgspec struct of plain fields with defaults."""
    answer: Any = None
    """Type of the answer, a msgspec struct; None: the handler gives a Response."""
    status: int = 200
    also: tuple[int, ...] = ()
    """Other statuses of the same answer, where the handler gives a Response."""
    links: tuple[Link, ...] = ()
    """What people usually ask next."""
    tag: str = ""
    examples: dict[str, Any] = field(default_factory=dict)
    """Name -> body."""
    media: str = "application/json"
    """Of a body that is bytes or streamed."""
    form: Any = None
    """Type of what such a body says, for the document, where it is a form: a struct."""
    produces: str = "application/json"
    """Media type of the answer."""
    limit: Limit = "body_bytes"
    """The setting of `LimitSettings` that limits the body; an upload also has more time, and a place among few."""
    busy: Callable[[Service], bool] | None = None
    """Says that a request would be refused now for lack of time, as far as can be told before anything of it is read;
    it is asked before every request, and must cost nothing."""
    idempotent: bool = False
    """Whether it may be repeated with an `Idempotency-Key`, and then gets the same answer without doing it twice."""

    def __post_init__(self) -> None:
        if self.scope != PUBLIC and self.scope not in SCOPES:
            raise UsageError(f"scope of {self.path} must be one of {(*SCOPES, PUBLIC)}, but got {self.scope!r}.")
        if self.limit not in get_args(Limit):
            raise UsageError(f"limit of {self.path} must be one of {get_args(Limit)}, but got {self.limit!r}.")

    @property
    def name(self) -> str:
        """Of the function, for the API document."""
        return self.handler.__name__


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

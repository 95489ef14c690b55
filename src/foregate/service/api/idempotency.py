"""Requests that are repeated with their key: done once, answered as often as asked.

The key is written down before anything is done, and the answer after it, where possible in the transaction of the
effect. A repetition that comes in between is told to wait; one whose first try died with its process may go ahead after
a while.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, delete, insert, select, update
from starlette.responses import Response

from foregate.service.problems import Problem
from foregate.service.store.failures import half_done
from foregate.service.store.tables import idempotency

if TYPE_CHECKING:
    from foregate.service.api.endpoints import Call, Endpoint
    from foregate.service.store.database import Database

__all__ = ["Idempotency"]

KEY = re.compile(r"[!-~]{1,128}")
IN_FLIGHT = 0


@dataclass(frozen=True)
class Asked:
    """A request with a key."""

    principal: str
    key: str
    body: str
    """SHA-256 of method, path, query and body."""

    @property
    def row(self) -> Any:
        """Where it is written down."""
        return (idempotency.c.principal == self.principal) & (idempotency.c.key == self.key)


class Idempotency:
    """Answers that were given to keys.

    Args:
        database: where they are.
        clock: microseconds since 1970.
        stale: seconds after which a request that has no answer is taken to have died.
    """

    def __init__(self, database: Database, clock: Callable[[], int], *, stale: float) -> None:
        self._database, self._clock, self._stale = database, clock, int(stale * 1e6)

    async def answer(self, endpoint: Endpoint, call: Call[Any], raw: bytes) -> Response:
        """The answer of a request with a key: the one that was given, or a new one.

        Raises:
            Problem: the key is no good, was used for something else, or is being answered.
        """
        asked = _asked(call, raw)
        there = await self._database.write(lambda connection: self._begin(connection, asked))
        if there is not None:
            return Response(there, endpoint.status, {"Idempotency-Replayed": "true"}, "application/json")

        def settle(connection: Connection, answer: bytes, status: int) -> None:
            values = {"status": status, "answer": answer}
            connection.execute(update(idempotency).where(asked.row).values(values))

        call.settle = settle
        try:
            given = await endpoint.handler(call)
        except BaseException:
            if not call.kept:  # a try that has had no effect leaves no trace
                self._database.submit(lambda connection: connection.execute(delete(idempotency).where(asked.row)))
            raise
        answer = msgspec.json.encode(given)
        if not call.kept:
            with half_done():
                await self._database.write(lambda connection: settle(connection, answer, endpoint.status))
        return Response(answer, endpoint.status, media_type="application/json")

    def _begin(self, connection: Connection, asked: Asked) -> bytes | None:
        """Take the key; or the answer that it has."""
        table, now = idempotency.c, self._clock()
        row = connection.execute(select(table.body, table.status, table.answer, table.at).where(asked.row)).first()
        if row is None:
            marker = {"status": IN_FLIGHT, "answer": b"", "at": now}
            taken = {"principal": asked.principal, "key": asked.key, "body": asked.body}
            connection.execute(insert(idempotency).values({**taken, **marker}))
            return None
        if row.body != asked.body:
            detail = "Idempotency-Key must be new for another request, but got one that was used. Make a new one."
            raise Problem(422, "idempotency-key-reused", detail)
        if row.status != IN_FLIGHT:
            return bytes(row.answer)
        if now - row.at < self._stale:
            detail = "the first request of this Idempotency-Key must end first, but is being answered. Try again."
            raise Problem(409, "request-in-flight", detail, headers={"Retry-After": "1"})
        connection.execute(update(idempotency).where(asked.row).values(at=now))
        return None


def _asked(call: Call[Any], raw: bytes) -> Asked:
    key = call.request.headers["idempotency-key"]
    if not KEY.fullmatch(key):
        detail = "Idempotency-Key must have 1 to 128 visible characters of ASCII, but got something else."
        raise Problem(422, "invalid-idempotency-key", detail)
    url = call.request.url
    said = "\0".join([call.request.method, url.path, url.query]).encode() + b"\0" + raw
    return Asked(call.principal.name, key, hashlib.sha256(said).hexdigest())

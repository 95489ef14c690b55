"""Everything that goes wrong is told in one shape: RFC 9457, problem details."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.responses import Response

__all__ = ["Problem"]

TYPE = "https://foregate.dev/problems/"


class Problem(Exception):  # noqa: N818 - what RFC 9457 calls it
    """An answer that says what is wrong.

    Args:
        status: of HTTP.
        slug: a short name that programs can rely on, such as ``late-observation``.
        detail: a sentence for people: what must be, what was got, and the fix.
        headers: of the answer, such as Retry-After.
        facts: further members of the answer, for programs.

    Examples:
        >>> Problem(404, "no-such-model", "model must be one that is there, but got 'x'.").response("r-1").status_code
        404
    """

    def __init__(
        self, status: int, slug: str, detail: str, *, headers: Mapping[str, str] | None = None, **facts: Any
    ) -> None:
        super().__init__(detail)
        self.status, self.slug, self.detail = status, slug, detail
        self.headers, self.facts = dict(headers or {}), facts

    def response(self, request_id: str) -> Response:
        """As an answer of HTTP."""
        body = {
            "type": TYPE + self.slug,
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "request_id": request_id,
            **self.facts,
        }
        content = msgspec.json.encode(body)
        return Response(content, self.status, self.headers, "application/problem+json")

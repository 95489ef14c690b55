"""From a path to an endpoint. Paths are matched as they were sent, so that a name may hold a slash that is encoded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, unquote

from starlette.routing import compile_path
from starlette.types import Scope

from foregate.core import UsageError
from foregate.service.api.endpoints import Endpoint
from foregate.service.problems import Problem

__all__ = ["Match", "Table"]


@dataclass(frozen=True)
class Match:
    """An endpoint, and the parts of the path."""

    endpoint: Endpoint
    path: dict[str, str]


class Table:
    """All endpoints by path and method.

    Args:
        endpoints: of all parts.

    Raises:
        UsageError: two have one path and method.
    """

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._templates: dict[str, dict[str, Endpoint]] = {}
        for one in endpoints:
            methods = self._templates.setdefault(one.path, {})
            if one.method in methods:
                raise UsageError(f"{one.method} {one.path} must be given once, but got it twice.")
            methods[one.method] = one
        told = sorted((path for path in self._templates if "{" in path), key=_said, reverse=True)
        self._patterns = [(compile_path(path)[0], self._templates[path]) for path in told]

    def find(self, scope: Scope) -> Match:
        """The endpoint of a request.

        Raises:
            Problem: there is none of that path, or none of that method.
        """
        raw = scope.get("raw_path")
        sent = raw.decode("latin-1") if raw else quote(scope["path"])
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        allowed: set[str] = set()
        for methods, parts in self._candidates(sent):
            if method in methods:
                return Match(methods[method], {name: _decoded(part) for name, part in parts.items()})
            allowed.update(methods)
        if not allowed:
            raise Problem(404, "no-such-route", "the path must be one that /openapi.json has, but got another one.")
        names = ", ".join(sorted(allowed | {"HEAD"} if "GET" in allowed else allowed))
        detail = f"the method must be one of {names} here, but got {method[:20]!r}."
        raise Problem(405, "method-not-allowed", detail, headers={"Allow": names})

    def _candidates(self, sent: str) -> Iterator[tuple[dict[str, Endpoint], dict[str, str]]]:
        """What is there for a path: the most specific first."""
        if "{" not in sent and sent in self._templates:
            yield self._templates[sent], {}
        for pattern, methods in self._patterns:
            match = pattern.match(sent)
            if match is not None:
                yield methods, match.groupdict()


def _said(template: str) -> int:
    """Letters of a template that a path must have."""
    return len(re.sub(r"\{.*?\}", "", template))


def _decoded(part: str) -> str:
    """A part of a path.

    Raises:
        Problem: it is no text that could name anything.
    """
    try:
        text = unquote(part, errors="strict")
    except UnicodeDecodeError:
        text = "\0"
    if len(text) > 1000 or any(ord(character) < 32 or 127 <= ord(character) < 160 for character in text):
        detail = "parts of the path must be UTF-8 text without control characters, but got something else."
        raise Problem(404, "no-such-name", detail)
    return text

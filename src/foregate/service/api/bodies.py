"""Bodies of requests: how much, how slowly, how deep, and what they decode to."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.requests import Request

from foregate.service.problems import Problem

__all__ = ["Deadline", "Held", "body_of", "decoded", "pieces", "query_of", "said_of", "within"]

NO_STRUCTURE = bytes(set(range(256)) - set(b'[]{}"'))
ONE_KIND = bytes.maketrans(b"{}", b"[]")
WORDS = re.compile(r"(?P<said>.*?)(?: - at `(?P<place>[^`]*)`)?", re.DOTALL)
"""What msgspec says is wrong, and where."""
KINDS = (
    (re.compile(r"Object missing required field (.*)"), "must have {}, but got none."),
    (re.compile(r"Object contains unknown field (.*)"), "must have only fields of the API document, but got {}."),
    (re.compile(r"Expected (.*), got (.*)"), "must be {}, but got {}."),
    (re.compile(r"Expected (.*)"), "must be {}, but got another value."),
    (re.compile(r"(.*)"), "must be as the API document says, but: {}."),
)
TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


@dataclass
class Deadline:
    """Until when a body must be there: a time, and more of it with every byte that came.

    A body that comes at `rate` bytes a second is never late, one that trickles is.
    """

    seconds: float
    """For the first byte, and for what is small."""
    rate: float
    """Bytes a second at least."""

    def left(self, since: float, read: int) -> float:
        """Seconds that are left."""
        return self.seconds + read / self.rate - (asyncio.get_running_loop().time() - since)


class Held:
    """Bytes of bodies that are in memory, of all requests together.

    Args:
        most: that there may be.
    """

    def __init__(self, most: int) -> None:
        self.most, self.now = most, 0

    def take(self, size: int) -> None:
        """Have so many more.

        Raises:
            Problem: there is no room now.
        """
        if self.now + size > self.most:
            detail = "bodies in memory must be fewer for this one to be read, but got too many at once. Try again."
            raise Problem(503, "overloaded", detail, headers={"Retry-After": "1"})
        self.now += size


async def pieces(request: Request, limit: int, deadline: Deadline) -> AsyncIterator[bytes]:
    """A body in pieces.

    Raises:
        Problem: it is larger than `limit` bytes, compressed, or too slow.
    """
    encoding = request.headers.get("content-encoding", "identity")
    if encoding != "identity":
        detail = f"Content-Encoding must be identity, but got {encoding!r}. Send the body as it is."
        raise Problem(415, "compressed-body", detail)
    if _declared(request) > limit:
        raise _too_large(limit)
    since, read = asyncio.get_running_loop().time(), 0
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout(deadline.left(since, read)):
                piece = await anext(stream, None)
        except TimeoutError:
            detail = f"the body must come within {deadline.seconds:g} s, but got {read:,} bytes by then."
            raise Problem(408, "slow-body", detail, headers={"Connection": "close"}) from None
        if piece is None:
            return
        read += len(piece)
        if read > limit:
            raise _too_large(limit)
        if piece:
            yield piece


async def body_of(request: Request, limit: int, deadline: Deadline, held: Held) -> bytes:
    """A whole body; it counts as held until whoever asked says otherwise.

    Raises:
        Problem: see `pieces`; or there is no room.
    """
    found: list[bytes] = []
    size = 0
    try:
        async for piece in pieces(request, limit, deadline):
            held.take(len(piece))
            size += len(piece)
            found.append(piece)
    except BaseException:
        held.now -= size
        raise
    return found[0] if len(found) == 1 else b"".join(found)


def decoded(body: bytes, kind: Any, media: str | None, depth: int) -> Any:
    """What a body of JSON says.

    Args:
        body: its bytes.
        kind: the type that it must be of.
        media: its Content-Type; None: not said.
        depth: levels at most.

    Raises:
        Problem: it is something else.
    """
    if media is not None and media.partition(";")[0].strip().lower() != "application/json":
        raise Problem(415, "not-json", f"Content-Type must be application/json, but got {media!r}.")
    try:
        value = msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise Problem(422, "invalid-body", said_of(error, "the body")) from None
    except RecursionError:
        raise _too_deep(depth) from None
    except ValueError as error:  # of msgspec, or of text that is not UTF-8
        raise Problem(400, "malformed-body", f"the body must be JSON, but: {error}.") from None
    if not within(body, depth):
        raise _too_deep(depth)
    if rb"\u0000" in body:
        raise Problem(422, "invalid-body", r"text must be without the character \u0000, but got it.")
    return value


def said_of(error: Exception, whole: str) -> str:
    """What is wrong with a body or query, as a sentence: what must be, and what was got.

    Examples:
        >>> said_of(ValueError("Expected `int` >= 1 - at `$.horizon`"), "the body")
        'horizon must be `int` >= 1, but got another value.'
    """
    words = WORDS.fullmatch(str(error))
    assert words is not None
    said, place = words["said"].removesuffix("."), (words["place"] or "").removeprefix("$").removeprefix(".")
    for kind, sentence in KINDS:
        if found := kind.fullmatch(said):
            return f"{place or whole} {sentence.format(*found.groups())}"
    return f"{whole} must be as the API document says, but got something else."


def within(body: bytes, depth: int) -> bool:
    """Whether valid JSON has at most so many levels; costs little whatever the size.

    Examples:
        >>> within(b'[[1], {"a": "[["}]', 2), within(b"[[1]]", 1)
        (True, False)
    """
    if body.count(b"[") + body.count(b"{") <= depth:
        return True
    left = body.translate(None, NO_STRUCTURE).replace(b'""', b"") if b"\\" not in body else body
    if b'"' in left:  # text has a bracket or something escaped in it
        left = TEXT.sub(b"", body).translate(None, NO_STRUCTURE)
    left = left.translate(ONE_KIND)
    for _ in range(depth):
        left = left.replace(b"[]", b"")  # the innermost level
    return not left


def query_of(request: Request, kind: Any) -> Any:
    """What a query says.

    Raises:
        Problem: it is not of the type.
    """
    pairs = request.query_params.multi_items()
    given = dict(pairs)
    if len(given) != len(pairs):
        raise Problem(422, "invalid-query", "every name must be in the query once, but got one twice.")
    try:
        value = msgspec.convert(given, kind, strict=False)
    except (ValueError, RecursionError) as error:
        raise Problem(422, "invalid-query", said_of(error, "the query")) from None
    if any("\0" in text for text in given.values()):
        raise Problem(422, "invalid-query", r"text must be without the character \u0000, but got it.")
    return value


def _declared(request: Request) -> int:
    length = request.headers.get("content-length", "0")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 20 else 0


def _too_large(limit: int) -> Problem:
    detail = f"the body must have at most {limit:,} bytes, but got more."
    return Problem(413, "body-too-large", detail, headers={"Connection": "close"}, limit=limit)


def _too_deep(depth: int) -> Problem:
    return Problem(400, "too-deep", f"the body must have at most {depth} levels, but got more.", limit=depth)

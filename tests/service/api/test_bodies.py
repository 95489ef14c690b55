"""Bodies of requests: how much, how slowly, how deep."""

import asyncio
import json
import re
import time
from typing import Annotated, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from foregate.service.api.bodies import Deadline, Held, body_of, decoded, query_of, within
from foregate.service.problems import Problem


class Row(msgspec.Struct, forbid_unknown_fields=True):
    value: float | None
    name: str = ""
    more: object = None


def refused(body, kind=Row, media="application/json"):
    """The status that a body gets."""
    try:
        decoded(body, kind, media, 32)
    except Problem as problem:
        return problem.status
    return 200


class Whole(msgspec.Struct, forbid_unknown_fields=True):
    rows: list[Row]
    share: Annotated[float, msgspec.Meta(lt=1)] = 0.5
    kind: Literal["a", "b"] = "a"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"[]", "the body must be `object`, but got `array`."),
        (b"{}", "the body must have `rows`, but got none."),
        (b'{"rows": [{}]}', "rows[0] must have `value`, but got none."),
        (b'{"rows": [], "row": 1}', "the body must have only fields of the API document, but got `row`."),
        (b'{"rows": [{"value": "x"}]}', "rows[0].value must be `float | null`, but got `str`."),
        (b'{"rows": [], "share": 1.5}', "share must be `float` < 1.0, but got another value."),
        (b'{"rows": [], "kind": "c"}', "kind must be as the API document says, but: Invalid enum value 'c'."),
        (b'{"rows": [{"value": 1e999}]}', "rows[0].value must be as the API document says, but: Number out of range."),
    ],
)
def test_what_is_wrong_with_a_body_is_told_with_its_place(body, told):
    """What must be, what was got, and where: in the words of the API document."""
    with pytest.raises(Problem, match=f"^{re.escape(told)}$"):
        decoded(body, Whole, None, 32)


def test_what_is_wrong_with_a_query_is_told_the_same_way():
    """A query is a body of another form."""
    request = Request({"type": "http", "query_string": b"rows=x", "headers": []})
    with pytest.raises(Problem, match=r"^rows must be `array`, but got `str`\.$"):
        query_of(request, Whole)


HOSTILE = {
    "NaN": (b'{"value": NaN}', 400),
    "Infinity": (b'{"value": Infinity}', 400),
    "too large": (b'{"value": 1e999}', 422),
    "minus zero": (b'{"value": -0}', 200),
    "smallest": (b'{"value": 5e-324}', 200),
    "deep": (b'{"more": ' + b"[" * 100_000, 400),
    "deep and closed": (b'{"value": 1, "more": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400),
    "deep objects": (b'{"value": 1, "more": ' + b'{"a":' * 500 + b"1" + b"}" * 501, 400),
    "long number": (b'{"value": ' + b"1" * 1_000_000 + b"}", 422),
    "long number anywhere": (b'{"value": 1, "more": ' + b"1" * 1_000_000 + b"}", 422),
    "twice": (b'{"value": 1, "value": 2}', 200),
    "lone surrogate": (b'{"value": 1, "name": "\\ud800"}', 400),
    "NUL": (b'{"value": 1, "name": "\\u0000"}', 422),
    "NUL as it is": (b'{"value": 1, "name": "\0"}', 400),
    "byte order mark": (b'\xef\xbb\xbf{"value": 1}', 400),
    "not UTF-8": (b'{"value": 1, "name": "\xff"}', 400),
    "UTF-16": ('{"value": 1}'.encode("utf-16"), 400),
    "empty": (b"", 400),
    "unknown field": (b'{"value": 1, "__proto__": {}}', 422),
    "wrong type": (b'{"value": "1"}', 422),
    "array": (b"[]", 422),
    "two": (b"{}{}", 422),
    "cut": (b'{"value": 1', 400),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_json_is_refused_quickly(name):
    """Whatever is no JSON, too deep or too long is told so, in a tenth of a second."""
    body, status = HOSTILE[name]
    began = time.perf_counter()
    assert refused(body) == status
    assert time.perf_counter() - began < 0.5  # a tenth where nothing else runs


def test_only_json_is_taken_for_json():
    """Another Content-Type is refused; none, and JSON in any spelling, are taken."""
    body = b'{"value": 1}'
    for media in (None, "application/json", "Application/JSON; charset=utf-8"):
        assert refused(body, media=media) == 200
    for media in ("text/plain", "application/x-www-form-urlencoded", ""):
        assert refused(body, media=media) == 415


def depth(value):
    """Levels of a value."""
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if children is None else 1 + max(map(depth, children), default=0)


texts = st.text(st.sampled_from('ab[]{}"\\\n\t,:é'), max_size=6)
values = st.recursive(
    st.none() | st.integers() | texts, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=40
)


@given(values, st.integers(0, 6))
def test_levels_are_counted_as_they_are(value, most):
    """Whatever text holds, a body is within a depth exactly when its value is."""
    for ascii_only in (True, False):
        body = json.dumps(value, ensure_ascii=ascii_only).encode()
        assert within(body, most) == (depth(value) <= most)


def request_of(pieces, headers=(), wait=0.0):
    """A request whose body comes in pieces."""
    left = list(pieces)

    async def receive():
        await asyncio.sleep(wait)
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    pairs = [(name.encode(), value.encode()) for name, value in headers]
    return Request({"type": "http", "method": "POST", "headers": pairs, "query_string": b""}, receive)


def test_a_body_that_trickles_is_given_up():
    """Who sends a byte now and then runs out of time; who sends much gets more of it."""
    trickle = request_of([b"x"] * 100, wait=0.02)
    with pytest.raises(Problem, match=r"must come within 0\.1 s") as told:
        asyncio.run(body_of(trickle, 1000, Deadline(0.1, 1000), Held(10_000)))
    assert told.value.status == 408
    steady = request_of([b"x" * 100] * 10, wait=0.02)
    assert len(asyncio.run(body_of(steady, 1000, Deadline(0.1, 1000), Held(10_000)))) == 1000


def test_compressed_bodies_are_refused():
    """What could swell is not taken."""
    for encoding in ("gzip", "br", "deflate", "identity, gzip"):
        packed = request_of([b"x"], [("content-encoding", encoding)])
        with pytest.raises(Problem, match="Content-Encoding must be identity") as told:
            asyncio.run(body_of(packed, 1000, Deadline(1, 1000), Held(10_000)))
        assert told.value.status == 415


def test_a_body_that_says_it_is_too_large_is_not_read():
    """A Content-Length beyond the limit is enough; one that lies is found out."""
    with pytest.raises(Problem, match="at most 10 bytes") as told:
        asyncio.run(body_of(request_of([], [("content-length", "11")]), 10, Deadline(1, 1000), Held(100)))
    assert told.value.status == 413
    with pytest.raises(Problem, match="at most 10 bytes"):
        asyncio.run(body_of(request_of([b"x" * 11], [("content-length", "5")]), 10, Deadline(1, 1000), Held(100)))


def test_all_bodies_together_are_bounded():
    """Where there is no room a body is refused, and what was taken for it is given back."""
    held = Held(15)
    asyncio.run(body_of(request_of([b"x" * 10]), 100, Deadline(1, 1000), held))
    with pytest.raises(Problem, match="fewer") as told:
        asyncio.run(body_of(request_of([b"x" * 3, b"x" * 3]), 100, Deadline(1, 1000), held))
    assert told.value.status == 503
    assert held.now == 10


def test_a_query_is_checked_like_a_body():
    """Numbers are read from text; unknown and doubled names, and NUL, are refused."""

    class Page(msgspec.Struct, forbid_unknown_fields=True):
        limit: int = 10
        name: str = ""

    def asked(query):
        scope = {"type": "http", "method": "GET", "headers": [], "query_string": query}
        return query_of(Request(scope), Page)

    assert asked(b"limit=3").limit == 3
    for query in (b"limit=x", b"other=1", b"limit=1&limit=2", b"name=%00", b"limit=" + b"9" * 5000):
        with pytest.raises(Problem) as told:
            asked(query)
        assert told.value.status == 422

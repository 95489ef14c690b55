"""The application: what surrounds every request."""

import asyncio

import msgspec
import pytest
from msgspec import Struct
from starlette.responses import StreamingResponse
from structlog.testing import capture_logs

from foregate.core import DataError
from foregate.service.api.endpoints import PUBLIC, Routes
from foregate.service.problems import Problem
from foregate.service.store.database import StoreError
from tests.service.fakes import lab

routes = Routes("Tests")


class Word(Struct, forbid_unknown_fields=True):
    word: str
    numbers: list[float] = []


class Asked(Struct, forbid_unknown_fields=True):
    times: int = 1


@routes.add("POST", "/v1/echo", scope="forecast", body=Word, query=Asked, answer=Word)
async def echo(call):
    """Give it back."""
    return Word(call.body.word * call.query.times, call.body.numbers)


@routes.add("GET", "/v1/names/{name}", scope="read", answer=Word)
async def name_of(call):
    """Give the name back."""
    return Word(call.path["name"])


@routes.add("POST", "/v1/streamed", scope="write", limit="upload_bytes", media="text/csv")
async def streamed(call):
    """Count the bytes."""
    return Word(str(sum([len(piece) async for piece in call.stream()])))


@routes.add("GET", "/v1/slow", scope="read")
async def slow(call):
    """Take long."""
    await asyncio.sleep(30)


@routes.add("GET", "/v1/wrong/{kind}", scope="read")
async def wrong(call):
    """Fail."""
    full = StoreError("disk")
    full.full = True
    kinds = {
        "data": DataError("the data must be good, but got bad."),
        "store": StoreError("gone."),
        "full": full,
        "doubt": StoreError("gone.", unsure=True),
        "defect": KeyError("hunter2"),
        "problem": Problem(418, "teapot", "tea must be made, but got coffee."),
    }
    raise kinds[call.path["kind"]]


@routes.add("GET", "/v1/public", scope=PUBLIC)
async def public(call):
    """For everybody."""
    return StreamingResponse(iter([b"hello"]))


@pytest.fixture
def one(tmp_path, clock):
    """A service with the routes of this file."""
    limits = {"body_bytes": 2048, "upload_bytes": 4096, "seconds": 5, "inflight": 2}
    with lab(tmp_path, routes, settings={"limits": limits}, clock=clock) as service:
        yield service


def test_a_request_goes_to_its_function_and_back(one):
    """Body, query and path arrive decoded, and the answer is JSON with the request's id."""
    answer = one.ask("POST", "/v1/echo?times=2", scope="forecast", json={"word": "ab"})
    assert answer.status_code == 200
    assert answer.json() == {"word": "abab", "numbers": []}
    assert answer.headers["content-type"] == "application/json"
    assert len(answer.headers["x-request-id"]) == 16


def test_parts_of_a_path_are_decoded_one_by_one(one):
    """A name may hold any character, a slash that is encoded too; control characters and broken UTF-8 name nothing."""
    assert one.ask("GET", "/v1/names/a%2Fb%20%C3%A9", scope="read").json()["word"] == "a/b é"
    for bad in ("%00", "%0a", "%ff", "%C2%85"):
        assert one.ask("GET", f"/v1/names/{bad}", scope="read").status_code == 404
    assert one.ask("GET", "/v1/names/..%2f..%2fsecret", scope="read").json()["word"] == "../../secret"


@pytest.mark.parametrize(
    ("kind", "status", "slug"),
    [
        ("data", 422, "invalid-data"),
        ("store", 503, "storage-unavailable"),
        ("full", 507, "storage-full"),
        ("defect", 500, "internal"),
        ("problem", 418, "teapot"),
    ],
)
def test_every_failure_is_a_problem_document(one, kind, status, slug):
    """Whatever a function raises becomes one shape; a defect says nothing of itself."""
    answer = one.ask("GET", f"/v1/wrong/{kind}", scope="read", headers={"X-Request-Id": "mine-1"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    said = answer.json()
    assert said["type"].endswith("/" + slug)
    assert said["status"] == status
    assert said["request_id"] == "mine-1" == answer.headers["x-request-id"]
    assert "hunter2" not in answer.text


def test_whether_nothing_has_happened_is_said_as_far_as_it_is_known(one):
    """Of a write that failed before its commit it is said that it has not happened; after it, that nobody knows."""
    for kind, known in {"store": "Nothing has happened", "doubt": "Nobody knows whether it has happened"}.items():
        assert known in one.ask("GET", f"/v1/wrong/{kind}", scope="read").json()["detail"]


def test_unknown_paths_and_methods_are_problems_too(one):
    """404 and 405 have the shape of all problems, and 405 says what is allowed."""
    assert one.ask("GET", "/nothing").json()["status"] == 404
    answer = one.ask("DELETE", "/v1/echo")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.headers["content-type"] == "application/problem+json"
    assert one.ask("HEAD", "/livez").status_code == 200


def test_a_bad_request_id_is_replaced(one):
    """What would not be safe in a log is not taken over as an id."""
    for bad in ("a b", "x" * 65, '"', "a\tb"):
        assert one.ask("GET", "/livez", headers={"X-Request-Id": bad}).headers["x-request-id"] != bad


def test_who_may_not_ask_is_not_read(one):
    """Without a key nothing of the body is looked at; without the scope neither."""
    assert one.ask("POST", "/v1/echo", content=b"not json").status_code == 401
    answer = one.ask("POST", "/v1/echo", scope="read", content=b"not json")
    assert answer.status_code == 403
    assert "'forecast'" in answer.json()["detail"]


def test_bodies_have_a_limit_however_they_come(one):
    """Too many bytes are 413, said beforehand or not, and of streams as well."""

    async def endless():
        for _ in range(100):
            yield b"x" * 1000

    too_many = b'"' + b"x" * 5000 + b'"'
    for content in (too_many, endless()):
        assert one.ask("POST", "/v1/echo", scope="forecast", content=content).status_code == 413
    assert one.ask("POST", "/v1/streamed", scope="write", content=b"x" * 4000).json()["word"] == "4000"
    assert one.ask("POST", "/v1/streamed", scope="write", content=endless()).status_code == 413
    assert one.app.held.now == 0


def test_a_deadline_ends_a_request(one):
    """Who says how long he waits gets 504 after that time, and one that means nothing is refused."""
    for name, value in (("Foregate-Deadline-Ms", "50"), ("Request-Timeout", "0.05")):
        assert one.ask("GET", "/v1/slow", scope="read", headers={name: value}).status_code == 504
        for bad in ("nan", "-1", "soon", "inf", "0"):
            assert one.ask("GET", "/v1/slow", scope="read", headers={name: bad}).status_code == 422


def test_more_than_can_be_answered_is_refused_at_once(one):
    """Beyond the requests that are answered at once the answer is 503 with Retry-After, and afterwards all is well."""
    one.key("read")

    async def many():
        short = {"Foregate-Deadline-Ms": "300"}
        return await asyncio.gather(*(one.asking("GET", "/v1/slow", scope="read", headers=short) for _ in range(5)))

    answers = one.run(many())
    assert sorted(answer.status_code for answer in answers) == [503, 503, 503, 504, 504]
    refused = next(answer for answer in answers if answer.status_code == 503)
    assert refused.headers["retry-after"] == "1"
    assert one.ask("POST", "/v1/echo", scope="forecast", json={"word": "a"}).status_code == 200


def test_requests_are_counted_by_route(one):
    """Metrics have the template of the path, never the path; unknown methods are one."""
    one.ask("GET", "/v1/names/secret-name", scope="read")
    one.ask("BREW", "/v1/names/secret-name")
    text = one.ask("GET", "/metrics", scope="metrics").text
    assert 'route="/v1/names/{name}",status="200"' in text
    assert 'method="OTHER"' in text
    assert "secret-name" not in text


def test_every_answer_tells_browsers_to_keep_their_hands_off(one):
    """Answers are not sniffed and not cached."""
    headers = one.ask("GET", "/v1/public").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_the_answer_to_one_caller_is_not_changed_by_another(one):
    """Many requests at once each get their own answer."""
    one.key("forecast")

    async def many():
        asked = [f"w{number}" for number in range(2)]
        found = await asyncio.gather(
            *(one.asking("POST", "/v1/echo", scope="forecast", json={"word": word}) for word in asked)
        )
        return asked, [msgspec.json.decode(answer.content)["word"] for answer in found]

    asked, found = one.run(many())
    assert asked == found


@pytest.mark.parametrize(
    ("proxies", "forwarded", "peer", "via"),
    [
        ([], "203.0.113.7", "127.0.0.1", ""),
        (["127.0.0.0/8"], "203.0.113.7", "203.0.113.7", "127.0.0.1"),
        (["127.0.0.0/8"], "1.1.1.1, 203.0.113.7", "203.0.113.7", "127.0.0.1"),
        (["127.0.0.0/8"], "", "127.0.0.1", ""),
    ],
)
def test_the_log_names_who_asks_as_the_limits_do(tmp_path, proxies, forwarded, peer, via):
    """Behind a trusted proxy a line of the log has the client's address, and beside it the proxy's; else no claim."""
    with lab(tmp_path, settings={"limits": {"trusted_proxies": proxies}}) as made, capture_logs() as told:
        made.ask("GET", "/nowhere", headers={"X-Forwarded-For": forwarded} if forwarded else {})
    line = next(each for each in told if each["event"] == "request")
    assert (line["peer"], line["via"]) == (peer, via)

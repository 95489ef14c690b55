"""Laws of overload: what is too much is refused before anything of it is read, and nothing else is."""

import json

import pytest

from foregate.service.api.endpoints import PUBLIC, Endpoint
from foregate.service.api.load import Load, Shed
from foregate.service.metrics import Metrics
from foregate.service.problems import Problem
from foregate.service.settings import LimitSettings


async def handler(call):
    """Never asked."""


ENDPOINTS = {
    "/v1/forecasts": Endpoint("POST", "/v1/forecasts", "forecast", handler),
    "/v1/models": Endpoint("POST", "/v1/models", "read", handler),
    "/v1/upload": Endpoint("POST", "/v1/upload", "write", handler, limit="upload_bytes"),
    "/livez": Endpoint("POST", "/livez", PUBLIC, handler),
}


def find(scope):
    """The endpoint of a path."""
    if scope["path"] not in ENDPOINTS:
        raise Problem(404, "no-such-route", "no.")
    return ENDPOINTS[scope["path"]]


def scope(path, method="POST", *headers):
    """A request of which the headers are known."""
    return {"type": "http", "path": path, "method": method, "headers": list(headers)}


@pytest.fixture
def made():
    """Load of two places, what sheds, whether the queue of forecasts is long, and the metrics."""
    metrics, busy = Metrics(), []
    load = Load(LimitSettings(inflight=2, uploads=1), metrics)
    return load, Shed(load, find, {"/v1/forecasts": lambda: bool(busy)}, metrics), busy, metrics


def test_nothing_is_refused_while_there_are_places(made):
    """Where places are free and no queue is long, everything is taken in."""
    _, shed, _, _ = made
    assert [shed.refusal(scope(path)) for path in (*ENDPOINTS, "/nothing")] == [None] * 5


def test_without_a_place_all_but_the_public_and_uploads_are_refused(made):
    """Where every place is taken requests are refused; what is public, an upload or nowhere is not."""
    load, shed, _, _ = made
    with load.place(ENDPOINTS["/v1/models"]), load.place(ENDPOINTS["/v1/models"]):
        refused = [path for path in (*ENDPOINTS, "/nothing") if shed.refusal(scope(path)) is not None]
        assert refused == ["/v1/forecasts", "/v1/models"]
        assert shed.refusal(scope("/v1/models", "HEAD")) is None
        with pytest.raises(Problem, match="too many at once"), load.place(ENDPOINTS["/v1/models"]):
            pass
    assert shed.refusal(scope("/v1/models")) is None


def test_what_is_on_its_way_counts(made):
    """Requests that were taken in and have no place yet are counted, until they have come."""
    _, shed, _, _ = made
    shed.coming = 2
    assert shed.refusal(scope("/v1/models")) is not None
    shed.come()
    assert shed.refusal(scope("/v1/models")) is None


def test_a_long_queue_is_that_of_one_route(made):
    """Where the queue of a route is too long, its requests are refused and no others."""
    _, shed, busy, _ = made
    busy.append(True)
    assert shed.refusal(scope("/v1/forecasts")) is not None
    assert shed.refusal(scope("/v1/models")) is None


def test_a_refusal_is_an_answer_like_all(made):
    """It is a problem document of HTTP with a time to come again, the caller's request id and its own length."""
    _, shed, busy, metrics = made
    busy.append(True)
    for given, wanted in ((b"mine", "mine"), (b"not good", None)):
        sent = shed.refusal(scope("/v1/forecasts", "POST", (b"x-request-id", given)))
        head, _, body = sent.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        said = json.loads(body)
        assert status == "HTTP/1.1 503 Service Unavailable"
        assert headers["content-length"] == str(len(body))
        assert headers["retry-after"] == "1"
        assert headers["content-type"] == "application/problem+json"
        assert headers["x-request-id"] == said["request_id"] == (wanted or said["request_id"])
        assert said["type"].endswith("/overloaded")
    text = metrics.text().decode()
    assert 'foregate_rejected_total{reason="overloaded"} 2.0' in text
    assert 'route="/v1/forecasts",status="503"} 2.0' in text
    spent = metrics.registry.get_sample_value(
        "foregate_http_request_duration_seconds_sum", {"method": "POST", "route": "/v1/forecasts", "status": "503"}
    )
    assert 0 < spent < 1

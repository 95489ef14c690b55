"""The client: what it sends, what it tries again, what it tells."""

import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.client import Client, ServiceError, UnreachableError
from foregate.client.retries import Retries


class Fake:
    """A service that gives the answers that it was told to, and keeps what it was asked."""

    def __init__(self, *answers):
        self.answers, self.asked, self.waits = list(answers), [], []
        self.client = Client("http://fake", "k", transport=httpx.MockTransport(self.answer), sleep=self.waits.append)

    def answer(self, request):
        """The next answer."""
        self.asked.append(request)
        status, headers, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if status is None:
            raise httpx.ConnectError("refused")
        return httpx.Response(status, headers=headers, json=body)


GOOD = (200, {}, {"models": []})
BUSY = (503, {"Retry-After": "2"}, {"detail": "Busy.", "type": "x/overloaded"})
GONE = (None, {}, None)


def test_it_waits_as_long_as_it_is_told():
    """After 503 and 429 it tries again when the service says so."""
    fake = Fake(BUSY, (429, {"Retry-After": "1"}, {}), GOOD)
    assert fake.client.models() == []
    assert fake.waits == [2.0, 1.0]


def test_pauses_grow():
    """Where nothing is said pauses grow, and end after the last try."""
    fake = Fake(GONE)
    with pytest.raises(UnreachableError, match="in 5 tries"):
        fake.client.models()
    assert len(fake.asked) == 5
    assert all(0.05 * 2**n <= wait <= 0.1 * 2**n for n, wait in enumerate(fake.waits))


@pytest.mark.parametrize("answer", [GONE, (502, {}, {}), (504, {}, {}), (503, {}, {})])
def test_what_may_have_been_done_is_not_sent_again(answer):
    """A POST without a key of its own is not repeated unless the service says that nothing was done."""
    fake = Fake(answer, GOOD)
    with pytest.raises((ServiceError, UnreachableError)):
        fake.client.request("POST", "/v1/keys", {})
    assert len(fake.asked) == 1
    refused = Fake(BUSY, GOOD)
    refused.client.request("POST", "/v1/keys", {})
    assert len(refused.asked) == 2


def test_a_key_makes_a_repetition_safe():
    """What is sent once more carries the same idempotency key; another request another one."""
    fake = Fake(GONE, (504, {}, {}), GOOD)
    for _ in range(2):
        fake.client.request("POST", "/v1/observations", {}, once=True)
    first, second, third, other = (request.headers["idempotency-key"] for request in fake.asked)
    assert first == second == third != other


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 500, 501])
def test_what_will_not_get_better_is_told_at_once(status):
    """Refusals are raised with what the service has said."""
    said = {"type": "https://foregate.dev/problems/x", "detail": "a must be b.", "request_id": "r", "limit": 3}
    fake = Fake((status, {}, said))
    with pytest.raises(ServiceError, match=r"a must be b\. ") as told:
        fake.client.models()
    assert (told.value.status, told.value.slug, told.value.request_id) == (status, "x", "r")
    assert told.value.facts["limit"] == 3
    assert len(fake.asked) == 1


def test_something_in_between_that_speaks_no_json_is_told_too():
    """An answer of a proxy is shown as it is."""
    client = Client("http://x", "k", transport=httpx.MockTransport(lambda request: httpx.Response(400, text="<html>")))
    with pytest.raises(ServiceError, match="<html>"):
        client.models()


def test_a_wait_that_is_too_long_is_none():
    """A service that asks for an hour is not waited for."""
    fake = Fake((503, {"Retry-After": "3600"}, {}))
    with pytest.raises(ServiceError):
        fake.client.models()
    assert fake.waits == []


def test_forecasts_are_asked_for_by_name():
    """Histories go out with names and times, and values come back by name."""
    said = {"series": "a", "values": [[1.0]], "times": ["t"]}
    fake = Fake((200, {}, {"model": "m", "version": 2, "quantiles": [0.5], "forecasts": [said]}))
    found = fake.client.forecast({"a": [1.0, None]}, horizon=1, times={"a": ["s", "t"]}, freq="h")
    sent = json.loads(fake.asked[0].content)
    assert sent == {
        "histories": [{"name": "a", "values": [1.0, None], "times": ["s", "t"]}],
        "horizon": 1,
        "freq": "h",
    }
    assert (found.model, found.version, found.quantiles) == ("m", 2, (0.5,))
    assert (found.values, found.times) == ({"a": [[1.0]]}, {"a": ["t"]})
    assert fake.asked[0].headers["foregate-deadline-ms"] == "30000"


def test_nan_is_not_sent():
    """What JSON cannot say is refused here already."""
    with pytest.raises(ValueError, match="JSON"):
        Fake(GOOD).client.request("POST", "/v1/forecasts", {"x": float("nan")})


@given(st.integers(1, 30), st.sampled_from([None, 503]), st.floats(0, 5), st.integers(1, 20))
def test_no_pause_is_longer_than_the_longest(tried, status, longest, tries):
    """Whatever happens pauses are bounded, and there are not more tries than allowed."""
    wait = Retries(tries, 0.1, longest).after(tried, status, None, safe=True)
    assert (wait is None) == (tried >= tries)
    assert wait is None or 0 <= wait <= longest


def test_impatience_has_a_limit():
    """Numbers that mean nothing are refused."""
    with pytest.raises(ValueError, match="at least 1"):
        Retries(tries=0)


SESSION = {
    "series": "a b",
    "model": "m",
    "version": 2,
    "seq": 5,
    "origin": "2025-01-01T00:00:00Z",
    "times": ["2025-01-02T00:00:00Z"],
    "quantiles": [0.1, 0.5, 0.9],
    "values": [[1.0, 2.0, 3.0]],
}


def test_every_call_asks_its_route():
    """Sessions, observations, jobs, errors and drift are asked for where the API document says, and typed."""
    asked = []

    def answer(request):
        path = request.url.raw_path.decode()
        asked.append((request.method, path, json.loads(request.content) if request.content else None))
        stepped = {"seq": 5, "version": 2, "counts": {"stored": 1}, "forecast": SESSION}
        found = {
            "/v1/observations": {"counts": {"stored": 1}, "refused": []},
            "/v1/sessions/a%20b/observations": stepped,
            "/v1/sessions/a%20b/forecast?horizon=1": SESSION,
            "/v1/jobs": {"id": 7},
            "/v1/jobs/7": {"id": 7, "state": "done"},
            "/v1/jobs?state=done": {"jobs": [{"id": 7}]},
            "/v1/errors?model=m": {"errors": [{"n": 1}]},
            "/v1/drift?model=m": {"detectors": []},
        }
        return httpx.Response(200, json=found.get(path, {}))

    with Client("http://service", "key", transport=httpx.MockTransport(answer)) as client:
        client.put_series("a b", freq="D", segment="shops")
        assert client.observe([("a b", "2025-01-01", None)]) == {"stored": 1}
        client.open_sessions(["a b"], horizon=1)
        step = client.step("a b", [("2025-01-01", 2.0)], expected_seq=4)
        assert (step.seq, step.version, step.counts) == (5, 2, {"stored": 1})
        assert step.forecast == client.session_forecast("a b", horizon=1)
        assert step.forecast.values == {"a b": [[1.0, 2.0, 3.0]]}
        assert client.train("m", horizon=3, effort="fast") == 7
        assert client.job(7)["state"] == "done"
        assert client.jobs(state="done") == [{"id": 7}]
        client.cancel(7)
        assert client.errors(model="m") == [{"n": 1}]
        assert client.drift(model="m") == {"detectors": []}
    assert ("PUT", "/v1/series/a%20b", {"freq": "D", "segment": "shops"}) in asked
    assert ("POST", "/v1/sessions", {"series": ["a b"], "horizon": 1}) in asked
    sent = {"observations": [{"time": "2025-01-01", "value": 2.0}], "forecast": True, "expected_seq": 4}
    assert ("POST", "/v1/sessions/a%20b/observations", sent) in asked
    assert ("POST", "/v1/jobs", {"model": "m", "horizon": 3, "effort": "fast"}) in asked
    assert ("DELETE", "/v1/jobs/7", None) in asked


def test_covariates_go_with_rows_and_ahead_of_them():
    """Rows may bring covariates, and what is known ahead is sent by series and time."""
    fake = Fake((200, {}, {"changed": 2, "counts": {"stored": 2}, "seq": 1, "version": 1, "forecast": None}))
    assert fake.client.announce({"a": [(4, {"price": 2.5})], "b": [(5, {"price": None})]}) == 2
    fake.client.observe([("a", 1, 2.0), ("a", 2, None, {"price": 1.5})])
    fake.client.step("a", [(3, 1.0, {"price": 1.0})], future=[(4, {"price": 3.0})])
    future, rows, step = (json.loads(request.content) for request in fake.asked)
    assert future == {
        "future": [
            {"series": "a", "time": 4, "covariates": {"price": 2.5}},
            {"series": "b", "time": 5, "covariates": {"price": None}},
        ]
    }
    assert rows["observations"][1] == {"series": "a", "time": 2, "value": None, "covariates": {"price": 1.5}}
    assert "covariates" not in rows["observations"][0]
    assert step["observations"] == [{"time": 3, "value": 1.0, "covariates": {"price": 1.0}}]
    assert step["future"] == [{"time": 4, "covariates": {"price": 3.0}}]

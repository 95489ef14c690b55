"""The log: one JSON object a line, without secrets."""

import io
import json
import logging
import socket
import threading

import httpx
import pytest
import structlog

from foregate.service import logs
from foregate.service.access.tokens import Own
from tests.service.process import started

KEY = "fg_abcdefghijkl_" + "s" * 43


@pytest.fixture
def written():
    """What is written: call it for the lines so far, after which nothing more is."""
    stream = io.StringIO()
    log = logs.start("info", stream)

    def lines():
        log.close()
        return stream.getvalue().splitlines()

    yield lines
    log.close()


def test_every_event_is_one_line_that_can_be_parsed(written):
    """Whatever text a caller sends: one event, one line of ASCII, the same text read back."""
    hostile = ["a\r\nb", "\x1b[31m", "\u2028", "\x85", '{"level": "error"}', "\ud800", "\0", "é"]
    for text in hostile:
        structlog.get_logger().info("request", name=text)
    lines = written()
    assert [json.loads(line)["name"] for line in lines] == hostile
    assert all(line.isascii() for line in lines)


def test_secrets_are_not_written(written):
    """Keys, tokens and passwords are hidden by name and by shape, wherever they are, tracebacks too."""
    token = Own("s" * 40, "foregate", lambda: 1_800_000_000_000_000).give("abc", ["read"], 60)
    log = structlog.get_logger()
    log.info(f"key {KEY}", Authorization=f"Bearer {token}", url="postgresql://me:hunter2@host/db", note=[token])
    try:
        raise ValueError(f"bad key {KEY}")
    except ValueError as error:
        log.error("defect", exc_info=error)
    logging.getLogger("some.library").warning("connecting to redis://:hunter2@host with %s", KEY)
    text = "\n".join(written())
    assert "Traceback" in text
    for canary in ("s" * 43, token.split(".")[2], "hunter2"):
        assert canary not in text
    assert "fg_abcdefghijkl_[hidden]" in text


def test_libraries_write_into_the_same_log(written):
    """What the standard library's loggers tell has the same form; what is not worth a warning is not told."""
    logging.getLogger("uvicorn.error").warning("Invalid %s", "request")
    logging.getLogger("uvicorn.error").info("nothing")
    (line,) = written()
    said = json.loads(line)
    assert (said["event"], said["level"], said["logger"]) == ("Invalid request", "warning", "uvicorn.error")


def test_less_than_the_level_is_not_told(written):
    """Debug is not written at level info."""
    structlog.get_logger().debug("nothing")
    structlog.get_logger().info("something")
    assert len(written()) == 1


def test_a_slow_reader_holds_nobody_up(monkeypatch):
    """Where lines cannot be written they are dropped, and how many is told."""
    monkeypatch.setattr(logs, "MOST", 10)
    free = threading.Event()

    class Slow(io.StringIO):
        def write(self, text):
            free.wait(10)
            return super().write(text)

    stream = Slow()
    log = logs.start("info", stream)
    for _ in range(100):
        structlog.get_logger().info("request")
    free.set()
    log.close()
    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert len(told) < 25
    assert len(told) + sum(line.get("dropped", 0) for line in told) == 100


def test_a_reader_that_has_gone_is_no_reason_to_stop():
    """Errors of the stream are swallowed: the service goes on."""

    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    log = logs.start("info", Gone())
    structlog.get_logger().info("request")
    log.close()
    assert not log._thread.is_alive()


NASTY = 'CANARY\r\n\x1b[31m\u2028\x85{"event": "forged"}'
"""What a field of a request holds that would like to be a line of the log of its own, or to colour a terminal."""
SECRETS = {
    "a key": f"fg_{'c' * 12}_{'CANARY' * 7}A",
    "a token": ".".join(("eyJhbGciOiJIUzI1NiJ9", "eyJDQU5BUlkiOjF9", "CANARYsignature")),
    "a password": "CANARY-password-123",
}


def asked(url, headers):
    """Requests that have the text in every field that there is; what came back."""
    name, lists = NASTY, {"series": [NASTY], "histories": []}
    row = {"series": name, "time": NASTY, "value": 1.0, "covariates": {NASTY: NASTY}}
    step = {"observations": [{"time": NASTY, "value": 1.0}]}
    history = {"name": NASTY, "values": [1, 2], "start": NASTY, "static": {NASTY: NASTY}}
    bodies = [
        ("PUT", f"/v1/series/{NASTY}", {"freq": NASTY, "segment": NASTY, "attributes": {NASTY: NASTY}}),
        ("POST", "/v1/series", {"series": [{"name": name, "freq": "h"}]}),
        ("POST", "/v1/observations", {"observations": [row]}),
        ("POST", "/v1/sessions", {"series": [name], "model": NASTY}),
        ("POST", f"/v1/sessions/{NASTY}/observations", step),
        ("POST", "/v1/sessions:step", {"steps": [{"series": name, **step}]}),
        ("POST", "/v1/forecasts", {"horizon": 1, "freq": NASTY, **lists}),
        ("POST", "/v1/forecasts", {"horizon": 1, "histories": [history]}),
        ("POST", "/v1/forecasts", {"horizon": 1, "version": NASTY, "model": NASTY, NASTY: 1}),
        ("POST", "/v1/keys", {"name": NASTY, "scopes": [NASTY]}),
        ("POST", "/v1/jobs", {"model": NASTY, "horizon": 1}),
        ("PUT", f"/v1/models/pretrained/aliases/{NASTY}", {"version": 1, "reason": NASTY}),
        ("PUT", "/v1/models/pretrained/aliases/odd", {"version": 1, "reason": NASTY}),
        ("POST", "/v2/models/pretrained/infer", {"id": NASTY, "inputs": [{"name": NASTY}]}),
    ]
    with httpx.Client(base_url=url, headers=headers, timeout=20) as client:
        found = [client.request(method, path.replace(NASTY, "%0d%0a%1b%E2%80%A8CANARY"), json=body) for
                 method, path, body in bodies]  # fmt: skip
        found += [client.get(path, params={"model": NASTY, "kinds": NASTY}) for path in ("/v1/errors", "/v1/events")]
        table = f'series,time,value\n"{NASTY}",{NASTY},1\n'.encode("utf-8", "replace")
        found.append(client.post("/v1/observations/import", params={"format": "csv"}, content=table))
        for how, secret in SECRETS.items():
            found.append(client.get("/v1/keys", headers={"Authorization": f"Bearer {secret}"}))
            found.append(client.get(f"/v1/keys?{how.replace(' ', '')}={secret}", headers={"X-API-Key": secret}))
            form = {
                "grant_type": "client_credentials",
                "client_id": "c" * 12,
                "client_secret": secret,
                "scope": "CANARY",
            }
            found.append(httpx.post(f"{url}/v1/token", data=form))
            found.append(httpx.post(f"{url}/v1/token/revocation", data={"token": secret}))
    return found


def test_nothing_of_a_request_makes_a_line_or_tells_a_secret(tmp_path):
    """Whatever stands in the fields of requests: one line of JSON each, no secret in log, errors or answers."""
    with started(tmp_path / "data") as process:
        own = {"Authorization": f"Bearer {process.key}", "X-Request-Id": 'CANARY{"a": 1}', "User-Agent": "CANARY"}
        answers = asked(f"http://127.0.0.1:{process.port}", own)
        with socket.create_connection(("127.0.0.1", process.port), timeout=10) as raw:
            raw.sendall(b"GET /CANARY\xe2\x80\xa8 HTTP/1.1\r\nHost: CANARY\x1b\r\nX: CANARY\n\x85\r\n\r\n")
            raw.recv(1000)
        token = httpx.post(
            f"http://127.0.0.1:{process.port}/v1/token",
            data={"grant_type": "client_credentials", "client_id": process.key.split("_")[1],
                  "client_secret": process.key},
        ).json()["access_token"]  # fmt: skip
        assert process.get("/v1/keys").status_code == 200
        assert process.stop() == 0
        lines = process.said(process.log)
        told = lines + process.said(process.errors).replace(process.key, "", 1)  # it is shown once
    assert {answer.status_code for answer in answers} >= {200, 401, 404, 422}
    assert max(answer.status_code for answer in answers) < 500
    assert len([json.loads(line) for line in lines.splitlines()]) == lines.count("\n") > len(answers)
    assert lines.isascii()
    assert lines.isprintable() or set(lines) - {"\n"} <= set(map(chr, range(32, 127)))
    assert "forged" not in [json.loads(line)["event"] for line in lines.splitlines()]
    for secret in (*SECRETS.values(), "CANARY", process.key, token, token.split(".")[2]):
        assert secret not in told
    for answer in answers[-4 * len(SECRETS) :]:
        assert "CANARY" not in answer.text

"""The service as a process, on a socket."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.house import REPOSITORY
from tests.service.process import MAIN, started


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A process with tight limits, which the tests of this file share."""
    limits = {"LIMITS__HEADER_BYTES": "8192", "LIMITS__HEADER_SECONDS": "1", "LIMITS__BODY_SECONDS": "1"}
    with started(tmp_path_factory.mktemp("service") / "data", **limits, LIMITS__CONNECTIONS="40") as process:
        yield process


def answer(connection):
    """Everything that comes until the other side hangs up."""
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            found += piece
    return found


def test_it_starts_answers_and_stops(tmp_path):
    """The first start shows a key once; SIGTERM ends it with 0, and the next start keeps the key."""
    folder = tmp_path / "data"
    with started(folder) as process:
        key = process.key
        assert process.get("/readyz").status_code == 200
        assert process.get("/v1/keys").json()["keys"][0]["name"] == "admin"
        assert process.stop() == 0
        events = [event["event"] for event in process.events()]
        assert events[0] == "starting"
        assert events[-1] == "stopped"
        assert key not in process.said(process.log)
    with started(folder) as process:
        assert process.key == ""
        process.key = key
        assert process.get("/v1/keys").status_code == 200


def test_it_says_that_it_stops_before_it_does(tmp_path):
    """While it drains it is not ready, but answers; then it ends."""
    with started(tmp_path / "data", DRAIN_SECONDS="1.5") as process:
        process.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert process.get("/readyz").status_code == 503
        assert process.get("/v1/keys").status_code == 200
        assert process.process.wait(20) == 0


def test_open_doors_do_not_start(tmp_path):
    """Without keys on a public address the process ends with one sentence and code 2."""
    environ = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY / "src"),
        "FOREGATE_SERVE_ACCESS__REQUIRED": "false",
        "FOREGATE_SERVE_HOST": "0.0.0.0",
    }
    words = [sys.executable, "-c", MAIN, "serve", "--data-dir", str(tmp_path / "data")]
    done = subprocess.run(words, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "access.required must be true" in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_port_that_is_taken_is_told_by_its_setting(tmp_path):
    """A second one on the port of another ends as with any wrong setting, and says in a line what to do."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        words = [sys.executable, "-c", MAIN, "serve", "--data-dir", str(tmp_path / "data"), "--port", str(port)]
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "src")}
        done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert f"port must be one that is free on 127.0.0.1, but got {port}" in done.stderr


def test_torch_is_not_loaded(running):
    """The process that serves knows no torch."""
    maps = Path(f"/proc/{running.process.pid}/maps").read_text()
    assert "python" in maps
    assert "libtorch" not in maps


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"rubbish\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"GET /livez HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 10_000 + b"\r\n\r\n", 431),
        (b"GET /" + b"a" * 10_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431),
        (b"GET /livez HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 3000, 431),
        (b"GET /livez HTTP/1.1\r\nHost: x\r\nHalf: ", 408),
        (b"POST /v1/token HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\na", 408),
        (b"POST /v1/token HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\na", 413),
        (b"POST /v1/token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST /v1/token HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na", 400),
        (b"GET /%ff%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404),
        (b"GET http://[ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 400),
    ],
)
def test_what_is_no_good_request_is_told_so_and_hung_up_on(running, sent, status):
    """Rubbish, endless headers and bodies that trickle end with a status within seconds, in the usual shape."""
    with running.socket() as connection:
        connection.sendall(sent)
        said = answer(connection)
    assert said.startswith(b"HTTP/1.1 %d " % status), said[:200]
    assert b"application/problem+json" in said
    assert b'"status":%d' % status in said


@pytest.mark.parametrize(
    "head", [b"GET /livez HTTP/1.1\r\nX: ", b"POST /v1/token HTTP/1.1\r\nHost: x\r\nContent-Length: 90\r\n\r\n"]
)
def test_who_sends_a_byte_now_and_then_is_hung_up_on(running, head):
    """Headers and bodies that trickle byte by byte end in time; each byte is no reason to wait much longer."""
    with running.socket() as connection:
        connection.sendall(head)
        connection.settimeout(0.1)
        began, said = time.monotonic(), b""
        while not said and time.monotonic() - began < 20:
            with contextlib.suppress(OSError):
                connection.sendall(b"a")
            with contextlib.suppress(TimeoutError):
                said = connection.recv(65536)
        assert said.startswith(b"HTTP/1.1 408 ")
        assert time.monotonic() - began < 10


def test_a_body_without_an_end_is_refused_where_it_is_too_large(running):
    """Chunks that say nothing of how many there will be: 413 when there are too many, and no more is read."""
    with running.socket() as connection:
        connection.sendall(b"POST /v1/token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk, sent, said = b"10000\r\n" + b"a" * (1 << 16) + b"\r\n", 0, b""
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            while sent < 1000:
                connection.sendall(chunk)
                sent += 1
        with contextlib.suppress(ConnectionResetError):
            said = connection.recv(65536)
    assert 100 < sent < 400  # 8 MiB, and what lies in buffers
    assert said == b"" or said.startswith(b"HTTP/1.1 413 ")
    assert running.get("/livez").status_code == 200


def latency(process, number):
    """Seconds within which 99 of 100 requests are answered."""
    taken = []
    with httpx.Client(base_url=f"http://127.0.0.1:{process.port}") as client:
        for _ in range(number):
            began = time.monotonic()
            assert client.get("/readyz").status_code == 200
            taken.append(time.monotonic() - began)
    return sorted(taken)[int(number * 0.99)]


@pytest.mark.slow
def test_a_thousand_connections_that_say_nothing_hold_nobody_up(tmp_path):
    """While 1,000 connections are idle and 100 trickle, others are answered about as soon as without them."""
    with started(tmp_path / "data", LIMITS__HEADER_SECONDS="120") as process, contextlib.ExitStack() as stack:
        latency(process, 300)
        alone = min(latency(process, 1000) for _ in range(3))
        connections = [stack.enter_context(process.socket()) for _ in range(1100)]
        for connection in connections[:100]:
            connection.sendall(b"GET /livez HTTP/1.1\r\nX: a")
        together = min(latency(process, 1000) for _ in range(3))
        assert together < 2 * alone + 0.002


def test_who_says_nothing_is_hung_up_on(running):
    """A connection on which nothing is asked ends by itself."""
    with running.socket() as connection:
        began = time.monotonic()
        assert answer(connection) == b""
        assert time.monotonic() - began < 5


def test_connections_are_bounded(running):
    """One too many is 503; those who are in go on, and there is room again afterwards."""
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(running.socket()) for _ in range(45)]
        refused = connections[-1].recv(65536)
        assert refused.startswith(b"HTTP/1.1 503 ")
        connections[0].sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert answer(connections[0]).startswith(b"HTTP/1.1 200 ")
    time.sleep(0.3)
    assert running.get("/livez").status_code == 200


def test_requests_on_one_connection_are_answered_in_order(running):
    """Several requests that are sent at once get their answers one after the other."""
    with running.socket() as connection:
        last = b"Connection: close\r\n"
        one = b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Request-Id: r%d\r\n%s\r\n"
        connection.sendall(b"".join(one % (number, b"" if number < 9 else last) for number in range(10)))
        said = answer(connection)
    assert re.findall(rb"x-request-id: r(\d)", said) == [b"%d" % number for number in range(10)]


def test_streams_of_events_do_not_hold_up_the_end(tmp_path):
    """Who follows events is sent away when the process is to stop; nothing is cut off, and nothing is waited for."""
    with started(tmp_path / "data") as process, process.socket() as connection:
        head = f"GET /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {process.key}\r\n\r\n"
        connection.sendall(head.encode())
        while b"retry" not in connection.recv(65536):
            pass
        began = time.monotonic()
        assert process.stop() == 0
        assert time.monotonic() - began < 10
        assert answer(connection).endswith(b"0\r\n\r\n")
        assert not [event for event in process.events() if event["level"] == "error"]

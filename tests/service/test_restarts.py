"""Laws of processes that end and begin while requests come."""

import json
import math
import os
import signal
import threading
import time
from collections import Counter

import pytest

from tests.service.databases import fresh, server
from tests.service.process import started
from tests.service.site import Asking, Nginx, free_port, site

__all__ = ["server"]

RESTARTS = int(os.environ.get("RESTARTS", "50"))
RATE = float(os.environ.get("RATE", "100"))
DRAIN = float(os.environ.get("DRAIN", "3"))
SLOW_MACHINE = {"FORECASTS__PATIENCE_MS": "30000", "FORECASTS__QUEUE": "4000", "LIMITS__INFLIGHT": "4000"}
"""Nothing is refused because there is much to do: what is not answered here was lost."""


def request(key, *, close=True):
    """A forecast."""
    values = [100 + 10 * math.sin(i / 4) for i in range(48)]
    body = json.dumps({"histories": [{"name": "a", "values": values}], "horizon": 6}).encode()
    lines = ["POST /v1/forecasts HTTP/1.1", "Host: x", f"X-API-Key: {key}", "Content-Type: application/json"]
    lines += [f"Content-Length: {len(body)}", *(["Connection: close"] if close else [])]
    return "\r\n".join([*lines, "", ""]).encode() + body


def read(connection):
    """The status of one answer, and whether all of it came."""
    said = b""
    while b"\r\n\r\n" not in said:
        piece = connection.recv(65536)
        if not piece:
            return None
        said += piece
    head, _, body = said.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < length:
        piece = connection.recv(65536)
        if not piece:
            return None
        body += piece
    return int(head[9:12])


def test_who_has_asked_is_answered(tmp_path):
    """All requests that have come when the process is told to end are answered whole, the last on their connections."""
    with started(tmp_path / "data") as process:
        connections = [process.socket() for _ in range(40)]
        for one in connections:  # they are known to it
            one.sendall(request(process.key, close=False))
            assert read(one) == 200
        for one in connections:
            one.sendall(request(process.key, close=False))
        process.process.send_signal(signal.SIGTERM)
        assert Counter(read(one) for one in connections) == {200: 40}
        assert all(one.recv(10) == b"" for one in connections)
        for one in connections:
            one.close()
        assert process.process.wait(30) == 0


def test_answers_while_it_drains_end_their_connections(tmp_path):
    """From when it is to stop, answers say that their connection ends, so that whoever keeps some goes elsewhere."""
    with started(tmp_path / "data", DRAIN_SECONDS="1.5") as process, process.socket() as one, process.socket() as other:
        one.sendall(request(process.key, close=False))
        assert read(one) == 200
        process.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        for connection in (one, other):
            connection.sendall(request(process.key, close=False))
            assert read(connection) == 200
            assert connection.recv(10) == b""
        assert process.process.wait(30) == 0


@pytest.mark.slow
def test_restarts_behind_a_balancer_lose_nothing(server, tmp_path):
    """Replicas restarted in turn under load, behind a balancer that tries nothing twice: every request is answered."""
    shared = {"DATABASE": fresh(server), "DRAIN_SECONDS": str(DRAIN), **SLOW_MACHINE}
    nginx, ports, done, switched = Nginx(tmp_path / "nginx"), [free_port(), free_port()], [], []
    with site(tmp_path / "site", 0, **shared) as running:
        for port in ports:
            running.start(port=port)
        nginx.use(ports)
        with Asking(nginx.port, request(running.key), RATE) as asking:
            time.sleep(1)
            began = time.monotonic()
            for i in range(RESTARTS):
                old = next(one for one in running.replicas if one.port == ports[i % 2])
                old.process.send_signal(signal.SIGTERM)  # readiness is false from now on
                switched.append(nginx.use([ports[1 - i % 2]]))
                assert old.process.wait(60) == 0
                running.replicas.remove(old)
                old.kill()
                running.start(port=ports[i % 2])
                nginx.use(ports)
                done.append(time.monotonic() - began)
        nginx.stop()
    counts = asking.counts()
    slowest = sorted(took for _, _, took in asking.outcomes)[-1]
    print(
        f"{len(done)} restarts in {done[-1]:.0f} s, {counts}, slowest {slowest:.2f} s; "
        f"the balancer knew after {max(switched):.2f} s at most, of {DRAIN:g} s"
    )
    assert max(switched) < DRAIN, "the machine is too slow for this: let it drain for longer"
    assert set(counts) == {"200"}, counts


@pytest.mark.slow
def test_an_end_without_a_balancer_is_told(tmp_path):
    """Who is ended while new connections come answers all that it took in; others are refused, and few are cut off."""
    total = Counter()
    for i in range(10):
        with started(tmp_path / f"data{i}", **SLOW_MACHINE) as process:
            with Asking(process.port, request(process.key), RATE) as asking:
                time.sleep(1.0)
                process.process.send_signal(signal.SIGTERM)
                threading.Event().wait(0.5)
            assert process.process.wait(30) == 0
            total += asking.counts()
    print(total)
    assert set(total) <= {"200", "refused", "no answer", "ConnectionResetError"}
    cut = total["no answer"] + total["ConnectionResetError"]
    assert cut <= 10, total

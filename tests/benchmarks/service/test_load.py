"""Laws of the load generator: it sends when it is time to, and hides nothing."""

import http.server
import threading
import time
from collections import Counter

import pytest

from benchmarks.service.load import Load, Outcome, Request, measure
from benchmarks.service.rows import Row, table
from benchmarks.service.swaps import Checked


class Server(http.server.ThreadingHTTPServer):
    """Answers at once, but for a stretch of time in which it answers nobody."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, stall=(0.0, 0.0)):
        super().__init__(("127.0.0.1", 0), Handler)
        self.stall, self.began = stall, None
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def wait(self):
        now = time.monotonic()
        self.began = now if self.began is None else self.began
        begin, end = self.stall
        if begin <= now - self.began < end:
            time.sleep(end - (now - self.began))


class Handler(http.server.BaseHTTPRequestHandler):
    """Says what it was asked; refuses and breaks where the path says so."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        self.server.wait()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/broken":
            self.close_connection = True
            return
        self.send_response(503 if self.path.startswith("/busy") else 200)
        if self.path == "/busy":
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Say nothing."""


def sent(paths, *, stall=(0.0, 0.0), rate=50.0, seconds=1.0, **more):
    server = Server(stall)
    try:
        requests = [Request("POST", path, path.encode()) for path in paths]
        return measure(Load("127.0.0.1", server.server_port, rate, seconds, requests, **more))
    finally:
        server.shutdown()
        server.server_close()


def test_every_planned_request_is_sent_and_counted():
    """As many answers come as were planned, each with its status and body; what broke is counted as broken."""
    outcome = sent(["/a", "/busy", "/busy-without", "/broken", "/b"], keep=bytes.decode)
    assert outcome.statuses() == {0: 10, 200: 20, 503: 20}
    assert outcome.kept == Counter({"/a": 10, "/b": 10, "status 503": 20, "status 0": 10})
    assert outcome.refused_bare == 10
    assert outcome.errors() == 10
    assert outcome.rate == pytest.approx(50)


def test_a_stall_is_seen_by_all_that_were_due():
    """Requests that were due while nobody was answered are late by what was left of it: no omission of these."""
    outcome = sent(["/a"], stall=(0.5, 1.0), seconds=1.5, rate=40.0)
    late = sorted(each.latency for each in outcome.answers)
    assert set(outcome.statuses()) == {200}
    assert sum(latency > 0.1 for latency in late) >= 14  # of 20 that were due then
    assert late[-1] > 0.4


def test_the_beginning_is_not_counted():
    """What was due in the first seconds warms up, and counts for nothing."""
    outcome = sent(["/a"], warm=0.5)
    assert len(outcome.answers) == 25
    assert min(each.at for each in outcome.answers) >= 0.5


def test_random_times_have_the_rate():
    """Requests at random times come as often as was asked for, and the same times with the same seed."""
    first, second = (sent(["/a"], rate=200.0, random=True, seed=3) for _ in range(2))
    assert 140 < len(first.answers) < 260
    assert sorted(each.at for each in first.answers) == sorted(each.at for each in second.answers)


def test_an_answer_of_another_version_is_seen():
    """An answer whose numbers are not those of the version that it names is counted as wrong."""
    check = Checked({1: 10.0, 2: 20.0})
    body = b'{"version": %d, "forecasts": [{"values": [[0, 0, 0, 0, %f]]}]}'
    assert check(body % (2, 20.001)) == "version 2"
    assert check(body % (1, 20.0)) == "WRONG 1"


def test_the_table_says_what_was_reached():
    """Every figure has its row, and whether it was reached."""
    text = table([Row("a", "1", "2", fine=True), Row("b", "3", "4", fine=False)])
    assert "| a | 1 | 2 | yes |" in text
    assert "| b | 3 | 4 | NO |" in text
    assert Outcome([], 0.0, 0.0, 0.0).statuses() == {}

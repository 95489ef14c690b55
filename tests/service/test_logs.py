"""The log: one JSON object a line, without secrets."""

import io
import json
import logging
import threading

import pytest
import structlog

from foregate.service import logs
from foregate.service.access.tokens import Own

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

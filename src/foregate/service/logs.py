"""The log: one JSON object a line, written by a thread of its own, without secrets.

What a request does is put into a queue and no more, so that a slow terminal holds up nobody. Where the queue is full
lines are dropped and counted: a service that is busy is worth more than its log.
"""

from __future__ import annotations

import json
import logging
import queue
import re
import sys
import threading
import traceback
from collections.abc import MutableMapping
from typing import Any, NoReturn, TextIO

import structlog

__all__ = ["Log", "line", "start"]

MOST = 10_000
"""Lines that wait at most."""
TOGETHER = 200
"""Lines that are written at once."""
PAUSE = 0.02
"""Seconds between two writes."""
HIDDEN = frozenset(
    {"access_token", "api_key", "authorization", "client_secret", "cookie", "key", "password", "secret", "token"}
)
SECRET = re.compile(r"fg_([a-z0-9]{12})_[A-Za-z0-9_-]{43}|eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*")
PASSWORD = re.compile(r"(\w+://[^\s:/@\"]*):[^\s@/\"]+@")
Event = MutableMapping[str, Any]
_encode = json.JSONEncoder(default=str).encode


def line(event: Event) -> str:
    """An event as one line of ASCII, without what must not be told.

    Examples:
        >>> line({"event": "a" + chr(10) + "b", "password": "hunter2", "url": "redis://me:pass@host"})
        '{"event": "a\\\\nb", "password": "[hidden]", "url": "redis://me:[hidden]@host"}'
    """
    told = {name: "[hidden]" if name.lower() in HIDDEN else value for name, value in event.items()}
    text = _encode(told)
    if "fg_" in text or "eyJ" in text:
        text = SECRET.sub(lambda match: f"fg_{match[1]}_[hidden]" if match[1] else "[hidden]", text)
    return PASSWORD.sub(r"\1:[hidden]@", text) if "://" in text else text


class Log:
    """Takes events, and writes them where they go.

    Args:
        stream: where.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._queue: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._ending = threading.Event()
        self._dropped = 0
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    def put(self, event: Event) -> None:
        """Take an event."""
        if self._queue.qsize() < MOST:
            self._queue.put(event)
        else:
            self._dropped += 1

    def close(self) -> None:
        """Write what waits, and end."""
        structlog.reset_defaults()
        logging.getLogger().handlers[:] = [
            handler for handler in logging.getLogger().handlers if not isinstance(handler, _Bridge)
        ]
        self._ending.set()
        self._queue.put(None)
        self._thread.join(5)

    def _write(self) -> None:
        ended = False
        while not ended:
            events = [self._queue.get()]
            while not self._queue.empty() and len(events) < TOGETHER:
                events.append(self._queue.get())
            ended = None in events
            if self._dropped and events[0] is not None:
                events[0]["dropped"], self._dropped = self._dropped, 0
            try:
                self._stream.write("".join(line(event) + "\n" for event in events if event is not None))
                self._stream.flush()
            except (OSError, ValueError):  # nobody reads it any more
                self._dropped += len(events)
            self._ending.wait(PAUSE)  # few writes of many lines leave more time to those who answer


class _Bridge(logging.Handler):
    """What libraries tell goes into the same log."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record of the standard library."""
        event: Event = {"event": record.getMessage(), "level": record.levelname.lower(), "logger": record.name}
        if record.exc_info and record.exc_info[1]:
            event["exception"] = "".join(traceback.format_exception(record.exc_info[1]))
        self._log.put(_stamped(None, "", event))


_stamped = structlog.processors.TimeStamper(fmt="iso", utc=True)


def start(level: str = "info", stream: TextIO | None = None) -> Log:
    """Begin to log; until then events go where structlog's defaults send them.

    Args:
        level: the least that is told.
        stream: where to; None: standard output.
    """
    log = Log(stream or sys.stdout)

    def hand_over(logger: Any, method: str, event: Event) -> NoReturn:
        log.put(event)
        raise structlog.DropEvent

    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[structlog.processors.add_log_level, _stamped, _traced, hand_over],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.addHandler(_Bridge(log))
    root.setLevel(max(number, logging.WARNING))  # libraries tell much
    return log


def _traced(logger: Any, method: str, event: Event) -> Event:
    """An exception as text: frames without the values in them."""
    error = event.pop("exc_info", None)
    if isinstance(error, BaseException):
        event["exception"] = "".join(traceback.format_exception(error))
    return event

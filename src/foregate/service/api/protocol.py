"""HTTP/1.1 on a socket: uvicorn's protocol, with limits that it has not.

Headers must come whole within seconds and in few bytes, and connections are counted; whoever does not keep to that is
told so in the usual shape, and hung up on. What comes while there is too much to do is refused here, before there is a
task for it, on a connection that stays: see `foregate.service.api.load`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from foregate.service.problems import Problem

if TYPE_CHECKING:
    from foregate.service.api.load import Shed
    from foregate.service.settings import LimitSettings

__all__ = ["protocol_of"]


def protocol_of(limits: LimitSettings, refuses: Shed | None = None) -> type[HttpToolsProtocol]:
    """The protocol with the limits of some settings.

    Args:
        limits: what each connection and all together may do.
        refuses: what comes at a bad time; None: nothing does.
    """

    class Protocol(LimitedProtocol):
        shed = refuses
        most_bytes, seconds, most_connections = limits.header_bytes, limits.header_seconds, limits.connections

    return Protocol


class LimitedProtocol(HttpToolsProtocol):
    """See the module."""

    most_bytes: int
    seconds: float
    most_connections: int
    shed: Shed | None = None
    _timer: asyncio.TimerHandle | None = None
    _bytes = 0
    _in_headers = False
    _gone = False

    def connection_made(self, transport: Any) -> None:
        """Take a connection, unless there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.most_connections:
            detail = f"at most {self.most_connections} connections must be open, but got one more. Try again."
            self._hang_up(Problem(503, "overloaded", detail, headers={"Retry-After": "1"}))
        else:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of a connection."""
        self._no_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on."""
        if self._gone:
            return
        super().data_received(data)
        if self._in_headers:
            self._bytes += len(data)
            if self._bytes > self.most_bytes:
                self._too_large()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_headers, self._bytes = True, 0
        if self._timer is None and not self._gone:
            self._wait()

    def on_headers_complete(self) -> None:
        """All headers are there."""
        self._in_headers = False
        self._no_timer()
        if self._gone:
            return
        if len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) > self.most_bytes:
            self._too_large()
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of a body."""
        if not self._gone:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is there as a whole."""
        if not self._gone:
            super().on_message_complete()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        """Have a request answered, or refuse it at once."""
        if self.shed is None:
            super()._start_asgi_task(cycle, app)
            return
        # What waits behind it on this connection would be refused from within one another, without end.
        refusal = self.shed.refusal(cycle.scope) if not self.pipeline else None
        if refusal is None:
            self.shed.coming += 1
            super()._start_asgi_task(cycle, app)
            self.loop.call_soon(self.shed.come)  # after the first step of the task, which is as far as to its place
            return
        cycle.response_started = cycle.response_complete = True  # the rest of the body goes by
        self.transport.write(refusal)
        self.on_response_complete()
        if not cycle.keep_alive or cycle.waiting_for_100_continue:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """What came is not HTTP."""
        self._hang_up(Problem(400, "not-http", "the request must be HTTP/1.1, but got something else."))

    def _wait(self) -> None:
        self._timer = self.loop.call_later(self.seconds, self._too_slow)

    def _no_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._timer = None
        if self._in_headers:
            detail = f"headers must be there within {self.seconds:g} s, but got some of them only."
            self._hang_up(Problem(408, "slow-headers", detail))
        elif not self.transport.is_closing():  # nothing has been asked
            self.transport.close()

    def _too_large(self) -> None:
        detail = f"path and headers must have at most {self.most_bytes:,} bytes, but got more."
        self._hang_up(Problem(431, "headers-too-large", detail, limit=self.most_bytes))

    def _hang_up(self, problem: Problem) -> None:
        """Say what is wrong, and close."""
        if self._gone or self.transport.is_closing():
            return
        self._gone = True
        self._no_timer()
        answering = self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete
        if not answering and not self.pipeline:  # else this would come in between
            if self.cycle is not None:
                self.cycle.disconnected = True  # whoever still reads the body gets to know
                self.cycle.message_event.set()
            response = problem.response("-")
            headers = [*response.raw_headers, (b"connection", b"close")]
            lines = [name + b": " + value + b"\r\n" for name, value in headers]
            self.transport.write(STATUS_LINE[problem.status] + b"".join(lines) + b"\r\n" + bytes(response.body))
        self.transport.close()

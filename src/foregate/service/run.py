"""The service as a process: it listens, answers, and stops without leaving anybody without an answer."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sqlite3
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import structlog
import uvicorn
import uvloop

import foregate
from foregate.core import UsageError
from foregate.service import assembly, logs
from foregate.service.api.app import create_app
from foregate.service.api.protocol import protocol_of
from foregate.service.configuration import check
from foregate.service.context import Service

if TYPE_CHECKING:
    from foregate.service.settings import Settings

__all__ = ["Server", "serve"]

GRACE = 20
"""Seconds that requests have to end once the process is to stop."""
LINGER = 0.1
"""Seconds between no longer listening and closing the connections on which nothing is asked."""
KEEP_ALIVE = 75
"""Seconds that a connection may be idle: longer than a load balancer keeps one."""
SWITCH_SECONDS = 0.0005
"""So long at most one thread keeps another from running Python: the event loop shall not wait for a model."""
log = structlog.get_logger("foregate.run")


class Server(uvicorn.Server):
    """A server that says that it is not ready before it stops to listen.

    Args:
        config: of uvicorn.
        service: what it serves.
    """

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop when told to; a second signal stops at once."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def stop(self) -> None:
        """Answer what has come and what still comes for a moment, then end."""
        if self._service.draining:
            self.force_exit, self.should_exit = self.should_exit, True
            return
        self._service.draining = True
        log.info("draining", seconds=self._service.settings.drain_seconds)
        asyncio.get_running_loop().call_later(self._service.settings.drain_seconds, self._end)

    def _end(self) -> None:
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let streams of events end, which would not by themselves; answer all others."""
        self._service.fleet.hub.end()
        for server in getattr(self, "servers", []):
            server.close()
        await asyncio.sleep(LINGER)  # whoever was connected may have asked: that is read, and answered
        await super().shutdown(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        for server in getattr(self, "servers", []):
            for one in server.sockets:
                host, port = one.getsockname()[:2]
                log.info("listening", host=host, port=port)


def serve(settings: Settings) -> None:
    """Run the service until the process is told to stop.

    Raises:
        UsageError: the settings are dangerous, or the port is taken.
    """
    check(settings)
    sys.setswitchinterval(SWITCH_SECONDS)
    written = logs.start(settings.log_level)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(settings))
    finally:
        written.close()


async def _serve(settings: Settings) -> None:
    async with assembly.running(settings) as service:
        key = assembly.first_key(service.database, service.clock()) if settings.access.required else None
        if key is not None:
            sys.stderr.write(f"A key that may do everything; it is shown this once: {key}\n")
            sys.stderr.flush()
        log.info("starting", version=foregate.__version__, sqlite=sqlite3.sqlite_version, pid=os.getpid())
        service.metrics.build.labels(foregate.__version__, sqlite3.sqlite_version).set(1)
        app = create_app(service, assembly.routes())
        config = uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            http=protocol_of(settings.limits, app.shed),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=2048,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=GRACE,
        )
        server = Server(config, service)
        gc.collect()
        gc.freeze()  # what is there by now stays: looking through it again takes tens of milliseconds
        try:
            await server.serve()
        except SystemExit:  # of uvicorn; what the system says of it is in the log
            said = f"port must be one that is free on {settings.host}, but got {settings.port}"
            raise UsageError(f"{said}. Take another, or 0 for any that is free.") from None
        log.info("stopped")

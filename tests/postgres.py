"""A PostgreSQL server for tests, where one is installed."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PROGRAMS = Path("/usr/lib/postgresql")
"""Where Debian puts the programs of a server."""
HASTY = ("-F", "-c", "autovacuum=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off")
"""Options of a server whose data need not outlive the machine."""


class Server:
    """A server that runs, as somebody who may run one, in a folder of its own."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self.programs, self.folder = programs, folder
        self.who = {}
        if os.geteuid() == 0:  # the server refuses to be run by root, and others do not see into the folders of tests
            shutil.chown(folder, "nobody")
            self.who = {"user": "nobody"}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [programs / "initdb", "-D", folder / "data", "-U", "tester", "--auth=trust", "--no-sync"]
        subprocess.run(command, check=True, capture_output=True, cwd=folder, **self.who)
        self.running: subprocess.Popen | None = None

    @property
    def address(self) -> str:
        """URL of its first database."""
        return f"postgresql://tester@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        data, said = self.folder / "data", self.folder / "log"
        command = [self.programs / "postgres", "-D", data, "-p", str(self.port), "-h", "127.0.0.1", "-k", self.folder]
        with said.open("wb") as log:
            self.running = subprocess.Popen([*command, *HASTY], cwd=self.folder, stdout=log, stderr=log, **self.who)
        for _ in range(300):
            if b"ready to accept connections" in said.read_bytes():
                return
            assert self.running.poll() is None, said.read_text()
            time.sleep(0.1)
        raise AssertionError(said.read_text())

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it, and wait until it is gone: by SIGINT connections are cut, by SIGQUIT nothing is written either."""
        if self.running is not None:
            self.running.send_signal(how)
            self.running.wait(timeout=30)
            self.running = None


@contextmanager
def postgres() -> Iterator[Server]:
    """A server that is started, or the test is skipped where none is installed."""
    initdb = shutil.which("initdb") or next(map(str, sorted(PROGRAMS.glob("*/bin/initdb"))), None)
    if initdb is None:
        pytest.skip("no PostgreSQL server is installed: there is no initdb on the PATH or below /usr/lib/postgresql")
    folder = Path(tempfile.mkdtemp(prefix="server"))
    server = Server(Path(initdb).resolve().parent, folder)
    try:
        server.start()
        yield server
    finally:
        server.stop(signal.SIGQUIT)
        shutil.rmtree(folder)

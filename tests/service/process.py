"""A service in a process of its own, as a person would start it."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

from tests.house import REPOSITORY

MAIN = "from foregate.cli.app import main; main()"


class Process:
    """A service that was started as a person would."""

    def __init__(self, folder, port=0, name=None, **environment):
        paths = f"{REPOSITORY / 'src'}"
        known = {f"FOREGATE_SERVE_{name}": value for name, value in environment.items()}
        words = [sys.executable, "-c", MAIN, "serve", "--data-dir", str(folder), "--port", str(port)]
        self.log = (folder.parent / f"{name or folder.name}.log").open("w+")
        self.errors = (folder.parent / f"{name or folder.name}.err").open("w+")
        environ = {**os.environ, "PYTHONPATH": paths, **known}
        self.process = subprocess.Popen(words, stdout=self.log, stderr=self.errors, env=environ)
        self.port, self.key = 0, ""

    def wait(self):
        """Until it listens; then its port and its first key are known."""
        self.port = self._port()
        match = re.search(r"fg_\S+", self.said(self.errors))
        self.key = match[0] if match else ""

    def said(self, file):
        """What it has written."""
        return Path(file.name).read_text()

    def events(self):
        """Its log."""
        return [json.loads(line) for line in self.said(self.log).splitlines()]

    def _port(self):
        until = time.monotonic() + 120
        while time.monotonic() < until:
            for event in self.events():
                if event["event"] == "listening":
                    return event["port"]
            assert self.process.poll() is None, self.said(self.errors)
            time.sleep(0.05)
        raise AssertionError(self.said(self.log))

    def get(self, path, **said):
        """Ask."""
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", headers=headers, timeout=10, **said)

    def socket(self):
        """A connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def stop(self):
        """Ask it to stop; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def kill(self):
        """End it, if it runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log.close()
        self.errors.close()


@contextlib.contextmanager
def started(folder, **environment):
    """A process that is ended afterwards."""
    process = Process(folder, **environment)
    try:
        process.wait()
        yield process
    finally:
        process.kill()

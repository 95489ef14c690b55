"""A service to measure: the real one, in a process of its own, with keys, limits, metrics and logs on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.service.load import Request

__all__ = ["Running", "running"]

READY_SECONDS = 60
START = "from foregate.cli import main; main()"


@dataclass(frozen=True)
class Running:
    """A service that runs."""

    host: str
    port: int
    key: str
    folder: Path
    """Of its data and its log."""
    process: subprocess.Popen[bytes]
    ready: float
    """Seconds from its start to its first answer of being ready."""

    def ask(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """The decoded answer to one request; for preparing, not for measuring."""
        content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        said = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json", **(headers or {})}
        request = urllib.request.Request(f"http://{self.host}:{self.port}{path}", content, said, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if "json" in answer.headers.get("Content-Type", "") else text.decode()

    def request(self, method: str, path: str, body: Any = None) -> Request:
        """One to be sent again and again."""
        content = b"" if body is None else json.dumps(body).encode()
        return Request(method, path, content, (("Authorization", f"Bearer {self.key}"),))

    @property
    def memory(self) -> float:
        """MiB that it holds."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    @property
    def processor(self) -> float:
        """Seconds of processor time that it has taken."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def metrics(self) -> dict[str, float]:
        """Its own counts, by name with labels."""
        text = self.ask("GET", "/metrics")
        lines = [line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#")]
        return {name: float(value) for name, value in lines}


@contextmanager
def running(settings: Mapping[str, str] | None = None, folder: Path | None = None) -> Iterator[Running]:
    """Start a service, and stop it in the end.

    Args:
        settings: of the environment, without the prefix: ``FORECASTS__BATCH`` and the like.
        folder: of its data; a temporary one if not given.

    Raises:
        RuntimeError: it does not become ready.
    """
    with TemporaryDirectory() as temporary:
        place = folder or Path(temporary)
        place.mkdir(parents=True, exist_ok=True)
        own = {f"FOREGATE_SERVE_{name}": value for name, value in (settings or {}).items()}
        environment = {**os.environ, "OMP_NUM_THREADS": "1", **own}
        command = [sys.executable, "-c", START, "serve", "--data-dir", str(place / "data"), "--port", "0"]
        began = time.perf_counter()
        with (place / "log.jsonl").open("wb") as out, (place / "stderr.txt").open("wb") as err:
            process = subprocess.Popen(command, stdout=out, stderr=err, env=environment)
        try:
            port = _port(process, place)
            key = (place / "stderr.txt").read_text().rsplit(": ", 1)[-1].strip()
            kept = place / "key.txt"  # it is shown once
            if key.startswith("fg"):
                kept.write_text(key)
            service = Running("127.0.0.1", port, kept.read_text(), place, process, 0.0)
            _await_ready(service)
            yield Running("127.0.0.1", port, kept.read_text(), place, process, time.perf_counter() - began)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _port(process: subprocess.Popen[bytes], place: Path) -> int:
    until = time.perf_counter() + READY_SECONDS
    while time.perf_counter() < until and process.poll() is None:
        for line in (place / "log.jsonl").read_text().splitlines():
            if '"listening"' in line:
                return int(json.loads(line)["port"])
        time.sleep(0.005)
    raise RuntimeError(f"the service must start, but it did not: {(place / 'stderr.txt').read_text()[-2000:]}")


def _await_ready(service: Running) -> None:
    until = time.perf_counter() + READY_SECONDS
    while time.perf_counter() < until:
        try:
            service.ask("GET", "/readyz")
        except OSError:
            time.sleep(0.01)
        else:
            return
    raise RuntimeError("the service must become ready, but it did not.")

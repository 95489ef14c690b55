"""Many processes on one machine: PostgreSQL, Redis, replicas, a worker, and nginx before them."""

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.house import REPOSITORY
from tests.service.process import MAIN, Process

SECRET = "8f1c0d6b2e7a4953a1b2c3d4e5f60718293a4b5c6d7e8f90"
NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.err warn;
worker_shutdown_timeout 30s;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  upstream replicas {{
{servers}
    keepalive 16;
  }}
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    location = /generation {{ return 200 {generation}; }}
    location / {{
      proxy_pass http://replicas;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_next_upstream off;
    }}
  }}
}}
"""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def await_port(port: int, process: subprocess.Popen | None = None) -> None:
    """Until somebody listens."""
    for _ in range(400):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process is None or process.poll() is None, "it ended at once"
        time.sleep(0.05)
    raise AssertionError(f"nobody listens on {port}")


class Nginx:
    """A balancer that tries nobody twice, over those that it is told of."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
        if program is None:
            pytest.skip("nginx is not installed: apt-get install nginx-light")
        self.program, self.folder, self.port = program, folder, free_port()
        folder.mkdir(parents=True, exist_ok=True)
        self.process: subprocess.Popen | None = None
        self._generation = 0

    def use(self, ports: list[int]) -> float:
        """Send requests to these from now on; what is under way ends where it is. The seconds until that was so."""
        self._generation += 1
        began = time.monotonic()
        servers = "\n".join(f"    server 127.0.0.1:{port} max_fails=0;" for port in ports)
        path = self.folder / "nginx.conf"
        path.write_text(NGINX.format(folder=self.folder, servers=servers, port=self.port, generation=self._generation))
        words = [self.program, "-p", str(self.folder), "-c", str(path)]
        if self.process is None:
            self.process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
            await_port(self.port, self.process)
        else:
            subprocess.run([*words, "-s", "reload"], check=True, stderr=subprocess.DEVNULL)
        for _ in range(5):  # both the worker of before and the new one may take a connection for a moment
            while httpx.get(f"http://127.0.0.1:{self.port}/generation", timeout=30).text != str(self._generation):
                time.sleep(0.02)
        return time.monotonic() - began

    def stop(self) -> None:
        """End."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """The URL of a Redis server."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no Redis server is installed")
    port = free_port()
    words = [program, "--port", str(port), "--save", "", "--appendonly", "no"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as process:
        try:
            await_port(port, process)
            yield f"redis://127.0.0.1:{port}"
        finally:
            process.terminate()


@contextlib.contextmanager
def worker(folder: Path, **environment: str) -> Iterator[subprocess.Popen]:
    """A worker."""
    known = {f"FOREGATE_SERVE_{name}": value for name, value in environment.items()}
    words = [sys.executable, "-c", MAIN, "worker", "--data-dir", str(folder)]
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY / "src"), **known}
    with (folder.parent / f"{folder.name}.log").open("w") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, env=environ)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(60)


class Asking:
    """Requests at a fixed rate, each over a connection of its own, whether or not answers come.

    Args:
        port: whom to ask.
        request: as it is sent; it must end its connection.
        rate: requests per second.
    """

    def __init__(self, port: int, request: bytes, rate: float) -> None:
        self.port, self.request, self.rate = port, request, rate
        self.outcomes: list[tuple[float, str, float]] = []
        """When each was due by `time.monotonic`, its status or what became of it instead, and how long it took."""
        self._over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._over.set()
        self._thread.join()

    def counts(self) -> Counter:
        """How often what happened."""
        return Counter(what for _, what, _ in self.outcomes)

    async def _run(self) -> None:
        began, n, tasks = time.monotonic(), 0, set()
        while not self._over.is_set():
            n += 1
            await asyncio.sleep(max(0.0, began + n / self.rate - time.monotonic()))
            task = asyncio.create_task(self._ask(time.monotonic()))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)

    async def _ask(self, at: float) -> None:
        what = await self._asked()
        self.outcomes.append((at, what, time.monotonic() - at))

    async def _asked(self) -> str:
        try:
            async with asyncio.timeout(30):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except (OSError, TimeoutError) as error:
            return "refused" if isinstance(error, ConnectionRefusedError) else "no connection"
        try:
            async with asyncio.timeout(30):
                writer.write(self.request)
                said = await reader.read(-1)
        except (OSError, TimeoutError) as error:
            return type(error).__name__
        finally:
            writer.close()
        return said[9:12].decode() if said else "no answer"


class Site:
    """Replicas that share nothing but the URLs of their servers, and a secret."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder, self.environment = folder, {"ACCESS__SECRET": SECRET, **environment}
        self.replicas: list[Process] = []
        self.key, self._count = "", 0

    def start(self, n: int = 1, *, port: int = 0) -> None:
        """Start replicas, and wait until they answer."""
        for one in [self.begin(port=port) for _ in range(n)]:
            self.join(one)

    def begin(self, *, port: int = 0) -> Process:
        """Start a replica."""
        self._count += 1
        self.folder.mkdir(parents=True, exist_ok=True)
        self.replicas.append(Process(self.folder / f"replica{self._count}", port, **self.environment))
        return self.replicas[-1]

    def join(self, one: Process) -> None:
        """Wait for a replica."""
        one.wait()
        self.key = self.key or one.key
        for _ in range(200):
            if httpx.get(f"http://127.0.0.1:{one.port}/readyz", timeout=10).status_code == 200:
                return
            time.sleep(0.05)
        raise AssertionError("it does not become ready")

    def stop(self) -> None:
        """End all."""
        for one in self.replicas:
            one.kill()


@contextlib.contextmanager
def site(folder: Path, n: int = 2, **environment: str) -> Iterator[Site]:
    """A site with so many replicas."""
    made = Site(folder, **environment)
    try:
        made.start(n)
        yield made
    finally:
        made.stop()

"""A service in a process of its own that is there sooner: forked from one that has loaded all and opened nothing."""

import multiprocessing
import os
import sys
from pathlib import Path

from tests.service.process import Process

LOADED = [
    "foregate.cli.app",
    "foregate.service.run",
    "foregate.service.configuration",
    "onnxruntime",
    "pandas",
    "sqlalchemy.dialects.sqlite",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.httptools_impl",
]


class Ended:
    """A process that was forked, asked as one that was started."""

    def __init__(self, process):
        self.process, self.pid = process, process.pid

    def poll(self):
        """Its exit code; None while it runs."""
        return self.process.exitcode

    def kill(self):
        """SIGKILL."""
        self.process.kill()

    def wait(self, timeout=None):
        """Until it has ended; its exit code."""
        self.process.join(timeout)
        return self.process.exitcode


class Forked(Process):
    """A service that was forked."""

    def __init__(self, folder: Path, **environment):
        known = {f"FOREGATE_SERVE_{name}": value for name, value in environment.items()}
        names = [str(folder.parent / f"{folder.name}.{kind}") for kind in ("log", "err")]
        self.log, self.errors = Path(names[0]).open("w+"), Path(names[1]).open("w+")  # noqa: SIM115
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(LOADED)
        process = context.Process(target=serve, args=(str(folder), names, known), daemon=True)
        process.start()
        self.process = Ended(process)
        self.port, self.key = 0, ""


def serve(folder: str, names: list[str], environment: dict[str, str]) -> None:
    """What such a process does."""
    for number, name in zip((1, 2), names, strict=True):
        file = os.open(name, os.O_WRONLY | os.O_APPEND)
        os.dup2(file, number)
        os.close(file)
    os.environ.update(environment)
    sys.argv = ["foregate", "serve", "--data-dir", folder, "--port", "0"]
    from foregate.cli.app import main

    main()

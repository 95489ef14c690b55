"""What the contracts share: a fresh interpreter, in which what an import loads can be seen."""

import subprocess
import sys
from collections.abc import Callable

import pytest

Fresh = Callable[..., set[str]]


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Fresh:
    """A function that runs code in a new interpreter and returns the top-level modules it has loaded at the end."""
    folder = tmp_path_factory.mktemp("fresh")

    def run(code: str) -> set[str]:
        report = "\nimport sys; print('\\nLOADED', *sorted({m.partition('.')[0] for m in sys.modules}))"
        done = subprocess.run(
            [sys.executable, "-I", "-W", "error", "-c", code + report],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return set(done.stdout.rpartition("LOADED")[2].split())

    return run

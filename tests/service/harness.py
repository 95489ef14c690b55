"""What tests of crashes and of full disks have in common."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.house import REPOSITORY

SEED = "7"


def killed(module: str, folder: Path, kills: int) -> dict[str, Any]:
    """What a harness, which is a module of these tests, found after so many kills."""
    command = [sys.executable, "-m", module, str(folder), str(kills), SEED]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    print(ended.stdout)
    return json.loads(ended.stdout)


@contextmanager
def small_disk(point: Path, mebibytes: int) -> Iterator[Path]:
    """A disk of that size, mounted on a folder that is made; tests are skipped where that may not be."""
    point.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(point)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("no small disk can be mounted here: that takes rights of the system's administrator")
    try:
        yield point
    finally:
        subprocess.run(["umount", "-l", str(point)], check=True)

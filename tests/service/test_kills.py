"""A service that is killed while it is written into."""

import json
import subprocess
import sys

import pytest

from tests.house import REPOSITORY


def killed(folder, kills: int) -> dict:
    """What was found after so many kills; see `tests.service.kills`."""
    command = [sys.executable, "-m", "tests.service.kills", str(folder), str(kills), "7"]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    print(ended.stdout)
    return json.loads(ended.stdout)


def test_a_service_that_is_killed_loses_nothing_that_it_answered(tmp_path):
    """After kills all that was answered is there, once and whole, and sessions say what follows from their rows."""
    found = killed(tmp_path / "data", 2)
    assert found["kills"] == 2
    assert found["rows"] > 100


@pytest.mark.slow
def test_a_service_that_is_killed_300_times_loses_nothing(tmp_path):
    """The same after 300 kills, with about fifty requests in flight."""
    found = killed(tmp_path / "data", 300)
    assert found["working"] > 200
    assert found["rows"] > 10_000

"""The leading library beside a live forecaster; a row of `benchmarks.live`, and its other side is `live_peer`."""

from __future__ import annotations

import json
import subprocess
import tempfile
from typing import Any

from benchmarks.run import environment, python_of

__all__ = ["LEADING", "WINDOW", "theirs"]

LEADING = "neuralforecast LSTM"
WINDOW = 168
"""Rows that it reads anew for every forecast: a week of hours."""


def theirs(hidden: int, horizon: int, window: int = WINDOW) -> dict[str, Any]:
    """Microseconds of processor of a forecast; see `benchmarks.live_peer`."""
    command = [python_of(LEADING), "-m", "benchmarks.live_peer", *map(str, (hidden, horizon, window))]
    with tempfile.TemporaryDirectory() as place:  # its defaults leave logs where they run
        done = subprocess.run(
            command, cwd=place, env=environment(), check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told

"""Many sessions: what they take of memory, how soon a service with them is ready, and whether time makes them slow."""

from __future__ import annotations

import random
import statistics
import time as clock
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.service.rows import Options, Row
from benchmarks.service.server import Running, running
from benchmarks.service.step import time, value

__all__ = ["run"]

SESSIONS = 100_000
STEPPED = 20_000
"""Of these, so many are moved on, each once: all that fit into memory, and more."""
LONG, SHORT = 20_000, 200
"""Rows of a long and a short history."""


def run(options: Options) -> list[Row]:
    """Measure."""
    with TemporaryDirectory() as folder:
        place = Path(folder)
        with running(options.settings, place) as service:
            _fill(service, SESSIONS)
            began = clock.perf_counter()
            _step(service, STEPPED)
            speed = STEPPED / (clock.perf_counter() - began)
            memory = service.memory
            slow, quick = _long(service)
        with running(options.settings, place) as service:
            ready, fresh = service.ready, service.memory
            active = service.metrics()["foregate_sessions_active"]
    got = f"{memory:.0f} MiB after {STEPPED:,} of them were moved on ({speed:,.0f}/s), {fresh:.0f} MiB after a start"
    return [
        Row(f"memory with {SESSIONS:,} sessions", "500 MiB", got, memory < 500 and active >= SESSIONS),
        Row(f"ready with {SESSIONS:,} sessions", "2 s", f"{ready:.2f} s", ready < 2),
        Row(
            "a step after a long history",
            "as after a short one",
            f"{slow:.2f} ms after {LONG:,} rows, {quick:.2f} ms after {SHORT:,} (medians, alone)",
            slow < 1.25 * quick,
        ),
    ]


def _fill(service: Running, sessions: int) -> None:
    names = [f"s{i}" for i in range(sessions)]
    for begin in range(0, sessions, 5000):
        some = [{"name": name, "freq": "h", "season_length": 24} for name in names[begin : begin + 5000]]
        service.ask("POST", "/v1/series", {"series": some})
        service.ask("POST", "/v1/sessions", {"series": names[begin : begin + 5000], "horizon": 0})


def _step(service: Running, sessions: int) -> None:
    rng = random.Random(0)
    for begin in range(0, sessions, 500):
        steps = [
            {"series": f"s{i}", "observations": [{"time": time(t), "value": value(i, t, rng)} for t in range(3)]}
            for i in range(begin, begin + 500)
        ]
        service.ask("POST", "/v1/sessions:step", {"steps": steps})


def _long(service: Running) -> tuple[float, float]:
    """Milliseconds of a step after a long and after a short history, by turns."""
    rng, rows = random.Random(1), {"long": LONG, "short": SHORT}
    for name, n in rows.items():
        service.ask("PUT", f"/v1/series/{name}", {"freq": "h", "season_length": 24})
        service.ask("POST", "/v1/sessions", {"series": [name]})
        for begin in range(0, n, 10_000):
            told = [
                {"series": name, "time": time(t - LONG), "value": value(0, t, rng)}
                for t in range(begin, min(begin + 10_000, n))
            ]
            service.ask("POST", "/v1/observations", {"observations": told})
        service.ask("GET", f"/v1/sessions/{name}/forecast")
    took: dict[str, list[float]] = {"long": [], "short": []}
    for i in range(200):
        for name, n in rows.items():
            row = {"time": time(n - LONG + i), "value": value(0, i, rng)}
            began = clock.perf_counter()
            service.ask("POST", f"/v1/sessions/{name}/observations", {"observations": [row]})
            took[name].append(1e3 * (clock.perf_counter() - began))
    return statistics.median(took["long"]), statistics.median(took["short"])

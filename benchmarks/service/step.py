"""Durable steps of live sessions: one observation a request, answered with the forecast after it is committed."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta

from benchmarks.service.forecast import said
from benchmarks.service.load import Load, Request, measure
from benchmarks.service.rows import Options, Row
from benchmarks.service.server import Running, running

__all__ = ["opened", "run", "steps"]

RATE = 500.0
WARM = 5.0
SESSIONS = 1000
HISTORY = 48
FIRST = datetime(2024, 1, 1, tzinfo=UTC)


def value(name: int, t: int, rng: random.Random) -> float:
    """Of a row: a day, and noise."""
    return round(100 + name % 7 + 20 * math.sin(t * math.pi / 12) + rng.gauss(0, 3), 3)


def time(t: int) -> str:
    """Of a row."""
    return (FIRST + timedelta(hours=t)).isoformat()


def opened(service: Running, sessions: int, history: int = HISTORY) -> None:
    """Make series with a short history, and open a session of each."""
    rng = random.Random(0)
    names = [f"s{i}" for i in range(sessions)]
    for name in names:
        service.ask("PUT", f"/v1/series/{name}", {"freq": "h", "season_length": 24})
    for t in range(0, history, 10):
        hours = range(t, min(t + 10, history))
        for begin in range(0, sessions, 1000):
            rows = [
                {"series": names[i], "time": time(hour), "value": value(i, hour, rng)}
                for i in range(begin, min(begin + 1000, sessions))
                for hour in hours
            ]
            service.ask("POST", "/v1/observations", {"observations": rows})
    for begin in range(0, sessions, 1000):
        service.ask("POST", "/v1/sessions", {"series": names[begin : begin + 1000]})


def steps(service: Running, sessions: int, n: int, history: int = HISTORY) -> list[Request]:
    """One observation a request, the sessions in turn."""
    rng = random.Random(1)
    made = []
    for i in range(n):
        name, t = i % sessions, history + i // sessions
        row = {"time": time(t), "value": value(name, t, rng)}
        made.append(service.request("POST", f"/v1/sessions/s{name}/observations", {"observations": [row]}))
    return made


def run(options: Options) -> list[Row]:
    """Measure."""
    rate = RATE if math.isnan(options.rate) else options.rate
    with running(options.settings) as service:
        opened(service, SESSIONS)
        requests = steps(service, SESSIONS, int(rate * (options.seconds + WARM)) + 1)
        before, moved = service.processor, service.metrics()
        outcome = measure(Load(service.host, service.port, rate, options.seconds + WARM, requests, warm=WARM))
        spent, after = service.processor - before, service.metrics()
    commits = after["foregate_db_commit_seconds_count"] - moved["foregate_db_commit_seconds_count"]
    p99 = outcome.quantiles(0.99)[0]
    each = 1e3 * spent / len(requests)
    got = f"{said(outcome)}; {each:.2f} ms of processor time a step, {len(requests) / commits:.1f} in a commit"
    fine = p99 < 40 and set(outcome.statuses()) == {200}
    return [Row("durable session step with forecast, one a request", f"{rate:.0f}/s, p99 < 40 ms", got, fine)]

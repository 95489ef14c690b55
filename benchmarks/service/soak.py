"""Memory over time: under a steady load of everything, and after the champion was swapped a thousand times."""

from __future__ import annotations

import math
import random
import statistics
import threading
import time as clock
from collections.abc import Sequence

from benchmarks.service.forecast import bodies
from benchmarks.service.load import Load, Outcome, Request, measure
from benchmarks.service.rows import Options, Row
from benchmarks.service.server import Running, running
from benchmarks.service.step import opened, steps, time, value
from benchmarks.service.swaps import MODEL, SIZES, swap, upload

__all__ = ["Samples", "eighths", "growth", "run", "swapped"]

LONG = 8
"""So much longer than other loads."""
RATE = 40.0
"""Requests per second: of ten, six steps, two forecasts, one bulk ingest and one forecast of a session."""
SESSIONS, ROWS = 300, 20
HISTORY = 400
"""Rows of a session before: more than it keeps, so that states are as large as they get."""
WARM = 1 / 8
"""Share of the time that is not counted: caches fill."""
BURST, BURST_SECONDS = 1000.0, 3.0
"""Requests per second, and seconds, three times before."""
SWAPS, BEFORE = 1000, 100
"""How often the champion is swapped, after so many swaps that are not counted."""
MOST_GROWTH, MOST_MORE = 0.03, 20.0


class Samples:
    """Memory of a service, looked at once a second.

    Args:
        service: that runs.
    """

    def __init__(self, service: Running) -> None:
        self.service, self.taken = service, list[tuple[float, float]]()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Samples:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        began = clock.monotonic()
        while not self._over.wait(1.0):
            self.taken.append((clock.monotonic() - began, self.service.memory))


def growth(samples: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """MiB in the first and in the last third of the time that is counted: medians.

    Args:
        samples: seconds and MiB, in order.
    """
    end = samples[-1][0]
    counted = [mib for at, mib in samples if at >= WARM * end]
    third = max(1, len(counted) // 3)
    return statistics.median(counted[:third]), statistics.median(counted[-third:])


def eighths(samples: Sequence[tuple[float, float]]) -> list[float]:
    """MiB in each eighth of the time: medians.

    Args:
        samples: seconds and MiB, in order.
    """
    end = samples[-1][0]
    parts = [[mib for at, mib in samples if i * end <= 8 * at <= (i + 1) * end] for i in range(8)]
    return [statistics.median(part) for part in parts if part]


def run(options: Options) -> list[Row]:
    """Measure."""
    rate = RATE if math.isnan(options.rate) else options.rate
    with running({"FORECASTS__SPARE": "0", **options.settings}) as service:
        opened(service, SESSIONS, HISTORY)
        _burst(service)
        with Samples(service) as samples:
            outcome = _load(service, rate, LONG * options.seconds)
        first, last = growth(samples.taken)
        before, after = swapped(service, SWAPS)
    grown, minutes = last / first - 1, LONG * options.seconds / 60
    course = ", ".join(f"{mib:.0f}" for mib in eighths(samples.taken))
    got = f"{grown:+.1%}: {first:.1f} MiB in the first third, {last:.1f} in the last ({course}); {outcome.statuses()}"
    fine = grown <= MOST_GROWTH and set(outcome.statuses()) == {200}
    more = f"{after - before:+.1f} MiB: from {before:.1f} to {after:.1f}"
    return [
        Row(f"memory under {minutes:g} minutes of a steady load", f"grows by {MOST_GROWTH:.0%} at most", got, fine),
        Row(f"memory after {SWAPS:,} swaps of the champion", "20 MiB more at most", more, after - before <= MOST_MORE),
    ]


def swapped(service: Running, times: int) -> tuple[float, float]:
    """MiB before and after the champion was swapped so often; every one of them was asked for a forecast."""
    versions = [upload(service, MODEL, size) for size in SIZES]
    body = bodies(1, model=MODEL)[0]

    def again(n: int) -> float:
        for i in range(n):
            swap(service, [versions[i % 2]] * 2, 1, 0)
            found = service.ask("POST", "/v1/forecasts", body)["version"]
            if found not in versions:
                raise AssertionError(f"the answer must be of version {versions}, but is of {found}.")
        return service.memory

    return again(BEFORE), again(times)


def _burst(service: Running) -> None:
    """More than can be answered, of everything: what is kept for the largest batches is there afterwards."""
    sent = [service.request("POST", "/v1/forecasts", body) for body in bodies()]
    asked = [service.request("GET", f"/v1/sessions/s{i}/forecast") for i in range(SESSIONS)]
    for requests in (sent, asked, [each for pair in zip(sent, asked, strict=False) for each in pair]):
        measure(Load(service.host, service.port, BURST, BURST_SECONDS, requests))


def _load(service: Running, rate: float, seconds: float) -> Outcome:
    """Everything at once, at a steady rate."""
    n, rng = int(rate * seconds) + 1, random.Random(2)
    service.ask("POST", "/v1/series", {"series": [{"name": f"bulk{i}", "freq": "h"} for i in range(ROWS)]})
    stepping = iter(steps(service, SESSIONS, n, HISTORY))
    made = [service.request("POST", "/v1/forecasts", body) for body in bodies()]
    sent: list[Request] = []
    for i in range(n):
        kind = i % 10
        if kind < 6:
            sent.append(next(stepping))
        elif kind < 8:
            sent.append(made[i % len(made)])
        elif kind == 8:
            sent.append(service.request("GET", f"/v1/sessions/s{i % SESSIONS}/forecast"))
        else:
            rows = [{"series": f"bulk{j}", "time": time(i // 10), "value": value(j, i, rng)} for j in range(ROWS)]
            sent.append(service.request("POST", "/v1/observations", {"observations": rows}))
    return measure(Load(service.host, service.port, rate, seconds, sent))

"""Three times as many requests as can be answered: what becomes of those that are, of those that are not, and after."""

from __future__ import annotations

import math

from benchmarks.service.forecast import requests, said
from benchmarks.service.load import Load, Outcome, Request, measure
from benchmarks.service.rows import Options, Row
from benchmarks.service.server import Running, running

__all__ = ["capacity", "run"]

FIRST, STEP, PROBE = 100.0, 1.3, 4.0
TIMES = 3
RECOVERY = 5.0
GENTLE = 0.3
"""Share of the capacity that is asked for afterwards."""


def capacity(service: Running, made: list[Request]) -> float:
    """Requests per second that are answered where more are sent."""
    rate, best = FIRST, 0.0
    while True:
        outcome = measure(Load(service.host, service.port, rate, PROBE, made, warm=1.0))
        answered = outcome.statuses().get(200, 0) / (PROBE - 1.0)
        if answered < 0.95 * rate:
            return max(best, answered)
        best, rate = answered, rate * STEP


def _recovered(outcome: Outcome) -> float:
    """Seconds until the last request that was refused, or answered late."""
    bad = [each.at for each in outcome.answers if each.status != 200 or each.latency > 0.2]
    return max(bad, default=0.0)


def run(options: Options) -> list[Row]:
    """Measure."""
    with running(options.settings) as service:
        made = requests(service)
        most = capacity(service, made) if math.isnan(options.rate) else options.rate
        seconds = min(options.seconds, 20.0)
        over = measure(Load(service.host, service.port, TIMES * most, seconds, made, warm=2.0, connections=1024))
        after = measure(Load(service.host, service.port, GENTLE * most, 2 * RECOVERY, made))
    refused, accepted = over.quantiles(0.99, refused=True)[0], over.quantiles(0.99)[0]
    recovered = _recovered(after)
    bare = over.refused_bare
    fine = refused < 50 and not over.errors() and not bare and recovered < RECOVERY
    got = (
        f"capacity {most:.0f}/s; refused in p99 {refused:.1f} ms, {bare} without Retry-After; accepted p99 "
        f"{accepted:.0f} ms; {said(over)}; recovered after {recovered:.1f} s"
    )
    return [Row("three times the capacity", "refused in < 50 ms with Retry-After, recovered in 5 s", got, fine)]

"""Stateless forecasts: a history of 168 steps comes with each request, 24 steps with 9 quantiles go back."""

from __future__ import annotations

import math
import random
from typing import Any

from benchmarks.service.load import Load, Outcome, Request, measure
from benchmarks.service.rows import Options, Row
from benchmarks.service.server import Running, running

__all__ = ["bodies", "requests", "run", "said"]

RATE = 300.0
WARM = 5.0
HISTORY, HORIZON = 168, 24
QUANTILES = tuple(q / 10 for q in range(1, 10))
KINDS = 64


def bodies(n: int = KINDS, rows: int = HISTORY, horizon: int = HORIZON, **more: Any) -> list[dict[str, Any]]:
    """Requests of one series each: a day, a week, a trend and noise, every one of its own."""
    rng = random.Random(0)
    made = []
    for _ in range(n):
        size, trend, phase = rng.uniform(1, 1000), rng.uniform(-0.1, 0.1), rng.uniform(0, 24)
        values = [
            size * (2 + trend * t / rows + math.sin((t + phase) * math.pi / 12) / 2 + rng.gauss(0, 0.1))
            for t in range(rows)
        ]
        history = {"values": [round(value, 4) for value in values], "start": "2024-01-01T00:00:00Z"}
        made.append({"horizon": horizon, "freq": "h", "quantiles": QUANTILES, "histories": [history], **more})
    return made


def requests(service: Running, made: list[dict[str, Any]] | None = None) -> list[Request]:
    """The same, to be sent."""
    return [service.request("POST", "/v1/forecasts", body) for body in made or bodies()]


def said(outcome: Outcome) -> str:
    """An outcome in a line."""
    p50, p99, p999 = outcome.quantiles(0.5, 0.99, 0.999)
    return (
        f"p50 {p50:.1f}, p99 {p99:.1f}, p99.9 {p999:.1f} ms at {outcome.rate:.0f}/s; {outcome.statuses()}; "
        f"the client was late by {1e3 * outcome.late:.1f} ms and took {outcome.processor:.0%} of a core"
    )


def run(options: Options) -> list[Row]:
    """Measure."""
    rate = RATE if math.isnan(options.rate) else options.rate
    with running(options.settings) as service:
        before, made = service.processor, requests(service)
        outcome = measure(Load(service.host, service.port, rate, options.seconds + WARM, made, warm=WARM))
        cost = 1e3 * (service.processor - before) / max(1, len(outcome.answers)) / (1 + WARM / options.seconds)
        together = service.metrics()
        batch = together["foregate_inference_batch_size_sum"] / together["foregate_inference_batch_size_count"]
    p99 = outcome.quantiles(0.99)[0]
    fine = p99 < 25 and set(outcome.statuses()) == {200}
    got = f"{said(outcome)}; {cost:.2f} ms of processor time a request, {batch:.1f} together"
    return [
        Row(
            "stateless forecast, 168 rows, 24 x 9 quantiles, open loop",
            f"{rate:.0f}/s, p99 < 25 ms, 0 errors",
            got,
            fine,
        )
    ]

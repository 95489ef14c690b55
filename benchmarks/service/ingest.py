"""Bulk ingest: a hundred observations a request, answered when they are committed."""

from __future__ import annotations

import json
import math
import random

from benchmarks.service.forecast import said
from benchmarks.service.load import Load, measure
from benchmarks.service.rows import Options, Row
from benchmarks.service.server import running
from benchmarks.service.step import time, value

__all__ = ["run"]

RATE = 200.0
WARM = 5.0
SERIES, TOGETHER = 1000, 100


def run(options: Options) -> list[Row]:
    """Measure."""
    rate = RATE if math.isnan(options.rate) else options.rate
    rng, requests = random.Random(0), []
    with running(options.settings) as service:
        for i in range(SERIES):
            service.ask("PUT", f"/v1/series/s{i}", {"freq": "h"})
        for n in range(int(rate * (options.seconds + WARM)) + 1):
            first, t = n * TOGETHER % SERIES, n * TOGETHER // SERIES
            rows = [
                {"series": f"s{i}", "time": time(t), "value": value(i, t, rng)} for i in range(first, first + TOGETHER)
            ]
            requests.append(service.request("POST", "/v1/observations", {"observations": rows}))
        before = service.processor
        load = Load(service.host, service.port, rate, options.seconds + WARM, requests, warm=WARM, keep=_stored)
        outcome = measure(load)
        spent = service.processor - before
    stored = sum(count * times for count, times in outcome.kept.items() if isinstance(count, int))
    rows_sent = len(outcome.answers) * TOGETHER
    each = 1e3 * spent / len(requests)
    got = f"{said(outcome)}; {stored / rows_sent:.1%} stored, {each:.2f} ms of processor time a request"
    fine = outcome.errors() == 0 and stored == rows_sent and outcome.quantiles(0.99)[0] < 1000
    return [
        Row("bulk ingest, 100 observations a request, durable", f"{rate * TOGETHER:,.0f} observations/s", got, fine)
    ]


def _stored(body: bytes) -> int:
    return int(json.loads(body).get("counts", {}).get("stored", 0))

"""The champion is swapped again and again while requests come; every answer must be of the version that it names."""

from __future__ import annotations

import json
import math
import threading
import time
from dataclasses import dataclass
from typing import Any

from benchmarks.service.forecast import bodies, requests, said
from benchmarks.service.load import Load, measure
from benchmarks.service.rows import Options, Row
from benchmarks.service.server import Running, running
from foregate.persistence import pack_folder, shipped_folder

__all__ = ["Checked", "run", "swap", "upload"]

RATE = 60.0
SWAPS = 500
MODEL = "swapped"
SIZES = ("tiny", "base")
CLOSE = 1e-3
"""Answers differ by less, relative to the value, whichever others were computed with them."""


@dataclass(frozen=True)
class Checked:
    """Says of an answer which version it names, and whether that one made it."""

    known: dict[int, float]
    """Version -> the median of the first step, of the one history that is sent."""

    def __call__(self, body: bytes) -> str:
        """What is counted."""
        answer = json.loads(body)
        version, first = answer["version"], answer["forecasts"][0]["values"][0][4]
        right = abs(first - self.known[version]) <= CLOSE * abs(self.known[version])
        return f"version {version}" if right else f"WRONG {version}"


def upload(service: Running, model: str, size: str) -> int:
    """Register a pretrained network as the next version of a model."""
    packed = b"".join(pack_folder(shipped_folder(size)))
    made = service.ask("POST", f"/v1/models/{model}/versions", packed, {"Content-Type": "application/x-tar"})
    return int(made["version"])


def swap(service: Running, versions: list[int], times: int, over: float) -> int:
    """Move the champion so many times within so many seconds; how often it was moved."""
    began, done = time.perf_counter(), 0
    for i in range(times):
        service.ask("PUT", f"/v1/models/{MODEL}/aliases/champion", {"version": versions[i % 2], "reason": "measured"})
        done += 1
        time.sleep(max(0.0, began + (i + 1) * over / times - time.perf_counter()))
    return done


def run(options: Options) -> list[Row]:
    """Measure."""
    rate = RATE if math.isnan(options.rate) else options.rate
    with running({"FORECASTS__SPARE": "0", **options.settings}) as service:
        versions = [upload(service, MODEL, size) for size in SIZES]
        swap(service, versions, 1, 0)
        body: dict[str, Any] = bodies(1, model=MODEL)[0]
        known = {v: _first(service, {**body, "version": v}) for v in versions}
        swaps: list[int] = []
        thread = threading.Thread(target=lambda: swaps.append(swap(service, versions, SWAPS, options.seconds)))
        thread.start()
        load = Load(service.host, service.port, rate, options.seconds, requests(service, [body]), keep=Checked(known))
        outcome = measure(load)
        thread.join()
    wrong = sum(count for what, count in outcome.kept.items() if not what.startswith("version"))
    fine = swaps == [SWAPS] and not wrong and set(outcome.statuses()) == {200}
    got = f"{swaps[0] if swaps else 0} swaps; {dict(outcome.kept)}; {said(outcome)}"
    return [Row("hot swaps under load", f"{SWAPS} with 0 failed requests, every answer names its version", got, fine)]


def _first(service: Running, body: dict[str, Any]) -> float:
    value: float = service.ask("POST", "/v1/forecasts", body)["forecasts"][0]["values"][0][4]
    return value

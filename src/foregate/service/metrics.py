"""What the service counts of itself, for Prometheus. Labels are of few values: never a series, a path or a key."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

__all__ = ["Metrics", "Spread"]

FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
REQUESTS = (
    "Time from the headers of a request to the end of its answer. Every request counts, also what is refused without "
    "being read, with the microseconds that this takes: leave status 503 out where answers are timed."
)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class Spread(Collector):
    """A histogram that takes in many values in one call.

    Args:
        name: with the prefix.
        text: what is counted.
        labels: their names.
        bounds: of the buckets, in ascending order.

    Examples:
        >>> spread = Spread("size", "Of something.", ("kind",), (1.0, 2.0))
        >>> spread.observe(("a",), [0.5, 2.0, 7.0])
        >>> [sample.value for sample in next(spread.collect()).samples]
        [1.0, 2.0, 3.0, 3.0, 9.5]
    """

    def __init__(self, name: str, text: str, labels: Sequence[str], bounds: Sequence[float]) -> None:
        self._name, self._text, self._labels = name, text, tuple(labels)
        self._bounds = np.array([*bounds, np.inf])
        self._counts: dict[tuple[str, ...], NDArray[np.int64]] = {}
        self._sums: dict[tuple[str, ...], float] = {}
        self._lock = threading.Lock()

    def observe(self, labels: tuple[str, ...], values: ArrayLike) -> None:
        """Count values; a value on a bound belongs below it."""
        given = np.asarray(values, np.float64)
        counts = np.bincount(np.searchsorted(self._bounds, given), minlength=len(self._bounds))
        with self._lock:
            self._counts[labels] = self._counts.get(labels, 0) + counts
            self._sums[labels] = self._sums.get(labels, 0.0) + float(given.sum())

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """What Prometheus reads."""
        family = HistogramMetricFamily(self._name, self._text, labels=self._labels)
        with self._lock:
            for labels, counts in self._counts.items():
                below = zip(map(_bound, self._bounds), np.cumsum(counts, dtype=np.float64).tolist(), strict=True)
                family.add_metric(labels, list(below), self._sums[labels])
        yield family


def _bound(value: float) -> str:
    return "+Inf" if np.isinf(value) else str(float(value))


class Metrics:
    """All metrics of one service, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"foregate_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"foregate_{name}", text, labels, registry=registry)

        def histogram(name: str, text: str, *labels: str, buckets: tuple[float, ...] = FAST) -> Histogram:
            return Histogram(f"foregate_{name}", text, labels, buckets=buckets, registry=registry)

        self.requests = histogram("http_request_duration_seconds", REQUESTS, "route", "method", "status")
        self.inflight = gauge("inflight_requests", "Requests that are being answered.")
        self.rejected = counter("rejected_total", "Requests that were refused, by why.", "reason")
        self.batch_size = histogram("inference_batch_size", "Requests answered together.", buckets=SIZES)
        self.queue_wait = histogram("queue_wait_seconds", "Time a request waits for the model.")
        self.inference = histogram("inference_seconds", "Time a model computes.", "model")
        self.sessions = gauge("sessions_active", "Live sessions that are stored.")
        self.resident = gauge("sessions_resident", "Live sessions whose state is in memory.")
        self.steps = histogram("session_step_seconds", "Time from an observation to its acknowledgement.")
        self.conflicts = counter("state_cas_conflicts_total", "Sessions that another process had moved on meanwhile.")
        self.commits = histogram("db_commit_seconds", "Time of a commit.")
        self.commit_size = histogram("db_commit_batch_size", "Pieces of work in a commit.", buckets=SIZES)
        self.store_errors = counter("db_errors_total", "Commits that failed.")
        self.wal_bytes = gauge("wal_bytes", "Size of SQLite's log.")
        self.disk_free = gauge("disk_free_bytes", "Space left where the data folder is.")
        self.ingested = counter("actuals_ingested_total", "Observations that came, by what became of them.", "result")
        self.last_ingest = gauge("last_ingest_timestamp_seconds", "When the last observation was stored.")
        self.abs_error = Spread(
            "foregate_forecast_abs_error_scaled",
            "Absolute error by the scale of the series.",
            ("model", "horizon_bucket"),
            (0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10),
        )
        registry.register(self.abs_error)
        self.coverage = gauge("interval_coverage", "Share of recent actuals inside the interval.", "model", "level")
        self.drift_score = gauge(
            "drift_score", "Statistic of a detector by its threshold; 1 is an alarm.", "model", "detector"
        )
        self.drift_alarms = counter("drift_alarms_total", "Alarms of drift.", "model", "detector")
        self.champion = gauge("champion_version", "Version that answers for a model.", "model")
        self.model_age = gauge("model_age_seconds", "Time since the champion was registered.", "model")
        self.jobs = gauge("jobs", "Jobs by state.", "state")
        self.swaps = counter("model_swaps_total", "Moves of the champion, by why.", "model", "reason")
        self.build = gauge("build_info", "Version of the program.", "version", "sqlite")

    def text(self) -> bytes:
        """As Prometheus reads them."""
        return generate_latest(self.registry)

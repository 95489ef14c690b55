"""False alarms of every detector on streams where nothing happens, and how soon a shift is found.

Errors are autoregressive of first order (phi 0.7), since those of neighbouring forecasts resemble one another: 200
streams of 10,000 after 1,000 from which thresholds are found. Then each is shifted by two standard deviations.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.service.rows import Options, Row
from foregate.monitoring import Watch

__all__ = ["Measured", "autoregressive", "measured", "outside", "run"]

FloatArray = NDArray[np.float64]
BEFORE = 200
"""Errors in control before the shift."""


@dataclass(frozen=True)
class Measured:
    """What came of it."""

    errors: int
    """In control, of all streams together."""
    false: dict[str, int]
    """Detector -> alarms among them."""
    delays: FloatArray
    """(streams,) errors until the shift was found; infinite where it was not."""

    @property
    def rate(self) -> float:
        """False alarms in 10,000 errors, of all detectors together."""
        return sum(self.false.values()) / (self.errors / 10_000)


def run(options: Options) -> list[Row]:
    """200 streams of 10,000, and the rate of each detector."""
    found = measured(200, 10_000)
    each = ", ".join(f"{name} {n / (found.errors / 10_000):.3f}" for name, n in sorted(found.false.items()))
    soon = float((found.delays < 100).mean())
    middle = float(np.median(found.delays))
    return [
        Row("drift: false alarms", "1 in 10,000 at most", f"{found.rate:.3f} in 10,000 ({each})", found.rate <= 1),
        Row("drift: a shift by 2 sigma", "95 % within 100", f"{soon:.1%}, median {middle:.0f}", soon >= 0.95),
    ]


def measured(streams: int, length: int, seed: int = 7) -> Measured:
    """Watch streams of errors: as they are, and then the first of them with a shift."""
    rng = np.random.default_rng(seed)
    known, live = autoregressive(rng, streams, 1000), autoregressive(rng, streams, length)
    false: Counter[str] = Counter(dict.fromkeys(Watch(known[0], outside(known[0])).scores, 0))
    delays = []
    for before, errors in zip(known, live, strict=True):
        watch = Watch(before, outside(before))
        saved = watch.state()
        false.update(name for _, name in _alarms(watch, errors))
        shifted = np.append(errors[:BEFORE], errors[BEFORE : 2 * BEFORE] + 2)
        found = [t - BEFORE for t, _ in _alarms(Watch.resumed(saved), shifted) if t >= BEFORE]
        delays.append(found[0] if found else np.inf)
    return Measured(streams * length, dict(false), np.array(delays, np.float64))


def autoregressive(rng: np.random.Generator, streams: int, length: int, phi: float = 0.7) -> FloatArray:
    """(streams, length) of mean 0 and standard deviation 1."""
    noise = rng.normal(size=(length, streams)) * np.sqrt(1 - phi**2)
    values = [rng.normal(size=streams)]
    for row in noise[1:]:
        values.append(phi * values[-1] + row)
    return np.stack(values, axis=1)


def outside(errors: FloatArray, most: float = 1.2816) -> FloatArray:
    """1 where an error lies outside of the central 80 % of a standard normal distribution."""
    return (np.abs(errors) > most).astype(float)


def _alarms(watch: Watch, errors: FloatArray) -> list[tuple[int, Any]]:
    """(place, detector) of every alarm."""
    pairs = zip(errors, outside(errors), strict=True)
    return [(t, alarm.detector) for t, (error, out) in enumerate(pairs) for alarm in watch.update(error, out)]

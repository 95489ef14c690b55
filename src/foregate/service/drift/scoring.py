"""What a forecast said of a time, beside what came then. Arrays and rows only; knows no database."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from foregate.core import Frequency
from foregate.service.clock import DAY
from foregate.service.times import steps_between

__all__ = ["Arrival", "Error", "Key", "Said", "Sums", "bucket", "score"]

INTERVAL = (0.1, 0.9)
"""Bounds of the interval by which coverage is watched."""
BUCKETS = ((1, "1"), (6, "2-6"), (24, "7-24"), (168, "25-168"))


class Arrival(NamedTuple):
    """An actual that came."""

    id: int
    series: int
    name: str
    segment: str
    freq: Frequency
    time: int
    value: float
    at: int


class Said(NamedTuple):
    """A stored forecast."""

    series: int
    origin: int
    horizon: int
    model: str
    version: int
    quantiles: str
    values: bytes
    scale: float | None
    made_at: int


class Key(NamedTuple):
    """What errors are told by."""

    model: str
    version: int
    segment: str
    step: int
    day: int


@dataclass
class Sums:
    """Of errors of one key; all but `n` and `covered` by the scale of the series."""

    n: int = 0
    error: float = 0.0
    bias: float = 0.0
    pinball: float = 0.0
    covered: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """Level in percent -> how many actuals lay inside."""
    sizes: list[float] = field(default_factory=list)
    """Each absolute error."""


@dataclass(frozen=True)
class Error:
    """Of the newest forecast of one version for one actual."""

    model: str
    version: int
    segment: str
    series: str
    time: int
    actual: float
    error: float
    """Forecast less actual, in the units of the data."""
    scale: float
    outside: float
    """1 where the actual lay outside of the central 80 %, 0 inside, NaN where that is not known."""


def bucket(step: int) -> str:
    """The group of steps ahead that metrics tell errors by.

    Examples:
        >>> bucket(1), bucket(24), bucket(500)
        ('1', '7-24', '169+')
    """
    return next((name for most, name in BUCKETS if step <= most), "169+")


def score(arrivals: Sequence[Arrival], forecasts: Iterable[Said]) -> tuple[dict[Key, Sums], list[Error]]:
    """Join actuals with every forecast that was made for them before they came.

    Args:
        arrivals: in the order in which they came.
        forecasts: of these series; those that do not reach a time, or were made after it was known, do not count.

    Returns:
        sums of errors by key, and for each actual and version the error of its newest forecast.
    """
    by_series: dict[int, list[Said]] = defaultdict(list)
    for said in forecasts:
        by_series[said.series].append(said)
    sums: dict[Key, Sums] = defaultdict(Sums)
    newest: list[Error] = []
    for arrival in arrivals:
        best: dict[tuple[str, int], tuple[int, Error]] = {}
        for said in by_series[arrival.series]:
            step = _step(arrival, said)
            if step is None:
                continue
            error = _scored(arrival, said, step, sums)
            version = (said.model, said.version)
            if version not in best or step < best[version][0]:
                best[version] = (step, error)
        newest += [error for _, error in best.values()]
    return dict(sums), newest


def _step(arrival: Arrival, said: Said) -> int | None:
    """How many steps after its origin the forecast meets the actual; None where it does not."""
    if not said.origin < arrival.time or said.made_at > arrival.at:
        return None
    step = steps_between(said.origin, arrival.time, arrival.freq)
    return step if step is not None and step <= said.horizon else None


def _scored(arrival: Arrival, said: Said, step: int, sums: dict[Key, Sums]) -> Error:
    levels = json.loads(said.quantiles)
    width = 4 * len(levels)
    values = np.frombuffer(said.values[(step - 1) * width : step * width], "<f4").tolist()
    middle = min(range(len(levels)), key=lambda i: abs(levels[i] - 0.5))
    off, y = values[middle] - arrival.value, arrival.value
    inside = {
        100 - 200 * low: values[i] <= y <= values[-1 - i]
        for i, low in enumerate(levels[: len(levels) // 2])
        if abs(low + levels[-1 - i] - 1) < 1e-9
    }
    scale = float(said.scale) if said.scale else 0.0
    if scale > 0:
        key = Key(said.model, said.version, arrival.segment, step, arrival.at // DAY)
        held = sums[key]
        held.n += 1
        held.error += abs(off) / scale
        held.bias += off / scale
        held.pinball += sum(max(q * (y - v), (q - 1) * (y - v)) for q, v in zip(levels, values, strict=True)) / (
            len(levels) * scale
        )
        held.sizes.append(abs(off) / scale)
        for level, within in inside.items():
            held.covered[f"{level:.6g}"] += int(within)
    outside = next((float(not within) for level, within in inside.items() if abs(level - 80) < 1e-6), float("nan"))
    common = (said.model, said.version, arrival.segment, arrival.name, arrival.time)
    return Error(*common, arrival.value, off, scale, outside)

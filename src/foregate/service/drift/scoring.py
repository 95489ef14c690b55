"""What a forecast said of a time, beside what came then. Arrays and rows only; knows no database."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from foregate.core import Frequency
from foregate.service.clock import DAY
from foregate.service.times import array

__all__ = ["Arrival", "Error", "Key", "Said", "Sums", "bucket", "score"]

T = TypeVar("T")
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
LARGEST = 1e100
"""An error by its scale is no number to reckon with beyond."""
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
    sizes: FloatArray = field(default_factory=lambda: np.empty(0))
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


def score(arrivals: Sequence[Arrival], forecasts: Sequence[Said]) -> tuple[dict[Key, Sums], list[Error]]:
    """Join actuals with every forecast that was made for them before they came.

    Args:
        arrivals: in the order in which they came.
        forecasts: of these series; those that do not reach a time, or were made after it was known, do not count.

    Returns:
        sums of errors by key, and for each actual and version the error of its newest forecast.
    """
    met = _met(arrivals, forecasts)
    if not len(met.step):
        return {}, []
    scales = np.array([said.scale or 0.0 for said in forecasts], np.float64)[met.said]
    outside = np.full(len(met.step), np.nan)
    off = np.empty(len(met.step))
    sums: dict[Key, Sums] = {}
    alike: dict[str, list[int]] = defaultdict(list)
    for i, said in enumerate(forecasts):
        alike[said.quantiles].append(i)
    for text, some in alike.items():
        levels = np.array(json.loads(text), np.float64)
        own = np.flatnonzero(np.isin(met.said, some)) if len(alike) > 1 else np.arange(len(met.step))
        values = _values(forecasts, met.said[own], met.step[own], len(levels))
        errors = _errors(values, np.array([arrivals[i].value for i in met.arrival[own]]), levels)
        off[own] = errors.off
        if "80" in errors.inside:
            outside[own] = ~errors.inside["80"]
        kept = (scales[own] > 0) & (np.abs(errors.off) < LARGEST * scales[own])
        _add(sums, arrivals, forecasts, met.of(own[kept]), errors.of(kept, scales[own[kept]]))
    usable = np.abs(off) < LARGEST * np.where(scales > 0, scales, 1)
    return sums, _newest(arrivals, forecasts, met.of(usable), off[usable], outside[usable])


class _Meeting(NamedTuple):
    """Pairs of an actual and a forecast that reached it, in the order in which the actuals came."""

    arrival: IntArray
    """(P,) its place."""
    said: IntArray
    """(P,) place of the forecast."""
    step: IntArray
    """(P,) how many steps after its origin the forecast meets the actual."""

    def of(self, kept: NDArray[Any]) -> _Meeting:
        """Some of the pairs."""
        return _Meeting(*(each[kept] for each in self))


class _Errors(NamedTuple):
    """Of pairs whose forecasts have the same quantiles."""

    off: FloatArray
    """(P,) forecast less actual."""
    pinball: FloatArray
    """(P,) the mean quantile loss."""
    inside: dict[str, NDArray[np.bool_]]
    """Level in percent -> (P,) whether the actual lay inside."""

    def of(self, kept: NDArray[np.bool_], scales: FloatArray) -> _Errors:
        """Those of some of the pairs, by the scales of those."""
        inside = {level: within[kept] for level, within in self.inside.items()}
        return _Errors(self.off[kept] / scales, self.pinball[kept] / scales, inside)


def _met(arrivals: Sequence[Arrival], forecasts: Sequence[Said]) -> _Meeting:
    came: dict[int, list[int]] = defaultdict(list)
    made: dict[int, list[int]] = defaultdict(list)
    for i, arrival in enumerate(arrivals):
        came[arrival.series].append(i)
    for i, said in enumerate(forecasts):
        made[said.series].append(i)
    each = [series for series in came if series in made]
    a = _joined([np.repeat(came[series], len(made[series])) for series in each])
    f = _joined([np.tile(made[series], len(came[series])) for series in each])
    time, at = (np.array([getattr(one, name) for one in arrivals], np.int64)[a] for name in ("time", "at"))
    origin, horizon, made_at = (
        np.array([getattr(one, name) for one in forecasts], np.int64)[f] for name in ("origin", "horizon", "made_at")
    )
    before = (origin < time) & (made_at <= at)
    steps = np.zeros(len(a), np.int64)  # 0: they do not meet
    kinds = [arrival.freq for arrival in arrivals]
    for freq in set(kinds):
        own = before & np.array([kind == freq for kind in kinds])[a]
        found, exact = freq.index(array(time[own], freq), array(origin[own], freq))
        steps[own] = np.where(exact & (found <= horizon[own]), found, 0)
    order = np.argsort(a, kind="stable")
    order = order[steps[order] > 0]
    return _Meeting(a[order], f[order], steps[order])


def _joined(parts: Sequence[IntArray]) -> IntArray:
    return np.concatenate([np.empty(0, np.int64), *parts]).astype(np.int64)


def _values(forecasts: Sequence[Said], which: IntArray, steps: IntArray, levels: int) -> FloatArray:
    """(P, Q) what each forecast of some, all with so many levels, said of a step."""
    used, place = np.unique(which, return_inverse=True)
    blobs = [forecasts[i].values for i in used]
    begins = np.cumsum([0, *(len(blob) // 4 for blob in blobs[:-1])])
    rows = begins[place] + (steps - 1) * levels
    found: FloatArray = np.frombuffer(b"".join(blobs), "<f4")[rows[:, None] + np.arange(levels)].astype(np.float64)
    return found


def _errors(values: FloatArray, actual: FloatArray, levels: FloatArray) -> _Errors:
    y = actual[:, None]
    middle = int(np.argmin(np.abs(levels - 0.5)))
    loss = np.maximum(levels * (y - values), (levels - 1) * (y - values)).mean(1)
    inside = {
        f"{100 - 200 * low:.6g}": (values[:, i] <= actual) & (actual <= values[:, -1 - i])
        for i, low in enumerate(levels[: len(levels) // 2].tolist())
        if abs(low + levels[-1 - i] - 1) < 1e-9
    }
    return _Errors(values[:, middle] - actual, loss, inside)


def _add(
    sums: dict[Key, Sums], arrivals: Sequence[Arrival], forecasts: Sequence[Said], met: _Meeting, errors: _Errors
) -> None:
    """Add errors, by the scales of their series, to their sums."""
    named, version = _coded([(said.model, said.version) for said in forecasts])
    grouped, group = _coded([(arrival.segment, arrival.at // DAY) for arrival in arrivals])
    shape = (len(named), len(grouped), int(met.step.max(initial=0)) + 1)
    code = np.ravel_multi_index((version[met.said], group[met.arrival], met.step), shape)
    keys, place = np.unique(code, return_inverse=True)
    sizes = np.abs(errors.off)
    of_key = np.split(sizes[np.argsort(place, kind="stable")], np.cumsum(np.bincount(place, minlength=len(keys)))[:-1])
    added = [np.bincount(place, each, len(keys)) for each in (sizes, errors.off, errors.pinball)]
    inside = {level: np.bincount(place, within, len(keys)) for level, within in errors.inside.items()}
    for i, (v, g, step) in enumerate(zip(*np.unravel_index(keys, shape), strict=True)):
        (model, number), (segment, day) = named[v], grouped[g]
        held = sums.setdefault(Key(model, number, segment, int(step), day), Sums())
        held.n += len(of_key[i])
        held.error += float(added[0][i])
        held.bias += float(added[1][i])
        held.pinball += float(added[2][i])
        held.sizes = np.concatenate([held.sizes, of_key[i]])
        for level, counts in inside.items():
            held.covered[level] += int(counts[i])


def _newest(
    arrivals: Sequence[Arrival], forecasts: Sequence[Said], met: _Meeting, off: FloatArray, outside: FloatArray
) -> list[Error]:
    """Of every actual and version the error of the forecast that was nearest."""
    _, version = _coded([(said.model, said.version) for said in forecasts])
    of = version[met.said]
    order = np.lexsort((met.step, of, met.arrival))
    a, v = met.arrival[order], of[order]
    first = np.flatnonzero((np.diff(a, prepend=-1) != 0) | (np.diff(v, prepend=-1) != 0))
    found = []
    for i in order[first].tolist():
        said, arrival = forecasts[met.said[i]], arrivals[met.arrival[i]]
        common = (said.model, said.version, arrival.segment, arrival.name, arrival.time)
        found.append(Error(*common, arrival.value, float(off[i]), float(said.scale or 0.0), float(outside[i])))
    return found


def _coded(given: Sequence[T]) -> tuple[list[T], IntArray]:
    """The different ones of some, and which of them each is."""
    codes = {one: i for i, one in enumerate(dict.fromkeys(given))}
    return list(codes), np.array([codes[one] for one in given], np.int64)

"""Watches every version on every group of series: errors and inputs, against what the version knew when it was made."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from foregate.core import DataError
from foregate.monitoring import InputWatch, Reference, Watch
from foregate.service.drift.scoring import Error

__all__ = ["Found", "Group", "Told", "watched"]

NAMED = 10
"""Series that an alarm names at most."""
REARMED = 0.7
"""Inputs are told to have drifted anew when their score was below this in between."""


@dataclass(frozen=True)
class Group:
    """Series of one segment that one version forecasts."""

    model: str
    version: int
    segment: str


@dataclass(frozen=True)
class Told:
    """An alarm."""

    group: Group
    kind: str
    detector: str
    score: float
    seen: int
    time: int
    """Of the actual with which it was raised, as stored: what changed, changed before."""
    series: tuple[str, ...]
    """Some of those that had an actual at that time."""


@dataclass(frozen=True)
class Found:
    """What became of a group."""

    state: dict[str, Any]
    """For `watched`, the next time."""
    scores: dict[str, float]
    """Detector -> statistic by threshold."""
    alarms: list[Told]


def watched(
    group: Group, errors: Sequence[Error], reference: Reference | None, state: Mapping[str, Any] | None, every: int
) -> Found:
    """Read more errors of a group.

    Where the version brought errors of its own, those of series that it knows are measured by them; where it brought
    too few or none, what is usual is learnt from these and the first that come. Errors of one time are one value.

    Args:
        group: which.
        errors: in order of time.
        reference: of the version.
        state: what the last call gave.
        every: errors in which one false alarm is expected at most.
    """
    known = reference if reference is not None and reference.errors else None
    watch = Watch.resumed(state["watch"]) if state is not None else _begun(known, every)
    alarms: list[Told] = []
    names: dict[int, list[str]] = defaultdict(list)
    for each in errors:
        names[each.time].append(each.series)
    for time, value, outside in _stream(errors, known):
        named = tuple(sorted(names[time])[:NAMED])
        found = watch.update(value, outside)
        alarms += [Told(group, each.kind, each.detector, each.score, each.seen, time, named) for each in found]
    kept: dict[str, Any] = {"watch": watch.state(), "inputs": None, "high": []}
    scores = dict(watch.scores)
    if reference is not None and "y" in reference.inputs:
        _inputs(group, errors, reference, state, (kept, scores, alarms))
    return Found(kept, scores, alarms)


def _begun(known: Reference | None, every: int) -> Watch:
    if known is not None:
        with suppress(DataError):  # errors that are all the same say nothing
            return Watch(np.array(known.errors), np.array(known.outside), every=every)
    return Watch(every=every)


def _stream(errors: Sequence[Error], reference: Reference | None) -> list[tuple[int, float, float]]:
    """Each time with one standardised error, and the share outside."""
    by_time: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for each in errors:
        scale = each.scale if reference is None else reference.levels.get(each.series, (0.0, 0.0))[1]
        if scale > 0:
            by_time[each.time].append((each.error / scale, each.outside))
    found = []
    for time in sorted(by_time):
        values = np.array(by_time[time])
        spread = 1.0 if reference is None else reference.spread_of(len(values))
        out = values[:, 1][~np.isnan(values[:, 1])]
        usual = 0.0 if reference is None else reference.usual
        missed = usual + (float(out.mean()) - usual) / spread if len(out) else float("nan")
        found.append((time, float(values[:, 0].mean() / spread), missed))
    return found


def _inputs(
    group: Group,
    errors: Sequence[Error],
    reference: Reference,
    state: Mapping[str, Any] | None,
    into: tuple[dict[str, Any], dict[str, float], list[Told]],
) -> None:
    kept, scores, alarms = into
    before = (state or {}).get("inputs")
    try:
        watch = InputWatch(reference.inputs["y"], before)
    except DataError:
        watch = InputWatch(reference.inputs["y"])
    levels = (reference.levels.get(each.series) for each in errors)
    pairs = [(each.actual, level) for each, level in zip(errors, levels, strict=True) if level is not None]
    found = watch.update(np.array([(y - mean) / spread for y, (mean, spread) in pairs]))
    high = set((state or {}).get("high", []))
    for name in ("psi", "ks"):
        score = found.get(name)
        if score is None:
            continue
        scores[name] = score
        if score >= 1 and name not in high:
            high.add(name)
            newest = errors[-1]
            alarms.append(Told(group, "input", name, score, len(errors), newest.time, (newest.series,)))
        elif score < REARMED:
            high.discard(name)
    kept["inputs"], kept["high"] = watch.state(), sorted(high)


def encoded(state: Mapping[str, Any]) -> str:
    """As text, for a column."""
    return json.dumps(state, allow_nan=False)

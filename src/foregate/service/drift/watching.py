"""Watches every version on every group of series: errors and inputs, against what the version knew when it was made."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from foregate.core import DataError
from foregate.monitoring import InputWatch, Reference, Watch
from foregate.service.drift.gathering import Gathering, Time
from foregate.service.drift.scoring import Error

__all__ = ["Found", "Group", "Told", "watched"]

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
    group: Group,
    errors: Sequence[Error],
    reference: Reference | None,
    state: Mapping[str, Any] | None,
    every: int,
    turn: int = 0,
) -> Found:
    """Read more errors of a group.

    Where the version brought errors of its own, those of series that it knows are measured by them; where it brought
    too few or none, what is usual is learnt from these and the first that come. Errors of one time are one value, which
    is read when all of them have come, see `Gathering`.

    Args:
        group: which.
        errors: in order of time.
        reference: of the version.
        state: what the last call gave.
        every: errors in which one false alarm is expected at most.
        turn: changes when the version becomes champion: what its detectors saw when it was so before is forgotten.
    """
    known = reference if reference is not None and reference.errors else None
    watch = Watch.resumed(state["watch"]) if state is not None else _begun(known, every)
    if state is not None and state.get("turn", 0) != turn:
        watch.forget()
    alarms: list[Told] = []
    gathering = Gathering((state or {}).get("gathering"))
    for one in gathering.of(_standardised(errors, known)):
        found = watch.update(*_value(one, known))
        common = (one.time, tuple(sorted(one.names)))
        alarms += [Told(group, each.kind, each.detector, each.score, each.seen, *common) for each in found]
    kept: dict[str, Any] = {
        "watch": watch.state(),
        "inputs": None,
        "high": [],
        "gathering": gathering.state(),
        "turn": turn,
    }
    scores = dict(watch.scores)
    if reference is not None and "y" in reference.inputs:
        _inputs(group, errors, reference, state, (kept, scores, alarms))
    return Found(kept, scores, alarms)


def _begun(known: Reference | None, every: int) -> Watch:
    if known is not None:
        with suppress(DataError):  # errors that are all the same say nothing
            return Watch(np.array(known.errors), np.array(known.outside), every=every)
    return Watch(every=every)


def _standardised(errors: Sequence[Error], reference: Reference | None) -> list[tuple[int, str, float, float]]:
    """Time, series, error by the spread of the series, and whether it lay outside; of series that have a spread."""
    found = []
    for each in errors:
        scale = each.scale if reference is None else reference.levels.get(each.series, (0.0, 0.0))[1]
        if scale > 0:
            found.append((each.time, each.series, each.error / scale, each.outside))
    return found


def _value(one: Time, reference: Reference | None) -> tuple[float, float]:
    """The error of a time, and the share outside, which vary as those of one series do."""
    spread = 1.0 if reference is None else reference.spread_of(one.n)
    usual = 0.0 if reference is None else reference.usual
    missed = usual + (one.outside / one.known - usual) / spread if one.known else float("nan")
    return one.error / one.n / spread, missed


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

"""Live errors and drift over HTTP."""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from sqlalchemy import Connection, Row, func, select

from foregate.service.api.endpoints import Call, Routes
from foregate.service.clock import DAY
from foregate.service.drift.feedback import WATCH
from foregate.service.jobs.triggers import Open, opened
from foregate.service.names import VERSIONS
from foregate.service.store.tables import arrivals, drift_events, drift_states, outcomes

__all__ = ["routes"]

routes = Routes("Errors and drift")
KEYS = ("model", "version", "segment", "step", "day")


class ErrorsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of what errors are told, and by what."""

    model: Annotated[str, Meta(max_length=64)] | None = None
    version: Annotated[int, Meta(ge=1, le=VERSIONS)] | None = None
    segment: Annotated[str, Meta(max_length=200)] | None = None
    days: Annotated[int, Meta(description="newest days", ge=1, le=36_500)] = 30
    by: Annotated[str, Meta(description="comma-separated: version, segment, step, day", pattern="^[a-z,]{0,40}$")] = (
        "version"
    )


class Errors(msgspec.Struct, frozen=True, kw_only=True):
    """Errors of forecasts whose actuals have come, each by the scale of its series."""

    model: Annotated[str, Meta(description="that forecast")]
    n: Annotated[int, Meta(description="pairs of a forecast and an actual")]
    error: Annotated[float, Meta(description="mean absolute error")]
    bias: Annotated[float, Meta(description="mean of forecast less actual")]
    pinball: Annotated[float, Meta(description="mean quantile loss")]
    coverage: Annotated[dict[str, float], Meta(description="level in percent -> share of actuals inside")]
    version: Annotated[int | None, Meta(description="of the model; null: all of them")] = None
    segment: Annotated[str | None, Meta(description="group of series; null: all of them")] = None
    step: Annotated[int | None, Meta(description="ahead; null: all of them")] = None
    day: Annotated[str | None, Meta(description="on which the actual came")] = None


class ErrorsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Errors by what was asked for."""

    errors: Annotated[list[Errors], Meta(description="one for each of what was asked for")]
    waiting: Annotated[int, Meta(description="actuals that came and are not scored yet")]


class DriftQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of what drift is told."""

    model: Annotated[str, Meta(max_length=64)] | None = None
    limit: Annotated[int, Meta(description="newest alarms", ge=1, le=1000)] = 100


class Detector(msgspec.Struct, frozen=True, kw_only=True):
    """Where a detector stands."""

    model: Annotated[str, Meta(description="that is watched")]
    version: Annotated[int, Meta(description="of the model")]
    segment: Annotated[str, Meta(description="group of series")]
    detector: Annotated[str, Meta(description="its name")]
    score: Annotated[float, Meta(description="statistic by threshold; 1 is an alarm")]
    updated_at: Annotated[int, Meta(description="when it last saw something, in microseconds since 1970")]


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """A detector has seen a change."""

    id: Annotated[int, Meta(description="its number")]
    model: Annotated[str, Meta(description="that is watched")]
    version: Annotated[int, Meta(description="of the model")]
    segment: Annotated[str, Meta(description="group of series")]
    kind: Annotated[str, Meta(description="residual, coverage or input")]
    detector: Annotated[str, Meta(description="that saw it")]
    score: Annotated[float, Meta(description="statistic by threshold")]
    at: Annotated[int, Meta(description="when, in microseconds since 1970")]
    time: Annotated[
        int, Meta(description="of the actual that raised it, as the series has it: microseconds or a number")
    ]
    series: Annotated[list[str], Meta(description="some of those that had an actual then")]
    seen: Annotated[int, Meta(description="values that were watched until then")]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What alarms of a champion have opened: trainings follow it as its rows come."""

    model: Annotated[str, Meta(description="that is trained")]
    since: Annotated[int, Meta(description="time of the actual that raised the first alarm")]
    last: Annotated[int, Meta(description="time of that of the newest alarm")]
    series: Annotated[list[str], Meta(description="some of those that it was seen on: their rows count")]
    rows: Annotated[int, Meta(description="that have come since")]
    next: Annotated[int | None, Meta(description="rows with which its next training begins; null: nothing is trained")]
    paused: Annotated[bool, Meta(description="whether trainings of the model do not start by themselves")]


class DriftAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Detectors as they stand, and alarms, the newest first."""

    detectors: Annotated[list[Detector], Meta(description="as they stand")]
    learning: Annotated[list[str], Meta(description="model:version:segment that learn what is usual")]
    changes: Annotated[list[Change], Meta(description="that are open, and what they wait for")]
    alarms: Annotated[list[Alarm], Meta(description="the newest first")]


@routes.add("GET", "/v1/errors", scope="read", query=ErrorsQuery, answer=ErrorsAnswer)
async def errors(call: Call[None]) -> ErrorsAnswer:
    """Live error, bias and coverage of forecasts whose actuals have come."""
    asked = call.query
    by = [name for name in KEYS if name == "model" or name in asked.by.split(",")]
    since = call.service.clock() // DAY - asked.days

    def work(connection: Connection) -> tuple[list[Row[Any]], int]:
        query = select(outcomes).where(outcomes.c.day > since)
        for name in ("model", "version", "segment"):
            if getattr(asked, name) is not None:
                query = query.where(outcomes.c[name] == getattr(asked, name))
        waiting = connection.scalar(select(func.count()).select_from(arrivals)) or 0
        return list(connection.execute(query).all()), waiting

    rows, waiting = await call.service.database.read(work)
    groups: dict[tuple[Any, ...], list[Row[Any]]] = defaultdict(list)
    for row in rows:
        groups[tuple(getattr(row, name) for name in by)].append(row)
    found = [_errors(dict(zip(by, key, strict=True)), own) for key, own in sorted(groups.items())]
    return ErrorsAnswer(errors=found, waiting=waiting)


@routes.add("GET", "/v1/drift", scope="read", query=DriftQuery, answer=DriftAnswer)
async def drift(call: Call[None]) -> DriftAnswer:
    """Where detectors of drift stand, their alarms, and what follows from these."""
    asked = call.query

    def work(connection: Connection) -> tuple[list[Row[Any]], list[Row[Any]], list[Open]]:
        states = select(drift_states).order_by(drift_states.c.model, drift_states.c.version)
        alarms = select(drift_events).order_by(drift_events.c.id.desc()).limit(asked.limit)
        if asked.model is not None:
            states = states.where(drift_states.c.model == asked.model)
            alarms = alarms.where(drift_events.c.model == asked.model)
        every = (list(connection.execute(each).all()) for each in (states, alarms))
        return *every, opened(connection, asked.model)  # type: ignore[return-value]

    states, alarms, changes = await call.service.database.read(work)
    shown = [_row(row, Detector) for row in states if row.detector != WATCH]
    learning = [
        f"{row.model}:{row.version}:{row.segment}"
        for row in states
        if row.detector == WATCH and "learning" in json.loads(row.state)["watch"]
    ]
    told = [_row(row, Alarm, **json.loads(row.detail)) for row in alarms]
    return DriftAnswer(detectors=shown, learning=learning, alarms=told, changes=[_change(each) for each in changes])


def _row(row: Row[Any], kind: Any, **said: Any) -> Any:
    return kind(**{name: getattr(row, name) for name in kind.__struct_fields__ if name not in said}, **said)


def _change(one: Open) -> Change:
    own = {"since": one.change.since, "last": one.change.last, "series": list(one.change.series)}
    return Change(model=one.model, rows=one.rows, next=one.next, paused=one.paused, **own)  # type: ignore[arg-type]


def _errors(key: dict[str, Any], rows: list[Row[Any]]) -> Errors:
    n = sum(row.n for row in rows)
    means = {name: sum(getattr(row, name) for row in rows) / max(n, 1) for name in ("error", "bias", "pinball")}
    inside: dict[str, int] = defaultdict(int)
    for row in rows:
        for level, count in json.loads(row.covered).items():
            inside[level] += count
    if "day" in key:
        key["day"] = (dt.date(1970, 1, 1) + dt.timedelta(days=key["day"])).isoformat()
    coverage = {level: count / max(n, 1) for level, count in sorted(inside.items())}
    return Errors(**key, n=n, coverage=coverage, **means)

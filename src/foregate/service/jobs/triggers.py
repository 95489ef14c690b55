"""What starts a training by itself, and what keeps it from starting; `changes` says how drift does."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from foregate.service.clock import HOUR
from foregate.service.jobs.changes import Change, change_of, first, learnt, needed, rows_of, rows_since, waits
from foregate.service.jobs.queue import Job, Trigger, Wanted, cancel, submit
from foregate.service.settings import WatchSettings
from foregate.service.store.statements import note, noted
from foregate.service.store.tables import (
    alias_events,
    aliases,
    forecasts,
    jobs,
    model_versions,
    observations,
    outcomes,
    series,
    sessions,
)

__all__ = ["Open", "due", "opened", "pause", "paused", "start"]

BY = "foregate"
CHAMPION = "champion"
ROWS = 20_000
"""As `Order.rows`: this file must not load what trains."""
LOOKS = 3
"""A promotion is reviewed so often: after so many rows, after twice as many, and so on."""
NEWEST = 5000
"""Stored forecasts among which series of a version are looked for."""


def paused(connection: Connection, model: str) -> bool:
    """Whether somebody has stopped trainings of a model from starting by themselves."""
    return noted(connection, f"paused:{model}") == "true"


def pause(connection: Connection, model: str, at: int, *, on: bool) -> None:
    """Stop jobs of a model from starting by themselves, or let them; those that wait for a worker are cancelled."""
    note(connection, f"paused:{model}", "true" if on else "false")
    waiting = select(jobs.c.id).where(jobs.c.model == model, jobs.c.state == "queued", jobs.c.created_by == BY)
    for number in connection.scalars(waiting).all() if on else []:
        cancel(connection, number, at)


def start(connection: Connection, model: str, trigger: Trigger, settings: WatchSettings, at: int) -> Job | None:
    """Ask for a training, unless there must be none now: see `docs/retraining.md`.

    None starts where this is switched off or paused, where nobody ever said how the model is trained, while a job of
    the model waits or runs, and before the cooldown is over since the last one began.
    """
    if not settings.retrain or paused(connection, model):
        return None
    latest = select(jobs).where(jobs.c.model == model, jobs.c.kind == "retrain").order_by(jobs.c.id.desc()).limit(1)
    last = connection.execute(latest).first()
    cooldown = int(settings.cooldown_hours * HOUR)
    if last is not None and (last.state in ("queued", "running") or at - cooldown < last.created_at <= at):
        return None  # a clock that was ahead and is put right holds nothing up
    payload = _order(connection, model)
    if payload is None:
        return None
    payload["margin"] = settings.margin
    change = change_of(connection, model)
    if change is not None and rows_of(connection, change) >= first(payload["horizon"]):
        payload["since"] = change.since
        learnt(connection, model, payload.get("rows", ROWS))
    window = f"{model}:{trigger}:{0 if last is None else last.id}"
    return submit(connection, Wanted("retrain", model, trigger, payload, BY, window), at)


def due(connection: Connection, settings: WatchSettings, at: int) -> list[Job]:
    """Start what changes, time, new rows and promotions ask for."""
    started = []
    for row in connection.execute(select(aliases).where(aliases.c.alias == CHAMPION)).all():
        job = _changed(connection, row.model, settings, at)
        job = job or _scheduled(connection, row.model, settings, at) or _reviewed(connection, row.model, settings, at)
        if job is not None:
            started.append(job)
    return started


@dataclass(frozen=True)
class Open:
    """A change that trainings follow, and how far it is."""

    model: str
    change: Change
    rows: int
    """That have come since."""
    next: int | None
    """Rows with which its next training begins; None: nobody ever said how the model is trained."""
    paused: bool


def opened(connection: Connection, model: str | None) -> list[Open]:
    """The changes that are open: of one model, or of all that have a champion."""
    query = select(aliases.c.model).where(aliases.c.alias == CHAMPION).order_by(aliases.c.model)
    found = []
    for name in connection.scalars(query if model is None else query.where(aliases.c.model == model)).all():
        change = change_of(connection, name)
        if change is not None:
            order = _order(connection, name)
            then = None if order is None else needed(change, order["horizon"])
            found.append(Open(name, change, rows_of(connection, change), then, paused(connection, name)))
    return found


def _changed(connection: Connection, model: str, settings: WatchSettings, at: int) -> Job | None:
    """An open change is learnt again when enough has come, or when the cooldown is over after that."""
    if change_of(connection, model) is None:
        return None
    order = _order(connection, model)
    if order is None or not waits(connection, model, order["horizon"]):
        return None
    return start(connection, model, "drift", settings, at)


def _scheduled(connection: Connection, model: str, settings: WatchSettings, at: int) -> Job | None:
    latest = select(jobs.c.created_at).where(jobs.c.model == model, jobs.c.kind == "retrain").order_by(jobs.c.id.desc())
    made = select(model_versions.c.created_at).where(model_versions.c.model == model)
    made = made.order_by(model_versions.c.version.desc())
    last = max(connection.scalar(each.limit(1)) or 0 for each in (latest, made))
    if settings.every_hours and not at - settings.every_hours * HOUR < last <= at:
        return start(connection, model, "schedule", settings, at)
    if settings.new_rows:
        since = noted(connection, f"rows:{model}")
        if since is None:
            note(connection, f"rows:{model}", str(at))
        elif _rows(connection, model, int(since)) >= settings.new_rows:
            job = start(connection, model, "data", settings, at)
            if job is not None:
                note(connection, f"rows:{model}", str(at))
            return job
    return None


def _reviewed(connection: Connection, model: str, settings: WatchSettings, at: int) -> Job | None:
    """What a job promoted is reviewed when enough actuals of its forecasts have come, and when many more have."""
    moves = select(alias_events).where(alias_events.c.model == model, alias_events.c.alias == CHAMPION)
    move = connection.execute(moves.order_by(alias_events.c.id.desc()).limit(1)).first()
    if not settings.review_rows or move is None or move.before is None or not move.actor.startswith("job:"):
        return None
    if move.reason.startswith("rolled back") or paused(connection, model):
        return None
    keys = [f"{model}:review:{move.id}:{look}" for look in range(LOOKS)]
    done = connection.execute(select(jobs.c.state).where(jobs.c.unique_key.in_(keys))).all()
    rows = settings.review_rows * 2 ** len(done)
    if len(done) == LOOKS or any(row.state in ("queued", "running") for row in done):
        return None
    scored = connection.scalar(select(func.max(outcomes_of(model, int(move.after)).c.n))) or 0
    if scored < rows or _rows_of(connection, model, int(move.after)) < rows:
        return None
    payload = {"version": int(move.after), "before": int(move.before), "series": []}
    return submit(connection, Wanted("review", model, "promotion", payload, BY, keys[len(done)]), at)


def _rows_of(connection: Connection, model: str, version: int) -> int:
    """Rows that came to the series of a version since it was judged: of the series that has most of them."""
    own = (model_versions.c.model == model) & (model_versions.c.version == version)
    judged = json.loads(connection.scalar(select(model_versions.c.metrics).where(own)) or "{}").get("judged_until")
    if judged is None:
        return 0
    newest = connection.scalar(select(func.max(forecasts.c.id))) or 0
    said = select(forecasts.c.series).where(forecasts.c.id > newest - NEWEST)
    said = said.where(forecasts.c.model == model, forecasts.c.version == version).distinct().limit(10)
    names = connection.scalars(select(series.c.name).where(series.c.id.in_(said))).all()
    return rows_since(connection, names, int(judged))


def _rows(connection: Connection, model: str, since: int) -> int:
    """Observations that have come since a time, of the series that a model is trained on."""
    names = (_order(connection, model) or {}).get("series")
    live = select(sessions.c.series).where(sessions.c.model == model)
    query = select(func.count()).select_from(observations).where(observations.c.received_at > since)
    if names:
        query = query.where(observations.c.series.in_(select(series.c.id).where(series.c.name.in_(names))))
    elif connection.scalar(live.limit(1)) is not None:
        query = query.where(observations.c.series.in_(live))
    return int(connection.scalar(query) or 0)


def outcomes_of(model: str, version: int) -> Any:
    """How many actuals of each step a version's forecasts have met."""
    own = select(outcomes.c.step, func.sum(outcomes.c.n).label("n"))
    return own.where(outcomes.c.model == model, outcomes.c.version == version).group_by(outcomes.c.step).subquery()


def _order(connection: Connection, model: str) -> dict[str, Any] | None:
    """How a model is trained: as the last time that somebody said, else as its champion was."""
    said = select(jobs.c.payload).where(jobs.c.model == model, jobs.c.kind == "retrain", jobs.c.trigger == "person")
    said = said.where(jobs.c.state.not_in(("failed", "cancelled")))  # what could not be done once cannot be done again
    payload = connection.scalar(said.order_by(jobs.c.id.desc()).limit(1))
    if payload is not None:
        return dict(json.loads(payload))
    champion = select(aliases.c.version).where(aliases.c.model == model, aliases.c.alias == CHAMPION).scalar_subquery()
    own = select(model_versions.c.metrics, model_versions.c.facts)
    row = connection.execute(own.where(model_versions.c.model == model, model_versions.c.version == champion)).first()
    if row is None:
        return None
    metrics, facts = json.loads(row.metrics), json.loads(row.facts)
    if isinstance(metrics.get("order"), dict):
        return {name: value for name, value in metrics["order"].items() if name != "since"}
    return {"horizon": int(facts["horizon"])} if facts.get("kind") == "model" and "horizon" in facts else None

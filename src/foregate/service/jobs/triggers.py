"""What starts a training by itself, and what keeps it from starting; `changes` says how drift does."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, func, select

from foregate.service.clock import HOUR
from foregate.service.jobs.changes import change_of, first, learnt, rows_of, waits
from foregate.service.jobs.queue import Job, Trigger, Wanted, submit
from foregate.service.observations.expiry import gone_so_far
from foregate.service.settings import WatchSettings
from foregate.service.store.statements import note, noted
from foregate.service.store.tables import (
    alias_events,
    aliases,
    jobs,
    model_versions,
    observations,
    outcomes,
)

__all__ = ["due", "pause", "paused", "start"]

BY = "foregate"
CHAMPION = "champion"
ROWS = 20_000
"""As `Order.rows`: this file must not load what trains."""


def paused(connection: Connection, model: str) -> bool:
    """Whether somebody has stopped trainings of a model from starting by themselves."""
    return noted(connection, f"paused:{model}") == "true"


def pause(connection: Connection, model: str, *, on: bool) -> None:
    """Stop trainings of a model from starting by themselves, or let them."""
    note(connection, f"paused:{model}", "true" if on else "false")


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
    if last is not None and (last.state in ("queued", "running") or last.created_at > at - cooldown):
        return None
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


def _changed(connection: Connection, model: str, settings: WatchSettings, at: int) -> Job | None:
    """An open change is learnt again when enough has come, or when the cooldown is over after that."""
    if change_of(connection, model) is None:
        return None
    order = _order(connection, model)
    if order is None or not waits(connection, model, order["horizon"]):
        return None
    return start(connection, model, "drift", settings, at)


def _scheduled(connection: Connection, model: str, settings: WatchSettings, at: int) -> Job | None:
    latest = select(func.max(jobs.c.created_at)).where(jobs.c.model == model, jobs.c.kind == "retrain")
    made = select(func.max(model_versions.c.created_at)).where(model_versions.c.model == model)
    last = max(connection.scalar(latest) or 0, connection.scalar(made) or 0)
    if settings.every_hours and at - last >= settings.every_hours * HOUR:
        return start(connection, model, "schedule", settings, at)
    if settings.new_rows:
        since = noted(connection, f"rows:{model}")
        rows = (connection.scalar(select(func.count()).select_from(observations)) or 0) + gone_so_far(connection)
        if since is None:
            note(connection, f"rows:{model}", str(rows))
        elif rows - int(since) >= settings.new_rows:
            job = start(connection, model, "data", settings, at)
            if job is not None:
                note(connection, f"rows:{model}", str(rows))
            return job
    return None


def _reviewed(connection: Connection, model: str, settings: WatchSettings, at: int) -> Job | None:
    """A job that promoted a version is reviewed once, when enough actuals of its forecasts have come."""
    moves = select(alias_events).where(alias_events.c.model == model, alias_events.c.alias == CHAMPION)
    move = connection.execute(moves.order_by(alias_events.c.id.desc()).limit(1)).first()
    if not settings.review_rows or move is None or move.before is None or not move.actor.startswith("job:"):
        return None
    if move.reason.startswith("rolled back"):
        return None
    scored = select(func.max(outcomes_of(model, int(move.after)).c.n))
    if (connection.scalar(scored) or 0) < settings.review_rows:
        return None
    key = f"{model}:review:{move.id}"
    if connection.scalar(select(jobs.c.id).where(jobs.c.unique_key == key)) is not None:
        return None
    payload = {"version": int(move.after), "before": int(move.before), "series": []}
    return submit(connection, Wanted("review", model, "promotion", payload, BY, key), at)


def outcomes_of(model: str, version: int) -> Any:
    """How many actuals of each step a version's forecasts have met."""
    own = select(outcomes.c.step, func.sum(outcomes.c.n).label("n"))
    return own.where(outcomes.c.model == model, outcomes.c.version == version).group_by(outcomes.c.step).subquery()


def _order(connection: Connection, model: str) -> dict[str, Any] | None:
    """How a model is trained: as the last time that somebody said, else as its champion was."""
    said = select(jobs.c.payload).where(jobs.c.model == model, jobs.c.kind == "retrain", jobs.c.trigger == "person")
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

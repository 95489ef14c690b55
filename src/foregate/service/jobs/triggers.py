"""What starts a training by itself, and what keeps it from starting."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, and_, func, select

from foregate.service.jobs.queue import Job, Trigger, Wanted, submit
from foregate.service.settings import WatchSettings
from foregate.service.store.statements import note, noted
from foregate.service.store.tables import (
    alias_events,
    aliases,
    drift_events,
    drift_states,
    jobs,
    model_versions,
    observations,
    outcomes,
)

__all__ = ["due", "pause", "paused", "start"]

HOUR = 3_600_000_000
LEAST_PAUSE = HOUR // 4
"""Between a training that drift asked for and the next one for the same drift; twice as long after each."""
MOST_DOUBLED = 6
BY = "foregate"
CHAMPION = "champion"


def paused(connection: Connection, model: str) -> bool:
    """Whether somebody has stopped trainings of a model from starting by themselves."""
    return noted(connection, f"paused:{model}") == "true"


def pause(connection: Connection, model: str, *, on: bool) -> None:
    """Stop trainings of a model from starting by themselves, or let them."""
    note(connection, f"paused:{model}", "true" if on else "false")


def start(connection: Connection, model: str, trigger: Trigger, settings: WatchSettings, at: int) -> Job | None:
    """Ask for a training, unless there must be none now: see `docs/service.md`.

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
    window = f"{model}:{trigger}:{0 if last is None else last.id}"
    return submit(connection, Wanted("retrain", model, trigger, payload, BY, window), at)


def due(connection: Connection, settings: WatchSettings, at: int) -> list[Job]:
    """Start what time, new rows, promotions, and alarms that were not answered during a cooldown, ask for."""
    started = []
    for row in connection.execute(select(aliases).where(aliases.c.alias == CHAMPION)).all():
        job = _unanswered(connection, row.model, row.version, settings, at)
        job = job or _scheduled(connection, row.model, settings, at) or _reviewed(connection, row.model, settings, at)
        if job is not None:
            started.append(job)
    return started


def _unanswered(connection: Connection, model: str, version: int, settings: WatchSettings, at: int) -> Job | None:
    """An alarm of the champion since the last training began is answered when the cooldown is over.

    Where what was trained then was rejected and the drift goes on, it is answered again: at first there may be too few
    rows of what is new. Each time twice as long is waited.
    """
    own = and_(drift_events.c.model == model, drift_events.c.version == version)
    alarm = connection.scalar(select(func.max(drift_events.c.at)).where(own))
    if alarm is None:
        return None
    since = (jobs.c.model == model, jobs.c.kind == "retrain", jobs.c.created_at >= alarm)
    tries, last = connection.execute(select(func.count(), func.max(jobs.c.created_at)).where(*since)).one()
    if tries:
        here = (drift_states.c.model == model, drift_states.c.version == version)
        score = connection.scalar(select(func.max(drift_states.c.score)).where(*here))
        pause = max(int(settings.cooldown_hours * HOUR), LEAST_PAUSE) << min(tries - 1, MOST_DOUBLED)
        if (score or 0.0) < 1 or at - last < pause:
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
        rows = connection.scalar(select(func.count()).select_from(observations)) or 0
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
        return dict(metrics["order"])
    return {"horizon": int(facts["horizon"])} if facts.get("kind") == "model" and "horizon" in facts else None

"""Jobs over HTTP: ask for a training, follow it, stop it."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta
from sqlalchemy import Connection, select

from foregate.core import Frequency
from foregate.service.api.endpoints import Call, Link, Routes
from foregate.service.jobs.queue import Job, Jobs, Wanted, submit
from foregate.service.jobs.queue import cancel as end
from foregate.service.jobs.stored import series_of
from foregate.service.jobs.triggers import pause, paused
from foregate.service.names import WORD_PATTERN
from foregate.service.problems import Problem
from foregate.service.store.tables import series
from foregate.service.times import parsed

__all__ = ["routes"]

routes = Routes("Jobs")
PRETRAINED = "pretrained"
AT_ONCE = 500
"""Names that a statement holds at most."""
Name = Annotated[str, Meta(min_length=1, max_length=200)]


class TrainingBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A training that is asked for."""

    model: Annotated[str, Meta(description="the name that the new version is registered under", pattern=WORD_PATTERN)]
    horizon: Annotated[int, Meta(description="steps ahead", ge=1, le=1024)]
    series: (
        Annotated[list[Name], Meta(description="names of stored series; else those of its sessions", max_length=20_000)]
        | None
    ) = None
    season_length: (
        Annotated[int, Meta(description="in steps; as the series say if left out", ge=1, le=10_000)] | None
    ) = None
    effort: Annotated[str, Meta(description="time for accuracy", pattern="^(fast|standard|best)$")] = "fast"
    warm: Annotated[bool, Meta(description="train on with the champion's weights")] = False
    seed: Annotated[int, Meta(description="same seed, same data: same model", ge=0, le=2**31)] = 0
    rows: Annotated[int, Meta(description="newest steps of each series", ge=50, le=10_000_000)] = 20_000
    held_out: (
        Annotated[
            int, Meta(description="newest steps that nobody is trained on, for the comparison", ge=11, le=10_000_000)
        ]
        | None
    ) = None
    since: (
        Annotated[
            str | int,
            Meta(
                description="a time of the series: what came after it is learnt, and as many rows before are read but "
                "count for nothing; trainings that follow by themselves keep to it until drift names a later one"
            ),
        ]
        | None
    ) = None
    margin: Annotated[float, Meta(description="share of an opponent's error that must be saved", ge=0, lt=1)] = 0.02


class JobAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A job. Times are microseconds since 1970."""

    id: Annotated[int, Meta(description="its number")]
    kind: Annotated[str, Meta(description="retrain or review")]
    model: Annotated[str, Meta(description="that it is about")]
    trigger: Annotated[str, Meta(description="who or what asked: person, drift, schedule, data or promotion")]
    state: Annotated[str, Meta(description="queued, running, done, failed or cancelled")]
    progress: Annotated[float, Meta(description="0 to 1")]
    payload: Annotated[dict[str, Any], Meta(description="what was asked for")]
    result: Annotated[dict[str, Any] | None, Meta(description="what came of it, with the reason")]
    cancel: Annotated[bool, Meta(description="whether somebody wants it to end")]
    created_at: Annotated[int, Meta(description="when it was asked for")]
    created_by: Annotated[str, Meta(description="who asked")]
    started_at: Annotated[int | None, Meta(description="when a worker took it")]
    finished_at: Annotated[int | None, Meta(description="when it was over")]


class JobList(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs, the newest first."""

    jobs: Annotated[list[JobAnswer], Meta(description="the newest first")]


class JobQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which jobs."""

    model: Annotated[str, Meta(max_length=64)] | None = None
    state: Annotated[str, Meta(pattern="^(queued|running|done|failed|cancelled)$")] | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class Pause(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether trainings and reviews of a model start by themselves."""

    paused: Annotated[bool, Meta(description="true: none starts but those that a person asks for")]


@routes.add(
    "POST",
    "/v1/jobs",
    scope="train",
    body=TrainingBody,
    answer=JobAnswer,
    status=202,
    links=tuple(Link(name, {"job": "$response.body#/id"}) for name in ("one", "cancel")),
)
async def ask(call: Call[TrainingBody]) -> JobAnswer:
    """Ask for a training; a worker does it, compares what it made with the champion, and promotes or rejects it."""
    said = msgspec.structs.asdict(call.body)
    model = said.pop("model")
    if model == PRETRAINED:
        detail = f"model must be a name of your own, but got {model!r}, which forecasts any series. Choose another."
        raise Problem(422, "invalid-model", detail)
    for name in ("series", "since"):
        if said[name] is None:
            del said[name]
    _require_room(call.body)
    at = call.service.clock()

    def work(connection: Connection) -> Job:
        if call.body.since is not None:
            said["since"] = _since(connection, call.body)
        job = submit(connection, Wanted("retrain", model, "person", said, call.principal.name), at)
        call.audit(connection, "job.start", model, job=job.id)
        return job

    return _answer(await call.service.database.write(work))


@routes.add("GET", "/v1/jobs", scope="read", query=JobQuery, answer=JobList)
async def jobs_of(call: Call[None]) -> JobList:
    """Jobs, the newest first."""
    found = await _jobs(call).list(model=call.query.model, state=call.query.state, most=call.query.limit)
    return JobList(jobs=[_answer(job) for job in found])


@routes.add("GET", "/v1/jobs/{job}", scope="read", answer=JobAnswer)
async def one(call: Call[None]) -> JobAnswer:
    """A job, with its progress and what came of it."""
    return _answer(_there(call, await _jobs(call).get(_number(call))))


@routes.add("DELETE", "/v1/jobs/{job}", scope="train", answer=JobAnswer)
async def cancel(call: Call[None]) -> JobAnswer:
    """Let a job end: at once if it waits, within seconds if it runs. One that is over stays as it is."""
    number, at = _number(call), call.service.clock()

    def work(connection: Connection) -> Job | None:
        job = end(connection, number, at)
        if job is not None:
            call.audit(connection, "job.cancel", job.model, job=job.id)
        return job

    return _answer(_there(call, await call.service.database.write(work)))


@routes.add("GET", "/v1/models/{model}/retraining", scope="read", answer=Pause)
async def is_paused(call: Call[None]) -> Pause:
    """Whether trainings of a model start by themselves."""
    model = call.path["model"]
    await call.service.registry.versions(model)  # 404 where there is none
    return Pause(paused=await call.service.database.read(lambda connection: paused(connection, model)))


@routes.add("PUT", "/v1/models/{model}/retraining", scope="train", body=Pause, answer=Pause)
async def set_paused(call: Call[Pause]) -> Pause:
    """Stop trainings and reviews of a model from starting by themselves, or let them. Those that wait for a worker are
    cancelled; one that runs goes on: cancel it.
    """
    model = call.path["model"]
    await call.service.registry.versions(model)  # 404 where there is none

    def work(connection: Connection) -> None:
        pause(connection, model, call.service.clock(), on=call.body.paused)
        call.audit(connection, "retraining.pause" if call.body.paused else "retraining.resume", model)

    await call.service.database.write(work)
    return call.body


def _require_room(body: TrainingBody) -> None:
    """Refuse what no series can be long enough for."""
    least = (body.held_out or 0) + 2 * body.horizon
    if body.rows < least:
        detail = f"rows must be at least {least:,}, two horizons and what is held out, but got {body.rows:,}."
        raise Problem(422, "invalid-body", detail)


def _since(connection: Connection, body: TrainingBody) -> int:
    """A time of the series that are trained on, as it is stored."""
    names = body.series or series_of(connection, body.model)
    query = select(series.c.freq).where(series.c.name.in_(names[:AT_ONCE])).limit(1)
    freq = connection.scalar(query)
    if freq is None:
        raise Problem(422, "no-such-series", "since must be a time of stored series, but none is. Send rows first.")
    try:
        return parsed(body.since or 0, Frequency.parse(freq))
    except ValueError as error:
        raise Problem(422, "invalid-time", f"since must be a time of the series, but: {error}.") from None


def _jobs(call: Call[Any]) -> Jobs:
    return Jobs(call.service.database, call.service.clock)


def _number(call: Call[Any]) -> int:
    said = call.path["job"]
    return int(said) if said.isascii() and said.isdigit() and len(said) < 16 else -1


def _there(call: Call[Any], job: Job | None) -> Job:
    if job is None:
        raise Problem(404, "no-such-job", f"job must be the number of one, but got {call.path['job'][:40]!r}.")
    return job


def _answer(job: Job) -> JobAnswer:
    return JobAnswer(**{name: getattr(job, name) for name in JobAnswer.__struct_fields__})

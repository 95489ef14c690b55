"""Sessions over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from foregate.core import ForegateError, Frequency
from foregate.service.api.endpoints import Call, Link, Routes
from foregate.service.api.faults import problem_of
from foregate.service.observations.catalog import Known, unknown
from foregate.service.observations.intake import anchored, placed, require_step
from foregate.service.observations.routes import announce_all, covariates_text
from foregate.service.problems import TYPE, Problem
from foregate.service.sessions.answers import Said
from foregate.service.sessions.answers import Stepped as Done
from foregate.service.sessions.events import KINDS, Following, Sent
from foregate.service.sessions.opening import Wish
from foregate.service.sessions.rows import Seen, Stored
from foregate.service.sessions.shapes import (
    Failed,
    Forecast,
    Moment,
    Opened,
    OpenSessions,
    Paging,
    SessionOut,
    SessionPage,
    StepIn,
    StepMany,
    StepOne,
    Stepped,
    SteppedMany,
    StepResult,
    Wanted,
)
from foregate.service.sessions.turns import Order
from foregate.service.times import shown

if TYPE_CHECKING:
    from foregate.service.context import Service

__all__ = ["routes"]

routes = Routes("Sessions")
FIRST = "$response.body#/sessions/0/series"
OWN = "$request.path.series"


@routes.add(
    "POST",
    "/v1/sessions",
    scope="write",
    body=OpenSessions,
    answer=Opened,
    links=tuple(
        Link(name, {"series": FIRST}) for name in ("get_session", "step_session", "forecast_session", "close_session")
    ),
    examples={"one": {"series": ["plant-7"], "alias": "champion", "late": "rebuild"}},
)
async def open_sessions(call: Call[OpenSessions]) -> Opened:
    """Open live sessions of series, from what is stored of them. Those that are open already stay as they are."""
    body, settings = call.body, call.service.settings
    which = body.alias if body.version is None else body.version
    horizon = settings.ingest.horizon if body.horizon is None else body.horizon
    _require_horizon(call.service, horizon)
    wish = Wish(body.model or settings.forecasts.model, which, body.late, horizon)
    found, created = await call.service.fleet.opening.open(list(dict.fromkeys(body.series)), wish)
    return Opened(sessions=[_out(stored) for stored in found], created=created)


@routes.add(
    "GET",
    "/v1/sessions",
    scope="read",
    query=Paging,
    answer=SessionPage,
    links=(Link("get_session", {"series": FIRST}),),
)
async def list_sessions(call: Call[None]) -> SessionPage:
    """Sessions in the order of the names of their series."""
    query: Paging = call.query
    found = await call.service.fleet.opening.page(query.after, query.limit)
    last = found[-1].name if len(found) == query.limit else None
    return SessionPage(sessions=[_out(stored) for stored in found], next=last)


@routes.add("GET", "/v1/sessions/{series}", scope="read", answer=SessionOut)
async def get_session(call: Call[None]) -> SessionOut:
    """A session."""
    return _out(await call.service.fleet.opening.get(call.path["series"]))


@routes.add("DELETE", "/v1/sessions/{series}", scope="write", status=204)
async def close_session(call: Call[None]) -> Response:
    """End a session; its observations stay."""
    await call.service.fleet.opening.close(call.path["series"])
    return Response(status_code=204)


@routes.add(
    "POST",
    "/v1/sessions/{series}/observations",
    scope="write",
    body=StepIn,
    answer=Stepped,
    links=(Link("forecast_session", {"series": OWN}), Link("list_observations", {"name": OWN})),
    examples={"one": {"observations": [{"time": "2024-05-31T12:00:00Z", "value": 3.2}], "expected_seq": 168}},
)
async def step_session(call: Call[StepIn]) -> Stepped:
    """Let a session read; the answer comes when that is stored. The same observations again have the same answer."""
    name = call.path["series"]
    known = (await call.service.fleet.catalog.all_known([name]))[name]
    await announce_all(call.service, [(name, known, call.body.future)])
    order = (await _orders(call.service, [(name, known, call.body)]))[0]
    if isinstance(order, Problem):
        raise order
    return _stepped(await call.service.fleet.step(order), forecast=call.body.forecast)


@routes.add(
    "POST",
    "/v1/sessions:step",
    scope="write",
    body=StepMany,
    answer=SteppedMany,
    examples={"one": {"steps": [{"series": "plant-7", "observations": [{"time": "2024-05-31", "value": 3.2}]}]}},
)
async def step_sessions(call: Call[StepMany]) -> SteppedMany:
    """Let several sessions read; each succeeds or fails alone."""
    service, steps = call.service, call.body.steps
    names = [step.series for step in steps]
    if len(set(names)) < len(names):
        raise Problem(422, "named-twice", "steps must name each session once, but got one twice. Join its rows.")
    known = await service.fleet.catalog.known(names)
    refused = {name: unknown([name]) for name in names if name not in known} | await _announced(service, known, steps)
    there = [step for step in steps if step.series not in refused]
    asked = iter(await _orders(service, [(step.series, known[step.series], step) for step in there]))
    results = [refused[step.series] if step.series in refused else next(asked) for step in steps]
    orders = [each for each in results if isinstance(each, Order)]
    service.fleet.turns.put(orders)
    done = iter(await asyncio.gather(*(order.done for order in orders), return_exceptions=True))
    told = [next(done) if isinstance(each, Order) else each for each in results]
    return SteppedMany(steps=[_result(each, forecast=s.forecast) for each, s in zip(told, steps, strict=True)])


@routes.add("GET", "/v1/sessions/{series}/forecast", scope="forecast", query=Wanted, answer=Forecast)
async def forecast_session(call: Call[None]) -> Forecast:
    """What a session says now; nothing is changed."""
    wanted: Wanted = call.query
    horizon = wanted.horizon or call.service.settings.ingest.horizon or 1
    _require_horizon(call.service, horizon)
    said = await call.service.fleet.forecast([call.path["series"]], horizon, _quantiles(wanted.quantiles))
    return _forecast(said[0])


@routes.add("GET", "/v1/events", scope="read", query=Following)
async def follow_events(call: Call[None]) -> Response:
    """New forecasts, drift, jobs and moves of aliases as server-sent events, from the one after Last-Event-ID on."""
    query: Following = call.query
    kinds = frozenset(query.kinds.split(",")) if query.kinds else frozenset(KINDS)
    if kinds - set(KINDS):
        raise Problem(422, "invalid-query", f"kinds must be some of {', '.join(KINDS)}, but got {query.kinds!r}.")
    last = call.request.headers.get("last-event-id") or query.after
    if last is not None and not (last.isdecimal() and len(last) < 19):
        raise Problem(422, "invalid-query", "Last-Event-ID must be the number of an event, but got something else.")
    return Sent(await call.service.fleet.hub.follow(kinds, None if last is None else int(last)))


async def _announced(
    service: Service, known: Mapping[str, Known], steps: Sequence[StepOne]
) -> dict[str, Problem | ForegateError]:
    """Take in what steps say of the future; those of which that is refused, and why."""
    some = [step for step in steps if step.future and step.series in known]
    asked = (announce_all(service, [(step.series, known[step.series], step.future)]) for step in some)
    refused: dict[str, Problem | ForegateError] = {}
    for step, done in zip(some, await asyncio.gather(*asked, return_exceptions=True), strict=True):
        if isinstance(done, Problem | ForegateError):
            refused[step.series] = done
        elif isinstance(done, BaseException):
            raise done
    return refused


async def _orders(service: Service, steps: Sequence[tuple[str, Known, StepIn]]) -> list[Order | Problem]:
    """What sessions are asked; of those that cannot be asked so, why."""
    latest, loop = service.fleet.intake.latest(), asyncio.get_running_loop()
    found: list[list[Seen] | Problem] = []
    for _, known, step in steps:
        try:
            found.append(_rows(step.observations, known, latest))
        except ValueError as error:
            found.append(Problem(422, "invalid-time", f"{error}."))
    new = {
        known.id: rows[0][0]
        for (_, known, _), rows in zip(steps, found, strict=True)
        if known.anchor is None and not isinstance(rows, Problem)
    }
    anchors = await service.fleet.database.write(partial(anchored, first=new)) if new else {}
    orders: list[Order | Problem] = []
    for (name, known, step), rows in zip(steps, found, strict=True):
        if isinstance(rows, Problem):
            orders.append(rows)
            continue
        anchor = anchors.get(known.id, known.anchor)
        try:
            for row in rows:
                require_step(row[0] if anchor is None else anchor, row[0], known)
        except ValueError as error:
            orders.append(Problem(422, "invalid-time", f"{error}."))
            continue
        done = loop.create_future()
        orders.append(Order(known.id, "step", done, name, rows, expected=step.expected_seq, revise=step.revise))
    return orders


def _rows(given: Sequence[Moment], known: Known, latest: int) -> list[Seen]:
    found: dict[int, Seen] = {}
    for each in given:
        time = placed(each.time, known, latest)
        row = time, each.value, covariates_text(each.covariates)
        if found.setdefault(time, row) != row:
            raise ValueError(f"a time must come once, but {str(each.time)[:40]!r} came with two values")
    return [found[time] for time in sorted(found)]


def _require_horizon(service: Service, horizon: int) -> None:
    most = service.settings.limits.horizon
    if horizon > most:
        raise Problem(422, "too-far", f"horizon must be {most} at most, but got {horizon}.")


def _quantiles(text: str | None) -> list[float] | None:
    if text is None:
        return None
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not 1 <= len(found) <= 50 or not all(0 < each < 1 for each in found):
        raise Problem(422, "invalid-query", "quantiles must lie between 0 and 1, such as 0.1,0.9, but got others.")
    return sorted({0.5, *found})


def _out(stored: Stored) -> SessionOut:
    freq = Frequency.parse(stored.freq)
    return SessionOut(
        series=stored.name,
        model=stored.model,
        version=stored.version,
        alias=stored.alias,
        seq=stored.seq,
        last_time=None if stored.time is None else shown(stored.time, freq),
        late=stored.late,  # type: ignore[arg-type]  # the column holds nothing else
        horizon=stored.horizon,
    )


def _forecast(said: Said) -> Forecast:
    return Forecast(
        series=said.series,
        model=said.model,
        version=said.version,
        seq=said.seq,
        origin=shown(said.origin, said.freq),
        times=said.times,
        quantiles=list(said.quantiles),
        values=said.values.tolist(),
    )


def _stepped(done: Done, *, forecast: bool) -> Stepped:
    return Stepped(
        series=done.series,
        model=done.model,
        version=done.version,
        seq=done.seq,
        counts=done.counts,
        forecast=_forecast(done.said) if forecast and done.said is not None else None,
    )


def _result(told: Any, *, forecast: bool) -> StepResult:
    if isinstance(told, Done):
        return StepResult(stepped=_stepped(told, forecast=forecast))
    if isinstance(told, Problem):
        return StepResult(problem=_failed(told.status, told.slug, str(told), **told.facts))
    if isinstance(told, ForegateError):
        problem = problem_of(told)
        return StepResult(problem=_failed(problem.status, problem.slug, str(problem)))
    raise told


def _failed(status: int, slug: str, detail: str, **facts: Any) -> Failed:
    told = {name: facts.get(name) for name in ("expected_seq", "last_time")}
    return Failed(status=status, type=TYPE + slug, title=HTTPStatus(status).phrase, detail=detail, **told)

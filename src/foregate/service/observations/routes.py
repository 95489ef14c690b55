"""Series and observations over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, select
from starlette.responses import Response

from foregate.core import Frequency
from foregate.service.api.endpoints import Call, Link, Routes
from foregate.service.observations.announced import announce, page
from foregate.service.observations.catalog import Known, Series, frequency
from foregate.service.observations.importing import import_table
from foregate.service.observations.intake import Given, Taken, require_step
from foregate.service.observations.shapes import (
    Announced,
    Batch,
    Coming,
    Future,
    FutureMany,
    FuturePage,
    Page,
    Paging,
    Result,
    Results,
    SeriesIn,
    SeriesMade,
    SeriesMany,
    SeriesOut,
    SeriesPage,
    Span,
    StoredRow,
    Table,
)
from foregate.service.problems import Problem
from foregate.service.store.tables import observations
from foregate.service.times import parsed, shown

if TYPE_CHECKING:
    from foregate.service.context import Service

__all__ = ["announce_all", "covariates_text", "routes"]

routes = Routes("Series and observations")
CALENDAR = Frequency.parse("h")
TOLD = 1000
MOST_STEPS = 100_000


@routes.add(
    "PUT",
    "/v1/series/{name}",
    scope="write",
    body=SeriesIn,
    answer=SeriesOut,
    also=(201,),
    links=(
        Link("get_series", {"name": "$request.path.name"}),
        Link("list_observations", {"name": "$request.path.name"}),
        Link("open_sessions", body={"series": ["$request.path.name"]}),
    ),
    examples={"hourly": {"freq": "h", "season_length": 24, "segment": "north"}},
)
async def put_series(call: Call[SeriesIn]) -> Any:
    """Make a series, or change its season, segment or attributes. Its frequency stays."""
    body, freq = call.body, frequency(call.body.freq)
    if freq.count > MOST_STEPS:
        raise Problem(422, "invalid-frequency", f"freq must be {MOST_STEPS:,} units at most, but got {body.freq!r}.")
    given = Series(Known(0, freq, None), call.path["name"], body.season_length, body.segment, dict(body.attributes), 0)
    series, created = await call.service.fleet.catalog.put(call.path["name"], given)
    return Response(msgspec.json.encode(_out(series)), 201 if created else 200, media_type="application/json")


@routes.add(
    "POST",
    "/v1/series",
    scope="write",
    body=SeriesMany,
    answer=SeriesMade,
    links=(
        Link("get_series", {"name": "$request.body#/series/0/name"}),
        Link("open_sessions", body={"series": ["$request.body#/series/0/name"]}),
    ),
    examples={"two": {"series": [{"name": "plant-7", "freq": "h"}, {"name": "plant-8", "freq": "h"}]}},
)
async def post_series(call: Call[SeriesMany]) -> SeriesMade:
    """Make many series at once, all of them or none; those that are there stay as they are."""
    given = [_given(each.name, each) for each in call.body.series]
    return SeriesMade(created=await call.service.fleet.catalog.put_all(given) if given else 0)


@routes.add(
    "GET",
    "/v1/series",
    scope="read",
    query=Paging,
    answer=SeriesPage,
    links=(Link("get_series", {"name": "$response.body#/series/0/name"}),),
)
async def list_series(call: Call[None]) -> SeriesPage:
    """Series in the order of their names."""
    query: Paging = call.query
    found = await call.service.fleet.catalog.page(query.after, query.limit)
    last = found[-1].name if len(found) == query.limit else None
    return SeriesPage(series=[_out(series) for series in found], next=last)


@routes.add("GET", "/v1/series/{name}", scope="read", answer=SeriesOut)
async def get_series(call: Call[None]) -> SeriesOut:
    """A series."""
    return _out(await call.service.fleet.catalog.get(call.path["name"]))


@routes.add("GET", "/v1/series/{name}/observations", scope="read", query=Span, answer=Page)
async def list_observations(call: Call[None]) -> Page:
    """The observations of a series in order of time."""
    span: Span = call.query
    name = call.path["name"]
    known = (await call.service.fleet.catalog.all_known([name]))[name]
    query = select(observations).where(observations.c.series == known.id)
    if span.after is not None:
        query = query.where(observations.c.time > _after(span.after, known.freq))
    some = query.order_by(observations.c.time).limit(span.limit)
    rows = await call.service.database.read(lambda connection: connection.execute(some).all())
    kept = [
        StoredRow(
            time=shown(row.time, known.freq),
            value=row.value,
            covariates=msgspec.json.decode(row.covariates) if row.covariates else None,
            revision=row.revision,
        )
        for row in rows
    ]
    return Page(observations=kept, next=kept[-1].time if len(kept) == span.limit else None)


@routes.add(
    "PUT",
    "/v1/series/{name}/future",
    scope="write",
    body=Future,
    answer=Announced,
    examples={"price": {"future": [{"time": "2024-06-01T12:00:00Z", "covariates": {"price": 2.5}}]}},
)
async def put_future(call: Call[Future]) -> Announced:
    """Announce covariates of times to come; told anew, other values take the place of those before."""
    name = call.path["name"]
    known = (await call.service.fleet.catalog.all_known([name]))[name]
    return Announced(changed=await announce_all(call.service, [(name, known, call.body.future)]))


@routes.add(
    "POST",
    "/v1/future",
    scope="write",
    body=FutureMany,
    answer=Announced,
    examples={
        "price": {"future": [{"series": "plant-7", "time": "2024-06-01T12:00:00Z", "covariates": {"price": 2.5}}]}
    },
)
async def post_future(call: Call[FutureMany]) -> Announced:
    """Announce covariates of times to come of many series, all of them or none."""
    rows: dict[str, list[Coming]] = {}
    for row in call.body.future:
        rows.setdefault(row.series, []).append(row)
    known = await call.service.fleet.catalog.all_known(list(rows))
    given = [(name, known[name], own) for name, own in sorted(rows.items())]
    return Announced(changed=await announce_all(call.service, given))


@routes.add("GET", "/v1/series/{name}/future", scope="read", query=Span, answer=FuturePage)
async def list_future(call: Call[None]) -> FuturePage:
    """What was announced of a series, in order of time."""
    span: Span = call.query
    name = call.path["name"]
    known = (await call.service.fleet.catalog.all_known([name]))[name]
    after = None if span.after is None else _after(span.after, known.freq)
    found, more = await call.service.database.read(lambda c: page(c, known.id, after, span.limit))
    coming = [Coming(time=shown(time, known.freq), covariates=own) for time, own in found.items()]
    return FuturePage(future=coming, next=coming[-1].time if more else None)


@routes.add(
    "POST",
    "/v1/observations",
    scope="write",
    body=Batch,
    answer=Results,
    links=(
        Link("list_observations", {"name": "$request.body#/observations/0/series"}),
        Link("open_sessions", body={"series": ["$request.body#/observations/0/series"]}),
    ),
    examples={"two": {"observations": [{"series": "plant-7", "time": "2024-05-31T12:00:00Z", "value": 3.2}]}},
)
async def post_observations(call: Call[Batch]) -> Results:
    """Store observations of any series; each succeeds or fails alone, and one that is sent again changes nothing."""
    given = [Given(row.series, row.time, row.value, covariates_text(row.covariates)) for row in call.body.observations]
    limit = call.service.settings.limits.rows
    if len(given) > limit:
        raise Problem(413, "too-many-rows", f"a call must have at most {limit:,} rows, but got {len(given):,}.")
    return _results(await call.service.fleet.intake.take(given, revise=call.body.revise))


@routes.add(
    "POST",
    "/v1/observations/import",
    scope="write",
    query=Table,
    answer=Results,
    media="application/octet-stream",
    limit="upload_bytes",
)
async def post_table(call: Call[None]) -> Results:
    """Store the rows of a table: CSV, Parquet, or a JSON object per line. It is read in a process with limits."""
    return _results(await import_table(call.service, call.stream(), call.query))


async def announce_all(service: Service, given: Sequence[tuple[str, Known, Sequence[Coming]]]) -> int:
    """Take in what is known ahead of series, all of it or nothing; how many values are new or others than before.

    Raises:
        Problem: there is too much of it, or a time is none, comes twice, has been passed by or lies too far ahead.
    """
    values, limit = sum(len(row.covariates) for _, _, rows in given for row in rows), service.settings.limits.rows
    if values > limit:
        raise Problem(413, "too-many-rows", f"a call must have at most {limit:,} values, but got {values:,}.")
    try:
        told = [(known, _times(name, known, rows)) for name, known, rows in given if rows]
    except ValueError as error:
        raise Problem(422, "invalid-time", f"{error}.") from None

    def work(connection: Connection) -> int:
        now = service.clock()
        return sum(announce(connection, known.id, known.freq, rows, now) for known, rows in told)

    return await service.database.write(work) if told else 0


def _times(name: str, known: Known, rows: Sequence[Coming]) -> dict[int, dict[str, float | str | None]]:
    if known.anchor is None:
        raise ValueError(f"series {name!r} must have an observation before its future is announced. Send one first")
    found: dict[int, dict[str, float | str | None]] = {}
    for row in rows:
        time = parsed(row.time, known.freq)
        require_step(known.anchor, time, known)
        if time in found:
            raise ValueError(f"a time must come once in a call, but {str(row.time)[:40]!r} came twice for {name!r}")
        found[time] = row.covariates
    return found


def covariates_text(covariates: Any) -> str | None:
    """Covariates as they are stored: the same ones are the same text."""
    return msgspec.json.encode(covariates, order="sorted").decode() if covariates else None


def _given(name: str, said: SeriesIn) -> Series:
    freq = frequency(said.freq)
    if freq.count > MOST_STEPS:
        raise Problem(422, "invalid-frequency", f"freq must be {MOST_STEPS:,} units at most, but got {said.freq!r}.")
    return Series(Known(0, freq, None), name, said.season_length, said.segment, dict(said.attributes), 0)


def _after(text: str, freq: Frequency) -> int:
    try:
        return parsed(int(text) if freq.is_integer else text, freq)
    except ValueError as error:
        raise Problem(422, "invalid-query", f"after must be a time of the series, but: {error}.") from None


def _out(series: Series) -> SeriesOut:
    return SeriesOut(
        name=series.name,
        freq=str(series.known.freq.alias),
        season_length=series.season_length,
        segment=series.segment,
        attributes=series.attributes,
        created_at=str(shown(series.created_at, CALENDAR)),
    )


def _results(taken: Taken) -> Results:
    told = sorted(taken.told)[:TOLD]
    return Results(
        counts=taken.counts, refused=[Result(index=place, outcome=what, detail=why) for place, what, why in told]
    )

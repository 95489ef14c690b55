"""Series and observations over HTTP."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import select
from starlette.responses import Response

from foregate.core import Frequency
from foregate.service.api.endpoints import Call, Link, Routes
from foregate.service.observations.catalog import Known, Series, frequency
from foregate.service.observations.importing import import_table
from foregate.service.observations.intake import Given, Taken
from foregate.service.observations.shapes import (
    Batch,
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

__all__ = ["routes"]

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

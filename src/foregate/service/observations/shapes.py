"""Bodies of requests and answers about series and observations."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from foregate.service.observations.intake import OUTCOMES

__all__ = [
    "Announced",
    "Batch",
    "Coming",
    "Future",
    "FutureMany",
    "FuturePage",
    "FutureRow",
    "Observation",
    "Page",
    "Result",
    "Results",
    "SeriesIn",
    "SeriesMade",
    "SeriesMany",
    "SeriesNew",
    "SeriesOut",
    "SeriesPage",
    "StoredRow",
]

LARGEST = 3.4028234663852886e38
Name = Annotated[str, Meta(description="name of a series", min_length=1, max_length=200)]
When = Annotated[
    str | int,
    Meta(
        description="ISO 8601, in UTC where it names no zone; a whole number where the frequency of the series is one"
    ),
]
Value = Annotated[float, Meta(description="a finite number", ge=-LARGEST, le=LARGEST)]
Covariates = Annotated[
    dict[Annotated[str, Meta(max_length=200)], float | Annotated[str, Meta(max_length=200)] | None],
    Meta(description="what comes with the row, by name", max_length=64),
]


class _Struct(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class SeriesIn(_Struct, frozen=True):
    """A series: how far apart its rows are, and what stays the same."""

    freq: Annotated[
        str,
        Meta(description="step between rows: an offset such as 30min, h or D, or a whole number", max_length=16),
    ]
    season_length: (
        Annotated[int, Meta(description="rows of a season; null: what is usual for the frequency", ge=1, le=100_000)]
        | None
    ) = None
    segment: Annotated[str, Meta(description="the group that errors and drift are told by", max_length=100)] = ""
    attributes: Annotated[Covariates, Meta(description="static covariates")] = {}


class SeriesNew(SeriesIn, frozen=True, kw_only=True):
    """A series that is to be made."""

    name: Name


class SeriesMany(_Struct, frozen=True):
    """Series that are to be made."""

    series: Annotated[list[SeriesNew], Meta(description="those that are there stay as they are", max_length=10_000)]


class SeriesMade(_Struct, frozen=True):
    """What became of them."""

    created: Annotated[int, Meta(description="how many are new")]


class SeriesOut(_Struct, frozen=True):
    """A series."""

    name: Name
    freq: Annotated[str, Meta(description="step between rows")]
    season_length: Annotated[int | None, Meta(description="rows of a season; null: what is usual for the frequency")]
    segment: Annotated[str, Meta(description="the group that errors and drift are told by")]
    attributes: Covariates
    created_at: Annotated[str, Meta(description="when it was made")]


class SeriesPage(_Struct, frozen=True):
    """Some series."""

    series: Annotated[list[SeriesOut], Meta(description="in the order of their names")]
    next: Annotated[str, Meta(description="give this as `after` for the next ones; null: these are the last")] | None


class Observation(_Struct, frozen=True):
    """A row of a series."""

    series: Name
    time: When
    value: Annotated[Value | None, Meta(description="null: missing")]
    covariates: Covariates | None = None


class Coming(_Struct, frozen=True):
    """What is known ahead of a time."""

    time: When
    covariates: Annotated[
        dict[Annotated[str, Meta(max_length=200)], Value | Annotated[str, Meta(max_length=200)] | None],
        Meta(
            description="values by the names of covariates; null: it is known that none will be",
            min_length=1,
            max_length=64,
        ),
    ]


class FutureRow(Coming, frozen=True, kw_only=True):
    """What is known ahead of a time of a series."""

    series: Name


class Future(_Struct, frozen=True):
    """What is known ahead of a series."""

    future: Annotated[
        list[Coming],
        Meta(description="each time once, after the newest row; the others stay as they are", max_length=100_000),
    ]


class FutureMany(_Struct, frozen=True):
    """What is known ahead of series."""

    future: Annotated[
        list[FutureRow], Meta(description="each time of a series once, after its newest row", max_length=100_000)
    ]


class Announced(_Struct, frozen=True):
    """What became of what was announced."""

    changed: Annotated[int, Meta(description="values that are new, or others than before")]


class FuturePage(_Struct, frozen=True):
    """What was announced of a series, in order of time."""

    future: Annotated[list[Coming], Meta(description="in the order of their times")]
    next: Annotated[
        str | int | None, Meta(description="give this as `after` for the next ones; null: these are the last")
    ]


class Batch(_Struct, frozen=True):
    """Rows of any series."""

    observations: Annotated[list[Observation], Meta(description="in any order", min_length=1, max_length=100_000)]
    revise: Annotated[bool, Meta(description="whether another value takes the place of the one before")] = False


class Result(_Struct, frozen=True):
    """What became of a row that was not stored."""

    index: Annotated[int, Meta(description="its place among those that came")]
    outcome: Annotated[str, Meta(description=f"one of {', '.join(OUTCOMES)}")]
    detail: Annotated[str, Meta(description="what must be, and what was got")]


class Results(_Struct, frozen=True):
    """What became of rows."""

    counts: Annotated[dict[str, int], Meta(description="rows by what became of them")]
    refused: Annotated[list[Result], Meta(description="rows that were not stored, the first thousand")]


class StoredRow(_Struct, frozen=True):
    """A stored row."""

    time: When
    value: Annotated[float | None, Meta(description="null: missing")]
    covariates: Covariates | None
    revision: Annotated[int, Meta(description="how often it was changed")]


class Page(_Struct, frozen=True):
    """Rows of a series in order of time."""

    observations: Annotated[list[StoredRow], Meta(description="in the order of their times")]
    next: Annotated[
        str | int | None, Meta(description="give this as `after` for the next ones; null: these are the last")
    ]


class Paging(_Struct, frozen=True):
    """Which part of a list."""

    after: Annotated[str, Meta(description="names after this one", max_length=200)] = ""
    limit: Annotated[int, Meta(description="at most so many", ge=1, le=1000)] = 100


class Span(_Struct, frozen=True):
    """Which rows of a series."""

    after: Annotated[str, Meta(description="times after this one", max_length=64)] | None = None
    limit: Annotated[int, Meta(description="at most so many", ge=1, le=10_000)] = 1000


class Table(_Struct, frozen=True):
    """How a table is to be read."""

    format: Annotated[str, Meta(description="csv, parquet or ndjson", pattern="^(csv|parquet|ndjson)$")]
    series: Annotated[str, Meta(description="column with the names of series", max_length=200)] = "series"
    time: Annotated[str, Meta(description="column with times", max_length=200)] = "time"
    value: Annotated[str, Meta(description="column with values", max_length=200)] = "value"
    revise: Annotated[bool, Meta(description="whether another value takes the place of the one before")] = False

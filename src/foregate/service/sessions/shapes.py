"""Bodies of requests and answers about sessions."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from foregate.service.names import MOST, VERSIONS, WORD_PATTERN
from foregate.service.observations.shapes import Coming, Covariates, Name, Paging, Value, When

__all__ = [
    "Failed",
    "Forecast",
    "Moment",
    "OpenSessions",
    "Opened",
    "Paging",
    "SessionOut",
    "SessionPage",
    "StepIn",
    "StepMany",
    "StepOne",
    "StepResult",
    "Stepped",
    "SteppedMany",
    "Wanted",
]

Late = Annotated[
    Literal["reject", "record", "rebuild"],
    Meta(
        description="of observations that come late: refuse them; store them without reading them; or read again from "
        "there, and allow changes"
    ),
]
Model = Annotated[str, Meta(description="name of the model", pattern=WORD_PATTERN)]


class _Struct(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class OpenSessions(_Struct, frozen=True):
    """Which sessions to open."""

    series: Annotated[list[Name], Meta(description="series that are there", min_length=1, max_length=10_000)]
    model: Annotated[Model, Meta(description="null: the usual one")] | None = None
    alias: Annotated[Model, Meta(description="the sessions follow it to other versions")] = "champion"
    version: (
        Annotated[int, Meta(description="stay with this version, instead of an alias", ge=1, le=VERSIONS)] | None
    ) = None
    late: Late = "reject"
    horizon: (
        Annotated[
            int,
            Meta(
                description="steps of the forecast after every observation; 0: none; null: the usual ones",
                ge=0,
                le=1024,
            ),
        ]
        | None
    ) = None


class SessionOut(_Struct, frozen=True):
    """A session."""

    series: Name
    model: Annotated[str, Meta(description="that it is a session of")]
    version: Annotated[int, Meta(description="that reads and forecasts")]
    alias: Annotated[str, Meta(description="that it follows; null: it stays")] | None
    seq: Annotated[int, Meta(description="observations that it has read")]
    last_time: Annotated[When | None, Meta(description="of the last of them")]
    late: Late
    horizon: Annotated[int, Meta(description="steps of the forecast after every observation; 0: none")]


class Opened(_Struct, frozen=True):
    """Sessions that are open now."""

    sessions: Annotated[list[SessionOut], Meta(description="in the order of the request")]
    created: Annotated[int, Meta(description="how many of them are new")]


class SessionPage(_Struct, frozen=True):
    """Some sessions."""

    sessions: Annotated[list[SessionOut], Meta(description="in the order of the names of their series")]
    next: Annotated[str, Meta(description="give this as `after` for the next ones; null: these are the last")] | None


class Moment(_Struct, frozen=True):
    """An observation of a session."""

    time: When
    value: Annotated[Value | None, Meta(description="null: missing")]
    covariates: Covariates | None = None


class StepIn(_Struct, frozen=True):
    """What a session is to read."""

    observations: Annotated[list[Moment], Meta(description="each time once", min_length=1, max_length=1000)]
    expected_seq: (
        Annotated[int, Meta(description="observations that the session has read before, to be sure", ge=0, le=MOST)]
        | None
    ) = None
    revise: Annotated[bool, Meta(description="whether another value takes the place of the one before")] = False
    forecast: Annotated[bool, Meta(description="whether the answer has the forecast")] = True
    future: Annotated[
        list[Coming],
        Meta(
            description="what is known ahead, which is announced first, whatever becomes of the rest", max_length=10_000
        ),
    ] = []


class StepOne(StepIn, frozen=True, kw_only=True):
    """What one of several sessions is to read."""

    series: Name


class StepMany(_Struct, frozen=True):
    """What several sessions are to read."""

    steps: Annotated[list[StepOne], Meta(description="each session once", min_length=1, max_length=1000)]


class Forecast(_Struct, frozen=True):
    """A forecast of a session."""

    series: Annotated[str, Meta(description="that is forecast")]
    model: Annotated[str, Meta(description="that made it")]
    version: Annotated[int, Meta(description="that made it")]
    seq: Annotated[int, Meta(description="observations that it knows")]
    origin: Annotated[When, Meta(description="time of the last of them")]
    times: Annotated[list[str | int], Meta(description="(K,) of the steps")]
    quantiles: Annotated[list[float], Meta(description="(Q,) probabilities")]
    values: Annotated[list[list[float]], Meta(description="(K, Q) in the units of the series")]


class Stepped(_Struct, frozen=True):
    """What became of a step: it is stored."""

    series: Annotated[str, Meta(description="that it is a session of")]
    model: Annotated[str, Meta(description="of the session")]
    version: Annotated[int, Meta(description="that read them")]
    seq: Annotated[int, Meta(description="observations that were read; of what came again, when it came first")]
    counts: Annotated[dict[str, int], Meta(description="observations by what became of them")]
    forecast: Annotated[Forecast | None, Meta(description="null: none is made, or none can be yet")]


class Failed(_Struct, frozen=True):
    """A step that was refused: a problem, as an answer of its own would have it."""

    status: Annotated[int, Meta(description="as HTTP has it")]
    type: Annotated[str, Meta(description="a name that programs can rely on")]
    title: Annotated[str, Meta(description="of the status")]
    detail: Annotated[str, Meta(description="what must be, what was got, and the fix")]
    expected_seq: Annotated[int, Meta(description="observations that the session has read")] | None = None
    last_time: Annotated[When | None, Meta(description="of the last of them")] = None


class StepResult(_Struct, frozen=True):
    """What became of the step of one session."""

    stepped: Annotated[Stepped | None, Meta(description="null: it was refused")] = None
    problem: Annotated[Failed | None, Meta(description="null: it is stored")] = None


class SteppedMany(_Struct, frozen=True):
    """What became of the steps of several sessions."""

    steps: Annotated[list[StepResult], Meta(description="in the order of the request")]


class Wanted(_Struct, frozen=True):
    """Which forecast."""

    horizon: Annotated[int, Meta(description="steps; the session's own when not given", ge=1, le=1024)] | None = None
    quantiles: (
        Annotated[str, Meta(description="probabilities, such as 0.1,0.9; the median is added", max_length=400)] | None
    ) = None

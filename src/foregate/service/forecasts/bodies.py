"""What is asked for and answered, as JSON has it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from foregate.service.names import MOST, VERSIONS, WORD_PATTERN

__all__ = ["ForecastAnswer", "ForecastRequest", "Forecasted", "History", "Number", "Which"]

SERIES_NAME = "^[^\\x00-\\x1f\\x7f]{1,200}$"
Name = Annotated[str, Meta(pattern=SERIES_NAME, max_length=200)]
ModelName = Annotated[str, Meta(pattern=WORD_PATTERN, max_length=64)]
Number = float | None
Which = Annotated[int, Meta(ge=1, le=VERSIONS)] | ModelName
When = str | Annotated[int, Meta(ge=-MOST, le=MOST)]
SeasonLength = Annotated[int, Meta(ge=1, le=20_000)]


class History(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A series as far as it is known."""

    values: Annotated[
        list[Number], Meta(min_length=1, description="One value per row, the newest last; null where it is missing.")
    ]
    name: Annotated[
        Name | None, Meta(description="What the answer calls it; its place in the request if not given.")
    ] = None
    times: Annotated[
        list[When] | None,
        Meta(
            description="Time of each row, ascending: ISO 8601 (UTC where no offset is given), or whole numbers where "
            "the frequency is one. Rows that are left out are missing."
        ),
    ] = None
    start: Annotated[
        When | None, Meta(description="Time of the first row, instead of `times`, where no row is left out.")
    ] = None
    static: Annotated[
        dict[str, float | str | None], Meta(description="Static covariates of the model: one value each.")
    ] = {}
    covariates: Annotated[
        dict[str, list[float | str | None]], Meta(description="Other covariates of the model: one value per row.")
    ] = {}
    future: Annotated[
        dict[str, list[float | str | None]], Meta(description="Known-future covariates: one value per step ahead.")
    ] = {}


class ForecastRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Series, and what is wanted of them: histories, or names of series that are stored."""

    horizon: Annotated[int, Meta(ge=1, le=MOST, description="Steps ahead.")]
    histories: Annotated[list[History], Meta(description="Series that come with the request.")] = []
    series: Annotated[list[Name], Meta(description="Names of stored series.")] = []
    future: Annotated[
        dict[str, dict[str, list[float | str | None]]],
        Meta(description="Known-future covariates of stored series, by their names: one value per step ahead."),
    ] = {}
    freq: Annotated[
        str | Annotated[int, Meta(ge=1, le=MOST)] | None,
        Meta(
            description="Step between rows of the histories: a pandas offset such as `h`, `30min`, `D` or `MS`, or a "
            "whole number. Needed where times are given as text. Stored series have their own."
        ),
    ] = None
    season_length: Annotated[
        SeasonLength | Annotated[list[SeasonLength], Meta(max_length=2)] | None,
        Meta(
            description="Rows of a season, or of a short and a long one, for pretrained models; if not given, those "
            "that usually go with the frequency."
        ),
    ] = None
    quantiles: Annotated[
        Annotated[list[Annotated[float, Meta(gt=0, lt=1)]], Meta(min_length=1, max_length=99)] | None,
        Meta(description="Probabilities; if neither these nor `level` are given, 0.1, 0.5 and 0.9."),
    ] = None
    level: Annotated[
        Annotated[list[Annotated[float, Meta(gt=0, lt=100)]], Meta(min_length=1, max_length=49)] | None,
        Meta(description="Central intervals in percent, instead of `quantiles`; the median comes too."),
    ] = None
    model: Annotated[
        ModelName | None, Meta(description="Which model; if not given, the one that the settings name.")
    ] = None
    version: Annotated[Which, Meta(description="A version's number, or an alias.")] = "champion"
    record: Annotated[
        bool | None,
        Meta(
            description="Whether the forecasts of stored series are kept until their actuals come, so that live errors "
            "are told of them. If not given, they are, as the settings have it, unless the request brings a future or "
            "seasons of its own: then it asks what would be."
        ),
    ] = None


class Forecasted(msgspec.Struct, frozen=True, kw_only=True):
    """The forecast of one series."""

    series: Annotated[str, Meta(description="Its name.")]
    values: Annotated[
        list[list[float]], Meta(description="One list per step, with one value per quantile, never descending.")
    ]
    cutoff: Annotated[str | int | UnsetType, Meta(description="Time of the last row that it knew.")] = UNSET
    times: Annotated[list[str | int] | UnsetType, Meta(description="Time of each step.")] = UNSET
    notes: Annotated[list[str] | UnsetType, Meta(description="What the reader should know.")] = UNSET


class ForecastAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Forecasts, and who made them."""

    model: Annotated[str, Meta(description="The model's name.")]
    version: Annotated[int, Meta(description="The version that made these forecasts.")]
    quantiles: Annotated[list[float], Meta(description="Probabilities, ascending.")]
    forecasts: Annotated[list[Forecasted], Meta(description="In the order of the request.")]
    recorded: Annotated[
        bool | UnsetType,
        Meta(
            description="Whether they will be scored when their actuals come; not told of histories that came with the "
            "request."
        ),
    ] = UNSET

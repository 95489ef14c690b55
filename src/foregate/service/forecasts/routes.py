"""Forecasts of series that come with the request, or that are stored."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType
from starlette.responses import Response

from foregate.core import Frequency, levels_to_quantiles
from foregate.service.api.endpoints import Call, Routes
from foregate.service.context import Service
from foregate.service.forecasts.bodies import ForecastAnswer, ForecastRequest
from foregate.service.forecasts.models import Ready
from foregate.service.forecasts.served import Asked
from foregate.service.forecasts.stored import forecast_stored
from foregate.service.problems import Problem
from foregate.service.settings import Settings

__all__ = ["answer_to", "routes"]

routes = Routes("Forecasts")
QUANTILES = (0.1, 0.5, 0.9)
AT_ONCE = 20_000
"""Numbers of an answer beyond which it is written elsewhere than on the event loop."""
EXAMPLES = {
    "history": {
        "horizon": 3,
        "freq": "MS",
        "level": [80],
        "histories": [
            {"name": "sales", "start": "2024-01-01", "values": [112, 118, 132, 129, 121, 135, None, 148, 136, 119]}
        ],
    },
    "stored": {"horizon": 24, "quantiles": [0.1, 0.5, 0.9], "series": ["plant-7"], "version": "champion"},
}


def _busy(service: Service) -> bool:
    return service.served.batcher.full


@routes.add(
    "POST",
    "/v1/forecasts",
    scope="forecast",
    body=ForecastRequest,
    answer=ForecastAnswer,
    examples=EXAMPLES,
    busy=_busy,
)
async def forecast(call: Call[ForecastRequest]) -> ForecastAnswer | Response:
    """Forecast series: histories that come with the request, or stored series by their names."""
    service, body = call.service, call.body
    ready = await service.served.ready(body.model or service.settings.forecasts.model, body.version)
    answer = await answer_to(service, ready, body, call.deadline)
    if len(answer.forecasts) * body.horizon * len(answer.quantiles) <= AT_ONCE:
        return answer
    content = await service.served.run(msgspec.json.encode, answer)
    return Response(content, media_type="application/json")


async def answer_to(service: Service, ready: Ready, body: ForecastRequest, deadline: float) -> ForecastAnswer:
    """What a version that is loaded answers to a request, until a deadline on the clock of the event loop.

    Raises:
        Problem: it is too much, or a stored series is not there.
        ForegateError: something is not as it must be.
    """
    quantiles = quantiles_of(body.quantiles, body.level)
    require_size(body, len(quantiles), service.settings)
    recorded: bool | UnsetType = UNSET
    if body.series:
        said = await forecast_stored(service, ready, body, quantiles, deadline)
        forecasts, recorded = said.forecasts, said.recorded
    else:
        forecasts = await service.served.forecast(ready, asked_of(body, ready, quantiles), deadline)
    version = ready.version
    return ForecastAnswer(
        model=version.model,
        version=version.version,
        quantiles=list(quantiles),
        forecasts=forecasts,
        recorded=recorded,
    )


def asked_of(body: ForecastRequest, ready: Ready, quantiles: tuple[float, ...]) -> Asked:
    """What is wanted of the histories of a request.

    Raises:
        UsageError: the frequency is none.
    """
    given = 1 if body.freq is None else body.freq
    freq = ready.freq if body.freq is None and ready.freq is not None else Frequency.parse(given)
    lengths = body.season_length
    seasons = None if lengths is None else tuple(lengths) if isinstance(lengths, list) else (lengths,)
    names = [each.name if each.name is not None else str(i) for i, each in enumerate(body.histories)]
    return Asked(body.histories, names, freq, seasons, body.horizon, quantiles)


def quantiles_of(quantiles: list[float] | None, level: list[float] | None) -> tuple[float, ...]:
    """The probabilities that are asked for, ascending.

    Raises:
        Problem: both are given.
    """
    if quantiles is not None and level is not None:
        detail = "quantiles and level must not both be given, but got both. Say the intervals in one way."
        raise Problem(422, "invalid-body", detail)
    if level is not None:
        return levels_to_quantiles(level)
    return tuple(sorted(set(quantiles))) if quantiles is not None else QUANTILES


def require_size(body: ForecastRequest, quantiles: int, settings: Settings) -> None:
    """Refuse what is too much for one request.

    Raises:
        Problem: says what, and how much is allowed.
    """
    limits, n = settings.limits, len(body.histories) + len(body.series)
    if not n or (body.histories and body.series):
        given = "both" if n else "neither"
        detail = f"histories or series must be given, one of the two, but got {given}."
        raise Problem(422, "invalid-body", detail)
    if body.record and not body.series:
        detail = "record must be of stored series, but got histories. Store their rows: POST /v1/observations."
        raise Problem(422, "invalid-body", detail)
    rows = sum(len(each.values) for each in body.histories)
    for what, got, most in (
        ("series", n, limits.series),
        ("rows of history", rows, limits.rows),
        ("horizon", body.horizon, limits.horizon),
        ("series x horizon x quantiles", n * body.horizon * quantiles, settings.forecasts.numbers),
    ):
        if got > most:
            raise Problem(422, "too-much", f"{what} must be at most {most:,}, but got {got:,}.", limit=most)

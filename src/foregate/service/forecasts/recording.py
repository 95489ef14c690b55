"""Forecasts of stored series are kept until their actuals come, so that their errors are told as those of sessions.

A forecast is told by its series, its origin, and the version that made it: the first one counts, and the same again is
no second one. What has been answered as recorded is committed, so an actual that is sent after the answer finds it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Connection

from foregate.data.statistics import usual_change
from foregate.service.forecasts.bodies import Forecasted, ForecastRequest
from foregate.service.forecasts.models import Ready, Seasons
from foregate.service.sessions.answers import Said, forecast_row
from foregate.service.store.failures import StoreError
from foregate.service.store.statements import only_new
from foregate.service.store.tables import forecasts

if TYPE_CHECKING:
    from foregate.service.context import Service
    from foregate.service.forecasts.stored import Stored

__all__ = ["kept_quantiles", "record", "recorded_row", "scales", "wished"]

PATIENCE = 2.0
"""Seconds that an answer waits for the disk at most; without having been recorded it is as good as with."""


def wished(body: ForecastRequest, *, usually: bool) -> bool:
    """Whether the forecasts of a request are to be recorded.

    Args:
        body: the request.
        usually: what the settings say.
    """
    if not body.series:
        return False
    return body.record if body.record is not None else usually and not body.future and body.season_length is None


def kept_quantiles(service: Service) -> tuple[float, ...]:
    """Probabilities at which forecasts are kept: those of sessions, whatever a request wants to see."""
    return tuple(sorted({0.5, *service.settings.ingest.quantiles}))


def scales(found: Sequence[Stored], ready: Ready, seasons: Seasons | None) -> list[float | None]:
    """How much each series usually changes from row to row, which its errors are measured by: as a session has it."""
    told: list[float | None] = []
    for each in found:
        window = ready.fitted(each.freq, seasons).spec.window
        seen = [(v, i) for v, i in zip(each.history.values, each.place, strict=True) if v is not None]
        scale = usual_change([v for v, _ in seen], [i for _, i in seen], window) if seen else 0.0
        told.append(scale if np.isfinite(scale) else None)
    return told


def recorded_row(
    stored: Stored, ready: Ready, said: Forecasted, quantiles: tuple[float, ...], scale: float | None, at: int
) -> dict[str, Any]:
    """A forecast as the table holds it.

    Args:
        stored: the series.
        ready: the version that made it.
        said: the forecast.
        quantiles: (Q,) what is kept of it, numbered as in `said`.
        scale: of the series.
        at: when its rows were read.
    """
    version, values = ready.version, np.array(said.values, np.float32)
    kept = Said(stored.name, version.model, version.version, 0, stored.origin, stored.freq, quantiles, values)
    return forecast_row(stored.number, kept, scale, at) | {"source": "request"}


async def record(service: Service, rows: Sequence[dict[str, Any]], deadline: float) -> bool:
    """Keep forecasts; whether that is done. What fails is told by metrics, and costs nobody an answer.

    Args:
        service: whose database it is.
        rows: see `recorded_row`.
        deadline: on the clock of the event loop.
    """
    if not rows:
        return True
    left = min(PATIENCE, deadline - asyncio.get_running_loop().time())
    try:
        await asyncio.wait_for(service.database.write(partial(_write, rows=rows)), max(left, 0.0))
    except (StoreError, TimeoutError):
        return False
    return True


def _write(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    connection.execute(only_new(connection, forecasts, "series", "origin", "model", "version"), list(rows))

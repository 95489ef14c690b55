"""Forecasts of stored series are kept until their actuals come, so that their errors are told as those of sessions.

A forecast is told by its series, its origin, and the version that made it: the first one counts, and the same again is
no second one. What has been answered as recorded is committed, so an actual that is sent after the answer finds it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from foregate.core import Frequency
from foregate.data.change import usual_change
from foregate.service.forecasts.bodies import ForecastRequest, Number
from foregate.service.store.failures import StoreError
from foregate.service.store.statements import insert_new
from foregate.service.store.tables import forecasts
from foregate.service.times import later

if TYPE_CHECKING:
    from foregate.service.context import Service

__all__ = ["Made", "forecast_row", "kept_quantiles", "record", "scales", "wished"]

IntArray = NDArray[np.int64]

PATIENCE = 2.0
"""Seconds that an answer waits for the disk at most; without having been recorded it is as good as with."""


@dataclass(frozen=True)
class Made:
    """A forecast that is kept."""

    model: str
    version: int
    origin: int
    """Time of the last row that it knew."""
    freq: Frequency
    quantiles: tuple[float, ...]
    values: NDArray[np.float32]
    """(K, Q) in the units of the series."""
    scale: float | None
    """How much the series usually changes, which errors are measured by."""
    source: str
    """Who had it made: session or request."""


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


def scales(found: Sequence[tuple[Sequence[Number], IntArray]], window: int) -> list[float | None]:
    """How much series usually change from row to row, which their errors are measured by: as a session has it.

    Args:
        found: values of each, and how many steps each of them lies after the first; null where missing.
        window: of the inputs of the model.
    """
    told: list[float | None] = []
    for values, place in found:
        seen = [(value, step) for value, step in zip(values, place.tolist(), strict=True) if value is not None]
        scale = usual_change([value for value, _ in seen], [step for _, step in seen], window)
        told.append(scale if np.isfinite(scale) else None)
    return told


def forecast_row(series: int, made: Made, at: int) -> dict[str, Any]:
    """A forecast as the table holds it.

    Args:
        series: its number.
        made: the forecast.
        at: when it was made: what came before it was known to it.
    """
    return {
        "series": series,
        "origin": made.origin,
        "until": later(made.origin, len(made.values), made.freq),
        "model": made.model,
        "version": made.version,
        "horizon": len(made.values),
        "quantiles": msgspec.json.encode(made.quantiles).decode(),
        "values": made.values.astype("<f4").tobytes(),
        "scale": made.scale,
        "made_at": at,
        "source": made.source,
    }


async def record(service: Service, rows: Sequence[dict[str, Any]], deadline: float) -> bool:
    """Keep forecasts; whether that is done. What fails is told by metrics, and costs nobody an answer.

    Args:
        service: whose database it is.
        rows: see `forecast_row`.
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
    insert_new(connection, forecasts, rows, "series", "origin", "model", "version")

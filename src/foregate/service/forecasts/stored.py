"""Forecasts of stored series: by the state of their live session where there is one, else by their latest rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from sqlalchemy import Connection, select

from foregate.core import Frequency, listed
from foregate.service.forecasts.bodies import Forecasted, ForecastRequest, History
from foregate.service.forecasts.models import Ready, Seasons
from foregate.service.forecasts.served import Asked
from foregate.service.observations.intake import rows_of
from foregate.service.problems import Problem
from foregate.service.store import tables
from foregate.service.times import array, written_times

if TYPE_CHECKING:
    from foregate.service.context import Service

__all__ = ["Stored", "forecast_stored", "read_stored"]

AT_ONCE = 500
"""Names that a statement holds at most."""


@dataclass(frozen=True)
class Stored:
    """A series as it is stored."""

    name: str
    freq: Frequency
    season_length: int | None
    history: History
    """Its latest rows; empty where a session has read them."""
    followed: bool
    """Whether a live session of the version that is asked has read it."""


async def forecast_stored(
    service: Service, ready: Ready, body: ForecastRequest, quantiles: tuple[float, ...], deadline: float
) -> list[Forecasted]:
    """Forecasts of stored series, in the order of their names.

    Raises:
        Problem: a series is not there; or something is not as it must be.
    """
    names, settings = list(dict.fromkeys(body.series)), service.settings
    rows = max(1, min(settings.forecasts.history, settings.limits.rows // len(names)))
    version = ready.version.model, ready.version.version
    found = await service.database.read(lambda connection: read_stored(connection, names, version, rows))
    answers: dict[str, Forecasted] = {}
    followed = [each.name for each in found if each.followed and not body.future]
    if followed:
        with suppress(Problem):  # one of them has been closed, or has nothing to say: what is stored says it
            for said in await service.fleet.forecast(followed, body.horizon, quantiles):
                if (said.model, said.version) == version:  # it may have moved on meanwhile
                    answers[said.series] = _of_session(said)
    groups: dict[tuple[Frequency, Seasons | None], list[Stored]] = {}
    for each in found:
        if each.name not in answers:
            groups.setdefault((each.freq, _seasons(body, each)), []).append(each)
    for (freq, seasons), members in groups.items():
        histories = [_as_read(each.history, ready, body.future.get(each.name, {})) for each in members]
        asked = Asked(histories, [each.name for each in members], freq, seasons, body.horizon, quantiles)
        answers |= {each.series: each for each in await service.served.forecast(ready, asked, deadline)}
    return [answers[name] for name in body.series]


def read_stored(connection: Connection, names: Sequence[str], version: tuple[str, int], rows: int) -> list[Stored]:
    """Series with their latest rows, so many of each at most.

    Raises:
        Problem: one is not there, or has no rows.
    """
    series, sessions = tables.series.c, tables.sessions.c
    which = select(tables.series, sessions.model, sessions.version).select_from(
        tables.series.outerjoin(tables.sessions, series.id == sessions.series)
    )
    found = {}
    for i in range(0, len(names), AT_ONCE):
        for row in connection.execute(which.where(series.name.in_(names[i : i + AT_ONCE]))):
            found[row.name] = row
    lacking = [name for name in names if name not in found]
    if lacking:
        raise Problem(404, "no-such-series", f"series must be stored, but got {listed(lacking)}. Send rows of them.")
    return [_stored(connection, found[name], version, rows) for name in names]


def _stored(connection: Connection, row: Any, version: tuple[str, int], rows: int) -> Stored:
    freq, known = Frequency.parse(row.freq), rows_of(connection, row.id, last=rows)
    if not known:
        raise Problem(422, "no-observations", f"every series must have rows, but got none of {row.name!r}. Send some.")
    times = array([each.time for each in known], freq)
    place, _ = freq.index(times, times[0])
    near = place > place[-1] - rows  # after a gap that is longer than what is read, there is nothing before it
    known, times = [each for each, is_near in zip(known, near, strict=True) if is_near], times[near]
    covariates = [msgspec.json.decode(each.covariates) if each.covariates else {} for each in known]
    columns = dict.fromkeys(name for one in covariates for name in one)
    history = History(
        values=[each.value for each in known],
        times=written_times(times),
        static=msgspec.json.decode(row.attributes),
        covariates={name: [one.get(name) for one in covariates] for name in columns},
    )
    return Stored(row.name, freq, row.season_length, history, (row.model, row.version) == version)


def _seasons(body: ForecastRequest, stored: Stored) -> Seasons | None:
    asked = body.season_length if body.season_length is not None else stored.season_length
    if asked is None:
        return None
    return tuple(asked) if isinstance(asked, list) else (asked,)


def _as_read(history: History, ready: Ready, future: Mapping[str, list[float | str | None]]) -> History:
    """A history with the covariates that the model reads; what is not stored of them is missing."""
    static = [column.name for column in ready.columns if column.role == "static"]
    others = [column.name for column in ready.columns if column.role != "static"]
    nothing: list[float | str | None] = [None] * len(history.values)
    return msgspec.structs.replace(
        history,
        static={name: history.static.get(name) for name in static},
        covariates={name: history.covariates.get(name, nothing) for name in others},
        future=dict(future),
    )


def _of_session(said: Any) -> Forecasted:
    cutoff = written_times(array([said.origin], said.freq))[0]
    values = said.values.astype(np.float64).tolist()
    return Forecasted(series=said.series, values=values, cutoff=cutoff, times=list(said.times))

"""Forecasts of stored series: by the state of their live session where there is one, else by their latest rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from foregate.core import Frequency, listed
from foregate.service.forecasts.bodies import Forecasted, ForecastRequest, History
from foregate.service.forecasts.models import Ready, Seasons
from foregate.service.forecasts.recording import Made, forecast_row, kept_quantiles, record, scales, wished
from foregate.service.forecasts.served import Asked
from foregate.service.observations.announced import Announced, Lacking, lacking, told, with_told
from foregate.service.observations.intake import rows_of
from foregate.service.problems import Problem
from foregate.service.store import tables
from foregate.service.times import array, later, steps_after, written_times

if TYPE_CHECKING:
    from foregate.service.context import Service

__all__ = ["Answered", "Stored", "Wanted", "forecast_stored", "read_stored"]

AT_ONCE = 500
"""Names that a statement holds at most."""


@dataclass(frozen=True)
class Wanted:
    """What is read of stored series."""

    version: tuple[str, int]
    """That is asked."""
    rows: int
    """The latest ones, so many of each at most."""
    ahead: int = 0
    """Steps of which covariates are read that were announced; 0: the version reads none."""


@dataclass(frozen=True)
class Stored:
    """A series as it is stored."""

    number: int
    name: str
    freq: Frequency
    season_length: int | None
    history: History
    """Its latest rows."""
    place: NDArray[np.int64]
    """(N,) how many steps each row lies after the first."""
    origin: int
    """Time of the last row."""
    followed: bool
    """Whether a live session of the version that is asked has read it."""
    known: Announced = field(default_factory=dict)
    """What was announced of the steps ahead."""


@dataclass(frozen=True)
class Answered:
    """Forecasts, and whether they are recorded."""

    forecasts: list[Forecasted]
    recorded: bool


@dataclass
class _Round:
    """One request on its way."""

    service: Service
    ready: Ready
    body: ForecastRequest
    quantiles: tuple[float, ...]
    """That are wanted."""
    deadline: float
    recording: bool
    at: int
    answers: dict[str, Forecasted] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    """Of forecasts that are recorded."""


async def forecast_stored(
    service: Service, ready: Ready, body: ForecastRequest, quantiles: tuple[float, ...], deadline: float
) -> Answered:
    """Forecasts of stored series, in the order of their names.

    Raises:
        Problem: a series is not there, or something is not known that the model must be told of its future; or
            something is not as it must be.
    """
    names, settings = list(dict.fromkeys(body.series)), service.settings
    recording = wished(body, usually=settings.forecasts.record)
    now = _Round(service, ready, body, quantiles, deadline, recording, service.clock())
    wanted = Wanted(
        (ready.version.model, ready.version.version),
        max(1, min(settings.forecasts.history, settings.limits.rows // len(names))),
        body.horizon if _ahead_of(ready) else 0,
    )
    found = await service.database.read(lambda connection: read_stored(connection, names, wanted))
    followed = [each.name for each in found if each.followed and not body.future]
    if followed:
        with suppress(Problem):  # one of them has been closed, or has nothing to say: what is stored says it
            for said in await service.fleet.forecast(followed, body.horizon, quantiles):
                if (said.model, said.version) == wanted.version:  # it may have moved on meanwhile
                    now.answers[said.series] = _of_session(said)
    groups: dict[tuple[Frequency, Seasons | None], list[Stored]] = {}
    for each in found:
        if each.name not in now.answers:
            groups.setdefault((each.freq, _seasons(body, each)), []).append(each)
    for (freq, seasons), members in groups.items():
        await _answer(now, freq, seasons, members)
    recorded = recording and await record(service, now.rows, deadline)
    return Answered([now.answers[name] for name in body.series], recorded)


async def _answer(now: _Round, freq: Frequency, seasons: Seasons | None, members: Sequence[Stored]) -> None:
    """Forecast series that have a frequency and seasons in common by their rows."""
    ready, horizon, quantiles = now.ready, now.body.horizon, now.quantiles
    kept = kept_quantiles(now.service) if now.recording else ()
    every = tuple(sorted({*quantiles, *kept}))
    histories = [_as_read(each, ready, horizon, now.body.future.get(each.name, {})) for each in members]
    asked = Asked(histories, [each.name for each in members], freq, seasons, horizon, every)
    said = await now.service.served.forecast(ready, asked, now.deadline)
    now.answers |= {each.series: _part(each, every, quantiles) for each in said}
    if now.recording:
        rows = [(stored.history.values, stored.place) for stored in members]
        of = await now.service.served.run(scales, rows, ready.fitted(freq, seasons).spec.window)
        now.rows += [
            forecast_row(stored.number, _made(stored, ready, _part(each, every, kept), kept, scale), now.at)
            for stored, each, scale in zip(members, said, of, strict=True)
        ]


def read_stored(connection: Connection, names: Sequence[str], wanted: Wanted) -> list[Stored]:
    """Series with their latest rows.

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
    return [_stored(connection, found[name], wanted) for name in names]


def _stored(connection: Connection, row: Any, wanted: Wanted) -> Stored:
    freq = Frequency.parse(row.freq)
    seen = [(each.time, each.value, each.covariates) for each in rows_of(connection, row.id, last=wanted.rows)]
    if not seen:
        raise Problem(422, "no-observations", f"every series must have rows, but got none of {row.name!r}. Send some.")
    origin, known = seen[-1][0], Announced()
    if wanted.ahead:
        until = later(origin, wanted.ahead, freq)
        known = told(connection, {row.id: (seen[0][0] - 1, until)})[row.id]
        seen = with_told(seen, known)
    times = array([each[0] for each in seen], freq)
    place, _ = freq.index(times, times[0])
    near = place > place[-1] - wanted.rows  # after a gap that is longer than what is read, there is nothing before it
    seen, times = [each for each, is_near in zip(seen, near, strict=True) if is_near], times[near]
    covariates = [msgspec.json.decode(text) if text else {} for _, _, text in seen]
    columns = dict.fromkeys(name for one in covariates for name in one)
    history = History(
        values=[value for _, value, _ in seen],
        times=written_times(times),
        static=msgspec.json.decode(row.attributes),
        covariates={name: [one.get(name) for one in covariates] for name in columns},
    )
    followed = (row.model, row.version) == wanted.version
    return Stored(
        row.id, row.name, freq, row.season_length, history, place[near] - place[near][0], origin, followed, known
    )


def _seasons(body: ForecastRequest, stored: Stored) -> Seasons | None:
    asked = body.season_length if body.season_length is not None else stored.season_length
    if asked is None:
        return None
    return tuple(asked) if isinstance(asked, list) else (asked,)


def _ahead_of(ready: Ready) -> list[str]:
    """Names of the covariates that a model is told ahead."""
    return [column.name for column in ready.columns if column.role == "future"]


def _as_read(stored: Stored, ready: Ready, horizon: int, given: Mapping[str, list[float | str | None]]) -> History:
    """A history with the covariates that the model reads; what is not stored of them is missing.

    Raises:
        Problem: something that it is told ahead is neither given nor announced.
    """
    history = stored.history
    static = [column.name for column in ready.columns if column.role == "static"]
    others = [column.name for column in ready.columns if column.role != "static"]
    nothing: list[float | str | None] = [None] * len(history.values)
    future = dict(given)
    rest = [name for name in _ahead_of(ready) if name not in given]
    if rest:
        times = steps_after(stored.origin, horizon, stored.freq)
        unknown = lacking(stored.known, times, rest)
        if unknown:
            raise Lacking(stored.name, stored.freq, unknown).problem()
        future |= {name: [stored.known[time][name] for time in times] for name in rest}
    return msgspec.structs.replace(
        history,
        static={name: history.static.get(name) for name in static},
        covariates={name: history.covariates.get(name, nothing) for name in others},
        future=future,
    )


def _part(said: Forecasted, every: tuple[float, ...], wanted: tuple[float, ...]) -> Forecasted:
    """A forecast at some of its quantiles."""
    if every == wanted:
        return said
    places = [every.index(q) for q in wanted]
    return msgspec.structs.replace(said, values=[[step[i] for i in places] for step in said.values])


def _made(stored: Stored, ready: Ready, said: Forecasted, quantiles: tuple[float, ...], scale: float | None) -> Made:
    version, values = ready.version, np.array(said.values, np.float32)
    return Made(version.model, version.version, stored.origin, stored.freq, quantiles, values, scale, "request")


def _of_session(said: Any) -> Forecasted:
    cutoff = written_times(array([said.origin], said.freq))[0]
    values = said.values.astype(np.float64).tolist()
    return Forecasted(series=said.series, values=values, cutoff=cutoff, times=list(said.times))

"""Requests of one kind, answered by one call of the model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from foregate.core import DataError, Frequency, Times, UsageError
from foregate.core.errors import ForegateError, listed
from foregate.forecasting.fitted import Fitted
from foregate.service.forecasts.bodies import Forecasted, History
from foregate.service.forecasts.histories import Rows, Wanted, panel_of, rows_of
from foregate.service.forecasts.models import Ready, Seasons
from foregate.service.times import written_times

__all__ = ["Kind", "Part", "compute", "reach_of"]

FINE, FAR = 8, 64
"""How far ahead is rounded up to a multiple of the one, or of the other where it is further than that."""


@dataclass(frozen=True)
class Kind:
    """What requests must share to be answered together."""

    ready: Ready
    """The version that answers; one that is loaded later has another."""
    freq: Frequency
    seasons: Seasons | None
    reach: int
    """Steps ahead that are computed; each request gets as many as it asked for."""
    quantiles: tuple[float, ...]
    """Ascending."""
    rows: int
    """Of a series at most."""
    read: int
    """Newest rows of a series that are read."""


@dataclass(frozen=True)
class Part:
    """What is computed for one request at a time: its series, or some of them where they are many."""

    histories: Sequence[History]
    names: Sequence[str]
    horizon: int
    weight: int = 1
    """What it costs: rows that are read and steps that are forecast."""


def reach_of(fitted: Fitted, horizon: int) -> int:
    """How far ahead is computed where so much is asked: rounded up, so that requests of near horizons go together.

    Raises:
        UsageError: the model does not reach so far.
    """
    reach = fitted.engine.manner.reach
    if reach is not None and horizon > reach:
        raise UsageError(f"horizon must be at most {reach}, as far as the model reaches, but got {horizon}.")
    if fitted.reads_future:  # what lies ahead is known for the steps that were asked for, and no more
        return horizon
    step = FINE if horizon <= FAR else FAR
    rounded = -(-horizon // step) * step
    return rounded if reach is None else min(rounded, reach)


def compute(kind: Kind, parts: Sequence[Part]) -> list[list[Forecasted] | Exception]:
    """The forecasts of each part, or what is wrong with it.

    Raises:
        ForegateError: of the model, whichever part was wrong.
    """
    fitted = kind.ready.fitted(kind.freq, kind.seasons)
    told: list[list[Rows] | Exception] = []
    for part in parts:
        clock = bool(fitted.spec.clock.cycles)
        wanted = Wanted(kind.freq, part.horizon, fitted.spec.columns, clock, kind.rows, kind.read)
        try:
            told.append([rows_of(each, name, wanted) for each, name in zip(part.histories, part.names, strict=True)])
        except ForegateError as error:
            told.append(error)
    fine = [(rows, part) for rows, part in zip(told, parts, strict=True) if not isinstance(rows, Exception)]
    answers = iter(_answered(kind, fitted, fine) if fine else ())
    return [rows if isinstance(rows, Exception) else next(answers) for rows in told]


def _answered(
    kind: Kind, fitted: Fitted, asked: Sequence[tuple[list[Rows], Part]]
) -> Iterator[list[Forecasted] | Exception]:
    """The answers to parts whose series were read."""
    every = [row for rows, _ in asked for row in rows]
    wanted = Wanted(kind.freq, kind.reach, fitted.spec.columns)
    panel, future = panel_of(every, wanted)
    forecast = fitted.forecast(panel, kind.reach, kind.quantiles, future)
    begin = 0
    for rows, part in asked:
        mine = slice(begin, begin := begin + len(rows))
        values, times = forecast.values[mine, : part.horizon], forecast.times[mine, : part.horizon]
        if not np.isfinite(values).all():
            bad = [row.name for row, its in zip(rows, values, strict=True) if not np.isfinite(its).all()]
            yield DataError(f"values must be of a size that can be forecast, but got others in {listed(bad)}.")
            continue
        yield [_written(row, times[i], forecast.cutoffs[mine][i], values[i].tolist()) for i, row in enumerate(rows)]


def _written(row: Rows, times: Times, cutoff: Times, values: list[list[float]]) -> Forecasted:
    notes = list(row.notes) or msgspec.UNSET
    if not row.told:
        return Forecasted(series=row.name, values=values, notes=notes)
    known, *ahead = written_times(np.append(cutoff, times))
    return Forecasted(series=row.name, values=values, cutoff=known, times=ahead, notes=notes)

"""Stored rows as a live forecaster reads them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import numpy as np

from foregate.core import DataError, ForegateError
from foregate.service.observations.announced import Announced, with_told
from foregate.service.sessions.rows import Seen
from foregate.service.times import array, steps_between
from foregate.streaming.live import Live

__all__ = ["Feed", "feed", "tell"]

EPOCH = dt.datetime(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Feed:
    """Rows of one series."""

    name: str
    """In the live forecaster."""
    rows: Sequence[Seen]
    """At least one, in order of time."""
    before: int | None
    """Time of the row before them; None: there was none."""
    attributes: str
    """JSON: covariates that stay the same."""
    known: Announced = field(default_factory=dict)
    """What was announced of the times after the row before them; read where the model is told the future."""


def feed(live: Live, feeds: Sequence[Feed], gap: int, *, lenient: bool = False) -> dict[str, ForegateError]:
    """Let a live forecaster read rows of series.

    Args:
        live: what reads them.
        feeds: the rows, each series once.
        gap: steps that may be between two rows.
        lenient: where more were left out, begin anew after that instead of refusing it.

    Returns:
        by name those that were refused, of which nothing was read.
    """
    refused: dict[str, ForegateError] = {}
    once: list[Feed] = []
    many: list[Feed] = []
    for each in feeds:
        try:
            kept = _whole(_within(each, live, gap, lenient=lenient), live, lenient=lenient)
        except ForegateError as error:
            refused[each.name] = error
        else:
            (once if len(kept.rows) == 1 else many).append(kept)
    for some in (once, many):
        if some:
            refused |= _read(live, some)
    return refused


def tell(live: Live, name: str, known: Announced) -> None:
    """Tell a live forecaster of a series what was announced of times to come.

    Raises:
        ForegateError: it cannot be read.
    """
    spec, times = live.spec, array(list(known), live.freq).tolist()
    rows = [{**told, spec.id_col: name, spec.time_col: time} for time, told in zip(times, known.values(), strict=True)]
    live.announce(rows)


def _whole(given: Feed, live: Live, *, lenient: bool) -> Feed:
    """Rows with what was announced of their times. What is stored and lacks a covariate is read without it; where a
    row is new, only steps that were left out are."""
    if not live.fitted.reads_future:
        return given
    after = given.before if given.name in live else None
    rows, own = with_told(given.rows, given.known, after), {row[0] for row in given.rows}
    nothing = {column.name: None for column in live.fitted.spec.columns if column.role != "static"}
    return replace(given, rows=[_filled(row, nothing) if lenient or row[0] not in own else row for row in rows])


def _filled(row: Seen, nothing: dict[str, None]) -> Seen:
    told = msgspec.json.decode(row[2]) if row[2] else {}
    return row[0], row[1], msgspec.json.encode({**nothing, **told}).decode()


def _within(given: Feed, live: Live, gap: int, *, lenient: bool) -> Feed:
    """Rows without a gap that is too long."""
    before, begin = given.before, 0
    for i, row in enumerate(given.rows):
        ahead = 0 if before is None else steps_between(before, row[0], live.freq) or 0
        if ahead > gap:
            if not lenient:
                raise DataError(
                    f"a session must not be without an observation for more than {gap:,} steps, but got {ahead:,}. "
                    "Close it, and open it again when this observation is stored."
                )
            begin = i
            if given.name in live:
                live.drop(given.name)
        before = row[0]
    return replace(given, rows=given.rows[begin:]) if begin else given


def _read(live: Live, feeds: Sequence[Feed]) -> dict[str, ForegateError]:
    """See `feed`; if some are refused, each is tried alone."""
    try:
        live.update(_given(live, feeds))
    except ForegateError as error:
        if len(feeds) == 1:
            return {feeds[0].name: error}
        refused: dict[str, ForegateError] = {}
        for each in feeds:
            refused |= _read(live, [each])
        return refused
    return {}


def _given(live: Live, feeds: Sequence[Feed]) -> Any:
    """Rows as a live forecaster takes them: as one, as columns, or with covariates as mappings."""
    spec = live.spec
    seen = [row for each in feeds for row in each.rows]
    names = [each.name for each in feeds for _ in each.rows]
    if live.fitted.spec.columns:
        told = {each.name: msgspec.json.decode(each.attributes) for each in feeds}
        times = array([row[0] for row in seen], live.freq).tolist()
        return [
            {
                **told[name],
                **(msgspec.json.decode(row[2]) if row[2] else {}),
                spec.id_col: name,
                spec.time_col: time,
                spec.target_col: row[1],
            }
            for name, time, row in zip(names, times, seen, strict=True)
        ]
    if len(seen) == 1:
        ticks, value, _ = seen[0]
        time = ticks if live.freq.is_integer else EPOCH + dt.timedelta(microseconds=ticks)
        return {spec.id_col: names[0], spec.time_col: time, spec.target_col: value}
    values = np.array([np.nan if row[1] is None else row[1] for row in seen], np.float64)
    return {spec.id_col: names, spec.time_col: array([row[0] for row in seen], live.freq), spec.target_col: values}

"""Stored observations as a panel that can be trained on, kept as it was when a job began."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, select

from foregate.core import Covariate, DataError, FrameSpec, Frequency, Panel, Role
from foregate.service.jobs.told import Told
from foregate.service.observations.announced import told, with_told
from foregate.service.observations.intake import rows_of
from foregate.service.store.tables import forecasts, series, sessions
from foregate.service.times import array

__all__ = ["Taken", "keep", "kept", "series_of", "take"]

IntArray = NDArray[np.int64]

MOST_SERIES = 20_000
GAP = 10
"""A series may have so many times as many steps as observations; more is a gap and not a series."""


@dataclass(frozen=True)
class Taken:
    """Series as they were when a job began."""

    panel: Panel
    season_length: int | None
    """Of the series, where it was said."""


def series_of(connection: Connection, model: str) -> list[str]:
    """Names of the series that a model forecasts: those of its sessions, else those of its stored forecasts."""
    for table in (sessions, forecasts):
        ids = select(table.c.series).where(table.c.model == model).distinct()
        query = select(series.c.name).where(series.c.id.in_(ids)).order_by(series.c.name).limit(MOST_SERIES)
        found = list(connection.scalars(query))
        if found:
            return found
    return []


def take(connection: Connection, names: Sequence[str], rows: int, roles: Mapping[str, Role] | None = None) -> Taken:
    """The newest observations of some series, each on its own regular grid.

    Args:
        connection: of a transaction that reads.
        names: of the series.
        rows: the newest steps of each that are taken.
        roles: covariate -> its role, of those that are taken with them: from the rows, or attributes of the series.

    Raises:
        DataError: there are none, they are of several frequencies, or a series is mostly gaps; a covariate is nowhere,
            or is numbers here and text there.
    """
    found: list[Row[Any]] = []
    for part in range(0, len(names), 500):
        found += connection.execute(select(series).where(series.c.name.in_(names[part : part + 500]))).all()
    missing = sorted(set(names) - {row.name for row in found})
    if not names:
        said = "series must be named, or be those of the model's sessions or stored forecasts, but got none"
        raise DataError(f"{said}. Name them in the request, or open sessions.")
    if missing:
        raise DataError(f"series must be stored, but got none for {missing[:3]}. Send observations first.")
    frequencies = sorted({row.freq for row in found})
    if len(frequencies) > 1:
        raise DataError(f"series must be of one frequency, but got {frequencies}. Train a model for each.")
    freq = Frequency.parse(frequencies[0])
    made: list[Panel] = []
    covariates = Told(dict(roles or {}))
    for row in sorted(found, key=lambda each: str(each.name)):
        times, values, texts = _rows(connection, row.id, rows, ahead="future" in (roles or {}).values())
        if np.isfinite(values).sum() < 2:
            continue
        panel, places = _regular(times, values, freq, row.name, rows)
        made.append(panel)
        covariates.add(row.attributes, [texts[i] if i >= 0 else None for i in places] if covariates.varying else [])
    if not made:
        raise DataError("series must have observations, but got none. Send some first.")
    seasons = {row.season_length for row in found if row.season_length}
    panel = replace(_together(made), covariates=covariates.covariates())
    return Taken(panel, min(seasons) if len(seasons) == 1 else None)


def keep(taken: Taken, path: Path) -> None:
    """Write a panel down: all of it, or nothing."""
    panel, draft = taken.panel, path.with_suffix(".draft")
    path.parent.mkdir(parents=True, exist_ok=True)
    said = {
        "freq": str(panel.freq.alias) if panel.freq else "1",
        "ids": panel.ids.tolist(),
        "season": taken.season_length,
        "covariates": [[name, each.role, each.categories] for name, each in panel.covariates.items()],
    }
    columns: dict[str, Any] = {f"covariate{i}": each.values for i, each in enumerate(panel.covariates.values())}
    with draft.open("wb") as file:
        np.savez(
            file,
            said=np.frombuffer(json.dumps(said).encode(), np.uint8),
            offsets=panel.offsets,
            values=panel.values,
            mask=panel.mask,
            times=panel.times.astype(np.int64),
            **columns,
        )
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)


def kept(path: Path) -> Taken:
    """See `keep`."""
    with np.load(path, allow_pickle=False) as file:
        said = json.loads(file["said"].tobytes())
        freq = Frequency.parse(said["freq"])
        times = array(file["times"], freq)
        spec = FrameSpec(time_unit="step" if freq.is_integer else "us")
        ids = np.array(said["ids"], np.str_)
        columns = {
            name: Covariate(role, file[f"covariate{i}"], tuple(categories))
            for i, (name, role, categories) in enumerate(said.get("covariates", []))
        }
        panel = Panel(ids, file["offsets"], file["values"], file["mask"], times, freq, columns, spec=spec)
    return Taken(panel, said["season"])


def _rows(
    connection: Connection, number: int, rows: int, *, ahead: bool
) -> tuple[IntArray, NDArray[np.float64], list[str | None]]:
    """Times, values and covariates of the newest rows of a series, with what was announced of them if that is read."""
    found = [(row.time, row.value, row.covariates) for row in rows_of(connection, number, last=rows)]
    if ahead and found:
        found = with_told(found, told(connection, {number: (found[0][0] - 1, found[-1][0])})[number])
    times = np.array([time for time, _, _ in found], np.int64)
    values = np.array([np.nan if value is None else value for _, value, _ in found], np.float64)
    return times, values, [text for _, _, text in found]


def _regular(
    times: IntArray, values: NDArray[np.float64], freq: Frequency, name: str, rows: int
) -> tuple[Panel, IntArray]:
    """A series with every step from the first time on, at most so many, and which row each came from, -1 for none."""
    typed = array(times, freq)
    steps, exact = freq.index(typed, typed[0])
    if steps[-1] >= GAP * len(times) + 1000:
        raise DataError(f"series must not be mostly gaps, but got {len(times)} rows in {steps[-1]} steps of {name!r}.")
    places = np.full(int(steps[-1]) + 1, -1)
    places[steps[exact]] = np.flatnonzero(exact)
    start = freq.shift(np.asarray(typed[0]), max(0, len(places) - rows))
    places = places[-rows:]
    grid = np.where(places >= 0, values[places], np.nan)
    return Panel.from_arrays([grid], ids=[name], freq=freq, start=start), places


def _together(parts: Sequence[Panel]) -> Panel:
    """Panels of one series each as one."""
    offsets = np.concatenate([[0], np.cumsum([len(part.values) for part in parts])])
    ids, values, mask, times = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("ids", "values", "mask", "times")
    )
    return Panel(ids, offsets, values, mask, times, parts[0].freq, spec=parts[0].spec)

"""The regular grid: every step between the first and the last row of a series gets a row of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from foregate.core import Covariate, DataError, Frequency, Panel, Times, listed

__all__ = ["Grid", "count_of_steps", "grid_of", "regularize"]

MOST_GROWTH = 50
"""A panel is refused when its regular form would have more than this many times its rows …"""
ALWAYS_ALLOWED = 10_000_000
"""… and more than this many rows: the frequency or a timestamp is then wrong."""

FEWEST_GAPS = 4
"""So many gaps between rows, all alike and longer than a step, speak for another frequency."""

_UNIT_WORDS = {
    "us": "microsecond",
    "ms": "millisecond",
    "s": "second",
    "min": "minute",
    "h": "hour",
    "D": "day",
    "W": "week",
    "B": "business day",
}
_MONTH_WORDS = {1: "month", 3: "quarter", 12: "year"}


@dataclass(frozen=True)
class Grid:
    """Where the rows of a panel lie on the grid that begins at each series' first row."""

    steps: NDArray[np.int64]
    """(N,) steps from the first row of the series, rounded down."""
    exact: NDArray[np.bool_]
    """(N,) whether the row lies on the grid."""
    repeated: NDArray[np.bool_]
    """(N,) whether the row has the same time as the row before it in its series."""
    backward: NDArray[np.bool_]
    """(N,) whether the row is earlier than the row before it in its series."""
    lengths: NDArray[np.int64]
    """(S,) rows that each series has on the grid, from its first row to its last."""


def count_of_steps(n: int, freq: Frequency, kind: str = "") -> str:
    """A number of steps in words, such as ``165 missing hours``.

    Examples:
        >>> count_of_steps(165, Frequency.parse("h"), "missing")
        '165 missing hours'
        >>> count_of_steps(1, Frequency.parse("30min"), "missing")
        '1 missing row'
    """
    months = _MONTH_WORDS.get(freq.count) if freq.unit in ("MS", "ME") else None
    word = months or (_UNIT_WORDS.get(freq.unit) if freq.count == 1 else None) or "row"
    return " ".join(part for part in (f"{n:,}", kind, word if n == 1 else f"{word}s") if part)


def grid_of(panel: Panel, freq: Frequency) -> Grid:
    """Place the rows of `panel` on the grid of `freq`; nothing is checked."""
    lengths = panel.lengths
    begins = np.repeat(panel.offsets[:-1], lengths)
    steps, exact = freq.index(panel.times, panel.times[begins])
    repeated, backward = np.zeros((2, len(panel.times)), np.bool_)
    inside = begins[1:] == begins[:-1]
    repeated[1:] = inside & (panel.times[1:] == panel.times[:-1])
    backward[1:] = inside & (panel.times[1:] < panel.times[:-1])
    spans = np.zeros(len(panel), np.int64)
    some = lengths > 0
    spans[some] = steps[panel.offsets[1:][some] - 1] + 1
    return Grid(steps, exact, repeated, backward, spans)


def regularize(panel: Panel) -> Panel:
    """Give every missing step of every series a row of its own, masked, and leave the rest as it is.

    Past and known-future covariates are NaN in the new rows. A panel that is regular already is returned itself.

    Args:
        panel: Rows in order of time within each series; `panel.freq` must be known.

    Returns:
        A panel with `is_regular` True, and a note that says how many rows were added.

    Raises:
        DataError: the frequency is unknown or differs between series, timestamps repeat or lie between two steps, or
            so many rows would have to be added that a timestamp or the frequency must be wrong.

    Examples:
        >>> days = np.array(["2024-01-01", "2024-01-02", "2024-01-05"], "datetime64[us]")
        >>> panel = Panel(np.array(["a"]), np.array([0, 3]), np.ones(3, np.float32), np.ones(3, bool), days)
        >>> regular = regularize(panel.with_freq("D"))
        >>> regular.mask
        array([ True,  True, False, False,  True])
        >>> regular.notes
        ('2 missing days in 1 series were made explicit as missing values.',)
    """
    if panel.freq is None:
        raise DataError(
            "freq must be known to make a panel regular, but got none. Give it when reading: read(…, freq='h'), or "
            "declare it: panel.with_freq('h')."
        )
    grid = grid_of(panel, panel.freq)
    _refuse_misplaced(panel, panel.freq, grid)
    added = grid.lengths - panel.lengths
    if not added.any():
        return panel
    _refuse_mixed(panel, panel.freq, grid)
    _refuse_explosion(panel, panel.freq, grid)
    return _spread(panel, panel.freq, grid, added)


def _spread(panel: Panel, freq: Frequency, grid: Grid, added: NDArray[np.int64]) -> Panel:
    offsets = np.concatenate([[0], np.cumsum(grid.lengths)]).astype(np.int64)
    rows = grid.steps + np.repeat(offsets[:-1], panel.lengths)
    n = int(offsets[-1])
    values, mask = np.zeros(n, np.float32), np.zeros(n, np.bool_)
    values[rows], mask[rows] = panel.values, panel.mask
    one = int(added.sum()) == 1
    result = "was made explicit as a missing value" if one else "were made explicit as missing values"
    said = f"{count_of_steps(int(added.sum()), freq, 'missing')} in {int((added > 0).sum()):,} series"
    return replace(
        panel,
        offsets=offsets,
        values=values,
        mask=mask,
        times=_grid_times(panel, freq, grid, offsets),
        covariates=_spread_covariates(panel.covariates, rows, n),
        notes=(*panel.notes, f"{said} {result}."),
    )


def _grid_times(panel: Panel, freq: Frequency, grid: Grid, offsets: NDArray[np.int64]) -> Times:
    position = np.arange(offsets[-1]) - np.repeat(offsets[:-1], grid.lengths)
    return freq.shift(panel.times[np.repeat(panel.offsets[:-1], grid.lengths)], position)


def _spread_covariates(covariates: Mapping[str, Covariate], rows: NDArray[np.int64], n: int) -> dict[str, Covariate]:
    spread = {}
    for name, covariate in covariates.items():
        values = covariate.values
        if covariate.role != "static":
            values = np.full(n, np.nan, np.float32)
            values[rows] = covariate.values
        spread[name] = replace(covariate, values=values)
    return spread


def _refuse_misplaced(panel: Panel, freq: Frequency, grid: Grid) -> None:
    if grid.backward.any():
        raise DataError(
            f"rows must be in order of time within a series, but got {_places(panel, grid.backward)}. "
            "Sort them first, or let read() make the panel."
        )
    if grid.repeated.any():
        raise DataError(
            f"timestamps must be unique within a series, but got {_places(panel, grid.repeated)} repeated. "
            'Say which to keep: clean(panel, duplicates="first"), "last" or "mean".'
        )
    if not grid.exact.all():
        raise DataError(
            f"timestamps must step by {freq.alias!r} from the first row of their series, but got "
            f"{_places(panel, ~grid.exact)} between two steps. Give the frequency that "
            "the data has, or aggregate to it."
        )


def _refuse_mixed(panel: Panel, freq: Frequency, grid: Grid) -> None:
    """A series whose rows all lie the same several steps apart has no gaps: it has another frequency."""
    gaps = np.diff(grid.steps, prepend=0)
    inside = np.arange(len(gaps)) > np.repeat(panel.offsets[:-1], panel.lengths)
    series = panel.row_series[inside]
    least, most = np.full(len(panel), np.iinfo(np.int64).max), np.zeros(len(panel), np.int64)
    np.minimum.at(least, series, gaps[inside])
    np.maximum.at(most, series, gaps[inside])
    other = np.flatnonzero((panel.lengths > FEWEST_GAPS) & (least == most) & (least > 1))
    if len(other):
        raise DataError(
            f"every series must step by {freq.alias!r}, but got {len(other):,} of {len(panel):,} that step by several "
            f"of these throughout: {listed(panel.ids[other])}. Bring all to one frequency, or forecast them apart."
        )


def _refuse_explosion(panel: Panel, freq: Frequency, grid: Grid) -> None:
    rows = int(grid.lengths.sum())
    if rows <= max(ALWAYS_ALLOWED, MOST_GROWTH * len(panel.values)):
        return
    worst = int(np.argmax(grid.lengths - panel.lengths))
    raise DataError(
        f"gaps must leave a panel of sensible size, but got {rows:,} rows for {len(panel.values):,} observations at "
        f"freq {freq.alias!r}, most of them in series {str(panel.ids[worst])!r}. Check its first and last timestamp "
        "and the frequency."
    )


def _places(panel: Panel, where: NDArray[np.bool_]) -> str:
    rows = np.flatnonzero(where)
    series = np.searchsorted(panel.offsets, rows, side="right") - 1
    ids = panel.ids[np.unique(series)]
    count = f"{len(rows):,} row{'s' if len(rows) > 1 else ''}"
    return f"{count} in {len(ids):,} series ({listed(ids)}; first at {panel.times[rows[0]]})"

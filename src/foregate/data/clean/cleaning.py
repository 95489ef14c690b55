"""`clean`: one pass over a panel that changes what it is told to change, and lists it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from foregate.core import Covariate, DataError, Panel, Times, UsageError, require_panel
from foregate.data.clean.hampel import Hampel, hampel_bounds
from foregate.data.clean.impute import Missing, filled
from foregate.data.grid import regularize
from foregate.data.seasons import find_seasons

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Change", "Cleaned", "Duplicates", "Outliers", "clean"]

Duplicates = Literal["error", "first", "last", "mean"]
Outliers = Literal["keep", "flag", "mask", "winsorise"]
Kind = Literal["repeat", "gap", "outlier", "filled"]

MOST_LISTED = 1000
"""Changes that `Cleaned.changes` gives as objects; `Cleaned.changes_frame` has them all."""
_SAID: dict[str, tuple[str, str]] = {
    "first": ("repeated timestamp", "the first of the rows was kept"),
    "last": ("repeated timestamp", "the last of the rows was kept"),
    "mean": ("repeated timestamp", "the rows were averaged"),
    "flag": ("outlier", "flagged and kept"),
    "mask": ("outlier", "made missing"),
    "winsorise": ("outlier", "moved to the nearest bound"),
    "linear": ("missing value", "filled on a line"),
    "forward": ("missing value", "filled with the value before"),
    "seasonal": ("missing value", "filled by season"),
}


@dataclass(frozen=True)
class Change:
    """One value that is not what it was."""

    kind: Kind
    """``repeat``: a row of a repeated timestamp was folded into one. ``gap``: a row was added. ``outlier``: flagged,
    made missing or moved. ``filled``: a missing value was given a value."""
    id: str
    time: np.datetime64 | int
    old: float
    """NaN where there was none."""
    new: float
    """NaN where there is none now; for ``repeat`` the value of the row that was kept."""


@dataclass(frozen=True)
class _Log:
    """Changes of one kind, as columns of equal length."""

    kind: Kind
    ids: NDArray[np.str_]
    times: Times
    old: NDArray[np.float64]
    new: NDArray[np.float64]


@dataclass(frozen=True)
class Cleaned:
    """A cleaned panel and everything that was changed to make it."""

    panel: Panel
    """Regular; its notes count the changes."""
    log: tuple[_Log, ...]
    """The changes as columns, kind by kind, in the order in which they were made."""

    @property
    def counts(self) -> dict[str, int]:
        """How many changes of each kind there were."""
        return {part.kind: len(part.times) for part in self.log if len(part.times)}

    @property
    def changes(self) -> tuple[Change, ...]:
        """The first thousand changes, in the order in which they were made; see `changes_frame` for all."""
        found: list[Change] = []
        for part in self.log:
            few = slice(MOST_LISTED - len(found))
            times = part.times[few] if part.times.dtype.kind == "M" else part.times[few].tolist()
            rows = zip(part.ids[few].tolist(), times, part.old[few].tolist(), part.new[few].tolist(), strict=True)
            found += [Change(part.kind, *row) for row in rows]
        return tuple(found)

    def changes_frame(self) -> pl.DataFrame:
        """All changes as a table with the columns kind, id, time, old and new (null where there is no value)."""
        import polars as pl

        def column(name: str) -> NDArray[Any]:
            return np.concatenate([getattr(part, name) for part in self.log])

        kinds = [pl.repeat(part.kind, len(part.times), eager=True) for part in self.log]
        numbers = {name: pl.Series(column(name)).fill_nan(None) for name in ("old", "new")}
        return pl.DataFrame({"kind": pl.concat(kinds), "id": column("ids"), "time": column("times"), **numbers})


def clean(
    panel: Panel,
    *,
    missing: Missing = "mask",
    causal: bool = False,
    duplicates: Duplicates = "error",
    outliers: Outliers = "keep",
    hampel: Hampel | None = None,
    season: int | None = None,
) -> Cleaned:
    """Make a panel regular, and on request settle repeats, treat outliers and fill what is missing, in this order.

    By default gaps become rows without a value and nothing else is changed: the network is told what is missing.
    Covariates are not filled. Every change is listed, and counted in the notes of the panel. Cleaning twice changes
    nothing more, except that outliers are judged anew by the values that are left.

    Args:
        panel: Rows in order of time, with a known frequency.
        missing: ``mask`` leaves missing values missing. ``forward`` holds the last observed value. ``linear`` draws a
            line between the observed values on both sides. ``seasonal`` adds the seasonal profile of the series to the
            line between the remainders on both sides, not below 0 if the series never is. Before the first observed
            value nothing is filled; after the last one the lines are held.
        causal: Use nothing that comes after the value in question, so that a backtest on the result does not look
            ahead. ``linear`` then follows the line through the last two observed values as far as these lie apart and
            holds it; ``seasonal`` takes the last observed value of the same phase, else the last observed value;
            outliers are judged by the values before.
        duplicates: What to do with rows of the same time: refuse them, keep the first or last that has a value, or
            average (categories: the first).
        outliers: ``keep`` does not look for them, ``flag`` lists them, ``mask`` makes them missing, ``winsorise`` moves
            them to the nearest bound that is not an outlier.
        hampel: When a value counts as an outlier.
        season: Steps of the season for ``seasonal`` and for outliers. By default the longest that the panel shows, or,
            if causal, the shortest that usually goes with its frequency.

    Raises:
        DataError: timestamps repeat and nothing was said about it, lie between two steps, or the frequency is unknown;
            or there is no season to fill by.
        UsageError: an argument has a value that does not exist.

    Examples:
        >>> cleaned = clean(Panel.from_arrays([np.array([1.0, np.nan, 3.0])]), missing="linear")
        >>> cleaned.panel.values
        array([1., 2., 3.], dtype=float32)
        >>> cleaned.changes
        (Change(kind='filled', id='s0', time=1, old=nan, new=2.0),)
        >>> cleaned.panel.notes
        ('1 missing value in 1 series: filled on a line.',)
    """
    require_panel(panel)
    _refuse_unknown(missing=missing, duplicates=duplicates, outliers=outliers)
    if season is not None and season < 1:
        raise UsageError(f"season must be at least 1 step, but got {season}. Give for example 24 for hours.")
    panel, repeats = _settle_repeats(panel, duplicates)
    panel, gaps = _open_gaps(panel)
    if outliers != "keep" or missing == "seasonal":
        season = season or _season_of(panel, causal=causal)
    if missing == "seasonal" and not season:
        raise DataError(
            "season must be known to fill by season, but got a panel that shows none. Give it: season=24, or choose "
            'missing="linear".'
        )
    panel, moved = _treat_outliers(panel, outliers, hampel, season, causal=causal)
    panel, fills = _fill(panel, missing, season or 1, causal=causal)
    return Cleaned(panel, (repeats, gaps, moved, fills))


def _refuse_unknown(**given: str) -> None:
    allowed: dict[str, tuple[str, ...]] = {
        "missing": get_args(Missing),
        "duplicates": get_args(Duplicates),
        "outliers": get_args(Outliers),
    }
    for name, value in given.items():
        if value not in allowed[name]:
            names = ", ".join(repr(a) for a in allowed[name])
            raise UsageError(f"{name} must be one of {names}, but got {value!r}. Give one of these.")


def _season_of(panel: Panel, *, causal: bool) -> int | None:
    """The longest season that the panel shows; if nothing later may be seen, the first that its calendar has."""
    seasons = (panel.freq.seasons() if panel.freq else ())[:1] if causal else find_seasons(panel)
    return max(seasons, default=None)


def _logged(kind: Kind, panel: Panel, rows: NDArray[np.int64], old: NDArray[Any], new: NDArray[Any]) -> _Log:
    series = np.searchsorted(panel.offsets, rows, side="right") - 1
    return _Log(kind, panel.ids[series], panel.times[rows], old.astype(np.float64), new.astype(np.float64))


def _noted(panel: Panel, how: str, log: _Log) -> Panel:
    n = len(log.times)
    if not n:
        return panel
    what, done = _SAID[how]
    said = f"{n:,} {what}{'s' if n > 1 else ''} in {len(np.unique(log.ids)):,} series: {done}."
    return replace(panel, notes=(*panel.notes, said))


def _settle_repeats(panel: Panel, duplicates: Duplicates) -> tuple[Panel, _Log]:
    same = np.zeros(len(panel.times), np.bool_)
    series = panel.row_series
    same[1:] = (series[1:] == series[:-1]) & (panel.times[1:] == panel.times[:-1])
    nothing = np.zeros(0, np.int64)
    if duplicates == "error" or not same.any():
        return panel, _logged("repeat", panel, nothing, nothing, nothing)
    group = np.cumsum(~same) - 1
    kept = _kept_rows(panel.mask, group, last=duplicates == "last")
    values, covariates = panel.values[kept], _covariates_of(panel.covariates, kept)
    if duplicates == "mean":
        values = _group_means(panel.values, panel.mask, group, values)
        covariates = _mean_covariates(panel.covariates, covariates, group)
    folded = np.ones(len(same), np.bool_)
    folded[kept] = False
    rows = np.flatnonzero(folded)
    old = np.where(panel.mask[rows], panel.values[rows].astype(np.float64), np.nan)
    new = np.where(panel.mask[kept], values.astype(np.float64), np.nan)[group[rows]]
    log = _logged("repeat", panel, rows, old, new)
    offsets = np.concatenate([[0], np.cumsum(~same)])[panel.offsets]
    settled = replace(
        panel,
        offsets=offsets.astype(np.int64),
        values=values,
        mask=panel.mask[kept],
        times=panel.times[kept],
        covariates=covariates,
    )
    return _noted(settled, duplicates, log), log


def _kept_rows(mask: NDArray[np.bool_], group: NDArray[np.int64], *, last: bool) -> NDArray[np.int64]:
    """Per group the first or last row that was observed, else the first or last row."""
    rows = np.arange(len(mask))
    order = np.lexsort((-rows if last else rows, ~mask, group))
    first = np.concatenate([[True], group[order][1:] != group[order][:-1]])
    return np.asarray(order[first], np.int64)


def _group_means(
    values: NDArray[np.float32], mask: NDArray[np.bool_], group: NDArray[np.int64], otherwise: NDArray[np.float32]
) -> NDArray[np.float32]:
    total = np.bincount(group, np.where(mask, values, 0).astype(np.float64), minlength=len(otherwise))
    count = np.bincount(group, mask, minlength=len(otherwise))
    return np.where(count > 0, total / np.maximum(count, 1), otherwise).astype(np.float32)


def _covariates_of(covariates: Mapping[str, Covariate], rows: NDArray[np.int64]) -> dict[str, Covariate]:
    return {n: c if c.role == "static" else replace(c, values=c.values[rows]) for n, c in covariates.items()}


def _mean_covariates(
    raw: Mapping[str, Covariate], kept: Mapping[str, Covariate], group: NDArray[np.int64]
) -> dict[str, Covariate]:
    """`kept` with numeric columns averaged; what is not numeric or belongs to the series stays."""
    return {
        name: kept[name]
        if c.categories or c.role == "static"
        else replace(c, values=_group_means(c.values, ~np.isnan(c.values), group, kept[name].values))
        for name, c in raw.items()
    }


def _open_gaps(panel: Panel) -> tuple[Panel, _Log]:
    regular = regularize(panel)
    nothing = np.zeros(0, np.int64)
    if regular is panel or panel.freq is None:
        return regular, _logged("gap", panel, nothing, nothing, nothing)
    steps, _ = panel.freq.index(panel.times, panel.times[np.repeat(panel.offsets[:-1], panel.lengths)])
    added = np.ones(len(regular.times), np.bool_)
    added[np.repeat(regular.offsets[:-1], panel.lengths) + steps] = False
    rows = np.flatnonzero(added)
    empty = np.full(len(rows), np.nan)
    return regular, _logged("gap", regular, rows, empty, empty)


def _treat_outliers(
    panel: Panel, outliers: Outliers, hampel: Hampel | None, season: int | None, *, causal: bool
) -> tuple[Panel, _Log]:
    nothing = np.zeros(0, np.int64)
    if outliers == "keep":
        return panel, _logged("outlier", panel, nothing, nothing, nothing)
    low, high = hampel_bounds(panel, (season,) if season else (), hampel, causal=causal)
    rows = np.flatnonzero(panel.mask & ((panel.values < low) | (panel.values > high)))
    old = panel.values[rows]
    new = np.clip(old, low[rows], high[rows]).astype(np.float32) if outliers == "winsorise" else old
    new = np.full(len(rows), np.nan) if outliers == "mask" else new
    log = _logged("outlier", panel, rows, old, new)
    if outliers in ("mask", "winsorise") and len(rows):
        values, mask = panel.values.copy(), panel.mask.copy()
        values[rows] = np.nan_to_num(new)
        mask[rows] = outliers != "mask"
        panel = replace(panel, values=values, mask=mask)
    return _noted(panel, outliers, log), log


def _fill(panel: Panel, missing: Missing, season: int, *, causal: bool) -> tuple[Panel, _Log]:
    values = filled(panel, missing, season, causal=causal)
    rows = np.flatnonzero(~panel.mask & ~np.isnan(values))
    log = _logged("filled", panel, rows, np.full(len(rows), np.nan), values[rows])
    if not len(rows):
        return panel, log
    mask = panel.mask.copy()
    mask[rows] = True
    whole = np.where(mask, np.nan_to_num(values), 0).astype(np.float32)
    return _noted(replace(panel, values=whole, mask=mask), missing, log), log

"""What is known of the future: covariates for the steps after the last row of each series."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foregate.core import DataError, Panel, Times
from foregate.core.errors import listed
from foregate.data.infer import require_freq
from foregate.data.later import pl
from foregate.data.read import ReadOptions, read_rows
from foregate.data.read.assemble import code_categories
from foregate.data.targets import group_targets, one_of_each

__all__ = ["KnownFuture", "align_future", "split_known_future"]


@dataclass(frozen=True)
class KnownFuture(Mapping[str, NDArray[np.float32]]):
    """Known-future covariates of the horizon: a `foregate.core.Future`, with notes on how it came to be."""

    columns: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    """Name -> (S, K), coded like the covariates of the panel; NaN where a value is missing."""
    notes: tuple[str, ...] = ()
    """What the reader should know, such as categories that the panel has never seen."""

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        """(S, K) the covariate `name`."""
        return self.columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)


def split_known_future(panel: Panel) -> tuple[Panel, Panel | None]:
    """Part history from a future that stands in the same table, as rows with an empty target at the end.

    The rows of a series after its last observation are its future if any known-future covariate has a value in one of
    them; else they are history that is missing. A series without any observation is left whole.

    Returns:
        The panel without those rows, and a panel of those rows alone, to be given to `align_future`; None when there
        are none.
    """
    known = np.zeros(len(panel.values), np.bool_)
    for covariate in panel.covariates.values():
        if covariate.role == "future":
            known |= ~np.isnan(covariate.values)
    starts = panel.offsets[:-1]
    row = np.arange(len(panel.values))
    last_seen = np.maximum.reduceat(np.where(panel.mask, row, -1), starts)
    last_known = np.maximum.reduceat(np.where(known, row, -1), starts)
    if panel.spec.target_cols:  # all targets of a series end where the last of them was seen
        last_seen, last_known = (_latest_of_all(last, panel) for last in (last_seen, last_known))
    cut = (last_seen >= 0) & (last_known > last_seen)
    if not cut.any():
        return panel, None
    lengths = np.where(cut, last_seen + 1 - starts, panel.lengths)
    return panel.cut(lengths), panel.between(lengths, panel.lengths)


def align_future(panel: Panel, future: Any, horizon: int, *, options: ReadOptions | None = None) -> KnownFuture:
    """Known-future covariates for the `horizon` steps after the last row of each series.

    Args:
        panel: S series, whose ``future`` covariates say which columns are needed.
        future: anything `read` takes with the same id, time and covariate columns; rows of other series or times are
            ignored. Or the rows that `split_known_future` gave; or None when the panel has no such covariates.
        horizon: K steps.
        options: overrides of what is sniffed, when `future` is a file.

    Returns:
        Name -> (S, K). Categories that the panel has never seen have a code of their own, one past the last; notes tell
        these, and how many numbers are missing.

    Raises:
        DataError: a column, series or step is missing, or a step is there twice; or a number is empty that never is in
            the past. The message names column, series and time.

    Examples:
        >>> panel = Panel.from_arrays([np.ones(3)])
        >>> dict(align_future(panel, None, 2))
        {}
    """
    needed = [name for name, covariate in panel.covariates.items() if covariate.role == "future"]
    if not needed:
        return KnownFuture()
    if future is None:
        raise DataError(
            f"covariates {listed(needed)} must be given for the {horizon} steps of the future, but no table was given. "
            "Give a table with these columns, or add rows with an empty target to the history."
        )
    panel = require_freq(panel)
    if panel.spec.target_cols and not (isinstance(future, Panel) and future.spec.target_cols):
        one, which = one_of_each(panel)  # all targets of a series share its future
        known = align_future(one, future, horizon, options=options)
        return KnownFuture({name: values[which] for name, values in known.items()}, known.notes)
    if isinstance(future, Panel):
        series = _series_of(future.ids, panel)[future.row_series]
        columns = {name: _recoded(name, panel, future) for name in needed}
        placed = _placed(panel, series, future.times, columns, horizon)
        return KnownFuture(placed, tuple(_gaps(placed, panel)))
    ids, times, raw = read_rows(future, panel.spec, needed, options)
    series = np.zeros(len(times), np.int64) if ids is None else _rows_of(ids, panel)
    columns, notes = {}, []
    for name, column in raw.items():
        columns[name], unknown = _coded(column, panel.covariates[name].categories)
        if unknown:
            notes.append(f"Categories {listed(unknown)} of {name!r} were never seen before and are read as unknown.")
    placed = _placed(panel, series, times, columns, horizon)
    return KnownFuture(placed, (*notes, *_gaps(placed, panel)))


def _gaps(placed: Mapping[str, NDArray[np.float32]], panel: Panel) -> Iterator[str]:
    """Notes on numbers that are not there, though their rows are. An empty category may well mean none.

    Raises:
        DataError: a number is missing that never was in the past: nobody has learnt what that means.
    """
    for name, values in placed.items():
        gaps, horizon = np.isnan(values), values.shape[1]
        if not gaps.any() or panel.covariates[name].categories:
            continue
        if not np.isnan(panel.covariates[name].values).any():
            wanted = panel.future_times(horizon)
            places = [f"{panel.ids[s]} at {_shown(wanted[s, k], panel)}" for s, k in np.argwhere(gaps)]
            raise DataError(
                f"covariate {name!r} must have a value at each of the {horizon} steps of the future, since it always "
                f"has one in the past, but it is empty for {listed(places)}. Fill these values in, or leave the column "
                "out."
            )
        n = int(gaps.sum())
        yield f"{n:,} of {values.size:,} values of {name!r} are missing in the future and count as unknown."


def _latest_of_all(rows: NDArray[np.int64], panel: Panel) -> NDArray[np.int64]:
    """Of each series the latest of rows (S,), -1 for none, among those of all targets that go with its own."""
    _, which, _ = group_targets(panel.ids, panel.spec)
    place = np.where(rows >= 0, rows - panel.offsets[:-1], -1)
    latest = np.full(int(which.max(initial=-1)) + 1, -1)
    np.maximum.at(latest, which, place)
    together = np.minimum(latest[which], panel.lengths - 1)
    return np.where(together >= 0, together + panel.offsets[:-1], -1)


def _recoded(name: str, panel: Panel, future: Panel) -> NDArray[np.float32]:
    """A covariate of a panel of future rows, in the coding of the panel that it belongs to.

    Raises:
        DataError: it is not there, or text where numbers are expected or the other way round.
    """
    own, given = panel.covariates[name], future.covariates.get(name)
    empty = given is not None and np.isnan(given.values).all()  # of which nobody can tell what it would hold
    if given is None or given.role == "static" or (bool(given.categories) != bool(own.categories) and not empty):
        wanted = "categories" if own.categories else "numbers"
        raise DataError(
            f"the future must hold {wanted} of covariate {name!r}, but got {'others' if given else 'none'}. Read it "
            f"with covariates={{{name!r}: 'future'}}."
        )
    if given.categories == own.categories or empty:
        return given.values
    place = {category: i for i, category in enumerate(own.categories)}
    lookup = np.array([*(place.get(one, len(place)) for one in given.categories), np.nan], np.float32)
    codes: NDArray[np.float32] = lookup[np.where(np.isnan(given.values), -1, given.values).astype(np.int64)]
    return codes


def _series_of(ids: NDArray[np.str_], panel: Panel) -> NDArray[np.int64]:
    """The number of each id in the panel; -1 where it is not there."""
    order = np.argsort(panel.ids)
    place = np.minimum(np.searchsorted(panel.ids, ids, sorter=order), len(panel) - 1)
    number = order[place]
    return np.where(panel.ids[number] == ids, number, -1).astype(np.int64)


def _rows_of(ids: pl.Series, panel: Panel) -> NDArray[np.int64]:
    unique = ids.unique()
    numbers = _series_of(np.asarray(unique.to_list(), np.str_), panel)
    rows: NDArray[np.int64] = ids.replace_strict(unique, pl.Series(numbers), return_dtype=pl.Int64).to_numpy()
    return rows


def _coded(column: pl.Series, categories: tuple[str, ...]) -> tuple[NDArray[np.float32], list[str]]:
    if not categories:
        if column.dtype == pl.String and column.null_count() < len(column):
            raise DataError(
                f"column {column.name!r} must hold numbers like the panel, but got text such as "
                f"{column.drop_nulls()[0]!r}. Convert it to numbers."
            )
        return column.cast(pl.Float32).fill_null(np.nan).to_numpy(), []
    text = column.cast(pl.String)
    unknown = sorted(set(text.drop_nulls().unique().to_list()) - set(categories))
    coded = code_categories(text, categories)
    if unknown:
        coded[text.is_in(unknown).fill_null(value=False).to_numpy()] = len(categories)
    return coded, unknown


def _placed(
    panel: Panel,
    series: NDArray[np.int64],
    times: Times,
    columns: Mapping[str, NDArray[np.float32]],
    horizon: int,
) -> dict[str, NDArray[np.float32]]:
    """Values of rows put at their series and step (S, K).

    Raises:
        DataError: a step of a series is missing or is there twice.
    """
    assert panel.freq is not None
    wanted = panel.future_times(horizon)
    first = panel.times[panel.offsets[:-1]]
    rows = np.flatnonzero(series >= 0)
    last, _ = panel.freq.index(panel.last_times, first)
    steps, exact = panel.freq.index(times[rows], first[series[rows]])
    steps = steps - last[series[rows]]
    inside = exact & (steps >= 1) & (steps <= horizon)
    rows, steps = rows[inside], steps[inside] - 1
    count = np.zeros(wanted.shape, np.int64)
    np.add.at(count, (series[rows], steps), 1)
    _check_steps(panel, listed(columns), count, wanted)
    placed = {}
    for name, values in columns.items():
        table = np.full(wanted.shape, np.nan, np.float32)
        table[series[rows], steps] = values[rows]
        placed[name] = table
    return placed


def _check_steps(panel: Panel, columns: str, count: NDArray[np.int64], wanted: Times) -> None:
    absent = panel.ids[~count.any(axis=1)]
    horizon = count.shape[1]
    if len(absent):
        raise DataError(
            f"the future of {columns} must hold the {horizon} steps after the last row of every series, but has none "
            f"of them for {listed(absent)}. Add these rows."
        )
    for wrong, word, fix in (
        (count == 0, "misses", "Add these rows."),
        (count > 1, "repeats", "Keep one row of each."),
    ):
        if wrong.any():
            places = [f"{panel.ids[s]} at {_shown(wanted[s, k], panel)}" for s, k in np.argwhere(wrong)]
            raise DataError(
                f"the future of {columns} must hold each of the {horizon} steps after the last row of every series "
                f"once, but {word} {listed(places)}. {fix}"
            )


def _shown(time: Any, panel: Panel) -> str:
    if panel.spec.time_unit == "step":
        return str(int(time))
    text = str(np.datetime64(time, "s"))
    return text.removesuffix("T00:00:00")

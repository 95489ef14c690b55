"""From the series of a request to rows in arrays: checked, evenly spaced, with the covariates that the model reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

from foregate.core import Covariate, DataError, Frequency, Panel, Times, UsageError
from foregate.core.errors import listed
from foregate.data.columns import ColumnSpec
from foregate.service.forecasts.bodies import History
from foregate.service.times import read_times, require_reach

__all__ = ["LARGEST", "Rows", "Wanted", "panel_of", "rows_of", "span_of"]

Float32Array = NDArray[np.float32]

LARGEST = 1e30
"""Values are at most so large: their squares are still numbers."""
LEAST_OBSERVATIONS = 3
UNKNOWN = "\0"
"""Stands for all categories that a model does not know; no category of a table has this name."""


@dataclass(frozen=True)
class Wanted:
    """What all series of a batch have in common."""

    freq: Frequency
    horizon: int
    columns: tuple[ColumnSpec, ...] = ()
    """What the model reads besides the values."""
    clock: bool = False
    """Whether it reads the time of the day, the week or the year."""
    rows: int = 200_000
    """Of a series at most, those that are missing among them."""
    read: int = 200_000
    """Newest ones that are read, those that are missing among them; what was before costs nothing."""


@dataclass(frozen=True)
class Rows:
    """One series."""

    name: str
    values: Float32Array
    """(T,) 0 where missing."""
    mask: NDArray[np.bool_]
    """(T,)"""
    times: Times
    """(T,)"""
    told: bool
    """Whether the times are those of the request, and not made up."""
    columns: Mapping[str, Float32Array] = field(default_factory=dict)
    """Name -> (T,), or (1,) if static; NaN where missing; of categories their codes."""
    ahead: Mapping[str, Float32Array] = field(default_factory=dict)
    """Name -> (K,)."""
    notes: tuple[str, ...] = ()
    """What the reader should know."""


def span_of(history: History, freq: Frequency) -> int:
    """Rows of a series, those that are left out among them, by its first and last time.

    Raises:
        UsageError: these are none.

    Examples:
        >>> span_of(History(values=[1, 3], times=["2024-01-01", "2024-02-01"]), Frequency.parse("D"))
        32
    """
    n = len(history.values)
    if not history.times:
        return n
    ends = read_times([history.times[0], history.times[-1]], freq)
    for end in ends:
        require_reach(end, freq, 1)
    return max(n, 1 + int(freq.index(ends[1:], ends[0])[0][0]))


def rows_of(history: History, name: str, wanted: Wanted) -> Rows:
    """A series of a request as rows.

    Raises:
        DataError, UsageError: something is not as it must be.

    Examples:
        >>> history = History(values=[1, None, 3], times=[10, 11, 13])
        >>> rows_of(history, "a", Wanted(Frequency.parse(1), 2)).mask.tolist()
        [True, False, False, True]
    """
    history, place, first, left = _newest(history, name, wanted)
    raw = _spread(_numbers(history.values, "values", name), place).astype(np.float64)
    times = wanted.freq.shift(first, np.arange(len(raw)))
    if np.nanmax(np.abs(raw), initial=0) > LARGEST:
        raise DataError(f"values must be within ±{LARGEST:g}, but got larger ones in {name!r}.")
    mask = ~np.isnan(raw)
    seen = int(mask.sum())
    if not seen:
        newest = f" in the newest {wanted.read:,} rows" * left
        raise DataError(f"every series must have an observed value{newest}, but got none in {name!r}. Leave it out.")
    columns, ahead, notes = _covariates(history, name, place, wanted)
    if left:
        notes.append(f"only the newest {wanted.read:,} rows are read.")
    if seen < LEAST_OBSERVATIONS:
        notes.append(f"forecast by the last value, for lack of {LEAST_OBSERVATIONS} observations.")
    told = history.times is not None or history.start is not None
    values = np.where(mask, raw, 0).astype(np.float32)
    return Rows(name, values, mask, times, told, columns, ahead, tuple(notes))


def panel_of(rows: Sequence[Rows], wanted: Wanted) -> tuple[Panel, dict[str, Float32Array] | None]:
    """Series as one panel, numbered in their order, and what is known of the steps after it.

    Examples:
        >>> wanted = Wanted(Frequency.parse(1), 2)
        >>> panel, _ = panel_of([rows_of(History(values=[1, 2]), "a", wanted)], wanted)
        >>> panel.lengths
        array([2])
    """
    covariates = {
        spec.name: Covariate(
            spec.role,
            np.concatenate([each.columns[spec.name] for each in rows]),
            (*spec.categories, UNKNOWN) if spec.categories else (),
        )
        for spec in wanted.columns
    }
    panel = Panel(
        ids=np.arange(len(rows)).astype(np.str_),
        offsets=np.cumsum([0, *(len(each.values) for each in rows)]),
        values=np.concatenate([each.values for each in rows]),
        mask=np.concatenate([each.mask for each in rows]),
        times=np.concatenate([each.times for each in rows]),
        freq=wanted.freq,
        covariates=covariates,
    )
    names = [spec.name for spec in wanted.columns if spec.role == "future"]
    return panel, {name: np.stack([each.ahead[name] for each in rows]) for name in names} or None


def _numbers(given: Sequence[object], what: str, name: str) -> NDArray[np.float64]:
    """(N,) NaN for null."""
    try:
        return np.array(given, np.float64)
    except (TypeError, ValueError, OverflowError):
        raise DataError(f"{what} of {name!r} must be numbers or null, but got something else.") from None


def _newest(history: History, name: str, wanted: Wanted) -> tuple[History, NDArray[np.int64] | None, Times, bool]:
    """The rows of a history that are read, their steps and the first time; see `_placed`. And whether any are not."""
    n = len(history.values)
    columns = [each for each in (history.times, *history.covariates.values()) if each is not None]
    uneven = any(len(column) != n for column in columns)  # it is told so
    kept = history if uneven else _cut(history, wanted.read)
    place, first = _placed(kept, n - len(kept.values), name, wanted)
    if place is not None and place[-1] >= wanted.read:  # what is left out takes the place of rows
        near = place[place > place[-1] - wanted.read]
        kept, first, place = _cut(kept, len(near)), wanted.freq.shift(first, near[0]), near - near[0]
    return kept, place, first, len(kept.values) < n


def _cut(history: History, rows: int) -> History:
    """The last rows of a history."""
    if len(history.values) <= rows:
        return history
    return msgspec.structs.replace(
        history,
        values=history.values[-rows:],
        times=None if history.times is None else history.times[-rows:],
        covariates={name: column[-rows:] for name, column in history.covariates.items()},
    )


def _placed(history: History, before: int, name: str, wanted: Wanted) -> tuple[NDArray[np.int64] | None, Times]:
    """Which steps of the grid the rows are, None for all in order; and the time of the first one.

    Args:
        history: its newest rows.
        before: rows that came before them, from its start on.
        name: of the series.
        wanted: of it.
    """
    freq, n = wanted.freq, len(history.values)
    if history.times is None:
        if history.start is None and wanted.clock:
            raise UsageError(f"times or start must be given, since the model reads the clock, but {name!r} has none.")
        made_up = [0 if freq.is_integer else "2000-01-01"]
        first = read_times(made_up if history.start is None else [history.start], freq)[0]
        require_reach(first, freq, before + n + wanted.horizon)
        return None, freq.shift(first, before)
    if history.start is not None or len(history.times) != n:
        raise UsageError(
            f"times must be one per value, without start, but got {len(history.times)} for {n} values of {name!r}."
        )
    times = read_times(history.times, freq)
    require_reach(times[0], freq, wanted.horizon)
    require_reach(times[-1], freq, wanted.horizon)
    place, exact = freq.index(times, times[0])
    if (np.diff(place) < 1).any() or not exact.all():
        raise DataError(
            f"times must ascend in steps of {freq.alias!r}, each once, but got others in {name!r}. Sort the rows, sum "
            "up those of one step, or give another freq."
        )
    if place[-1] >= wanted.rows:
        raise DataError(
            f"a series must span at most {wanted.rows:,} steps, but {name!r} spans {place[-1] + 1:,} steps of "
            f"{freq.alias!r}. Give fewer rows, or another freq."
        )
    return (None if place[-1] == n - 1 else place), times[0]


def _spread(raw: NDArray[np.floating], place: NDArray[np.int64] | None) -> NDArray[np.floating]:
    if place is None:
        return raw
    out = np.full(place[-1] + 1, np.nan, raw.dtype)
    out[place] = raw
    return out


def _covariates(
    history: History, name: str, place: NDArray[np.int64] | None, wanted: Wanted
) -> tuple[dict[str, Float32Array], dict[str, Float32Array], list[str]]:
    """Covariates of the rows and of the steps ahead, and what is to be said of them."""
    columns: dict[str, Float32Array] = {}
    ahead: dict[str, Float32Array] = {}
    notes: list[str] = []
    static = {column: [value] for column, value in history.static.items()}
    for told, role, n in (
        (static, "static", 1),
        (history.covariates, "rows", len(history.values)),
        (history.future, "future", wanted.horizon),
    ):
        specs = {s.name: s for s in wanted.columns if s.role == role or (role == "rows" and s.role != "static")}
        if told.keys() != specs.keys():
            where = {"static": "static", "rows": "covariates"}.get(role, role)
            raise DataError(
                f"{where} of {name!r} must be those that the model reads, {listed(sorted(specs)) or 'none'}, but got "
                f"{listed(sorted(told)) or 'none'}."
            )
        for column, spec in specs.items():
            if len(told[column]) != n:
                raise DataError(f"{column!r} of {name!r} must have {n} values, but got {len(told[column])}.")
            coded, unknown = _coded(told[column], spec, name)
            if unknown:
                notes.append(f"categories {listed(unknown)} of {column!r} are read as unknown.")
            if role == "rows":
                columns[column] = _spread(coded, place).astype(np.float32)
            else:
                (columns if role == "static" else ahead)[column] = coded
    return columns, ahead, notes


def _coded(given: Sequence[float | str | None], spec: ColumnSpec, name: str) -> tuple[Float32Array, list[str]]:
    """Numbers, or codes of categories; and the categories that the model does not know."""
    if not spec.categories:
        if any(isinstance(one, str) for one in given):
            raise DataError(f"{spec.name!r} of {name!r} must be numbers or null, but got text.")
        numbers = _numbers(given, repr(spec.name), name)
        if np.nanmax(np.abs(numbers), initial=0) > LARGEST:
            raise DataError(f"{spec.name!r} must be within ±{LARGEST:g}, but got larger ones in {name!r}.")
        return numbers.astype(np.float32), []
    if any(not isinstance(one, str | None) for one in given):
        raise DataError(f"{spec.name!r} of {name!r} must be text or null, since it is one of categories.")
    code = {category: i for i, category in enumerate(spec.categories)}
    coded = np.array([np.nan if one is None else code.get(str(one), len(code)) for one in given], np.float32)
    return coded, sorted({str(one) for one in given if one is not None and one not in code})

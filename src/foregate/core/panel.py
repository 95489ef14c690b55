"""A panel: many series in flat arrays, and where each begins.

Shape letters used everywhere: S series, N values in all series together, B series of a batch, T steps of a batch,
O origins, K horizon steps, F features, H hidden units, Q quantiles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from foregate.core.errors import DataError, UsageError
from foregate.core.frequency import Frequency, Times

__all__ = ["Covariate", "FrameSpec", "Panel", "Role", "evenly", "require_panel", "require_regular", "with_room"]

Role = Literal["static", "past", "future"]


@dataclass(frozen=True)
class Covariate:
    """One column besides the target."""

    role: Role
    """``static``: one value per series. ``past``: known up to now. ``future``: known for the horizon too."""
    values: NDArray[np.float32]
    """(S,) if static, else (N,). NaN where missing. For categories their codes 0, 1, …"""
    categories: tuple[str, ...] = ()
    """Names of the categories in the order of their codes; empty for a numeric column."""


@dataclass(frozen=True)
class FrameSpec:
    """What the frame looked like from which a panel was made, so that results can look the same."""

    id_col: str = "unique_id"
    time_col: str = "ds"
    target_col: str = "y"
    kind: Literal["pandas", "polars", "pyarrow"] = "pandas"
    """The library whose frames come back."""
    id_dtype: str = "str"
    """What the ids were: ``str``, ``category``, or an integer type such as ``int64``."""
    time_unit: Literal["step", "date", "ms", "us", "ns", "s"] = "us"
    """``step`` for integer time, ``date`` for dates without a clock, else the resolution of the timestamps."""
    time_zone: str | None = None
    """The zone the timestamps carried; inside the panel they are UTC, or the clock of that zone."""
    wall_clock: bool = False
    """Whether times inside are the clock of `time_zone`: so it is for days and longer steps, that days stay days."""
    has_ids: bool = True
    """False when the table had no id column and holds one series."""
    target_cols: tuple[str, ...] = ()
    """Names of the targets where there are several, each of which is a series of its own in the panel; else empty."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "target_cols", tuple(self.target_cols))  # JSON has lists


@dataclass(frozen=True)
class Panel:
    """Series of unequal length in flat arrays. Made by `foregate.read`; immutable: methods return new panels.

    Within a series the rows are in order of time. Rows need not be evenly spaced until `foregate.clean` has made every
    gap explicit (`is_regular`).
    """

    ids: NDArray[np.str_]
    """(S,) names of the series, unique."""
    offsets: NDArray[np.int64]
    """(S+1,) series i holds the rows offsets[i] to offsets[i+1]."""
    values: NDArray[np.float32]
    """(N,) the target; 0 where not observed, and never read there."""
    mask: NDArray[np.bool_]
    """(N,) True where the target was observed."""
    times: Times
    """(N,) datetime64[us] or int64."""
    freq: Frequency | None = None
    """The step between two rows, once known."""
    covariates: Mapping[str, Covariate] = field(default_factory=dict)
    spec: FrameSpec = field(default_factory=FrameSpec)
    notes: tuple[str, ...] = ()
    """What was decided or changed on the way here, one sentence each, for people to read."""

    def __post_init__(self) -> None:
        n = len(self.values)
        if self.offsets[0] != 0 or self.offsets[-1] != n or len(self.offsets) != len(self.ids) + 1:
            raise DataError(
                f"offsets must run from 0 to {n} and have {len(self.ids) + 1} entries, but got {self.offsets}."
            )
        if len(self.mask) != n or len(self.times) != n:
            raise DataError(
                f"mask and times must have {n} entries like values, but got {len(self.mask)} and {len(self.times)}."
            )
        for name, c in self.covariates.items():
            expected = len(self.ids) if c.role == "static" else n
            if len(c.values) != expected:
                raise DataError(f"covariate {name!r} must have {expected} values, but got {len(c.values)}.")

    @classmethod
    def from_arrays(
        cls,
        series: Sequence[NDArray[np.floating]],
        *,
        ids: Sequence[str] | None = None,
        freq: Frequency | str | int = 1,
        start: Times | None = None,
    ) -> Panel:
        """A panel from one array per series, NaN where missing; time starts at `start` (default 0) and steps by `freq`.

        Examples:
            >>> Panel.from_arrays([np.array([1.0, 2.0, np.nan]), np.array([5.0, 6.0])]).lengths
            array([3, 2])
        """
        frequency = Frequency.parse(freq)
        zero = np.int64(0) if frequency.is_integer else np.datetime64("2000-01-01", "us")
        first = np.asarray(zero if start is None else start)
        lengths = np.array([len(s) for s in series], np.int64)
        raw = np.concatenate([np.asarray(s, np.float64) for s in series])
        mask = ~np.isnan(raw)
        return cls(
            ids=np.asarray(ids if ids is not None else [f"s{i}" for i in range(len(series))], np.str_),
            offsets=np.concatenate([[0], np.cumsum(lengths)]),
            values=np.where(mask, raw, 0).astype(np.float32),
            mask=mask,
            times=np.concatenate([frequency.shift(first, np.arange(n)) for n in lengths]),
            freq=frequency,
            spec=FrameSpec(time_unit="step" if frequency.is_integer else "us"),
        )

    def __len__(self) -> int:
        """How many series there are."""
        return len(self.ids)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(S,) rows of each series."""
        return np.diff(self.offsets)

    @property
    def first_observed(self) -> NDArray[np.int64]:
        """(S,) the row of each series that is the first one observed; its length if there is none.

        Examples:
            >>> Panel.from_arrays([np.array([np.nan, 1.0]), np.array([2.0, 3.0])]).first_observed
            array([1, 0])
        """
        seen = np.flatnonzero(self.mask)
        row = np.append(seen, len(self.mask))[np.searchsorted(seen, self.offsets[:-1])]
        first: NDArray[np.int64] = np.minimum(row, self.offsets[1:]) - self.offsets[:-1]
        return first

    @property
    def row_series(self) -> NDArray[np.int64]:
        """(N,) the number of the series that each row belongs to."""
        return np.repeat(np.arange(len(self), dtype=np.int64), self.lengths)

    @property
    def last_times(self) -> Times:
        """(S,) time of each series' last row."""
        return self.times[self.offsets[1:] - 1]

    def future_times(self, horizon: int) -> Times:
        """(S, K) times of the `horizon` steps after the last row of each series of a regular panel.

        Counted from the first row, like the rows themselves: the month after 30 June is 31 July for a series that began
        on a 31st.
        """
        if self.freq is None:
            raise DataError(
                "the panel must have a frequency, but it is not known yet. Run clean on it or use with_freq."
            )
        first = self.times[self.offsets[:-1]]
        position, _ = self.freq.index(self.last_times, first)
        return self.freq.shift(first[:, None], position[:, None] + np.arange(1, horizon + 1))

    @property
    def is_regular(self) -> bool:
        """Whether every series steps evenly by `freq`, without gaps or repeats."""
        if self.freq is None:
            return False
        position = np.arange(len(self.values)) - np.repeat(self.offsets[:-1], self.lengths)
        steps, exact = self.freq.index(self.times, self.times[np.repeat(self.offsets[:-1], self.lengths)])
        return bool(np.all(exact) and np.array_equal(steps, position))

    def series(self, i: int) -> NDArray[np.float64]:
        """Values of series `i` as float64 with NaN where missing."""
        rows = slice(int(self.offsets[i]), int(self.offsets[i + 1]))
        return np.where(self.mask[rows], self.values[rows].astype(np.float64), np.nan)

    def take(self, which: NDArray[np.int64] | Sequence[int]) -> Panel:
        """The panel of the series numbered `which`, in that order."""
        which = np.asarray(which, np.int64)
        return self._gather(which, self.offsets[which], self.offsets[which + 1])

    def cut(self, lengths: NDArray[np.int64]) -> Panel:
        """The panel with only the first `lengths[i]` rows of each series; the rest is gone, not hidden."""
        begins = self.offsets[:-1]
        return self._gather(np.arange(len(self)), begins, begins + np.clip(lengths, 0, self.lengths))

    def tail(self, length: int) -> Panel:
        """The panel with at most the last `length` rows of each series."""
        ends = self.offsets[1:]
        return self._gather(np.arange(len(self)), ends - np.minimum(self.lengths, length), ends)

    def between(self, begins: NDArray[np.int64], ends: NDArray[np.int64]) -> Panel:
        """The panel with only the rows begins[i] to ends[i] (not included) of each series i."""
        first = np.clip(begins, 0, self.lengths)
        last = np.maximum(first, np.clip(ends, 0, self.lengths))
        return self._gather(np.arange(len(self)), self.offsets[:-1] + first, self.offsets[:-1] + last)

    def with_freq(self, freq: Frequency | str | int) -> Panel:
        """The same panel, declared to step by `freq`."""
        return replace(self, freq=Frequency.parse(freq))

    def _gather(self, which: NDArray[np.int64], begins: NDArray[np.int64], ends: NDArray[np.int64]) -> Panel:
        lengths = ends - begins
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        rows = np.arange(offsets[-1]) + np.repeat(begins - offsets[:-1], lengths)
        covariates = {
            name: replace(c, values=c.values[which] if c.role == "static" else c.values[rows])
            for name, c in self.covariates.items()
        }
        return replace(
            self,
            ids=self.ids[which],
            offsets=offsets,
            values=self.values[rows],
            mask=self.mask[rows],
            times=self.times[rows],
            covariates=covariates,
        )


def evenly(count: int, most: int) -> NDArray[np.int64]:
    """At most so many of the numbers from 0 to `count` - 1, evenly spread from the first to the last.

    Examples:
        >>> evenly(9, most=3), evenly(2, most=3)
        (array([0, 4, 8]), array([0, 1]))
    """
    return np.linspace(0, count - 1, min(count, most)).astype(np.int64)


def require_panel(given: object) -> None:
    """Refuse anything else, such as a frame that was not read yet.

    Raises:
        UsageError: says how a panel is made.

    Examples:
        >>> require_panel(Panel.from_arrays([np.ones(3)]))
    """
    if not isinstance(given, Panel):
        raise UsageError(
            f"the series must be a Panel, but got a value of type {type(given).__name__}. Make one first: read(data)."
        )


def require_regular(panel: Panel) -> Frequency:
    """Refuse a panel whose rows are not evenly spaced; the step between them otherwise.

    Raises:
        DataError: says what to do.

    Examples:
        >>> require_regular(Panel.from_arrays([np.ones(3)], freq="h")).alias
        'h'
    """
    if panel.freq is None or not panel.is_regular:
        raise DataError("the panel must be evenly spaced, but got gaps or no frequency. Use foregate.clean first.")
    return panel.freq


def with_room(array: NDArray[Any], size: int, more: int) -> NDArray[Any]:
    """An array of which `size` places are taken, with zeros for more behind them; the same one where it has room.

    It is doubled where it is full, so that growing costs each place a constant share.

    Examples:
        >>> with_room(np.ones(2), 2, 1).tolist(), len(with_room(np.ones(4), 2, 1))
        ([1.0, 1.0, 0.0, 0.0], 4)
    """
    lacking = size + more - len(array)
    if lacking <= 0:
        return array
    return np.concatenate([array, np.zeros((max(lacking, size), *array.shape[1:]), array.dtype)])

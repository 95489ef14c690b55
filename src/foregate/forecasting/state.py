"""What is carried of S live series: all that the next observation and a forecast need, and nothing that grows.

Per series and kind of units: the running statistics (`foregate.data.statistics`) and the latest rows, as far as a
season is looked back on. Per series: what the network carries on, its last state and the features it read.

Rows lie on a tape: `room` columns behind the `width` latest ones. When a series reaches the end of its tape, its latest
rows move to the front, which costs each row a constant share. Letters: S series, B series that are read, T rows.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from foregate.core import Engine, with_room
from foregate.data.columns import Columns, Covariates, FromOrigins, no_columns
from foregate.data.inputs import InputSpec, View
from foregate.data.next_rows import NextRows, span
from foregate.data.statistics import CARRIED, nothing_carried, positive_so_far, read, told
from foregate.data.tracks import LINEAR, LOG, Tracks

__all__ = ["Known", "State", "Told"]

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]

ROOM = 64
"""Columns of a tape behind the latest rows, and so the most rows that are read at once."""
TOGETHER = 1_024
"""The most series whose next rows are read at once: what is reckoned with then stays in a processor's cache."""
CELLS = 16_000
"""The most cells that are read at once, which bounds memory."""
TAPE = ("mask", "z", "season_mean", "profile", "count")
"""The arrays of `Tracks` that are looked back on."""


class Told(Protocol):
    """Covariates of the series of a state."""

    @property
    def revises(self) -> bool:
        """Whether what is known of the row after the last one read may change."""

    def at(self, owner: IntArray, place: IntArray) -> Covariates:
        """Those of rows (M,) of series (M,), numbered 0 to M - 1."""


@dataclass(frozen=True)
class Known:
    """Covariates of a panel, of its history and of what lies ahead."""

    columns: Columns
    """Of a panel."""
    series: IntArray
    """(S,) which series of it each one is."""
    begins: IntArray
    """(S,) the first row of that one in the panel."""
    lengths: IntArray
    """(S,) how many of its rows are history; after these, past covariates are not known."""
    revises: bool = False

    def at(self, owner: IntArray, place: IntArray) -> FromOrigins:
        """See `Told`."""
        rows, ahead = self.begins[owner] + place, place >= self.lengths[owner]
        return FromOrigins(self.columns, rows, self.series[owner], ahead)


class State:
    """The carried state of series that are known by number; `Live` knows their names and times."""

    def __init__(self, engine: Engine, spec: InputSpec, known: Told | None = None) -> None:
        """Of no series.

        Args:
            engine: the network.
            spec: what it is told.
            known: covariates, where there are any: of the series in the order in which they will be added.
        """
        self.engine, self.spec, self.known = engine, spec, known
        self.width = spec.lookback + 1
        length, seasons = self.width + ROOM, spec.remembered
        self.arrays: dict[str, NDArray[Any]] = {
            "carried": np.zeros((0, 2), CARRIED),
            "mask": np.zeros((0, 2, length), np.bool_),
            "z": np.zeros((0, 2, length), np.float32),
            "season_mean": np.zeros((0, 2, length, seasons), np.float32),
            "profile": np.zeros((0, 2, length, 2 * seasons), np.float32),
            "count": np.zeros((0, 2, length, seasons), np.float32),
            "owner": np.zeros(0, np.int64),  # the series whose covariates are read
            "log": np.zeros(0, np.bool_),  # everything so far was clearly positive
            "rows": np.zeros(0, np.int64),  # so far
            "first": np.zeros(0),  # days since 1970 at the first of them, where the time is told
            "late": np.zeros(0, np.int64),  # of those, before the first observation: they are not read
            "column": np.zeros(0, np.int64),  # of the last row
            "hidden": np.zeros((0, engine.carries), np.float32),
            "output": np.zeros((0, engine.width), np.float32),
            "features": np.zeros((0, spec.n_features), np.float32),
        }
        if known is not None and known.revises:
            self.arrays["before"] = np.zeros((0, engine.carries), np.float32)  # hidden before the last row
        self.size = 0
        self._next: NextRows | None = None

    def __len__(self) -> int:
        """How many series there are."""
        return self.size

    @property
    def rows(self) -> IntArray:
        """(S,) rows read of each series."""
        rows: IntArray = self.arrays["rows"][: self.size]
        return rows

    def seen(self, numbers: IntArray) -> FloatArray:
        """How many rows of series (B,) were observed."""
        seen: FloatArray = self.arrays["carried"]["seen"][numbers, LINEAR]
        return seen

    def take(self, numbers: IntArray) -> State:
        """An independent copy of some series, in that order."""
        some = copy.copy(self)
        some.arrays, some.size = {name: array[numbers] for name, array in self.arrays.items()}, len(numbers)
        return some

    def apart(self, numbers: IntArray) -> State:
        """The same, whose covariates are numbered like its series."""
        some = self.take(numbers)
        some.arrays["owner"] = np.arange(len(numbers))
        return some

    def put(self, numbers: IntArray, source: State, others: IntArray) -> None:
        """Make series what others are in another state of the same model."""
        for name, array in self.arrays.items():
            array[numbers] = source.arrays[name][others]

    def again(self, numbers: IntArray) -> None:
        """Let the network read the last rows of series once more, where covariates of the next row were told since."""
        a, numbers = self.arrays, numbers[self.seen(numbers) > 0]
        if "before" not in a or not len(numbers):
            return
        covariates = self._covariates(numbers[:, None], 0, (len(numbers), 1))
        end = self.spec.n_features - self.spec.clock.width
        told = a["features"][numbers]
        nothing = np.zeros(len(numbers), np.int64)
        covariates.write_encoder(told[:, end - self.spec.encoder_width : end], np.arange(len(numbers)), nothing)
        states, a["hidden"][numbers] = self.engine.encode(told[:, None], nothing[:, None], a["before"][numbers])
        a["output"][numbers], a["features"][numbers] = states[:, 0], told

    def compact(self) -> dict[str, NDArray[Any]]:
        """All arrays, of the latest rows alone."""
        twin = self.take(np.arange(self.size))
        twin.make_room(np.arange(self.size), ROOM + 1)
        kept = {name: array[:, :, : self.width] if name in TAPE else array for name, array in twin.arrays.items()}
        kept["carried"] = twin.arrays["carried"].view(np.float64).reshape(self.size, 2, CARRIED.itemsize // 8)
        return kept

    def expanded(self, compact: Mapping[str, NDArray[Any]], series: int) -> State:
        """The state of `series` series whose compact arrays are given; this one has none.

        Raises:
            ValueError: they are not of this shape.
        """
        twin = self.take(np.arange(0))
        twin.add(series)
        wanted = twin.compact()
        if set(compact) != set(wanted):
            raise ValueError(f"arrays {sorted(set(compact) ^ set(wanted))} missing or unknown")
        for name, array in compact.items():
            if array.shape != wanted[name].shape or array.dtype != wanted[name].dtype:
                raise ValueError(
                    f"{name} is {array.dtype} {array.shape}, not {wanted[name].dtype} {wanted[name].shape}"
                )
            if name in TAPE:
                twin.arrays[name][:, :, : self.width] = array
            else:
                twin.arrays[name] = array.copy().view(CARRIED)[..., 0] if name == "carried" else array.copy()
        if (twin.arrays["column"] != self.width - 1).any() or (twin.rows < 0).any():
            raise ValueError("rows are not where they should be")
        return twin

    def add(self, series: int, first: FloatArray | None = None) -> IntArray:
        """Make place for new series, and give their numbers.

        Args:
            series: how many.
            first: (series,) days since 1970 at the first row of each; none where the time is not told.
        """
        numbers = np.arange(self.size, self.size + series)
        self.arrays |= {name: with_room(array, self.size, series) for name, array in self.arrays.items()}
        self.arrays["carried"][numbers], self.arrays["owner"][numbers] = nothing_carried(1), numbers
        self.arrays["log"][numbers], self.arrays["column"][numbers] = not self.spec.plain, self.width - 1
        self.arrays["first"][numbers] = 0 if first is None else first
        self.size += series
        return numbers

    def read(self, numbers: IntArray, lengths: IntArray, values: Float32Array, mask: BoolArray) -> None:
        """Read histories of any length, each row of each series once, from its first observation on.

        Rows are grouped into rectangles: first what does not fill a block of ROOM rows, then block by block, so that
        the number of calls does not depend on the number of series.

        Args:
            numbers: (B,) series, each once.
            lengths: (B,) how many rows of each.
            values: (N,) those rows, series after series; anything where not observed.
            mask: (N,) where observed.
        """
        if self.known is not None or not len(numbers) or (lengths != 1).any():
            self._read_any(numbers, lengths, values, mask)
            return
        for i in range(0, len(numbers), TOGETHER):
            some = slice(i, i + TOGETHER)
            self._read_next(numbers[some], values[some], mask[some])

    def _read_any(self, numbers: IntArray, lengths: IntArray, values: Float32Array, mask: BoolArray) -> None:
        """See `read`."""
        begins = np.cumsum(lengths) - lengths
        skipped = self._skip(numbers, begins, lengths, mask)
        begins, lengths = begins + skipped, lengths - skipped
        done = lengths % ROOM
        for length in np.unique(done[done > 0]):
            self._rectangle(numbers, begins, np.flatnonzero(done == length), int(length), values, mask)
        while len(left := np.flatnonzero(done < lengths)):
            self._rectangle(numbers, begins + done, left, ROOM, values, mask)
            done[left] += ROOM

    def _read_next(self, numbers: IntArray, values: Float32Array, mask: BoolArray) -> None:
        """Read the next row of series (B,): a shorter way to the same, for those that can go it."""
        a = self.arrays
        if self._next is None or self._next.source is not a["carried"]:  # the state has grown
            self._next = NextRows(self.spec, a)
        self.make_room(numbers, 1)
        turn = self._next.turn(numbers, np.where(mask, values, np.nan).astype(np.float64))
        if not (fit := turn.fit).all():
            self._read_any(numbers[~fit], np.ones(int((~fit).sum()), np.int64), values[~fit], mask[~fit])
            if fit.any():
                self._read_next(numbers[fit], values[fit], mask[fit])
            return
        features, where, first = turn.read(), span(numbers), np.zeros((len(numbers), 1), np.int64)
        states, a["hidden"][where] = self.engine.encode(features[:, None], first, a["hidden"][where])
        a["output"][where], a["features"][where] = states[:, 0], features

    def _skip(self, numbers: IntArray, begins: IntArray, lengths: IntArray, mask: BoolArray) -> IntArray:
        """How many of the next rows (B,) of series come before their first observation; they are counted here."""
        seen = np.flatnonzero(mask)
        first = np.append(seen, len(mask))[np.searchsorted(seen, begins)] - begins
        skipped = np.where(self.seen(numbers) > 0, 0, np.minimum(first, lengths))
        self.arrays["rows"][numbers] += skipped
        self.arrays["late"][numbers] += skipped
        return skipped

    def view(self, numbers: IntArray) -> View:
        """The series numbered so (B,) as they are now; rows of the view are their places in `numbers`."""
        is_log = self.arrays["log"][numbers]
        unit = np.where(is_log, LOG, LINEAR)
        carried = self.arrays["carried"][numbers, unit]
        return self._view(numbers[:, None], unit[:, None], np.arange(len(numbers))[:, None], 0, told(carried, is_log))

    def last(self, numbers: IntArray) -> tuple[Float32Array, Float32Array]:
        """What the network's state (B, W) was after the last row, and the features (B, F) of that row."""
        return self.arrays["output"][numbers], self.arrays["features"][numbers]

    def kept(self, number: int, row: int) -> float | None:
        """The value of a row that was read, NaN where not observed; None where the row is no longer known."""
        back = int(self.arrays["rows"][number]) - 1 - row
        if not 0 <= back < self.width:
            return None
        column = self.arrays["column"][number] - back
        observed = self.arrays["mask"][number, LINEAR, column]
        return float(self.arrays["z"][number, LINEAR, column]) if observed else np.nan

    def _rectangle(
        self, numbers: IntArray, begins: IntArray, which: IntArray, T: int, values: Float32Array, mask: BoolArray
    ) -> None:
        size = max(1, CELLS // T)
        for i in range(0, len(which), size):
            part = which[i : i + size]
            cells = begins[part][:, None] + np.arange(T)
            seen = mask[cells]
            self._read(numbers[part], np.where(seen, values[cells].astype(np.float64), 0), seen)

    def _read(self, numbers: IntArray, values: FloatArray, mask: BoolArray) -> None:
        """Read the next T rows (B, T), at most ROOM, of series."""
        B, T = values.shape
        a, was_log = self.arrays, self.arrays["log"][numbers]
        self.make_room(numbers, T)
        is_log = positive_so_far(values, mask, a["carried"][numbers, LINEAR]) & was_log[:, None]
        # Plain units are always carried, since any series may change over to them; logarithms until it has.
        source = np.concatenate([np.arange(B), np.flatnonzero(was_log)])
        unit = np.repeat([LINEAR, LOG], [B, len(source) - B])
        series = numbers[source]
        latest = _Tape(a, series, unit, self.spec.seasons)
        spec, before = self.spec, a["carried"][series, unit]
        told_of, after = read(values[source], mask[source], unit == LOG, spec.seasons, spec.window, before, latest)
        told_of["mask"] = mask[source]
        columns = a["column"][series][:, None] + 1 + np.arange(T)
        for name in TAPE:
            memories: Any = (..., *map(slice, a[name].shape[3:]))  # of the seasons that there are
            a[name][series[:, None], unit[:, None], columns] = told_of[name][memories]
        a["carried"][series, unit] = after
        place = np.zeros((2, B), np.int64)
        place[unit, source] = np.arange(len(source))
        units = np.where(is_log, LOG, LINEAR)
        here = place[units, np.arange(B)[:, None]] * T + np.arange(T)
        a["column"][numbers] += T
        a["rows"][numbers] += T
        a["log"][numbers] = is_log[:, -1]
        flat = {name: array.reshape(-1, *array.shape[2:]) for name, array in told_of.items() if name not in TAPE}
        view = self._view(numbers[:, None], units, here, np.arange(1 - T, 1), flat)
        features = view.features(np.arange(B * T).reshape(B, T))
        if "before" in a:
            if T > 1:
                none = np.zeros((B, 1), np.int64)
                _, a["hidden"][numbers] = self.engine.encode(features[:, :-1], none, a["hidden"][numbers])
            a["before"][numbers], features = a["hidden"][numbers], features[:, -1:]
        last = np.full((B, 1), features.shape[1] - 1)
        states, a["hidden"][numbers] = self.engine.encode(features, last, a["hidden"][numbers])
        a["output"][numbers], a["features"][numbers] = states[:, 0], features[:, -1]

    def _view(
        self,
        numbers: IntArray,
        units: IntArray,
        here: IntArray,
        back: IntArray | int,
        told_of: Mapping[str, NDArray[Any]],
    ) -> View:
        """A view of the tapes of series (B, 1) at the columns `back` (T,) from the last one, read in `units` (B, T)."""
        a, shape = self.arrays, here.shape
        length = a["z"].shape[-1]
        base = (numbers * 2 + units) * length
        column = np.broadcast_to(a["column"][numbers] + back, shape)
        first = np.maximum(a["column"][numbers] + 1 - a["rows"][numbers] + a["late"][numbers], 0)
        row = (base + column).reshape(-1)
        arrays: dict[str, Any] = {name: a[name].reshape(-1, *a[name].shape[3:]) for name in TAPE}
        arrays |= {name: array.astype(np.float32) for name, array in told_of.items()}
        tracks = Tracks(
            row=row,
            here=here.reshape(-1),
            begin=np.broadcast_to(base + first, shape).reshape(-1),
            end=row + 1,
            unit=units.astype(np.int8).reshape(-1),
            **arrays,
        )
        covariates, days = self._covariates(numbers, back, shape), self._days(numbers, back, shape)
        return View(tracks, self.spec, np.zeros(len(row), np.int64), covariates, days)

    def _days(self, numbers: IntArray, back: IntArray | int, shape: tuple[int, ...]) -> FloatArray | None:
        """Days since 1970 of series (B, 1) at the rows `back` (T,) from the last one, where the time is told."""
        if not self.spec.clock:
            return None
        days = self.spec.clock.after(self.arrays["first"][numbers], self.rows[numbers] - 1 + back)
        return np.broadcast_to(days, shape).reshape(-1)

    def _covariates(self, numbers: IntArray, back: IntArray | int, shape: tuple[int, ...]) -> Covariates:
        """Covariates of series (B, 1) at the rows `back` (T,) from the last one, numbered like a view of this shape."""
        if self.known is None:
            return no_columns()
        rows = np.broadcast_arrays(self.arrays["owner"][numbers], self.arrays["rows"][numbers] - 1 + back)
        return self.known.at(*(np.broadcast_to(part, shape).reshape(-1) for part in rows))

    def make_room(self, numbers: IntArray, T: int) -> None:
        """Move the latest rows of series to the front of their tapes, where fewer than T columns are left."""
        a = self.arrays
        full = numbers[a["column"][numbers] + T >= a["z"].shape[-1]]
        if not len(full):
            return
        for column in np.unique(a["column"][full]):  # mostly one, since rows are read at the same pace
            some, latest = full[a["column"][full] == column], slice(column + 1 - self.width, column + 1)
            for name in TAPE:
                a[name][some, :, : self.width] = a[name][some, :, latest]
        a["column"][full] = self.width - 1


class _Tape:
    """The latest rows of tracks, see `foregate.data.statistics.Latest`."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]], series: IntArray, unit: IntArray, seasons: tuple[int, int]):
        self.arrays, self.seasons = arrays, seasons
        self.series, self.unit = series[:, None], unit[:, None]
        self.next = arrays["column"][series][:, None] + 1

    def __call__(self, season: int, width: int) -> tuple[Float32Array, BoolArray, Float32Array, Float32Array]:
        where = self.series, self.unit, self.next - self.seasons[season] + np.arange(width)
        a = self.arrays
        profile = a["profile"][where][..., 2 * season : 2 * season + 2]
        return a["z"][where], a["mask"][where], profile, a["count"][where][..., season]

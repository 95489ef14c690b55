"""Origins of a stream that wait for their outcomes, and those whose outcomes have come: to learn from, or to judge by.

Letters: S series, B of them that are read or origins that are given out, K horizon steps, J of them that are learnt, P
places, Q quantiles, W numbers of a state, F features.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foregate.core import evenly
from foregate.data.inputs import Units, in_units
from foregate.data.tracks import LOG
from foregate.forecasting.fitted import LEAST_OBSERVATIONS
from foregate.forecasting.state import State
from foregate.streaming.rows import Rows

__all__ = ["Replay", "blocks", "learnt_steps"]

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

WAITING, TRAINED, HELD = 512, 1024, 128
"""The most origins that wait for their outcomes, that are learnt from, and that are judged by; the latest ones stay."""
NUMBERS = 4_000_000
"""The most numbers that all of them may take together, where states are wide or steps many; 16 MB."""
MOST_STEPS = 24
"""Of longer horizons so many steps, evenly spread, are learnt, where all steps have the same weights."""
PER_HORIZON = 4
"""Origins of a series that are taken in the rows of a horizon: more of them would have their outcomes in common."""
PERIOD, TO_TRAIN = 8, 6
"""The rows of a series are parted in blocks of so many horizons, of which the first ones are trained on, and the others
held out. Origins whose outcomes lie in both are left out, so that nothing that is judged by has been trained on."""
STALE = 16
"""An origin that waits makes room for another when its series has stood still while all others moved so many times on
the average between two origins."""
FREE, TRAINING, HOLDOUT = -1, 0, 1


class Replay:
    """A bounded number of origins, each with all that a decoder needs of it.

    Args:
        state: what origins will be taken from.
        horizon: K steps.
        k: (J,) those that are learnt.
    """

    def __init__(self, state: State, horizon: int, k: IntArray) -> None:
        spec, self.horizon, self.k = state.spec, horizon, k
        Q, J, W, F = len(state.engine.manner.levels), len(k), state.engine.width, spec.n_features
        each = W + F + J * (spec.n_steps + spec.n_profiles + Q + 1) + 8
        share = min(1.0, NUMBERS / each / (WAITING + TRAINED + HELD))
        self.places, self.trained, self.held = (max(8, int(n * share)) for n in (WAITING, TRAINED, HELD))
        total = self.places + self.trained + self.held
        self.arrays: dict[str, NDArray[Any]] = {
            "series": np.full(total, FREE, np.int64),
            "row": np.zeros(total, np.int64),  # how many rows of the series had been read
            "role": np.full(total, FREE, np.int8),
            "moved": np.zeros(total, np.int64),  # rows read of all series when an outcome came last
            "states": np.zeros((total, W), np.float32),
            "features": np.zeros((total, F), np.float32),
            "steps": np.zeros((total, J, spec.n_steps), np.float32),
            "paths": np.zeros((total, J, spec.n_profiles), np.float32),
            "said": np.zeros((total, J, Q), np.float32),  # when they were the latest rows
            "level": np.zeros(total, np.float32),
            "scale": np.ones(total, np.float32),
            "anchor": np.ones(total, np.float32),
            "is_log": np.zeros(total, np.bool_),
            "target": np.zeros((total, J), np.float32),  # in the units of the data as long as it waits
        }
        self.counts = np.zeros(3, np.int64)
        """Rows read, origins ever trained on, and origins ever held out."""

    @property
    def stride(self) -> int:
        """Rows between two origins of a series."""
        return max(1, self.horizon // PER_HORIZON)

    @property
    def waiting(self) -> IntArray:
        """Places of origins whose outcomes have not all come."""
        return np.flatnonzero(self.arrays["series"][: self.places] != FREE)

    def take(self, numbers: IntArray) -> Replay:
        """An independent copy for some series, in that order; what waits of others is left out."""
        twin = object.__new__(Replay)
        twin.__dict__ |= self.__dict__ | {"arrays": {name: array.copy() for name, array in self.arrays.items()}}
        twin.counts, own = self.counts.copy(), self.arrays["series"][self.waiting]
        place = np.full(1 + max(own.max(initial=-1), numbers.max(initial=-1)), FREE)
        place[numbers] = np.arange(len(numbers))
        twin.arrays["series"][self.waiting] = place[own]
        return twin

    def forget(self, numbers: IntArray) -> None:
        """Let nothing wait of series whose rows are no longer what they were."""
        series = self.arrays["series"][: self.places]
        series[np.isin(series, numbers)] = FREE

    def compact(self) -> dict[str, NDArray[Any]]:
        """All arrays, of the places that are in use."""
        used = np.flatnonzero(self.arrays["series"] != FREE)
        return {name: array[used] for name, array in self.arrays.items()} | {"place": used, "counts": self.counts}

    def expand(self, compact: Mapping[str, NDArray[Any]], series: int) -> None:
        """Go on with compact arrays of a stream of so many series; there were none.

        Raises:
            ValueError: they are not of this shape.
        """
        place, counts = compact["place"], compact["counts"]
        for name, array in self.arrays.items():
            given = compact[name]
            if given.shape != (len(place), *array.shape[1:]) or given.dtype != array.dtype:
                raise ValueError(f"{name} is {given.dtype} {given.shape}, not {array.dtype} {array.shape}")
            array[place] = given
        if (self.arrays["series"] >= series).any() or counts.shape != self.counts.shape:
            raise ValueError("origins of series that there are not")
        self.counts = counts.copy()

    def came(self, rows: Rows, first: IntArray) -> None:
        """Take down the outcomes in rows of series (B,), the first of which is their row numbered `first` (B,)."""
        numbers, lengths, values, mask = rows
        self.counts[0] += int(lengths.sum())
        a, waiting, order = self.arrays, self.waiting, np.argsort(numbers)
        if not len(waiting):
            return
        which = order[np.searchsorted(numbers, a["series"][waiting], sorter=order) % len(numbers)]
        mine = numbers[which] == a["series"][waiting]
        waiting, which = waiting[mine], which[mine]
        offset = a["row"][waiting, None] + self.k - 1 - first[which, None]
        cell = (np.cumsum(lengths) - lengths)[which, None] + offset
        new = (offset >= 0) & (offset < lengths[which, None])
        new[new] = mask[cell[new]]
        i, j = np.nonzero(new)
        a["target"][waiting[i], j] = values[cell[i, j]]
        a["moved"][waiting] = self.counts[0]

    def completed(self, rows: IntArray) -> IntArray:
        """Move what waits no longer, now that so many rows (S,) were read: where it is.

        Outcomes that were missing, or read without being learnt from, do not count.
        """
        a, waiting = self.arrays, self.waiting
        done = waiting[rows[a["series"][waiting]] >= a["row"][waiting] + self.horizon]
        if not len(done):
            return waiting[:0]
        units, values = Units(a["level"][done], a["scale"][done]), a["target"][done].astype(np.float64)
        target = in_units(values, units, a["anchor"][done], a["is_log"][done]).astype(np.float32)
        moved = []
        for place, own in zip(done.tolist(), target, strict=True):
            if np.isnan(own).all():
                continue
            a["target"][place] = own
            role = int(a["role"][place])
            first, size = ((self.places, self.trained), (self.places + self.trained, self.held))[role]
            moved.append(first + int(self.counts[1 + role]) % size)
            for array in a.values():
                array[moved[-1]] = array[place]
            self.counts[1 + role] += 1
        a["series"][done] = FREE
        return np.unique(np.array(moved, np.int64))

    def record(self, state: State, numbers: IntArray) -> IntArray:
        """Take the last rows of series (B,) as origins, of those that it is the turn of and as there is room: where
        they are."""
        rows = state.rows[numbers]
        role, ready = self._role(numbers, rows), state.seen(numbers) >= LEAST_OBSERVATIONS
        turn = ((rows + numbers) % self.stride == 0) & (role != FREE) & ready & self._drawn(numbers, rows, len(state))
        numbers, rows, role = numbers[turn], rows[turn], role[turn]
        places = self._room(len(numbers), len(state))
        if not len(places):
            return places
        numbers, rows, role, a = numbers[: len(places)], rows[: len(places)], role[: len(places)], self.arrays
        view, here = state.view(numbers), np.arange(len(numbers))
        tracks = view.tracks
        moving = tracks.scale > 0  # where nothing has changed yet there is no unit to learn in
        a["states"][places], a["features"][places] = state.last(numbers)
        a["steps"][places], a["paths"][places] = view.steps(here, self.k)
        a["level"][places], a["scale"][places] = view.units(here)
        a["anchor"][places], a["is_log"][places] = tracks.anchor, tracks.unit == LOG
        a["row"][places], a["role"][places], a["target"][places] = rows, role, np.nan
        a["series"][places], a["moved"][places] = np.where(moving, numbers, FREE), self.counts[0]
        return places

    def _role(self, numbers: IntArray, rows: IntArray) -> IntArray:
        """What the origins after so many rows of series are for; series take turns with their blocks."""
        K = self.horizon
        begin = (rows + numbers * (PERIOD - TO_TRAIN) * K) % (PERIOD * K)
        end = begin + K
        held: IntArray = np.where((begin >= TO_TRAIN * K) & (end <= PERIOD * K), HOLDOUT, FREE)
        role: IntArray = np.where(end <= TO_TRAIN * K, TRAINING, held)
        return role

    def _drawn(self, numbers: IntArray, rows: IntArray, series: int) -> BoolArray:
        """Of many series a share of the origins, so that there is room for them; the same ones however rows come."""
        share = self.places / (series * -(-self.horizon // self.stride))
        mixed = (numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) ^ (
            rows.astype(np.uint64) * np.uint64(0xC2B2AE3D27D4EB4F)
        )
        mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        drawn: BoolArray = (mixed >> np.uint64(32)) < np.uint64(min(share, 1.0) * 2**32)
        return drawn

    def _room(self, wanted: int, series: int) -> IntArray:
        """Places for origins, at most as many as are wanted."""
        a = self.arrays
        free = np.flatnonzero(a["series"][: self.places] == FREE)
        if len(free) < wanted:
            still = self.counts[0] - a["moved"][: self.places] > STALE * series * self.stride
            free = np.append(free, np.flatnonzero(still & (a["series"][: self.places] != FREE)))
        return free[:wanted]


def learnt_steps(horizon: int, *, every: bool) -> IntArray:
    """(J,) the steps ahead that are learnt.

    Args:
        horizon: K steps.
        every: they have weights of their own, or are written one after the other.
    """
    return 1 + evenly(horizon, horizon if every else MOST_STEPS)


def blocks(rows: Rows, begins: IntArray, stride: int) -> list[Rows]:
    """Rows of series, cut where origins are taken: after row numbers that are divisible by the stride.

    Args:
        rows: of B series.
        begins: (B,) how many rows were read of each, and in whose turn: its number added.
        stride: rows between two origins.
    """
    done, parts = np.zeros(len(rows.lengths), np.int64), []
    while (left := rows.lengths - done).any():
        size = np.minimum(stride - (begins + done) % stride, left)
        parts.append(rows.part(done, size))
        done = done + size
    return parts

"""States in memory: those of one kind in one live forecaster, so that many move on in one call.

Everything here happens on the inference thread, and nothing here waits. A state in memory is a copy of what the rows
say: whoever cannot write what was read drops it, and it is read again.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foregate.core import ArtifactError, DataError, ForegateError, Frequency
from foregate.forecasting.fitted import Fitted
from foregate.service.observations.announced import Announced, Lacking, lacking
from foregate.service.problems import Problem
from foregate.service.sessions.feeding import Feed, feed, tell
from foregate.service.sessions.rows import Position, Seen, Stored
from foregate.service.times import steps_after
from foregate.streaming.live import Live
from foregate.streaming.records import Recorder

__all__ = ["Group", "Key", "Residents", "Seat", "Step", "key_of", "state_of"]

Key = tuple[str, int, str, int | None]
"""Model, version, frequency and season."""
FloatArray = NDArray[np.float64]


@dataclass(slots=True)
class Seat:
    """A session whose state is in memory."""

    stored: Stored
    """As it was when the state had read it; it moves on with the state."""
    key: Key
    name: str
    """In the live forecaster: another one whenever it is loaded."""
    saved: int
    """How many observations the stored state has read; -1 where there is none."""

    @property
    def position(self) -> Position:
        """How far the state has read."""
        return Position(self.stored.version, self.stored.seq, self.stored.time)


@dataclass(slots=True)
class Group:
    """Sessions of one kind."""

    live: Live
    recorder: Recorder
    dead: list[str] = field(default_factory=list)
    """Names of states that nobody needs: they are dropped together, since that copies all that stay."""


@dataclass(slots=True)
class Step:
    """What a session is to read and to say."""

    series: int
    rows: Sequence[Seen] = ()
    """In order of time, after the last one that was read."""
    horizon: int = 0
    """Of the forecast afterwards; 0: none is wanted."""
    quantiles: tuple[float, ...] = ()
    """In order, the median among them."""
    known: Announced = field(default_factory=dict)
    """What was announced of the times after the last one that was read; see `Residents.told_ahead`."""
    said: FloatArray | None = None
    """(K, Q) that forecast; None: none was wanted, or none can be made yet."""
    scale: float | None = None
    """How much the series usually changes."""
    unsaid: Problem | ForegateError | None = None
    """Why nothing was said, where that is so for what is known of the future, or is not."""
    failed: ForegateError | None = None
    """Why nothing was read."""
    record: bytes | None = field(default=None, repr=False)
    """The state, where it is to be stored."""


class Residents:
    """States in memory, least recently used first.

    Args:
        most: states at most.
        every: observations between two stored states.
        gap: steps that a session may be without an observation.
    """

    def __init__(self, most: int, every: int, gap: int) -> None:
        self.most, self.every, self.gap = most, every, gap
        self.seats: OrderedDict[int, Seat] = OrderedDict()
        self.groups: dict[Key, Group] = {}
        self._loads = count()

    def take_in(self, found: Sequence[Stored], fitted: Mapping[Key, Fitted]) -> dict[int, ForegateError | None]:
        """Have the states of sessions in memory, up to their last row.

        Returns:
            those whose state cannot be made, and why; None where the stored state is of no use, but the rows may be.
        """
        by_key: dict[Key, list[Stored]] = defaultdict(list)
        for stored in found:
            by_key[key_of(stored)].append(stored)
        wrong: dict[int, ForegateError | None] = {}
        for key, some in by_key.items():
            try:
                group = self._group(key, fitted[key])
            except ForegateError as error:
                wrong |= {stored.series: error for stored in some}
            else:
                wrong |= self._take_in(group, key, some)
        return wrong

    def step(self, steps: Sequence[Step]) -> None:
        """Let sessions read and forecast; all of them are here, each once."""
        by_key: dict[Key, list[Step]] = defaultdict(list)
        for step in steps:
            self.seats.move_to_end(step.series)
            by_key[self.seats[step.series].key].append(step)
        for key, some in by_key.items():
            group = self.groups[key]
            feeds = [self._feed(self.seats[step.series], step) for step in some]
            refused = feed(group.live, [each for each in feeds if each.rows], self.gap)
            for step, each in zip(some, feeds, strict=True):
                step.failed = refused.get(each.name)
            self._say(group, [step for step in some if step.failed is None and self._may_say(group, step)])
            self._moved_on(group, [step for step in some if step.failed is None and step.rows])

    def told_ahead(self, series: int) -> bool:
        """Whether the model of a session that is here is told covariates ahead."""
        return self.groups[self.seats[series].key].live.fitted.reads_future

    def drop(self, ids: Iterable[int]) -> None:
        """Forget states."""
        for name in ids:
            seat = self.seats.pop(name, None)
            if seat is not None and seat.name in self.groups[seat.key].live:
                self.groups[seat.key].dead.append(seat.name)
        for key, group in list(self.groups.items()):
            if len(group.dead) == len(group.live) and not any(seat.key == key for seat in self.seats.values()):
                del self.groups[key]
            elif len(group.dead) > max(64, len(group.live) // 4):
                group.live.drop([name for name in group.dead if name in group.live])
                group.dead = []

    def surplus(self, busy: set[int]) -> list[int]:
        """Those used least recently, where there are too many: a good part at once, and none that is busy."""
        over = len(self.seats) - self.most
        if over <= 0:
            return []
        return list(islice((name for name in self.seats if name not in busy), over + self.most // 8))

    def evict(self, ids: Sequence[int]) -> list[dict[str, Any]]:
        """Forget states; those that have read more than is stored are given back."""
        states = self.states(ids)
        self.drop(ids)
        return states

    def states(self, ids: Iterable[int]) -> list[dict[str, Any]]:
        """States that have read more than is stored, as they are stored."""
        by_key: dict[Key, list[Seat]] = defaultdict(list)
        for name in ids:
            seat = self.seats[name]
            if seat.saved < seat.stored.seq and seat.name in self.groups[seat.key].live:
                by_key[seat.key].append(seat)
        found = []
        for key, seats in by_key.items():
            group = self.groups[key]
            records = group.recorder.written(group.live, [seat.name for seat in seats])
            found += [state_of(seat.stored, record) for seat, record in zip(seats, records, strict=True)]
        return found

    def _group(self, key: Key, fitted: Fitted) -> Group:
        group = self.groups.get(key)
        if group is None:
            live = Live(fitted, freq=Frequency.parse(key[2]))
            group = self.groups[key] = Group(live, Recorder(fitted, live.freq, live.spec))
        return group

    def _take_in(self, group: Group, key: Key, found: Sequence[Stored]) -> dict[int, ForegateError | None]:
        """See `take_in`; of one kind."""
        seats = []
        for stored in found:
            if stored.follows:
                seat = self.seats[stored.series]
            else:
                self.drop([stored.series])
                seat = Seat(stored, key, f"{stored.series}.{next(self._loads)}", -1)
            seats.append((seat, stored))
        self.groups[key] = group  # dropping its last one may have ended it
        wrong = self._restore(
            group, [seat for seat, stored in seats if not stored.follows and stored.state is not None]
        )
        feeds = []
        for seat, stored in seats:
            before = seat.stored.time if stored.follows else stored.state.time if stored.state is not None else None
            feeds.append(Feed(seat.name, stored.rows, before, stored.attributes, stored.known))
        refused = feed(group.live, [each for each in feeds if each.rows], self.gap, lenient=True)
        for seat, stored in seats:
            if stored.series in wrong or seat.name in refused:
                wrong.setdefault(stored.series, refused.get(seat.name))
                self.drop([stored.series])
                if seat.name in group.live and seat.name not in group.dead:
                    group.dead.append(seat.name)
                continue
            seat.saved = stored.state.seq if stored.state is not None else seat.saved
            seat.stored, stored.state, stored.rows, stored.known = stored, None, [], {}
            self.seats[stored.series] = seat
            self.seats.move_to_end(stored.series)
        return wrong

    def _feed(self, seat: Seat, step: Step) -> Feed:
        return Feed(seat.name, step.rows, seat.stored.time, seat.stored.attributes, step.known)

    def _restore(self, group: Group, seats: Sequence[Seat]) -> dict[int, ForegateError | None]:
        """Take in stored states; those that are of no use are given back."""
        if not seats:
            return {}
        try:
            blobs = [seat.stored.state.blob for seat in seats]
            group.live.join(group.recorder.read([seat.name for seat in seats], blobs))
        except ArtifactError:
            if len(seats) == 1:
                return {seats[0].stored.series: None}
            half = len(seats) // 2
            return self._restore(group, seats[:half]) | self._restore(group, seats[half:])
        return {}

    def _moved_on(self, group: Group, steps: Sequence[Step]) -> None:
        """Count what was read; states that are due are written."""
        due = []
        for step in steps:
            seat = self.seats[step.series]
            seat.stored.seq += len(step.rows)
            seat.stored.time = step.rows[-1][0]
            if seat.stored.seq - max(seat.saved, 0) >= self.every:
                due.append(step)
                seat.saved = seat.stored.seq
        if due:
            records = group.recorder.written(group.live, [self.seats[step.series].name for step in due])
            for step, record in zip(due, records, strict=True):
                step.record = record

    def _may_say(self, group: Group, step: Step) -> bool:
        """Whether a forecast is wanted and all that it takes is known, which the model is told then."""
        seat = self.seats[step.series]
        origin = step.rows[-1][0] if step.rows else seat.stored.time
        if not step.horizon or not group.live.fitted.reads_future or origin is None or seat.name not in group.live:
            return bool(step.horizon)
        times = steps_after(origin, step.horizon, group.live.freq)
        columns = [column.name for column in group.live.fitted.spec.columns if column.role == "future"]
        unknown = lacking(step.known, times, columns)
        if unknown:
            step.unsaid = Lacking(seat.stored.name, group.live.freq, unknown).problem()
            return False
        try:
            tell(group.live, seat.name, {time: {name: step.known[time][name] for name in columns} for time in times})
        except ForegateError as error:
            step.unsaid = error
            return False
        return True

    def _say(self, group: Group, steps: Sequence[Step]) -> None:
        """Forecast, together what is asked for alike."""
        kinds: dict[tuple[int, tuple[float, ...]], list[Step]] = defaultdict(list)
        for step in steps:
            if self.seats[step.series].name in group.live:
                kinds[step.horizon, step.quantiles].append(step)
        for some in kinds.values():
            self._said(group, some)

    def _said(self, group: Group, steps: Sequence[Step]) -> None:
        """Forecast; where some cannot be, each is tried alone."""
        names, first = [self.seats[step.series].name for step in steps], steps[0]
        try:
            values = group.live.forecast(first.horizon, quantiles=first.quantiles, ids=names).values
        except DataError:  # nothing was observed yet, or covariates of the future are not known
            if len(steps) > 1:
                for step in steps:
                    self._said(group, [step])
            return
        for step, said, scale in zip(steps, values, group.live.scales(names), strict=True):
            if np.isfinite(said).all():
                step.said, step.scale = said, float(scale) if np.isfinite(scale) else None


def key_of(stored: Stored) -> Key:
    """The kind of a session."""
    return stored.model, stored.version, stored.freq, stored.season_length


def state_of(stored: Stored, record: bytes) -> dict[str, Any]:
    """A state as the table holds it."""
    return {
        "series": stored.series,
        "version": stored.version,
        "seq": stored.seq,
        "time": stored.time,
        "blob": record,
    }

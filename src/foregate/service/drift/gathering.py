"""Errors of one time come one after the other, of many series: they wait here until they are all there.

What is watched is one value of each time, the mean over series. Were a time told piece by piece as its actuals arrive,
what all series have in common would count as often as there are pieces, and look like drift.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Gathering", "Time"]

MOST_OPEN = 24
"""Times that wait at most; a series that has ended holds the others up for as long, once."""
NAMED = 10
"""Series that are remembered of a time at most."""


@dataclass
class Time:
    """Errors of one time."""

    time: int
    n: int = 0
    error: float = 0.0
    """Sum of the standardised errors."""
    known: int = 0
    """Of how many it is known whether the actual lay outside of its interval."""
    outside: float = 0.0
    """How many of these did."""
    names: list[str] = field(default_factory=list)
    """Some of the series."""

    def add(self, name: str, error: float, outside: float) -> None:
        """One more series."""
        self.n += 1
        self.error += error
        if outside == outside:
            self.known += 1
            self.outside += outside
        if len(self.names) < NAMED:
            self.names.append(name)


class Gathering:
    """Puts the errors of each time together, and gives the times out in their order, each once.

    A time is complete when it has as many series as the ones before. Then those before it are over, too: what is
    missing of them will not come. Errors of a time that was given out already are only counted, so that the next time
    waits for them.

    Args:
        state: what `state` gave.

    Examples:
        >>> gathering = Gathering()
        >>> [each.n for each in gathering.of([(1, "a", 0.1, 0.0)])], gathering.of([(1, "b", 0.3, 0.0)])
        ([1], [])
        >>> gathering.of([(2, "a", 0.1, 0.0)]), [each.n for each in gathering.of([(2, "b", 0.3, 0.0)])]
        ([], [2])
    """

    def __init__(self, state: Mapping[str, Any] | None = None) -> None:
        said = state or {"open": [], "size": 1, "last": None, "given": 0}
        self._open: dict[int, Time] = {each["time"]: Time(**each) for each in said["open"]}
        self._size, self._given = int(said["size"]), int(said["given"])
        self._last: int | None = said["last"]

    def of(self, errors: Sequence[tuple[int, str, float, float]]) -> list[Time]:
        """Take (time, series, error, outside or NaN) of more series; the times that are complete."""
        for time, name, error, outside in errors:
            if self._last is None or time > self._last:
                self._open.setdefault(time, Time(time)).add(name, error, outside)
            elif time == self._last:
                self._given += 1
                self._size = max(self._size, self._given)
        found: list[Time] = []
        while self._open and (until := self._until()) is not None:
            found += [self._open.pop(time) for time in sorted(self._open) if time <= until]
            self._last, self._given = found[-1].time, found[-1].n
        return found

    def _until(self) -> int | None:
        """The newest time that is over."""
        complete = [each.time for each in self._open.values() if each.n >= self._size]
        if complete:
            newest = max(complete)
            self._size = max(self._size, self._open[newest].n)
            return newest
        if len(self._open) <= MOST_OPEN:
            return None
        oldest = min(self._open)
        self._size = self._open[oldest].n  # the others have ended, or have nothing to say any more
        return oldest

    def state(self) -> dict[str, Any]:
        """As plain values for JSON."""
        waiting = [vars(each) | {"names": list(each.names)} for each in self._open.values()]
        return {"open": waiting, "size": self._size, "last": self._last, "given": self._given}

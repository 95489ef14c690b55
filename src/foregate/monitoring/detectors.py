"""Detectors of change that remember a bounded number of numbers, for B streams at once.

Each is told one standardised value of every stream, and says how much speaks for a change; it knows no thresholds.
What it remembers is a dictionary of arrays, whose first axis is the streams.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Coverage", "Cusum", "Detector", "PageHinkley", "State", "Windows"]

FloatArray = NDArray[np.float64]
State = dict[str, FloatArray]
Kind = Literal["residual", "coverage"]

MORE_MISSED, LESS_MISSED = 0.4, 0.4
"""Changes of coverage that are let pass, in standard deviations of a miss."""
LEAST_SPREAD = 0.1
"""Intervals that were never missed vary, too."""


class Detector(Protocol):
    """What all detectors have in common."""

    @property
    def name(self) -> str:
        """It goes by this in reports and metrics."""

    @property
    def kind(self) -> Kind:
        """Of what it reports a change."""

    def start(self, streams: int) -> State:
        """What it remembers before the first value."""

    def step(self, state: State, value: FloatArray, outside: FloatArray) -> FloatArray:
        """Read the next value of each stream.

        Args:
            state: what it remembers; changed in place.
            value: (B,) standardised errors: about 0, with standard deviation 1 while all is well.
            outside: (B,) 1 where the actual lay outside of its interval, 0 where inside.

        Returns:
            (B,) how much speaks for a change, from 0 on.
        """


@dataclass(frozen=True)
class Cusum:
    """Cumulative sums of values above and below zero: the quickest way to see that errors have become biased.

    Source: Page, "Continuous inspection schemes" (1954).

    Examples:
        >>> detector = Cusum(slack=0.5)
        >>> state = detector.start(1)
        >>> [float(detector.step(state, np.array([2.0]), np.zeros(1))[0]) for _ in range(3)]
        [1.5, 3.0, 4.5]
    """

    slack: float = 0.4
    """Taken off each value: half of the shift that is to be found, in standard deviations."""
    name: str = "cusum"
    kind: Kind = "residual"

    def start(self, streams: int) -> State:
        """See `Detector`."""
        return {"up": np.zeros(streams), "down": np.zeros(streams)}

    def step(self, state: State, value: FloatArray, outside: FloatArray) -> FloatArray:
        """See `Detector`."""
        state["up"] = np.maximum(0, state["up"] + value - self.slack)
        state["down"] = np.maximum(0, state["down"] - value - self.slack)
        return np.maximum(state["up"], state["down"])


@dataclass(frozen=True)
class PageHinkley:
    """Sizes of values against their own mean so far: errors that grow, whatever their sign.

    Source: Page (1954); Hinkley, "Inference about the change-point from cumulative sum tests" (1971). As in river,
    where `mean` and `known` are 0, `memory` is 0.9999 and values are not negative.
    """

    slack: float = 0.15
    """Taken off each deviation from the mean."""
    memory: float = 1.0
    """Share of the sum that stays from value to value. Less than 1 (river: 0.9999) pulls a sum that has fallen far back
    up, which takes the slack away little by little and makes alarms more frequent the longer nothing happens."""
    mean: float = 0.7979
    """Of sizes before the first value: that of a normal distribution."""
    known: float = 500.0
    """Values that this mean counts for."""
    name: str = "page-hinkley"
    kind: Kind = "residual"

    def start(self, streams: int) -> State:
        """See `Detector`."""
        zeros = np.zeros(streams)
        return {"n": zeros + self.known, "mean": zeros + self.mean, "sum": zeros, "least": zeros + np.inf}

    def step(self, state: State, value: FloatArray, outside: FloatArray) -> FloatArray:
        """See `Detector`."""
        size = np.abs(value)
        state["n"] = state["n"] + 1
        state["mean"] = state["mean"] + (size - state["mean"]) / state["n"]
        state["sum"] = self.memory * state["sum"] + size - state["mean"] - self.slack
        state["least"] = np.minimum(state["least"], state["sum"])
        return state["sum"] - state["least"]


@dataclass(frozen=True)
class Windows:
    """The newest values against those before, for new parts of several lengths: a change that needs no reference.

    Values are kept as sums over blocks. At the end of a block the mean of the newest 1, 2, 4, … of them is compared
    with that of all before, by the spread inside of the whole window, as ADWIN does with its buckets.

    Source: Bifet and Gavaldà, "Learning from time-changing data with adaptive windowing" (2007).
    """

    block: int = 32
    """Values in a block."""
    blocks: int = 32
    """Blocks that are kept."""
    name: str = "windows"
    kind: Kind = "residual"

    def start(self, streams: int) -> State:
        """See `Detector`."""
        rest = {name: np.zeros(streams) for name in ("seen", "sum", "square", "statistic")}
        return {**rest, "sums": np.zeros((streams, self.blocks)), "squares": np.zeros((streams, self.blocks))}

    def step(self, state: State, value: FloatArray, outside: FloatArray) -> FloatArray:
        """See `Detector`."""
        state["seen"] = state["seen"] + 1
        state["sum"] = state["sum"] + value
        state["square"] = state["square"] + value**2
        full = state["seen"] % self.block == 0
        if full.any():
            for kept, open_ in (("sums", "sum"), ("squares", "square")):
                moved = np.concatenate([state[open_][:, None], state[kept][:, :-1]], axis=1)  # the newest first
                state[kept] = np.where(full[:, None], moved, state[kept])
                state[open_] = np.where(full, 0.0, state[open_])
            state["statistic"] = np.where(full, self._compared(state), state["statistic"])
        return state["statistic"]

    def _compared(self, state: State) -> FloatArray:
        there = np.minimum(state["seen"] // self.block, self.blocks)
        n = there * self.block
        total, squares = state["sums"].sum(1), state["squares"].sum(1)
        with np.errstate(divide="ignore", invalid="ignore"):
            inside = np.sqrt(np.maximum(squares / n - (total / n) ** 2, 1e-12))
            most = np.zeros(len(n))
            newest = 1
            while newest < self.blocks:
                new, m = state["sums"][:, :newest].sum(1), float(newest * self.block)
                apart = np.abs(new / m - (total - new) / (n - m)) / (inside * np.sqrt(1 / m + 1 / (n - m)))
                most = np.where(there > newest, np.fmax(most, apart), most)
                newest *= 2
        return most


@dataclass(frozen=True)
class Coverage:
    """Cumulative sums of actuals outside of their interval: intervals that have become too narrow or too wide."""

    usual: float = 0.2
    """Share of actuals that lie outside while all is well."""
    doubt: float = 0.0
    """Half width of what this share may be instead."""
    name: str = "coverage"
    kind: Kind = "coverage"

    def start(self, streams: int) -> State:
        """See `Detector`."""
        return {"narrow": np.zeros(streams), "wide": np.zeros(streams)}

    def step(self, state: State, value: FloatArray, outside: FloatArray) -> FloatArray:
        """See `Detector`."""
        more, spread = outside - self.usual, max(np.sqrt(self.usual * (1 - self.usual)), LEAST_SPREAD)
        state["narrow"] = np.maximum(0, state["narrow"] + (more - self.doubt) / spread - MORE_MISSED)
        state["wide"] = np.maximum(0, state["wide"] - (more + self.doubt) / spread - LESS_MISSED)
        return np.maximum(state["narrow"], state["wide"])

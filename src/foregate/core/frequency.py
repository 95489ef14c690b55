"""The step between two observations: parsing, arithmetic and the seasons that usually go with it.

Times inside Foregate are ``datetime64[us]`` (UTC or wall clock, see `FrameSpec`) or ``int64`` steps.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foregate.core.errors import UsageError

__all__ = ["Frequency", "Times"]

Times = NDArray[Any]
"""Timestamps as ``datetime64[us]`` or integer steps as ``int64``."""

_FIXED_US = {
    "us": 1,
    "ms": 1_000,
    "s": 1_000_000,
    "min": 60_000_000,
    "h": 3_600_000_000,
    "D": 86_400_000_000,
    "W": 604_800_000_000,
}

# alias -> (steps of the unit, unit). Upper-case M, Q, Y and A are pandas' period ends; lower-case are polars'.
_ALIASES: dict[str, tuple[int, str]] = {
    "us": (1, "us"), "U": (1, "us"), "ms": (1, "ms"), "L": (1, "ms"), "s": (1, "s"), "S": (1, "s"),
    "min": (1, "min"), "T": (1, "min"), "m": (1, "min"), "h": (1, "h"), "H": (1, "h"), "d": (1, "D"), "D": (1, "D"),
    "B": (1, "B"), "bd": (1, "B"), "w": (1, "W"), "W": (1, "W"),
    "mo": (1, "MS"), "MS": (1, "MS"), "M": (1, "ME"), "ME": (1, "ME"),
    "q": (3, "MS"), "QS": (3, "MS"), "Q": (3, "ME"), "QE": (3, "ME"),
    "y": (12, "MS"), "YS": (12, "MS"), "AS": (12, "MS"), "Y": (12, "ME"), "YE": (12, "ME"), "A": (12, "ME"),
}  # fmt: skip
_TEXT = re.compile(r"\s*([0-9]{0,18})\s*([A-Za-z]*)(?:-[A-Z]{3})?\s*")
_MONTH_NAMES = {1: ("MS", "ME"), 3: ("QS", "QE"), 12: ("YS", "YE")}
_EXAMPLES = "'h', '30min', 'D', 'B', 'W', 'MS', 'QS', 'YS' (pandas), '1h', '30m', '1mo' (polars) or an integer"


@dataclass(frozen=True)
class Frequency:
    """A regular step in time, such as an hour, five business days or three months.

    Examples:
        >>> Frequency.parse("30min")
        Frequency('30min')
        >>> Frequency.parse("1mo").shift(np.array(["2024-01-31"], "datetime64[us]"), 1)
        array(['2024-02-29T00:00:00.000000'], dtype='datetime64[us]')
        >>> Frequency.parse("h").seasons()
        (24, 168)
    """

    count: int
    """How many units make one step, at least 1."""
    unit: str
    """``step`` (integers), ``us ms s min h D W`` (fixed lengths), ``B`` (Monday to Friday), ``MS`` (months, keeping the
    day of the month) or ``ME`` (month ends). Quarters and years are 3 and 12 months."""

    def __post_init__(self) -> None:
        if self.count < 1:
            raise UsageError(f"freq must be a step of at least 1, but got {self.count}. Give one of {_EXAMPLES}.")

    def __repr__(self) -> str:
        return f"Frequency({self.alias!r})"

    @classmethod
    def parse(cls, freq: Frequency | str | int) -> Frequency:
        """Read a pandas or polars offset, or an integer step.

        Raises:
            UsageError: the text is not a frequency that Foregate knows.
        """
        if isinstance(freq, Frequency):
            return freq
        if isinstance(freq, (int, np.integer)) and not isinstance(freq, bool):
            return cls(int(freq), "step")
        match = _TEXT.fullmatch(freq) if isinstance(freq, str) else None
        if match and match[2] in _ALIASES:
            steps, unit = _ALIASES[match[2]]
            return cls(int(match[1] or 1) * steps, unit)
        if match and match[0].strip() == match[1] != "":
            return cls(int(match[1]), "step")
        raise UsageError(f"freq must be one of {_EXAMPLES}, but got {freq!r:.80}.")

    @property
    def alias(self) -> str | int:
        """The pandas alias, or the integer for integer time."""
        if self.unit == "step":
            return self.count
        if self.unit in ("MS", "ME"):
            for months in (12, 3, 1):
                if self.count % months == 0:
                    n = self.count // months
                    return f"{n if n > 1 else ''}{_MONTH_NAMES[months][self.unit == 'ME']}"
        return f"{self.count if self.count > 1 else ''}{self.unit}"

    @property
    def is_integer(self) -> bool:
        """Whether time is counted in integers instead of dates."""
        return self.unit == "step"

    @property
    def microseconds(self) -> int | None:
        """Length of a step; None for integers, working days and months, which have no fixed one."""
        return self.count * _FIXED_US[self.unit] if self.unit in _FIXED_US else None

    def shift(self, times: Times, steps: int | NDArray[np.int64]) -> Times:
        """Times `steps` steps later; the two broadcast against each other."""
        steps = np.asarray(steps, np.int64) * self.count
        if self.unit == "step":
            later: Times = np.asarray(times, np.int64) + steps
            return later
        times = np.asarray(times, "datetime64[us]")
        if self.unit in _FIXED_US:
            later = times + (steps * _FIXED_US[self.unit]).astype("timedelta64[us]")
            return later
        days = times.astype("datetime64[D]")
        clock = times - days
        if self.unit == "B":
            later = np.busday_offset(days, steps, roll="backward").astype("datetime64[us]") + clock
            return later
        months = days.astype("datetime64[M]")
        first = (months + steps).astype("datetime64[D]")
        last = (months + steps + 1).astype("datetime64[D]") - 1
        if self.unit == "ME":
            later = last.astype("datetime64[us]") + clock
            return later
        kept = first + (days - months.astype("datetime64[D]"))
        later = np.minimum(kept, last).astype("datetime64[us]") + clock
        return later

    def index(self, times: Times, start: Times) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Steps from `start` to each of `times` (floored), and whether each lies exactly on the grid."""
        if self.unit == "step":
            gap = np.asarray(times, np.int64) - np.asarray(start, np.int64)
            return gap // self.count, gap % self.count == 0
        times, start = np.asarray(times, "datetime64[us]"), np.asarray(start, "datetime64[us]")
        if self.unit in _FIXED_US:
            gap, step = (times - start).astype(np.int64), self.count * _FIXED_US[self.unit]
            return gap // step, gap % step == 0
        if self.unit == "B":
            steps = np.busday_count(start.astype("datetime64[D]"), times.astype("datetime64[D]")) // self.count
        else:
            months = (times.astype("datetime64[M]") - start.astype("datetime64[M]")).astype(np.int64)
            steps = months // self.count
        steps = np.asarray(steps, np.int64)
        reached = self.shift(start, steps)
        return steps - (reached > times), np.asarray(reached == times)  # a month or a day begun is not yet a step

    def seasons(self) -> tuple[int, ...]:
        """Season lengths that usually go with this frequency, in steps, shortest first; empty when there is none.

        A list of candidates: whether the data shows them is another question, answered by `foregate.data.seasons`.
        """
        if self.unit == "step":
            return ()
        if self.unit in ("MS", "ME"):
            return (12 // self.count,) if 12 % self.count == 0 and self.count < 12 else ()
        if self.unit == "B":
            return (5,) if self.count == 1 else ()
        step = self.count * _FIXED_US[self.unit]
        natural = ("min", "h", "D") if step < _FIXED_US["min"] else ("D", "W") if step < _FIXED_US["D"] else ()
        if step < _FIXED_US["D"]:
            lengths = [_FIXED_US[u] // step for u in natural if _FIXED_US[u] % step == 0]
            return tuple(n for n in lengths if n > 1)
        if step == _FIXED_US["D"]:
            return (7, 365)
        return (52,) if step == _FIXED_US["W"] else ()

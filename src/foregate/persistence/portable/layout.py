"""What is carried from one step of a portable graph to the next: a few arrays that begin as zeros.

Letters: B series, U = 2 kinds of units, W rows of a tape, N numbers that are carried of a kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from foregate.data.input_spec import InputSpec
from foregate.data.statistics import CARRIED, JUDGED, A
from foregate.persistence.tracing import Traced

__all__ = ["NEXT", "PHASES", "SERIES", "TAPE", "UNITS", "Carry", "fields", "packed", "state_of", "unpacked"]

NEXT = "next_"
"""What the graph of a step gives is called like what it takes, with this before it."""
TAPE = ("z", "season_mean 0", "season_mean 1", "profile 0", "profile 1", "profile 2", "profile 3")
"""What is kept of each of the latest rows, in each kind of units."""
PHASES = ("observed", "count 0", "count 1")
"""And in none."""
UNITS = 2
"""A series is carried in plain values and in logarithms, since any may change over to the former."""
SERIES = ("rows", "days", "plain", "read")
"""Rows since the first observation; days since 1970 at the latest of them; whether it is read in plain values; rows."""
LEAST_COUNT = 1e-300
"""Of what was ever seen, so that a count never fades to that of what was not."""


class Carry(NamedTuple):
    """An array of the state."""

    dtype: str
    """As NumPy calls it."""
    shape: tuple[int, ...]
    """Without the first axis, that of the series."""
    meaning: str
    """For people."""


def fields() -> dict[str, slice]:
    """Where each field of CARRIED lies among its numbers.

    Examples:
        >>> fields()["level"]
        slice(7, 8, None)
    """
    places = {}
    for name, (kind, begin, *_) in (CARRIED.fields or {}).items():
        places[name] = slice(begin // 8, (begin + kind.itemsize) // 8)
    return places


def state_of(spec: InputSpec, carries: int, width: int) -> dict[str, Carry]:
    """The arrays of the state, by their names, of networks that carry and say so many numbers."""
    W, N = spec.lookback + 1, CARRIED.itemsize // 8
    state = {
        "series": Carry("float64", (len(SERIES),), "Rows since the first observation, time of the latest, and units."),
        "statistics": Carry("float64", (UNITS, N), "Running averages and sums, in plain values and in logarithms."),
        "tape": Carry(
            "float32", (UNITS, len(TAPE), W), "The latest rows, the newest last, and what is known of seasons."
        ),
        "phases": Carry("float32", (len(PHASES), W), "Which of these rows were observed, and how often their phases."),
        "hidden": Carry("float32", (carries,), "What the recurrent network carries."),
        "output": Carry("float32", (width,), "What it said of the latest row."),
        "features": Carry("float32", (spec.n_features,), "What it was told of that row."),
    }
    ahead = sum(column.role == "future" for column in spec.columns)
    said = "The latest rows of what is known ahead, the newest last."
    return state | ({"known": Carry("float32", (ahead, W), said)} if ahead else {})


def unpacked(numbers: Traced) -> dict[str, Traced]:
    """What is carried, by the names of CARRIED: numbers (B, N) with zeros for what is not known."""
    places = fields().items()
    found = {name: numbers[:, at if at.stop - at.start > 1 else at.start] for name, at in places}
    nothing = found["seen"] <= 0
    found["least"] = np.where(nothing, np.inf, found["least"])
    found["most"] = np.where(nothing, -np.inf, found["most"])
    lacking = np.array([JUDGED.start <= i for i in range(A)]) & (found["bottom"] <= 0)
    found["average"] = np.where(lacking, np.nan, found["average"])
    return found


def packed(running: Mapping[str, Any]) -> Traced:
    """Numbers (B, N) after a row, with zeros for what is not known; see `unpacked`."""
    own = {name: each[:, 0] for name, each in running.items()}
    nothing, lacking = own["seen"] <= 0, np.isnan(own["average"])
    for name in ("least", "most"):
        own[name] = np.where(nothing, 0.0, own[name])
    own["bottom"] = np.where(lacking, 0.0, np.maximum(own["bottom"], LEAST_COUNT * (own["bottom"] > 0)))
    own["average"] = np.where(lacking, 0.0, own["average"])
    columns = [own[name] if own[name].ndim == 2 else own[name][:, None] for name in fields()]
    together: Traced = np.concatenate(columns, -1)
    return together

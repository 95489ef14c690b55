"""What a measurement gives: rows of one table."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["Options", "Row", "table"]


@dataclass(frozen=True)
class Options:
    """How long and how hard."""

    seconds: float = 60.0
    """That a load lasts."""
    rate: float = math.nan
    """Requests per second; not a number: as the figure says."""
    settings: dict[str, str] = field(default_factory=dict)
    """Of the service, see `benchmarks.service.server.running`."""


@dataclass(frozen=True)
class Row:
    """One figure."""

    what: str
    figure: str
    """What is promised."""
    got: str
    fine: bool


def table(rows: Sequence[Row]) -> str:
    """Markdown, with the load of the machine, without which the numbers mean little."""
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    lines = ["| what | figure | got | |", "|---|---|---|---|"]
    lines += [f"| {row.what} | {row.figure} | {row.got} | {'yes' if row.fine else 'NO'} |" for row in rows]
    return "\n".join([*lines, "", f"{os.cpu_count()} cores, load averages {load}."])

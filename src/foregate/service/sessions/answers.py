"""What becomes of a call of a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from foregate.core import Frequency
from foregate.service.forecasts.recording import Made, forecast_row
from foregate.service.sessions.residents import Step
from foregate.service.sessions.rows import Stored
from foregate.service.times import ahead, shown

__all__ = ["Said", "Stepped", "event_of", "kept_row", "said_again", "said_of"]


@dataclass(frozen=True)
class Said:
    """A forecast of a session."""

    series: str
    model: str
    version: int
    seq: int
    """Observations that it has read."""
    origin: int
    """Time of the last of them."""
    freq: Frequency
    quantiles: tuple[float, ...]
    values: NDArray[np.float32]
    """(K, Q) in the units of the series."""

    @property
    def times(self) -> list[int | str]:
        """Of the K steps, as they go out."""
        return ahead(self.origin, len(self.values), self.freq)


@dataclass(frozen=True)
class Stepped:
    """What became of a step."""

    series: str
    model: str
    version: int
    seq: int
    """Observations that the session has read; of one that came again, when that came first."""
    time: int
    """Of the last observation of the call."""
    freq: Frequency
    counts: dict[str, int]
    """See `foregate.service.observations.intake.OUTCOMES`."""
    said: Said | None
    """The forecast after it; None: none is made, or none can be yet."""


def said_of(stored: Stored, step: Step) -> Said | None:
    """What a session said; None where it said nothing."""
    if step.said is None or stored.time is None:
        return None
    freq, values = Frequency.parse(stored.freq), step.said.astype(np.float32)
    if not np.isfinite(values).all():
        return None
    return Said(stored.name, stored.model, stored.version, stored.seq, stored.time, freq, step.quantiles, values)


def kept_row(series: int, said: Said, scale: float | None, now: int) -> dict[str, Any]:
    """A forecast as the table holds it."""
    made = Made(said.model, said.version, said.origin, said.freq, said.quantiles, said.values, scale, "session")
    return forecast_row(series, made, now)


def said_again(row: Any, name: str, freq: Frequency, seq: int) -> Said:
    """A forecast that the table holds."""
    quantiles = tuple(msgspec.json.decode(row.quantiles))
    values = np.frombuffer(row.values, "<f4").reshape(row.horizon, len(quantiles)).astype(np.float32)
    return Said(name, row.model, row.version, seq, row.origin, freq, quantiles, values)


def event_of(said: Said, now: int) -> dict[str, Any]:
    """What is told of a new forecast."""
    data = {
        "series": said.series,
        "origin": shown(said.origin, said.freq),
        "seq": said.seq,
        "model": said.model,
        "version": said.version,
    }
    return {"at": now, "kind": "forecast", "subject": said.series, "data": data}

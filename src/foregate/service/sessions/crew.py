"""What all who work on sessions share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from foregate.core import Frequency
from foregate.forecasting.fitted import Fitted
from foregate.service.metrics import Metrics
from foregate.service.observations.catalog import Catalog
from foregate.service.sessions.residents import Key, Residents, key_of
from foregate.service.sessions.rows import Stored
from foregate.service.sessions.turns import Turns
from foregate.service.settings import IngestSettings
from foregate.service.store.database import Database

if TYPE_CHECKING:
    from foregate.service.forecasts.served import Served
    from foregate.service.registry.registry import Registry

__all__ = ["Crew"]


@dataclass(frozen=True)
class Crew:
    """The parts that sessions need."""

    database: Database
    served: Served
    """The models, and the thread that asks them."""
    registry: Registry
    settings: IngestSettings
    metrics: Metrics
    clock: Callable[[], int]
    """Microseconds since 1970."""
    catalog: Catalog
    """The series."""
    residents: Residents
    """The states in memory."""
    turns: Turns

    async def fitted(self, found: Sequence[Stored]) -> dict[Key, Fitted]:
        """The models of sessions."""
        fitted = {}
        for key in dict.fromkeys(map(key_of, found)):
            model, version, freq, season = key
            ready = await self.served.ready(model, version)
            fitted[key] = await self.served.run(ready.fitted, Frequency.parse(freq), season)
        return fitted

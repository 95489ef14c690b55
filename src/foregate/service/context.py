"""What a running service consists of: made once, handed to every call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from foregate.service.clock import now

if TYPE_CHECKING:
    from foregate.service.access.gate import Gate
    from foregate.service.forecasts.served import Served
    from foregate.service.metrics import Metrics
    from foregate.service.registry.registry import Registry
    from foregate.service.sessions.fleet import Fleet
    from foregate.service.settings import Settings
    from foregate.service.store.database import Database

__all__ = ["Service", "now"]


@dataclass
class Service:
    """The parts of a service."""

    settings: Settings
    database: Database
    access: Gate
    """Who asks, what they may do, and how often."""
    registry: Registry
    """Versions of models, and what they are called."""
    served: Served
    """The models that answer, and the thread that asks them."""
    fleet: Fleet
    """Live sessions."""
    metrics: Metrics
    clock: Callable[[], int] = now
    """Microseconds since 1970."""

"""What a running service consists of: made once, handed to every call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
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

__all__ = ["Check", "Service", "now"]


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
    checks: dict[str, Check] = field(default_factory=dict)
    """What must be well for the service to be ready, by name."""
    draining: bool = False
    """Whether it is about to stop: it answers what comes, and says that it is not ready."""


@dataclass(frozen=True)
class Check:
    """Something that must be well."""

    run: Callable[[], Awaitable[None]]
    """Raises where it is not."""
    vital: bool = True
    """Whether nothing works without; else the service is ready, but degraded."""

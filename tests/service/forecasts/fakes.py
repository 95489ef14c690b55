"""A registry of folders in memory, and a door that lets everybody in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from foregate.service.access.scopes import Principal
from foregate.service.api.app import create_app
from foregate.service.context import Service, now
from foregate.service.forecasts.routes import routes
from foregate.service.forecasts.served import Served
from foregate.service.metrics import Metrics
from foregate.service.problems import Problem
from foregate.service.settings import Settings


@dataclass(frozen=True)
class FakeVersion:
    """What the service needs to know of a version."""

    model: str
    version: int
    folder: Path


class FakeRegistry:
    """Versions by folder; aliases by hand."""

    def __init__(self) -> None:
        self.versions: dict[tuple[str, int], FakeVersion] = {}
        self.aliases: dict[tuple[str, str], int] = {}
        self.on_move: list[Callable[[str, str, Any], None]] = []

    def add(self, model: str, folder: Path, *aliases: str) -> FakeVersion:
        """One more version of a model, which aliases move to."""
        number = 1 + max((n for name, n in self.versions if name == model), default=0)
        made = self.versions[model, number] = FakeVersion(model, number, folder)
        for alias in aliases:
            self.move(model, alias, number)
        return made

    def move(self, model: str, alias: str, version: int) -> None:
        """Move an alias, and tell."""
        self.aliases[model, alias] = version
        for told in self.on_move:
            told(model, alias, self.versions[model, version])

    async def resolve(self, model: str, which: str | int = "champion") -> FakeVersion:
        """The version that is called so."""
        number = self.aliases.get((model, which)) if isinstance(which, str) else which
        if (model, number) not in self.versions:
            raise Problem(404, "no-such-version", f"the version must be there, but got {which!r} of {model!r}.")
        return self.versions[model, number]  # type: ignore[index]

    def open(self, version: FakeVersion) -> Path:
        """The folder of a version."""
        return version.folder


class OpenDoor:
    """Everybody may do everything."""

    async def authenticate(self, request: Any, *, public: bool) -> Principal:
        """An administrator."""
        return Principal("tester", frozenset({"admin"}))

    async def admit(self, principal: Principal, request: Any) -> None:
        """Always."""


def make_service(registry: FakeRegistry, settings: Settings | None = None) -> Service:
    """A service that forecasts, and does nothing else."""
    settings, metrics = settings or Settings(), Metrics()
    parts: dict[str, Any] = {"database": SimpleNamespace(), "fleet": SimpleNamespace(), "access": OpenDoor()}
    served = Served(registry, settings, metrics)  # type: ignore[arg-type]
    return Service(settings=settings, registry=registry, served=served, metrics=metrics, clock=now, **parts)  # type: ignore[arg-type]


def make_app(service: Service) -> Any:
    """Its application."""
    return create_app(service, [routes])

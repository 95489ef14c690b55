"""A registry of folders in memory, and small models in folders."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foregate.service.problems import Problem


@dataclass(frozen=True)
class FakeVersion:
    """What the models that are served need to know of a version."""

    model: str
    version: int
    folder: Path


class FakeRegistry:
    """Versions by folder; aliases by hand."""

    def __init__(self) -> None:
        self.versions: dict[tuple[str, int], FakeVersion] = {}
        self.called: dict[tuple[str, str], int] = {}
        self.on_move: list[Callable[[str, str, Any], None]] = []
        self.opened: list[int] = []

    def add(self, model: str, folder: Path, *aliases: str) -> FakeVersion:
        """One more version of a model, which aliases move to."""
        number = 1 + max((n for name, n in self.versions if name == model), default=0)
        made = self.versions[model, number] = FakeVersion(model, number, folder)
        for alias in aliases:
            self.move(model, alias, number)
        return made

    def move(self, model: str, alias: str, version: int) -> None:
        """Move an alias, and tell."""
        self.called[model, alias] = version
        for told in self.on_move:
            told(model, alias, self.versions[model, version])

    async def resolve(self, model: str, which: str | int = "champion") -> FakeVersion:
        """The version that is called so."""
        number = self.called.get((model, which)) if isinstance(which, str) else which
        found = self.versions.get((model, number or 0))
        if found is None:
            raise Problem(404, "no-such-version", f"the version must be there, but got {which!r} of {model!r}.")
        return found

    def open(self, version: FakeVersion) -> Path:
        """The folder of a version."""
        self.opened.append(version.version)
        return version.folder

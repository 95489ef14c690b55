"""What is known of models, as rows and as values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from foregate.core import listed
from foregate.service.names import WORD
from foregate.service.problems import Problem

__all__ = ["Move", "Named", "Version", "no_such", "require_alias", "require_name", "require_served"]

NAME = re.compile(WORD)


@dataclass(frozen=True)
class Version:
    """A model that was registered: it never changes."""

    model: str
    version: int
    """From 1."""
    sha256: str
    """Of the model as one file."""
    size: int
    """Bytes of that file."""
    facts: Mapping[str, Any]
    """What the model says of itself; ``kind`` is ``model``, or ``pretrained`` for any horizon and season."""
    metrics: Mapping[str, Any]
    """How it was scored."""
    reference: bytes | None
    """What its training inputs and errors looked like, for drift."""
    source: str
    """shipped, upload or job:NUMBER."""
    created_at: int
    """Microseconds since 1970."""
    created_by: str

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Version:
        """From a row of ``model_versions``."""
        said = {name: msgspec.json.decode(row[name]) for name in ("facts", "metrics")}
        return cls(**{**row, **said})

    @property
    def is_pretrained(self) -> bool:
        """Whether it forecasts any series, horizon and season without having been trained on them."""
        return self.facts.get("kind") == "pretrained"


@dataclass(frozen=True)
class Named:
    """A model: its versions go by its name."""

    name: str
    created_at: int
    versions: int
    """How many there are."""
    aliases: Mapping[str, int]
    """Alias -> version."""


@dataclass(frozen=True)
class Move:
    """An alias was moved."""

    id: int
    model: str
    alias: str
    before: int | None
    """Version; None: there was no such alias."""
    after: int | None
    """Version; None: it was taken away."""
    actor: str
    reason: str
    at: int
    """Microseconds since 1970."""


def require_name(name: str) -> None:
    """Refuse what cannot be the name of a model.

    Raises:
        Problem: 422.

    Examples:
        >>> require_name("demand.v2")
    """
    if not NAME.fullmatch(name):
        raise Problem(
            422,
            "invalid-name",
            f"a name must be 1 to 64 of a-z, 0-9, '.', '_' and '-', and begin with a letter or digit, but got "
            f"{name[:80]!r}. Choose another.",
        )


def require_served(facts: Mapping[str, Any]) -> None:
    """Refuse a model that a service cannot ask: a stored series, a session and a history have one target each.

    Args:
        facts: of the model.

    Raises:
        Problem: 422.

    Examples:
        >>> require_served({"kind": "model", "targets": []})
    """
    targets = facts.get("targets")
    if targets:
        detail = (
            f"a model must have one target to be served, but got one of {len(targets)}, {listed(targets)}. Fit a model "
            "for each of them; the others may be covariates."
        )
        raise Problem(422, "several-targets", detail)


def require_alias(name: str) -> None:
    """Refuse what cannot be an alias: a name, but no number, which would be a version.

    Raises:
        Problem: 422.
    """
    require_name(name)
    if name.isdigit():
        raise Problem(422, "invalid-name", f"an alias must not be a number, but got {name!r}. Choose another.")


def no_such(model: str, which: str | int | None = None) -> Problem:
    """404: there is no such model, alias or version."""
    if which is None:
        return Problem(404, "no-such-model", f"model must be one that is registered, but got {model[:80]!r}.")
    what = f"{str(which)[:80]!r} of model {model[:80]!r}"
    return Problem(404, "no-such-version", f"the version must be a number or an alias that is there, but got {what}.")

"""What a principal may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

__all__ = ["SCOPES", "Principal", "Scope", "granted"]

Scope = Literal["read", "forecast", "write", "train", "metrics", "admin"]
"""read: see series, models, errors and drift; forecast: ask for forecasts; write: send observations, open sessions;
train: start training, move aliases, upload models; metrics: what the service counts of itself; admin: keys, settings,
audit log. None contains another, but admin contains all."""
SCOPES: tuple[Scope, ...] = get_args(Scope)


@dataclass(frozen=True)
class Principal:
    """Who asks."""

    name: str
    """Of the key or the token's subject; it counts for limits and is written into the audit log."""
    scopes: frozenset[str]

    def may(self, scope: Scope) -> bool:
        """Whether it has a scope."""
        return scope in self.scopes or "admin" in self.scopes


def granted(asked: frozenset[str], held: frozenset[str]) -> frozenset[str]:
    """What may be passed on of some scopes: those that are held; admin holds all.

    Examples:
        >>> sorted(granted(frozenset({"read", "train"}), frozenset({"read"})))
        ['read']
    """
    return asked & frozenset(SCOPES) if "admin" in held else asked & held

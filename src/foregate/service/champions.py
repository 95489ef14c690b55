"""What metrics say of the versions that answer: how old each is, and how often and why another took its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, select

from foregate.service.store.tables import alias_events, aliases, model_versions

if TYPE_CHECKING:
    from foregate.service.context import Service

__all__ = ["Champions"]

CHAMPION = "champion"


class Champions:
    """Looks at champions again and again; moves are counted from the first look on."""

    def __init__(self) -> None:
        self._last: int | None = None

    async def __call__(self, service: Service) -> None:
        """Count the moves since the last look, and tell the age of every champion."""
        moves, made, newest = await service.database.read(self._seen)
        for model, actor, reason in moves:
            service.metrics.swaps.labels(model, why(actor, reason)).inc()
        self._last = newest
        service.metrics.model_age.clear()  # of a model without a champion nothing is told
        for model, at in made:
            service.metrics.model_age.labels(model).set((service.clock() - at) / 1e6)

    def _seen(self, connection: Connection) -> tuple[list[tuple[str, str, str]], list[tuple[str, int]], int]:
        """Moves, when each champion was registered, and the number of the newest move."""
        E, A, V = alias_events.c, aliases.c, model_versions.c
        newest = int(connection.scalar(select(func.coalesce(func.max(E.id), 0))) or 0)
        since = newest if self._last is None else self._last
        moved = select(E.model, E.actor, E.reason).where(E.alias == CHAMPION, E.id > since, E.id <= newest)
        there = (V.model == A.model) & (V.version == A.version)
        champions = select(V.model, V.created_at).join(aliases, there).where(A.alias == CHAMPION)
        made = [(row.model, row.created_at) for row in connection.execute(champions)]
        return [(row.model, row.actor, row.reason) for row in connection.execute(moved)], made, newest


def why(actor: str, reason: str) -> str:
    """The kind of a move, of which there are few.

    Examples:
        >>> why("job:7", "rolled back: version 1 made 0.8"), why("job:7", "promoted: 0.9 of it"), why("key:me", "x")
        ('rollback', 'promotion', 'request')
    """
    if actor.startswith("job:"):
        return "rollback" if reason.startswith("rolled back") else "promotion"
    return "shipped" if actor == "foregate" else "request"

"""What the registry reads and writes in the database, as pieces of work for `Database`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from foregate.service.problems import Problem
from foregate.service.registry.blobs import Blob
from foregate.service.registry.records import Move, Named, Version, no_such
from foregate.service.store import tables
from foregate.service.store.statements import emit, insert

__all__ = [
    "Also",
    "Besides",
    "Entry",
    "Kept",
    "Step",
    "add",
    "add_shipped",
    "aliases",
    "blob",
    "checksums",
    "history",
    "models",
    "move",
    "nothing",
    "shipped",
    "version",
    "versions",
]

CHAMPION = "champion"
Also = Callable[[Connection], None]
"""What is done in the same transaction."""
Besides = Callable[[Connection, Version], None]
"""The same, with the version that is made in it."""
V, A, E = tables.model_versions.c, tables.aliases.c, tables.alias_events.c


@dataclass(frozen=True)
class Entry:
    """What is to be registered."""

    model: str
    metrics: Mapping[str, Any]
    reference: bytes | None
    source: str
    actor: str
    alias: str | None
    """That is moved to it."""


@dataclass(frozen=True)
class Kept:
    """A model whose file is kept."""

    blob: Blob
    facts: Mapping[str, Any]
    at: int
    """Microseconds since 1970."""


@dataclass(frozen=True)
class Step:
    """A move of an alias."""

    model: str
    alias: str
    version: int | None
    """Where to; None: the alias is taken away."""
    actor: str
    reason: str
    at: int


def nothing(connection: Connection, version: Version | None = None) -> None:
    """What is done besides, where nothing is."""


def add(connection: Connection, entry: Entry, kept: Kept, also: Besides = nothing) -> tuple[Version, int]:
    """A new version, and the revision of the alias that was moved to it."""
    _lock(connection, entry.model, kept.at)
    newest = connection.scalar(select(func.max(V.version)).where(V.model == entry.model))
    row = {
        "model": entry.model,
        "version": int(newest or 0) + 1,
        "sha256": kept.blob.sha256,
        "size": kept.blob.size,
        "facts": _json(kept.facts),
        "metrics": _json(entry.metrics),
        "reference": entry.reference,
        "source": entry.source,
        "created_at": kept.at,
        "created_by": entry.actor,
    }
    connection.execute(tables.model_versions.insert(), row)
    made, revision = Version.of(row), 0
    if entry.alias is not None:
        step = Step(entry.model, entry.alias, made.version, entry.actor, f"registered by {entry.source}", kept.at)
        revision = move(connection, step)
    also(connection, made)
    return made, revision


def add_shipped(connection: Connection, entry: Entry, kept: Kept) -> Version:
    """The version that came with the program, made if it is not there; the champion, where that came with it too."""
    _lock(connection, entry.model, kept.at)
    there = shipped(connection, entry.model, kept.blob.sha256) or add(connection, entry, kept)[0]
    champion = connection.scalar(select(A.version).where(A.model == entry.model, A.alias == CHAMPION))
    before = None if champion is None else version(connection, entry.model, champion)
    if before is None or (before.source == "shipped" and before.version < there.version):
        move(connection, Step(entry.model, CHAMPION, there.version, entry.actor, "came with the program", kept.at))
    return there


def move(connection: Connection, step: Step, *, revision: int | None = None) -> int:
    """Move an alias, with its history and an event; its new revision.

    Raises:
        Problem: 404: there is no such version, or no alias to be taken away; 412: the alias has another revision.
    """
    _lock(connection, step.model)
    here = (A.model == step.model, A.alias == step.alias)
    row = connection.execute(select(A.version, A.revision).where(*here)).one_or_none()
    before, current = (None, 0) if row is None else (int(row.version), int(row.revision))
    if step.version is None and row is None:
        raise no_such(step.model, step.alias)
    if step.version is not None and version(connection, step.model, step.version) is None:
        raise no_such(step.model, step.version)
    if revision is not None and revision != current:
        detail = (
            f"the alias {step.alias} must have the revision {revision}, but got {current}. Look again, then decide."
        )
        raise Problem(412, "moved-meanwhile", detail, revision=current, version=before)
    if before == step.version:
        return current
    said = {"before": before, "after": step.version, "actor": step.actor, "reason": step.reason}
    connection.execute(tables.alias_events.insert(), {"model": step.model, "alias": step.alias, "at": step.at, **said})
    emit(connection, [{"at": step.at, "kind": "alias", "subject": step.model, "data": {"alias": step.alias, **said}}])
    if step.version is None:
        connection.execute(tables.aliases.delete().where(*here))
        return 0
    # Counted over its history, so that an alias that was taken away and comes back has no revision that it had before.
    counted = connection.scalar(
        select(func.count()).select_from(tables.alias_events).where(E.model == step.model, E.alias == step.alias)
    )
    new = insert(connection, tables.aliases).values(
        model=step.model, alias=step.alias, version=step.version, revision=counted
    )
    put = {"version": new.excluded.version, "revision": new.excluded.revision}
    connection.execute(new.on_conflict_do_update(index_elements=["model", "alias"], set_=put))
    return int(counted or 0)


def models(connection: Connection) -> list[Named]:
    """All models, by name."""
    M = tables.models.c
    named: dict[str, dict[str, int]] = {}
    for (model, alias), (number, _) in aliases(connection).items():
        named.setdefault(model, {})[alias] = number
    counts = (
        select(M.name, M.created_at, func.count(V.version).label("versions"))
        .select_from(tables.models.join(tables.model_versions, V.model == M.name))
        .group_by(M.name, M.created_at)
        .order_by(M.name)
    )
    return [
        Named(row.name, row.created_at, row.versions, named.get(row.name, {})) for row in connection.execute(counts)
    ]


def versions(connection: Connection, model: str, most: int | None = None) -> list[Version]:
    """Versions of a model, the newest last."""
    found = select(tables.model_versions).where(V.model == model).order_by(V.version).limit(most)
    return [Version.of(dict(row)) for row in connection.execute(found).mappings()]


def version(connection: Connection, model: str, number: int) -> Version | None:
    """One version."""
    found = select(tables.model_versions).where(V.model == model, V.version == number)
    row = connection.execute(found).mappings().one_or_none()
    return None if row is None else Version.of(dict(row))


def shipped(connection: Connection, model: str, sha256: str) -> Version | None:
    """The version that came with the program, by its file."""
    found = select(tables.model_versions).where(V.model == model, V.sha256 == sha256, V.source == "shipped")
    row = connection.execute(found.order_by(V.version).limit(1)).mappings().one_or_none()
    return None if row is None else Version.of(dict(row))


def aliases(connection: Connection) -> dict[tuple[str, str], tuple[int, int]]:
    """Model and alias -> version and revision, of all."""
    found = connection.execute(select(A.model, A.alias, A.version, A.revision))
    return {(row.model, row.alias): (row.version, row.revision) for row in found}


def history(connection: Connection, model: str) -> list[Move]:
    """Every move of an alias, the newest first."""
    found = select(tables.alias_events).where(E.model == model).order_by(E.id.desc())
    return [Move(**row) for row in connection.execute(found).mappings()]


def checksums(connection: Connection) -> set[str]:
    """Of every file that a version names."""
    return set(connection.scalars(select(V.sha256).distinct()))


def blob(version: Version) -> Blob:
    """The file of a version."""
    return Blob(version.sha256, version.size)


def _lock(connection: Connection, model: str, at: int | None = None) -> None:
    """Whoever adds or moves something of a model does it alone; the model is made where a time is given."""
    if at is not None:
        new = insert(connection, tables.models).values(name=model, created_at=at)
        connection.execute(new.on_conflict_do_nothing(index_elements=["name"]))
    connection.execute(select(tables.models.c.name).where(tables.models.c.name == model).with_for_update())


def _json(value: Mapping[str, Any]) -> str:
    return msgspec.json.encode(value).decode()

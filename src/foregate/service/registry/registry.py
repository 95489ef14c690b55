"""The registry: immutable versions of models, what they are called, and who moved a name when and why.

A name such as ``champion`` is an alias: one row, moved in one transaction with a row of history. Which version answers
is known in memory; moves that other processes make are seen within a second.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection

from foregate.core.errors import ForegateError
from foregate.persistence import pack_folder, shipped_facts, shipped_folder
from foregate.service.clock import now
from foregate.service.problems import Problem
from foregate.service.registry import rows
from foregate.service.registry.blobs import Blob, Blobs, Draft
from foregate.service.registry.examine import examine_apart
from foregate.service.registry.opened import Opened, folder_checksum
from foregate.service.registry.records import Move, Named, Version, no_such, require_alias, require_name, require_served
from foregate.service.registry.rows import Also, Besides, Entry, nothing
from foregate.service.store.backup import backup
from foregate.service.store.database import Database, Work
from foregate.service.store.failures import told

__all__ = ["CHAMPION", "PRETRAINED", "Registry", "Version"]

CHAMPION, PRETRAINED = "champion", "pretrained"
POLL_SECONDS = 1.0
MOST_BYTES = 512 << 20
"""Of one model."""
Examine = Callable[[Path, int], Awaitable[dict[str, Any]]]
Listener = Callable[[str, str, Version], object]
T = TypeVar("T")


class Registry:
    """Models by name, version and alias.

    Args:
        database: with its tables, see `foregate.service.store.migrate`.
        folder: of the models' files; is made.
        clock: microseconds since 1970.
        most_bytes: that one model may have.
        blobs: where files are kept; below the folder, unless others are given.
        examine: what says whether a file is a model, and what one; see `examine_apart`.

    Raises:
        StoreError: the folder cannot be made.
    """

    def __init__(
        self,
        database: Database,
        folder: Path,
        clock: Callable[[], int] = now,
        *,
        most_bytes: int = MOST_BYTES,
        blobs: Blobs | None = None,
        examine: Examine = examine_apart,
    ) -> None:
        self.database, self.clock, self.most_bytes = database, clock, most_bytes
        self.blobs = blobs or Blobs(folder)
        self._folders, self._examine = Opened(self.blobs, folder / "open"), examine
        self.on_move: list[Listener] = []
        """Called on the event loop with model, alias and version when an alias has moved, here or elsewhere."""
        self._aliases: dict[tuple[str, str], tuple[int, int]] = {}  # version and revision
        self._versions: dict[tuple[str, int], Version] = {}
        self._moves = 0
        self._poll: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Learn what is called how, and follow what other processes move."""
        await self.refresh()
        if self._poll is None:
            self._poll = asyncio.create_task(self._follow(), name="registry-poll")

    async def stop(self) -> None:
        """Follow no longer."""
        if self._poll is not None:
            self._poll.cancel()
            with suppress(asyncio.CancelledError):
                await self._poll
            self._poll = None

    async def register(
        self,
        model: str,
        folder: Path,
        *,
        metrics: Mapping[str, Any] | None = None,
        reference: bytes | None = None,
        source: str,
        actor: str,
        alias: str | None = None,
    ) -> Version:
        """Keep a model as the next version of its name.

        Args:
            model: the name.
            folder: that `foregate.Forecaster.save` wrote.
            metrics: how it was scored.
            reference: what its training inputs and errors looked like.
            source: shipped, upload or job:NUMBER.
            actor: who wants it.
            alias: that is moved to it in the same moment.

        Raises:
            Problem: 422: a name is none.
            ArtifactError: the folder is no model that can be used.
            StoreError: the disk or the database fails; there is no such version then.
        """
        entry = Entry(model, metrics or {}, reference, source, actor, alias)
        with told():  # the folder may be on a disk that fails
            return await self._keep(entry, lambda draft: asyncio.to_thread(_write_all, draft, folder))

    async def receive(
        self,
        model: str,
        stream: AsyncIterator[bytes],
        *,
        actor: str,
        alias: str | None = None,
        also: Besides = nothing,
    ) -> Version:
        """See `register`; the model comes as one file, see `foregate.persistence.pack_folder`.

        What is to be done `also` is done in the same transaction.
        """
        entry = Entry(model, {}, None, "upload", actor, alias)

        async def written(draft: Draft) -> None:
            async for piece in stream:
                if draft.size + len(piece) > self.most_bytes:
                    detail = f"a model must have at most {self.most_bytes:,} bytes, but got more."
                    raise Problem(413, "body-too-large", detail, limit=self.most_bytes)
                await asyncio.to_thread(draft.write, piece)

        return await self._keep(entry, written, also)

    async def models(self) -> list[Named]:
        """All models, by name."""
        return await self.database.read(rows.models)

    async def versions(self, model: str) -> list[Version]:
        """All versions of a model, the newest last.

        Raises:
            Problem: 404.
        """
        found = await self.database.read(lambda connection: rows.versions(connection, model))
        if not found:
            raise no_such(model)
        return found

    async def resolve(self, model: str, which: str | int = CHAMPION) -> Version:
        """A version by its number or an alias; what was asked for once is known in memory.

        Raises:
            Problem: 404.
        """
        known = self._known(model, which)
        if known is None:
            await self.refresh()
            number = self._number(model, which)
            known = await self._version(model, number) if number else None
        if known is None:
            there = await self.database.read(lambda connection: rows.versions(connection, model, 1))
            raise no_such(model, which) if there else no_such(model)
        return known

    async def aliases(self, model: str) -> dict[str, tuple[int, int]]:
        """Alias -> version and revision, as the database has them now.

        Raises:
            Problem: 404: there is no such model.
        """
        await self.versions(model)
        await self.refresh()
        return self.known_aliases(model)

    def known_aliases(self, model: str) -> dict[str, tuple[int, int]]:
        """Alias -> version and revision, as this process knows them: its own moves, and those of others soon after."""
        return {alias: found for (name, alias), found in self._aliases.items() if name == model}

    async def move(
        self,
        model: str,
        alias: str,
        version: int,
        *,
        actor: str,
        reason: str,
        revision: int | None = None,
        also: Also = nothing,
    ) -> int:
        """Give a version a name, in place of the one that has it.

        Args:
            model: the name.
            alias: ``champion`` answers where nothing else is asked for.
            version: its number.
            actor: who wants it.
            reason: why.
            revision: that the alias must have, 0 if it must not be there; None: whatever it has.
            also: is done in the same transaction.

        Returns:
            The alias's new revision; the same one if nothing was to be moved.

        Raises:
            Problem: 404: there is no such version; 412: the alias has another revision; 422: the name is none.
        """
        require_alias(alias)
        step = rows.Step(model, alias, version, actor, reason, self.clock())
        there = await self._version(model, version)  # now: nothing may fail any more once it is committed

        def work(connection: Connection) -> int:
            also(connection)
            return rows.move(connection, step, revision=revision)

        moved = await self.database.write(work)
        self._moved(alias, there, moved)
        return moved

    async def remove(
        self, model: str, alias: str, *, actor: str, reason: str, revision: int | None = None, also: Also = nothing
    ) -> None:
        """Take an alias away; the version stays.

        Raises:
            Problem: 404: there is none; 412: it has another revision.
        """
        step = rows.Step(model, alias, None, actor, reason, self.clock())

        def work(connection: Connection) -> None:
            also(connection)
            rows.move(connection, step, revision=revision)

        await self.database.write(work)
        self._moves += 1
        self._aliases.pop((model, alias), None)

    async def history(self, model: str) -> list[Move]:
        """Every move of an alias of a model, the newest first.

        Raises:
            Problem: 404.
        """
        await self.versions(model)
        return await self.database.read(lambda connection: rows.history(connection, model))

    def open(self, version: Version) -> Path:
        """The folder of a model, as it was registered to the byte; takes as long as reading it.

        Raises:
            ArtifactError: its file is damaged or gone.
            StoreError: the disk fails.
        """
        return self._folders.open(rows.blob(version))

    def packed(self, version: Version) -> Path:
        """The file of a model, as it was registered to the byte; takes as long as reading it.

        Raises:
            ArtifactError: it is damaged or gone.
        """
        return self.blobs.verify(rows.blob(version))

    async def ensure_shipped(self, size: str = "tiny") -> Version:
        """The pretrained model that came with this version of Foregate is there, and champion unless another one is.

        Where the champion is one that came with an earlier version, it moves on.
        """
        folder = shipped_folder(size)
        entry = Entry(PRETRAINED, {}, None, "shipped", "foregate", None)
        sha256 = await asyncio.to_thread(folder_checksum, folder)
        there = await self.database.read(lambda connection: rows.shipped(connection, PRETRAINED, sha256))
        if there is None:
            blob = await asyncio.to_thread(self.blobs.put, pack_folder(folder))
            kept = rows.Kept(blob, _shipped(size, folder), self.clock())
            there = await self.database.write(self._with(blob, lambda c: rows.add_shipped(c, entry, kept)))
            await self.refresh()
        return there

    async def refresh(self) -> None:
        """See what other processes have moved."""
        while True:
            moves = self._moves
            found = await self.database.read(rows.aliases)
            if moves == self._moves:  # otherwise what was read may be older than what was moved here
                break
        changed = [(key, each) for key, each in found.items() if self._aliases.get(key) != each]
        gone = self._aliases.keys() - found.keys()
        for key, (number, _) in changed:
            await self._version(key[0], number)
        if moves != self._moves:
            return
        for key in gone:
            del self._aliases[key]
        for (model, alias), each in changed:
            self._aliases[model, alias] = each
            self._tell(model, alias, self._versions[model, each[0]])

    def backup(self, target: Path) -> None:
        """Copy the database and all models into a new folder that a service can be started on; see `store.backup`.

        Raises:
            UsageError: the folder is there, or the database is one of PostgreSQL.
            StoreError: the disk fails; there is no copy then.
        """
        backup(self.database, target, self.blobs.files(), self.blobs.folder, self.blobs.disk)

    async def sweep(self) -> list[str]:
        """Take away files that no version names, and that are a day old."""
        known = await self.database.read(rows.checksums)
        gone = await asyncio.to_thread(self.blobs.sweep, known)
        return gone + await asyncio.to_thread(self._folders.sweep, known)

    async def _keep(self, entry: Entry, write: Callable[[Draft], Awaitable[None]], also: Besides = nothing) -> Version:
        require_name(entry.model)
        if entry.alias is not None:
            require_alias(entry.alias)
        draft = await asyncio.to_thread(self.blobs.draft)
        try:
            await write(draft)
            await asyncio.to_thread(draft.finish)
            facts = await self._examine(draft.path, self.most_bytes)
            require_served(facts)
            kept = rows.Kept(await asyncio.to_thread(draft.keep), facts, self.clock())
            added = self._with(kept.blob, lambda c: rows.add(c, entry, kept, also))
            version, revision = await self.database.write(added)
        finally:
            draft.drop()
        self._versions[version.model, version.version] = version
        if entry.alias is not None:
            self._moved(entry.alias, version, revision)
        return version

    def _with(self, blob: Blob, work: Work[T]) -> Work[T]:
        def required(connection: Connection) -> T:
            self.blobs.require(connection, blob)
            return work(connection)

        return required

    async def _version(self, model: str, number: int) -> Version | None:
        known = self._versions.get((model, number))
        if known is None:
            known = await self.database.read(lambda connection: rows.version(connection, model, number))
            if known is not None:
                self._versions[model, number] = known
        return known

    def _moved(self, alias: str, version: Version | None, revision: int) -> None:
        """It is committed: what is known here follows, unless something newer is known already."""
        self._moves += 1
        if version is None:  # it was made in the moment before: the next look at the database finds it
            return
        model = version.model
        if self._aliases.get((model, alias), (0, 0))[1] < revision:
            self._aliases[model, alias] = (version.version, revision)
            self._tell(model, alias, version)

    def _number(self, model: str, which: str | int) -> int | None:
        if isinstance(which, int) or (which.isascii() and which.isdigit()):
            number = int(which) if len(str(which)) < 10 else 0
            return number if number > 0 else None
        return self._aliases.get((model, which), (None, 0))[0]

    def _known(self, model: str, which: str | int) -> Version | None:
        number = self._number(model, which)
        return None if number is None else self._versions.get((model, number))

    def _tell(self, model: str, alias: str, version: Version) -> None:
        for listener in list(self.on_move):
            with suppress(Exception):  # what one of them thinks of it stops neither the others nor the move
                listener(model, alias, version)

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            with suppress(ForegateError):  # the database may come back
                await self.refresh()


def _write_all(draft: Draft, folder: Path) -> None:
    for piece in pack_folder(folder):
        draft.write(piece)


def _shipped(size: str, folder: Path) -> dict[str, Any]:
    weights = hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()[:8]
    return {"kind": "pretrained", "size": size, "weights": weights, "trained": dict(shipped_facts(size))}

"""The files of models in the database: where a server holds it, every process of it finds them there.

A file is cut into pieces, so that it is in memory nowhere as a whole, and nobody waits long behind a piece that is
being written. The pieces are committed first; the row that names the file is committed only where all of them are
there, in one transaction with looking. What was written or read lies in the data folder as well, a cache: it is
compared with its checksum before it is used, and fetched again where it is damaged or gone.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, func, select, update

from foregate.core import ArtifactError
from foregate.service.clock import now as microseconds
from foregate.service.registry.blobs import LITTER_SECONDS, PIECE, Blob, Blobs, Draft
from foregate.service.store.database import Database
from foregate.service.store.disk import Disk
from foregate.service.store.failures import StoreError, told
from foregate.service.store.statements import insert
from foregate.service.store.tables import model_pieces, model_versions

if TYPE_CHECKING:
    from foregate.service.settings import Settings

__all__ = ["SharedBlobs", "blobs_of"]

P = model_pieces.c


def blobs_of(settings: Settings, database: Database, folder: Path) -> Blobs:
    """Where files of models are: in the database if that is on a server and nothing else is set, or in the folder."""
    if database.dialect == "sqlite" or settings.keep.models_in_folder:
        return Blobs(folder, settings.keep.models_bytes)
    return SharedBlobs(database, folder, settings.keep.models_bytes)


class SharedBlobs(Blobs):
    """Files that are in the database, and for a while in a folder too.

    Args:
        database: with its tables.
        folder: the cache; is made.
        most_bytes: that all files may have together.
        disk: the calls that are made in the folder.
    """

    lasting = False

    def __init__(self, database: Database, folder: Path, most_bytes: int = 1 << 40, disk: Disk | None = None) -> None:
        super().__init__(folder, most_bytes, disk)
        self.database = database

    def used(self) -> int:
        """Bytes of all files in the database."""
        size = select(func.coalesce(func.sum(func.length(P.content)), 0))
        return int(self.database.read_now(lambda connection: connection.scalar(size)) or 0)

    def share(self, blob: Blob) -> None:
        """Put a file of the folder into the database, in place of the same one."""
        with told(), self.path(blob.sha256).open("rb") as file:
            for number in count():
                piece = file.read(PIECE)
                if not piece:
                    return
                self.database.write_now(partial(_put, blob.sha256, number, piece))

    def require(self, connection: Connection, blob: Blob) -> None:
        """Fail unless all of a file is in the database; nobody takes it away until the transaction ends."""
        connection.execute(update(model_pieces).where(P.sha256 == blob.sha256).values(at=microseconds()))
        size = select(func.coalesce(func.sum(func.length(P.content)), 0)).where(P.sha256 == blob.sha256)
        if connection.scalar(size) != blob.size:
            raise StoreError(f"the model {blob.sha256:.12} must be in the database, but is not whole. Try again.")

    def verify(self, blob: Blob) -> Path:
        """Where a file is, with every byte as it was written; fetched if need be.

        Raises:
            ArtifactError: it is not in the database, or damaged there.
            StoreError: the database or the disk fails.
        """
        path = self.path(blob.sha256)
        with suppress(OSError):
            os.utime(path)  # it is in use
        try:
            return super().verify(blob)
        except ArtifactError:
            self._fetch(blob)
            return path

    def sweep(self, known: Iterable[str], now: Callable[[], float] = time.time) -> list[str]:
        """Take away what is a day old: from the database what no row names, from the folder what nobody used."""
        del known  # it is looked up in the same moment
        before = int((now() - LITTER_SECONDS) * 1e6)
        gone = self.database.write_now(partial(_sweep, before))
        return gone + super().sweep((), now)

    def _fetch(self, blob: Blob) -> None:
        """Copy a file from the database into the folder."""
        draft = Draft(self, blob.size)
        try:
            for number in count():
                piece = self.database.read_now(partial(_piece, blob.sha256, number))
                if piece is None:
                    break
                if draft.size + len(piece) > blob.size:
                    raise _damaged(blob)
                draft.write(piece)
            if draft.size == 0:
                raise ArtifactError(f"the model {blob.sha256:.12} must be in the database, but is not. Restore it.")
            if draft.finish() != blob:
                raise _damaged(blob)
            draft.keep(share=False)
        finally:
            draft.drop()


def _put(sha256: str, number: int, piece: bytes, connection: Connection) -> None:
    new = insert(connection, model_pieces).values(sha256=sha256, number=number, content=piece, at=microseconds())
    put = {"content": new.excluded.content, "at": new.excluded.at}
    connection.execute(new.on_conflict_do_update(index_elements=["sha256", "number"], set_=put))


def _piece(sha256: str, number: int, connection: Connection) -> bytes | None:
    found = connection.scalar(select(P.content).where(P.sha256 == sha256, P.number == number))
    return None if found is None else bytes(found)


def _sweep(before: int, connection: Connection) -> list[str]:
    named = select(model_versions.c.sha256)
    gone = delete(model_pieces).where(P.at < before, P.sha256.not_in(named)).returning(P.sha256)
    return sorted(set(connection.scalars(gone)))


def _damaged(blob: Blob) -> ArtifactError:
    return ArtifactError(
        f"the model {blob.sha256:.12} must be in the database as it was written, but is damaged. Restore it."
    )

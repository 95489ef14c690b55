"""Files that are named by their checksum: there is all of one, or nothing.

A file is written under a temporary name, synced, renamed, and its folder synced; only then may a row name it. What no
row names is litter, which `sweep` takes away; nothing that a row names can be half there.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from foregate.core import ArtifactError
from foregate.service.store.disk import Disk
from foregate.service.store.failures import StoreError, told

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["Blob", "Blobs", "Draft"]

SHA256 = re.compile(r"[0-9a-f]{64}")
PIECE = 1 << 20
LITTER_SECONDS = 86_400.0
"""What no row names is taken away when it is older: it may belong to a registration that is still on its way."""


@dataclass(frozen=True)
class Blob:
    """A file that is kept."""

    sha256: str
    size: int
    """Bytes."""


class Blobs:
    """A folder of such files.

    Args:
        folder: is made.
        most_bytes: that all of them may have together.
        disk: the calls that are made.
    """

    lasting = True
    """Whether the folder is where they are kept, and not a copy."""

    def __init__(self, folder: Path, most_bytes: int = 1 << 40, disk: Disk | None = None) -> None:
        self.folder, self.most_bytes, self.disk = folder, most_bytes, disk or Disk()
        self._kept, self._drafts = folder / "sha256", folder / "tmp"
        with told():
            for each in (self._kept, self._drafts):
                self.disk.make(each)

    def draft(self) -> Draft:
        """A file that is being written.

        Raises:
            StoreError: the disk is full, or fails.
        """
        return Draft(self, self.most_bytes - self.used())

    def put(self, pieces: Iterable[bytes]) -> Blob:
        """Keep a file.

        Raises:
            StoreError: the disk is full, or fails.
        """
        draft = self.draft()
        try:
            for piece in pieces:
                draft.write(piece)
            return draft.keep()
        finally:
            draft.drop()

    def share(self, blob: Blob) -> None:
        """A file that was kept here is seen by all who should see it: they see the folder."""

    def require(self, connection: Connection, blob: Blob) -> None:
        """Fail unless a file is where all find it, in the transaction that names it; here it is since `keep`."""

    def path(self, sha256: str) -> Path:
        """Where a file is."""
        if not SHA256.fullmatch(sha256):
            raise ArtifactError(f"a file must be named by its SHA-256, but got {sha256!r:.80}.")
        return self._kept / sha256[:2] / sha256

    def verify(self, blob: Blob) -> Path:
        """Where a file is, if every byte is as it was written.

        Raises:
            ArtifactError: it is not there, or damaged.
        """
        path = self.path(blob.sha256)
        try:
            with path.open("rb") as file:
                found = checksum(file.read, blob.size)
        except OSError as error:
            raise ArtifactError(f"the model {blob.sha256:.12} must be there, but got: {error}. Restore it.") from error
        if found != blob.sha256:
            raise ArtifactError(f"the model {blob.sha256:.12} must be as it was written, but is damaged. Restore it.")
        return path

    def files(self) -> Iterator[Path]:
        """All files, as they are when they are asked for."""
        yield from self._kept.glob("??/*")

    def used(self) -> int:
        """Bytes of all files."""
        return sum(path.stat().st_size for path in self.files())

    def sweep(self, known: Iterable[str], now: Callable[[], float] = time.time) -> list[str]:
        """Take away what is named by nobody, and what was never finished, where it is a day old.

        Args:
            known: checksums that rows name.
            now: seconds since 1970.

        Returns:
            The names of what was taken away.
        """
        keep, gone = set(known), []
        for path in (*self.files(), *self._drafts.iterdir()):
            with suppress(FileNotFoundError):
                if path.name not in keep and now() - path.stat().st_mtime > LITTER_SECONDS:
                    if path.is_dir():  # where somebody looked at a model, and was stopped
                        shutil.rmtree(path)
                    else:
                        self.disk.remove(path)
                    gone.append(path.name)
        return gone


class Draft:
    """A file that is being written, and nobody sees yet.

    Args:
        blobs: what it shall be one of.
        left: bytes that it may have.
    """

    def __init__(self, blobs: Blobs, left: int) -> None:
        self.path = blobs._drafts / secrets.token_hex(16)
        self._blobs, self._disk = blobs, blobs.disk
        self._hash, self.size, self._kept = hashlib.sha256(), 0, False
        self._left = left
        with told():
            self._file: int | None = self._disk.create(self.path)

    def write(self, piece: bytes) -> None:
        """Write on.

        Raises:
            StoreError: the disk is full, or fails, or there are more models than may be.
        """
        self.size += len(piece)
        if self.size > self._left:
            raise StoreError(
                f"models must have at most {self._blobs.most_bytes:,} bytes together, but got more. Raise the limit.",
                full=True,
            )
        self._hash.update(piece)
        with told():
            self._disk.write(self._open(), piece)

    def finish(self) -> Blob:
        """All of it is written, and lasts; it can be looked at under `path`.

        Raises:
            StoreError: the disk is full, or fails.
        """
        if self._file is not None:
            with told():
                self._disk.sync(self._file)
                file, self._file = self._file, None
                self._disk.close(file)
        return Blob(self._hash.hexdigest(), self.size)

    def keep(self, *, share: bool = True) -> Blob:
        """Give it its name.

        Args:
            share: whether others shall see it, see `Blobs.share`.

        Raises:
            StoreError: the disk is full, or fails.
        """
        blob = self.finish()
        target = self._blobs.path(blob.sha256)
        with told():
            self._disk.make(target.parent)
            self._disk.rename(self.path, target)  # in place of the same one: it is as young as its newest registration
            self._disk.sync_folder(target.parent)
        self._kept = True
        if share:
            self._blobs.share(blob)
        return blob

    def drop(self) -> None:
        """Take it away, if it was not kept."""
        with suppress(OSError):
            if self._file is not None:
                self._disk.close(self._file)
                self._file = None
        if not self._kept:
            with suppress(OSError):
                self._disk.remove(self.path)

    def _open(self) -> int:
        if self._file is None:
            raise StoreError("a file must be open to be written, but got one that is finished.")
        return self._file


def checksum(read: Callable[[int], bytes], size: int) -> str | None:
    """SHA-256 of what is read, or None if it has another size."""
    digest, left = hashlib.sha256(), size
    while piece := read(min(PIECE, left + 1)):
        left -= len(piece)
        if left < 0:
            return None
        digest.update(piece)
    return digest.hexdigest() if left == 0 else None

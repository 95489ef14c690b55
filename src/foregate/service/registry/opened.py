"""Models as folders to be loaded from: unpacked from their files once, and compared to the byte when they are used."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from foregate.core.errors import ForegateError
from foregate.persistence import pack_folder, unpack_folder
from foregate.service.registry.blobs import LITTER_SECONDS, Blob, Blobs
from foregate.service.store.failures import told

__all__ = ["Opened", "folder_checksum"]


class Opened:
    """The folders of models that are in use.

    Args:
        blobs: their files.
        folder: where the folders are; is made.
    """

    def __init__(self, blobs: Blobs, folder: Path) -> None:
        self.blobs, self.folder = blobs, folder
        self._known: dict[str, Path] = {}
        self._one = threading.Lock()

    def open(self, blob: Blob) -> Path:
        """The folder of a model; takes as long as reading it, the first time.

        Raises:
            ArtifactError: its file is damaged or gone.
            StoreError: the disk fails.
        """
        with self._one:
            found = self._known.get(blob.sha256)
            if found is None or not found.is_dir():
                with told():
                    found = self._known[blob.sha256] = self._open(blob)
            with suppress(OSError):
                os.utime(found)  # it is in use
            return found

    def sweep(self, known: Iterable[str], now: Callable[[], float] = time.time) -> list[str]:
        """Take away folders of models that are no longer, and what was left half unpacked, a day old; see `Blobs`.

        Where the files of models are elsewhere, so are folders that nobody has used for a day.
        """
        keep, gone = set(known) if self.blobs.lasting else set(), []
        for path in self.folder.iterdir() if self.folder.is_dir() else ():
            with suppress(OSError):
                if path.name not in keep and now() - path.stat().st_mtime > LITTER_SECONDS:
                    shutil.rmtree(path)
                    gone.append(path.name)
        return gone

    def _open(self, blob: Blob) -> Path:
        """Unpack a model, unless it lies there as it must be."""
        target = self.folder / blob.sha256
        with suppress(ForegateError, OSError):
            if target.is_dir() and folder_checksum(target) == blob.sha256:
                return target
        packed = self.blobs.verify(blob)
        fresh = self.folder / f"{blob.sha256}.{secrets.token_hex(4)}"
        fresh.mkdir(parents=True)
        try:
            unpack_folder(packed, fresh, most_bytes=blob.size)
            shutil.rmtree(target, ignore_errors=True)  # it was damaged
            with suppress(OSError):  # another process was faster: what it put there is as good
                fresh.rename(target)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        return target


def folder_checksum(folder: Path) -> str:
    """SHA-256 of a model's folder as one file.

    Raises:
        ArtifactError: it is no model's folder.
        OSError: it cannot be read.
    """
    digest = hashlib.sha256()
    for piece in pack_folder(folder):
        digest.update(piece)
    return digest.hexdigest()

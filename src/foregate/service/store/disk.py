"""The calls by which files are kept, in one place: so that tests can let each of them fail, or the power with it."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["Disk"]


class Disk:
    """A disk: what is written and synced lasts, and names last when their folder is synced."""

    def make(self, folder: Path) -> None:
        """Make a folder and those above it; their names last."""
        missing = [each for each in (folder, *folder.parents) if not each.exists()]
        for each in reversed(missing):
            self.make_one(each)
            self.sync_folder(each.parent)

    def make_one(self, folder: Path) -> None:
        """Make a folder in one that is there, unless somebody else just did."""
        folder.mkdir(exist_ok=True)

    def create(self, path: Path) -> int:
        """Open a new file to write into."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def write(self, file: int, content: bytes) -> None:
        """Write all of it."""
        left = memoryview(content)
        while left:
            left = left[os.write(file, left) :]

    def sync(self, file: int) -> None:
        """What was written lasts from here on."""
        os.fsync(file)

    def close(self, file: int) -> None:
        """Let go of a file."""
        os.close(file)

    def rename(self, old: Path, new: Path) -> None:
        """Give a file or folder another name, in place of a file that has it."""
        old.rename(new)

    def sync_folder(self, folder: Path) -> None:
        """The names in a folder last from here on."""
        file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(file)
        finally:
            os.close(file)

    def remove(self, path: Path) -> None:
        """Remove a file, if it is there."""
        path.unlink(missing_ok=True)

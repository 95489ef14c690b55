"""What was done since a snapshot, a line each, so that whoever is killed can do it again."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from foregate.core import ArtifactError, UsageError

__all__ = ["Journal", "digest"]

SCHEMA = 1
"""Changes whenever a line changes its meaning."""
AFTER = "after"
"""The key of lines that name the snapshot which holds all that stands above them."""
LOCKED = 1 << 62
"""The byte that is locked on Windows, where nobody can read what is: far beyond the end."""


def digest(snapshot: bytes) -> str:
    """What a journal calls a snapshot."""
    return hashlib.sha256(snapshot).hexdigest()


class Journal:
    """A file of lines that each have a checksum, a number, and an object of JSON; held by one process at a time.

    The first line names the snapshot that the others follow. Before the next snapshot is put in place a line names
    that one too, so that whichever of both is there after a crash, the journal says what comes after it. The lock is
    the operating system's, and ends with the process however that ends.

    Args:
        path: the file; made if it is not there.
        fsync: wait for the disk after every line, which then outlives a loss of power too, instead of for the
            operating system only.

    Raises:
        UsageError: another process, or another journal of this one, holds the file.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     journal = Journal(Path(folder, "a.journal"))
        ...     journal.begin(None)
        ...     journal.append({"op": "update", "rows": {"ds": 1, "y": 2.5}})
        ...     journal.close()
        ...     again = Journal(Path(folder, "a.journal"))
        ...     print(list(again.entries(None)))
        ...     again.close()
        [{'op': 'update', 'rows': {'ds': 1, 'y': 2.5}}]
    """

    def __init__(self, path: Path, *, fsync: bool = False) -> None:
        self.path = path
        self.torn = 0
        """Bytes of a last line that was never finished, and is left out."""
        self._fsync = fsync
        self._next = 1
        self._file: int | None = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o666)
        try:
            _lock(self._file)
        except OSError:
            os.close(self._file)
            raise UsageError(
                f"a state must be carried by one process at a time, but got {str(path)!r}, which is held by another. "
                "Wait until that one has ended, or give another file."
            ) from None

    def entries(self, snapshot: str | None) -> Iterator[dict[str, Any]]:
        """What was done after a snapshot, in order.

        Args:
            snapshot: its digest; None where there is none.

        Raises:
            ArtifactError: a line is damaged or missing, or the journal follows another snapshot.
        """
        found = self._lines()
        starts = [i for i, entry in enumerate(found) if AFTER in entry and entry[AFTER] == snapshot]
        if not starts and any(AFTER not in entry for entry in found):
            raise ArtifactError(
                f"{self.path} must follow the snapshot beside it, but it follows another one, or that one is gone. Put "
                "the file of the state back that belongs to it, or delete it to go on without what stands in it."
            )
        return (entry for entry in found[starts[-1] if starts else 0 :] if AFTER not in entry)

    def begin(self, snapshot: str | None) -> None:
        """Start anew after a snapshot that holds all there is, or after nothing."""
        os.ftruncate(self.require_open(), 0)
        self.mark(snapshot)

    def mark(self, snapshot: str | None) -> None:
        """Name a snapshot that holds all that stands above; to be done before it is put in place."""
        self.append({AFTER: snapshot, "schema": SCHEMA})
        os.fsync(self.require_open())

    def append(self, entry: Mapping[str, Any] | str) -> None:
        """Write a line; when this returns, the operating system has it, or with `fsync` the disk.

        Args:
            entry: what JSON can hold, or the text of that.

        Raises:
            OSError: it cannot be written; the journal is closed, since a part of it may have been.
        """
        file = self.require_open()
        text = entry if isinstance(entry, str) else json.dumps(entry)
        numbered = f"{self._next} {text}".encode()
        line = b"%08x %b\n" % (zlib.crc32(numbered), numbered)
        try:
            while line:
                line = line[os.write(file, line) :]
            if self._fsync:
                os.fsync(file)
        except BaseException:
            self.close()
            raise
        self._next += 1

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    @property
    def closed(self) -> bool:
        """Whether it was let go of, or could not be written."""
        return self._file is None

    def require_open(self) -> int:
        """The file.

        Raises:
            UsageError: it was let go of, or could not be written.
        """
        if self._file is None:
            raise UsageError(f"{str(self.path)!r} must be open to be written, but got it closed. Open the state anew.")
        return self._file

    def _lines(self) -> list[dict[str, Any]]:
        """All entries; a torn last line is cut off."""
        file = self.require_open()
        content = self.path.read_bytes()
        whole, _, last = content.rpartition(b"\n")
        lines = whole.split(b"\n") if whole else []
        if lines and b"\0" in lines[-1]:  # a page that the disk had not got yet when its power went
            last = lines.pop() + b"\n" + last
        if last:
            self.torn = len(last)
            os.ftruncate(file, len(content) - len(last))
        found: list[dict[str, Any]] = []
        first = 0
        for i, line in enumerate(lines):
            number, entry = self._entry(line, i)
            first = first or number
            if number != first + i:
                self._refuse(i, f"number {number} where {first + i} was to come")
            found.append(entry)
        self._next = first + len(found) if first else 1
        return found

    def _entry(self, line: bytes, i: int) -> tuple[int, dict[str, Any]]:
        try:
            checksum, _, numbered = line.partition(b" ")
            if int(checksum, 16) != zlib.crc32(numbered):
                raise ValueError
            number, _, text = numbered.partition(b" ")
            entry = json.loads(text)
        except ValueError:
            self._refuse(i, "what does not match its checksum")
        if i == 0 and entry.get("schema") != SCHEMA:
            raise ArtifactError(
                f"{self.path} must be of version {SCHEMA}, but got {entry.get('schema')!r}. Use the version of "
                "Foregate that wrote it."
            )
        return int(number), entry

    def _refuse(self, i: int, what: str) -> NoReturn:
        raise ArtifactError(
            f"every line of {self.path} must be as it was written, but got {what} in line {i + 1}. Put the file back "
            "from a copy, or delete it to go on from the snapshot beside it, without what was observed since."
        )


if sys.platform == "win32":

    def _lock(file: int) -> None:
        import msvcrt

        os.lseek(file, LOCKED, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)

else:

    def _lock(file: int) -> None:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

"""The folder of a model as one file, and back: a tar archive that can be written in one way only.

The same model is the same bytes, so that a checksum names it; and what is not byte for byte what would be written here
is refused: no other names, links, folders, owners, dates, gaps or appendices. ``tar --format=ustar --sort=name
--owner=0 --group=0 --numeric-owner --mode=0644 --mtime=@0 -cf model.tar *`` in the folder of a model writes it too.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from foregate.core import ArtifactError
from foregate.persistence.folder import MANIFEST

__all__ = ["pack_folder", "unpack_folder"]

NAME = re.compile(r"model\.json|history\.safetensors|([1-9][0-9]{0,2}-)?(weights\.safetensors|(en|de)coder\.onnx)")
"""The files that a model consists of."""
MOST = 3002
BLOCK, RECORD = 512, 10240
"""Bytes of what an archive is made of: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html."""
PIECE = 1 << 20
LARGEST_MANIFEST = 64 << 20
"""Bytes."""


def pack_folder(folder: Path) -> Iterator[bytes]:
    """The one file of a model's folder, in pieces.

    Raises:
        ArtifactError: there is something in the folder that is no part of a model.
        OSError: it cannot be read.
    """
    there = sorted(path.name for path in folder.iterdir())
    total = 0
    for name in there:
        path = folder / name
        if not NAME.fullmatch(name) or path.is_symlink() or not path.is_file():
            raise ArtifactError(f"a model must consist of its own files, but got {name!r} in {folder}. Take it out.")
        size = path.stat().st_size
        yield _header(name, size)
        read = 0
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                read += len(piece)
                yield piece
        if read != size:
            raise ArtifactError(f"{path} must not change while it is read, but it did. Try again.")
        yield bytes(-size % BLOCK)
        total += BLOCK + size + -size % BLOCK
    _require_model(there)
    yield _end(total)


def unpack_folder(packed: Path, folder: Path, *, most_bytes: int) -> None:
    """Write the files of a model that `pack_folder` made one of.

    Args:
        packed: the file.
        folder: an empty one. What is in it is of no use where this fails.
        most_bytes: that all files may have together.

    Raises:
        ArtifactError: it is damaged, or of something else.
        OSError: it cannot be read, or the files not written.
    """
    with packed.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > most_bytes:
            raise ArtifactError(f"a model must have at most {most_bytes:,} bytes, but got {size:,}.")
        there: list[str] = []
        while (block := _exactly(file, BLOCK)) != bytes(BLOCK):
            name, length = _member(block, there, size - file.tell())
            there.append(name)
            with (folder / name).open("xb") as out:
                _copy(file, out, length)
            if any(_exactly(file, -length % BLOCK)):
                raise _other(f"other bytes than zeros behind {name}")
        _require_model(there)
        rest = _end(file.tell() - BLOCK)[BLOCK:]
        if file.read(len(rest) + 1) != rest:
            raise _other("another end")


def _member(block: bytes, there: list[str], left: int) -> tuple[str, int]:
    """Name and size that a header says, if it is as it would be written."""
    raw = block[:100].rstrip(b"\0")
    name = raw.decode("ascii", "replace")
    if not NAME.fullmatch(name):
        raise _other(f"the file {name!r:.60}")
    if there and name <= there[-1]:
        raise _other(f"{name} after {there[-1]}")
    if len(there) >= MOST:
        raise _other("more files")
    digits = block[124:135]
    if not re.fullmatch(rb"[0-7]{11}", digits):
        raise _other(f"the size {digits!r} of {name}")
    length = int(digits, 8)
    if block != _header(name, length):
        raise _other(f"{name} with other owners, rights, dates or links")
    if length > left or (name == MANIFEST and length > LARGEST_MANIFEST):
        raise _other(f"{length:,} bytes of {name}")
    return name, length


def _header(name: str, size: int) -> bytes:
    """What stands before the content of a file."""
    if size >= 8**11:
        raise ArtifactError(f"a file of a model must have less than 8 GiB, but got {size:,} bytes of {name}.")
    zeros = b"0000000\0"
    before = name.encode().ljust(100, b"\0") + b"0000644\0" + zeros + zeros + b"%011o\0" % size + b"0" * 11 + b"\0"
    after = b"0" + bytes(100) + b"ustar\0" + b"00" + bytes(64) + zeros + zeros + bytes(167)
    checksum = sum(before) + 8 * ord(" ") + sum(after)
    return before + b"%06o\0 " % checksum + after


def _end(total: int) -> bytes:
    """What stands behind `total` bytes: at least two empty blocks."""
    end = 2 * BLOCK
    return bytes(end + -(total + end) % RECORD)


def _require_model(there: list[str]) -> None:
    if MANIFEST not in there:
        raise ArtifactError(f"a model must have the file {MANIFEST}, but got {', '.join(there) or 'nothing'!r:.200}.")


def _exactly(file: BinaryIO, count: int) -> bytes:
    read = file.read(count)
    if len(read) != count:
        raise _other("an early end")
    return read


def _copy(file: BinaryIO, out: BinaryIO, count: int) -> None:
    while count:
        piece = file.read(min(PIECE, count))
        if not piece:
            raise _other("an early end")
        out.write(piece)
        count -= len(piece)


def _other(what: str) -> ArtifactError:
    return ArtifactError(
        f"the file must be a model's folder as one, as Foregate packs it, but got {what}. "
        "Pack the folder by foregate.persistence.pack_folder."
    )

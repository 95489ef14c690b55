"""A folder of files that belong together: written whole or not at all, and read only as it was written.

The manifest, `model.json`, is written last. It holds a document, the size and SHA-256 of every other file, and the
SHA-256 of its own other lines, so that no byte of these files can change unnoticed.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from foregate.core import ArtifactError, UsageError, listed
from foregate.core.files import write_atomically
from foregate.core.processes import leads

__all__ = [
    "MANIFEST",
    "Document",
    "Kind",
    "marks",
    "put",
    "read_folder",
    "render",
    "require_replaceable",
    "write_folder",
]

Document = dict[str, Any]
"""What JSON can say."""


class Kind(NamedTuple):
    """What a folder holds."""

    noun: str
    """As messages have it."""
    manifest: str
    """The file that says what it is and lists the others."""
    format: str
    """What that file says first."""


MODEL = Kind("a model", "model.json", "foregate model")
MANIFEST, FORMAT = MODEL.manifest, MODEL.format
LARGEST_MANIFEST = 2**28
"""Bytes. A manifest holds names and a few thousand numbers."""
ANEW = "Save the model anew, or take a sound copy."


def write_folder(folder: Path, document: Document, files: Mapping[str, bytes], *, overwrite: bool) -> None:
    """Write a folder under a temporary name beside it, sync it, and move it into place.

    Of several processes that `torchrun` has started only the first one writes.

    Args:
        folder: where to; folders above it are made. Of a link, what it points to.
        document: what the manifest says, see `render`.
        files: name -> content of every other file.
        overwrite: whether a model that is there may be replaced. Whatever fails, it stays.

    Raises:
        UsageError: the document is not JSON.
        ArtifactError: the folder is there, and `overwrite` is false; it holds something else than a model, or cannot be
            written.
    """
    if not leads():
        return
    folder = Path(os.path.realpath(folder))
    require_replaceable(folder, overwrite=overwrite)
    manifest = render({"format": FORMAT, **document, "files": marks(files)})
    put(folder, {**files, MANIFEST: manifest})


def put(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Put files in the place of a folder, all of them or none; what was there stays if that fails.

    Raises:
        ArtifactError: they cannot be written.
    """
    new, aside = (folder.parent / f".foregate-{secrets.token_hex(6)}.tmp" for _ in range(2))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        new.mkdir()
        for name, content in contents.items():
            write_atomically(new / name, content)
        _sync(new)
        _swap(new, folder, aside)
    except OSError as error:
        raise ArtifactError(
            f"{listed(contents)} must be written to {folder}, but got: {error}. Nothing that was there has changed."
        ) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
    shutil.rmtree(aside, ignore_errors=True)


def read_folder(
    folder: Path, names_of: Callable[[Document], tuple[str, ...]], upgrade: Callable[[Document], Document]
) -> tuple[Document, dict[str, bytes]]:
    """Read a folder, if every byte is as it was written.

    Args:
        folder: where from.
        names_of: the files that must be there beside the manifest, by what it says.
        upgrade: brings a document of an older version up to date, and refuses one of a newer.

    Raises:
        ArtifactError: says what is wrong with which file.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ArtifactError(f"a model must be a folder, but got {folder}, which is {_what(folder)}. Check the path.")
    raw = _read(folder / MANIFEST, None)
    document = upgrade(_parse(folder / MANIFEST, raw))
    if raw != _seal(raw[2 : 2 - len(_seal(b""))]):
        raise ArtifactError(f"{folder / MANIFEST} must be as it was written, but got other content. {ANEW}")
    names = names_of(document)
    known = _marks(folder, document, names)
    files = {name: _read(folder / name, known[name]["bytes"]) for name in names}
    for name in names:
        if _mark(files[name]) != known[name]:
            raise ArtifactError(
                f"{folder / name} must have the checksum {known[name]['sha256']!r:.14}…, but got another. {ANEW}"
            )
    return document, files


def render(document: Document) -> bytes:
    """A document as JSON, one line per entry, and its SHA-256 in the last.

    Raises:
        UsageError: it holds something that JSON cannot say, such as infinity.
    """
    try:
        lines = [f"{json.dumps(k)}: {json.dumps(v, allow_nan=False, default=_plain)}" for k, v in document.items()]
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(
            f"what is saved with a model must be plain text, finite numbers, lists and mappings, but got: {error}. "
            "Leave it out."
        ) from error
    return _seal(",\n".join(lines).encode())


def _seal(lines: bytes) -> bytes:
    """The lines in braces, with their checksum as the last."""
    return b"{\n" + lines + f',\n"seal": "{hashlib.sha256(lines).hexdigest()}"\n}}\n'.encode()


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{value!r:.80} of type {type(value).__name__}")


def marks(files: Mapping[str, bytes]) -> Document:
    """Size and checksum of each file."""
    return {name: _mark(content) for name, content in files.items()}


def _mark(content: bytes) -> Document:
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _parse(path: Path, raw: bytes, kind: Kind = MODEL) -> Document:
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{path} must be JSON, but got a damaged file ({error}). {ANEW}") from error
    if not isinstance(document, dict) or document.get("format") != kind.format:
        raise ArtifactError(f"{path} must be of a {kind.format.capitalize()}, but got something else. Check the path.")
    return document


def _marks(folder: Path, document: Document, names: tuple[str, ...]) -> dict[str, Document]:
    """Size and checksum of each file; nothing but the expected names is ever opened."""
    known = document.get("files")
    if not isinstance(known, dict) or set(known) != set(names):
        found = listed(known) if isinstance(known, dict) else type(known).__name__
        raise ArtifactError(f"{folder / MANIFEST} must list the files {listed(names)}, but got {found}. {ANEW}")
    for name, mark in known.items():
        if not isinstance(mark, dict) or set(mark) != {"bytes", "sha256"} or not isinstance(mark["bytes"], int):
            raise ArtifactError(f"{folder / MANIFEST} must give size and checksum of {name}, but got {mark!r:.80}.")
    return known


def _read(path: Path, size: int | None) -> bytes:
    """The content of a regular file that has the given size, or that of a manifest."""
    if not path.is_file():
        raise ArtifactError(f"a model must have the file {path}, but got none. {ANEW}")
    try:
        there = path.stat().st_size
        if size is None and there > LARGEST_MANIFEST:
            raise ArtifactError(f"{path} must have at most {LARGEST_MANIFEST} bytes, but got {there}. Check the path.")
        if size is not None and there != size:
            raise ArtifactError(f"{path} must have {size} bytes, but got {there}. {ANEW}")
        return path.read_bytes()
    except OSError as error:
        raise ArtifactError(f"{path} must be readable, but got: {error}.") from error


def require_replaceable(folder: Path, *, overwrite: bool, kind: Kind = MODEL) -> None:
    """Refuse a folder that a model cannot be written to: nothing is deleted but what a model is made of.

    Args:
        folder: where to.
        overwrite: whether what is there may be replaced.
        kind: what is to be written, if it is no model.

    Raises:
        ArtifactError: the folder is there, and `overwrite` is false or it holds something else than a model.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not overwrite:
        raise ArtifactError(
            f"the folder of {kind.noun} must be new, but got {folder}, which is there already. "
            f"Give another, or overwrite=True to replace {kind.noun.replace('a ', 'the ', 1)} in it."
        )
    if not folder.is_dir():
        raise ArtifactError(
            f"only {kind.noun} can be replaced, but got {folder}, which is a file. Give another folder."
        )
    own = _parse(folder / kind.manifest, _read(folder / kind.manifest, None), kind).get("files")
    strangers = {path.name for path in folder.iterdir()} - {kind.manifest, *(own if isinstance(own, dict) else ())}
    if strangers:
        raise ArtifactError(
            f"only {kind.noun} can be replaced, but got {folder} with {listed(sorted(strangers))} in it. "
            "Move that elsewhere, or give another folder."
        )


def _swap(new: Path, folder: Path, aside: Path) -> None:
    """Put `new` in the place of `folder`, and what was there `aside`; all as before if that fails."""
    try:
        if folder.exists():
            folder.rename(aside)
        new.rename(folder)
        _sync(folder.parent)
    except BaseException:
        if not new.exists():
            folder.rename(new)
        if aside.exists():
            aside.rename(folder)
        raise


def _sync(folder: Path) -> None:
    """Make the names in a folder last, where the system lets one open folders."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _what(path: Path) -> str:
    return "a file" if path.exists() else "not there"

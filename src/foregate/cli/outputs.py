"""Files that belong together: all of them are put in place, or what was there before stays."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

__all__ = ["check_place", "staged"]


def check_place(
    out: Path, names: Sequence[str] = (), *, model: Path | None = None, overwrite: bool, option: str = "--out"
) -> None:
    """Refuse a place that cannot be written to, or that holds what would be lost, before any work is done.

    Args:
        out: where results will go: a folder that holds `names`, or one file or folder where there are none.
        names: files and folders that will be written into `out`.
        model: which of these is the folder of a model.
        overwrite: whether these may be replaced.
        option: by which the place was named.

    Raises:
        UsageError: says what is in the way.
        ArtifactError: something else than a model stands where the model is to be.
    """
    from foregate.core import UsageError, listed
    from foregate.persistence import require_replaceable

    above = out.absolute().parent
    if not above.is_dir():
        raise UsageError(f"{option} must be in a folder that exists, but {str(out.parent)!r} does not. Make it first.")
    if names and out.exists() and not out.is_dir():
        raise UsageError(f"{option} must be a folder, but {str(out)!r} is a file. Give another name.")
    into = out if names and out.is_dir() else above
    if not os.access(into, os.W_OK | os.X_OK):
        raise UsageError(f"{option} must be writable, but {str(into)!r} is not. Give another place.")
    there = [path for path in ([out / name for name in names] or [out]) if path.exists()]
    if there and not overwrite:
        raise UsageError(
            f"{option} must not hold results already, but {listed(there)} {'are' if len(there) > 1 else 'is'} there. "
            "Give another name, or --overwrite to replace them."
        )
    if model is not None:
        require_replaceable(model, overwrite=True)


@contextmanager
def staged(out: Path, names: Sequence[str]) -> Iterator[Path]:
    """An empty folder to write `names` into; when the block ends, they are moved into the folder `out`.

    What `out` has of these names is gone then, other files stay. If anything goes wrong, in the block or in moving,
    `out` is as it was before. Of several processes that `torchrun` has started only the first one moves anything.

    Raises:
        ForegateError: writing failed, for example since the disk is full.
    """
    from foregate.core import ForegateError
    from foregate.core.processes import leads

    if not leads():
        with tempfile.TemporaryDirectory() as nowhere:
            yield Path(nowhere)
        return
    above = out if out.is_dir() else out.absolute().parent
    temporary = above / f".foregate-{secrets.token_hex(6)}.tmp"
    try:
        temporary.mkdir()
        new = temporary / "new"
        new.mkdir()
        yield new
        for path in new.rglob("*"):
            _sync(path)
        if out.is_dir():
            _move(new, temporary, out, names)
        else:
            new.rename(out)
        _sync(out)
    except OSError as error:
        raise ForegateError(
            f"results must be written to {str(out)!r}, but got: {error.strerror or error}. Nothing that was there has "
            "changed."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _move(new: Path, temporary: Path, out: Path, names: Sequence[str]) -> None:
    """Swap the old for the new one by one, and back again if one of the moves fails."""
    old = temporary / "old"
    old.mkdir()
    moves: list[tuple[Path, Path]] = []
    try:
        for name in names:
            for here, there in ((out / name, old / name), (new / name, out / name)):
                if here.exists():
                    moves.append((here, there))  # before it is done: an interrupt may come right after
                    here.rename(there)
    except BaseException:
        for here, there in reversed(moves):
            if there.exists() and not here.exists():
                there.rename(here)
        raise


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

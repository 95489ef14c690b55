"""A model from elsewhere is looked at in a process of its own, which can do little and is stopped when it takes long.

What is found there are plain facts; nothing of what was read goes further if anything is wrong with it.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from foregate.core import ArtifactError
from foregate.core.errors import ForegateError

__all__ = ["examine_apart", "main"]

SECONDS = 120.0
ADDRESSES = 3 << 30
"""Bytes of address space beside those for the model itself; the runtime reserves much and uses little."""
COPIES = 12
"""As many times the size of a model may be in memory."""
FILES = 256
ANSWER = 1 << 20
FORBIDDEN = (
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
    "pickle.",
    "socket.connect",
    "subprocess.",
)
"""Events of Python's audit, by how they begin, that no model has a reason for."""


async def examine_apart(packed: Path, most_bytes: int) -> dict[str, Any]:
    """The facts of a packed model; see `outline_of`.

    Args:
        packed: one file, see `foregate.persistence.pack_folder`.
        most_bytes: that it may have.

    Raises:
        ArtifactError: it is no model that can be used; says why.
    """
    with tempfile.TemporaryDirectory(dir=packed.resolve().parent, prefix="examine-") as folder:
        command = (sys.executable, "-P", "-m", __name__, str(packed.resolve()), folder, str(most_bytes))
        process = await asyncio.create_subprocess_exec(
            *command,
            env=_environment(),
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(SECONDS):
                assert process.stdout is not None
                said = await process.stdout.read(ANSWER)
                code = await process.wait()
        except TimeoutError:
            raise ArtifactError(f"a model must be read in {SECONDS:g} s, but took longer. Refuse it.") from None
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return _facts(code, said)


def main(arguments: Sequence[str]) -> int:
    """What the process does: facts as JSON to the standard output, or what is wrong."""
    packed, folder, most_bytes = Path(arguments[0]), Path(arguments[1]), int(arguments[2])
    from foregate.persistence import outline_of, unpack_folder

    _limit(packed.stat().st_size)
    try:
        unpack_folder(packed, folder, most_bytes=most_bytes)
        _allow_no_writing()
        said: dict[str, Any] = {"facts": outline_of(folder)}
    except (ForegateError, MemoryError) as error:
        said = {"wrong": str(error).replace(str(folder), "the model") or "it must fit into memory, but did not"}
    sys.stdout.buffer.write(msgspec.json.encode(said))
    return 0


def _facts(code: int, said: bytes) -> dict[str, Any]:
    try:
        answer = msgspec.json.decode(said, type=dict[str, Any])
    except (msgspec.DecodeError, msgspec.ValidationError):
        answer = {}
    if code == 0 and isinstance(answer.get("facts"), dict):
        facts: dict[str, Any] = answer["facts"]
        return facts
    raise ArtifactError(str(answer.get("wrong") or f"a model must be readable, but reading it ended with {code}."))


def _environment() -> dict[str, str]:
    """No secrets, no threads beyond one."""
    where = os.pathsep.join(str(Path(each).resolve()) for each in sys.path)
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**threads, "PYTHONPATH": where, "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"}


def _limit(size: int) -> None:
    for what, most in (
        (resource.RLIMIT_AS, ADDRESSES + COPIES * size),
        (resource.RLIMIT_CPU, int(SECONDS)),
        (resource.RLIMIT_FSIZE, size),
        (resource.RLIMIT_NOFILE, FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (least, least))
    sys.addaudithook(_forbid)


def _allow_no_writing() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _forbid(event: str, arguments: tuple[Any, ...]) -> None:
    if event.startswith(FORBIDDEN):
        raise ArtifactError(f"a model must be read without {event}, but it was tried. Refuse it.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

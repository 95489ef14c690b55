"""Tables that are sent: kept in a file, read by a process that may use so much memory and time, and stored in parts."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from foregate.service.observations.intake import Given, Taken
from foregate.service.observations.shapes import Table
from foregate.service.problems import Problem

if TYPE_CHECKING:
    from foregate.service.context import Service

__all__ = ["import_table"]

PART = 5_000
"""Rows that are stored in one transaction."""
LINE = 1 << 20
MOST_TOLD = 1_000
ENVIRONMENT = {
    "PATH": "",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "ARROW_IO_THREADS": "1",
}
"""Of the process that reads: few threads, and memory that is asked for when it is used, since it is limited."""
Line = msgspec.json.Decoder(tuple[str, str | int, float | None])


async def import_table(service: Service, stream: AsyncIterator[bytes], table: Table) -> Taken:
    """Store the rows of a table. A row that was stored before is no news, so what broke off can be sent again.

    Args:
        service: where they go.
        stream: the table.
        table: how to read it.

    Raises:
        Problem: it is too large, or cannot be read within the limits.
    """
    folder = service.settings.data_dir / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix="import-", dir=folder)
    path = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            async for piece in stream:
                await asyncio.to_thread(file.write, piece)
        return await _stored(service, path, table)
    finally:
        path.unlink(missing_ok=True)


async def _stored(service: Service, path: Path, table: Table) -> Taken:
    """Let a process read a file, and store what it tells."""
    chosen = service.settings.ingest
    arguments = [str(path), table.format, table.series, table.time, table.value, str(chosen.parse_bytes)]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "foregate.service.observations.parsing",
        *arguments,
        str(int(chosen.parse_seconds) + 1),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=LINE,
        env=ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    said = asyncio.create_task(process.stderr.read(4096))
    total, begun = Taken(), 0
    try:
        async with asyncio.timeout(chosen.parse_seconds):
            async for part in _parts(process.stdout):
                taken = await service.fleet.intake.take(part, revise=table.revise)
                _add(total, taken, begun)
                begun += len(part)
            await process.wait()
    except TimeoutError:
        raise _unreadable(f"it took more than {chosen.parse_seconds:g} s") from None
    except (msgspec.DecodeError, ValueError):
        raise _unreadable("it holds rows of another kind") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    why = (await said).decode(errors="replace").strip().splitlines()
    if process.returncode:
        raise _unreadable(why[-1][:300] if process.returncode == 1 and why else "it takes too much memory or time")
    return total


async def _parts(stdout: asyncio.StreamReader) -> AsyncIterator[list[Given]]:
    """Rows as the process writes them, some at a time."""
    part: list[Given] = []
    while line := await stdout.readline():
        name, time, value = Line.decode(line)
        part.append(Given(name, time, value))
        if len(part) == PART:
            yield part
            part = []
    if part:
        yield part


def _add(total: Taken, taken: Taken, begun: int) -> None:
    for outcome, rows in taken.counts.items():
        total.count(outcome, rows)
    room = MOST_TOLD - len(total.told)
    total.told += [(begun + place, outcome, why) for place, outcome, why in sorted(taken.told)[:room]]


def _unreadable(why: str) -> Problem:
    detail = (
        f"the table must be one that can be read, but: {why}. Rows before that are stored; send it again, corrected."
    )
    return Problem(422, "unreadable-table", detail)

"""Files of models in the database, with a folder as a cache."""

import asyncio
import hashlib
import os
import random
import subprocess
import sys
import threading
import time
import tracemalloc

import pytest
from sqlalchemy import delete, event, func, insert, select, update
from sqlalchemy.exc import OperationalError

from foregate.core import ArtifactError
from foregate.service.registry.blobs import LITTER_SECONDS, PIECE, Blob, Blobs
from foregate.service.registry.registry import Registry
from foregate.service.registry.shared import SharedBlobs, blobs_of
from foregate.service.settings import Settings
from foregate.service.store.database import Database
from foregate.service.store.disk import Disk
from foregate.service.store.failures import StoreError
from foregate.service.store.schema import migrate
from foregate.service.store.tables import model_pieces, model_versions, models
from tests.house import REPOSITORY

WHO = {"source": "upload", "actor": "me"}
P = model_pieces.c


@pytest.fixture
def made(database, tmp_path):
    """Makes files in one database, seen from folders of their own."""
    return lambda name="here", **options: SharedBlobs(database, tmp_path / name, **options)


def rows(database):
    return database.read_now(lambda c: c.scalar(select(func.count()).select_from(model_pieces)))


def name(database, blob):
    """A version names a file."""
    row = {"model": "m", "version": 1, "sha256": blob.sha256, "size": blob.size, "facts": "{}", "metrics": "{}"}

    def work(connection):
        connection.execute(insert(models).values(name="m", created_at=0))
        connection.execute(insert(model_versions).values(**row, source="upload", created_at=0, created_by="me"))

    database.write_now(work)


def test_what_one_machine_keeps_another_one_finds(database, made):
    """A file that was put here is fetched there, to the byte, in pieces that are no larger than one."""
    here, there, total = made(), made("there"), 0
    for size in (1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE + 7):
        content = os.urandom(size)
        blob = here.put([content[: size // 2], content[size // 2 :]])
        assert blob == Blob(hashlib.sha256(content).hexdigest(), size)
        assert not there.path(blob.sha256).exists()
        assert there.verify(blob).read_bytes() == content
        total += size
        assert there.used() == total
    largest = database.read_now(lambda c: c.scalar(select(func.max(func.length(P.content)))))
    assert largest <= PIECE


def test_a_file_is_in_memory_nowhere_as_a_whole(database, made):
    """Keeping and fetching 12 MiB takes a few of them."""
    piece = os.urandom(PIECE)
    tracemalloc.start()
    try:
        blob = made().put(piece for _ in range(12))
        made("there").verify(blob)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * PIECE


def test_a_copy_that_is_damaged_is_fetched_again(made):
    """The folder is a cache: what is wrong or gone there is as it was written after looking."""
    blobs = made()
    blob = blobs.put([b"model"])
    path = blobs.path(blob.sha256)
    for harm in (lambda: path.write_bytes(b"m0del"), lambda: path.write_bytes(b"mod"), path.unlink):
        harm()
        assert blobs.verify(blob).read_bytes() == b"model"


@pytest.mark.parametrize("harm", ["change", "lengthen", "shorten", "remove"])
def test_what_is_damaged_in_the_database_is_not_used(database, made, harm):
    """Bytes that are not those of the checksum reach nobody, and leave nothing; the same model put again mends it."""
    content = os.urandom(2 * PIECE)
    blob = made().put([content])
    last = P.number == 1
    statement = {
        "change": update(model_pieces).where(last).values(content=content[:PIECE]),
        "lengthen": insert(model_pieces).values(sha256=blob.sha256, number=2, content=b"x", at=0),
        "shorten": delete(model_pieces).where(last),
        "remove": delete(model_pieces),
    }[harm]
    database.write_now(lambda c: c.execute(statement))
    there = made("there")
    with pytest.raises(ArtifactError, match=r"must be in the database.*Restore it"):
        there.verify(blob)
    assert [path for path in there.folder.rglob("*") if path.is_file()] == []
    if harm != "lengthen":
        made("third").put([content])
        assert there.verify(blob).read_bytes() == content


def test_no_row_names_what_is_not_whole(database, make, folder):
    """Where a piece is missing in the moment of registration, there is no version."""

    async def main():
        registry = make(database)
        if not isinstance(registry.blobs, SharedBlobs):
            registry.blobs = SharedBlobs(database, registry.blobs.folder)
        share = registry.blobs.share

        def short(blob):
            share(blob)
            database.write_now(lambda c: c.execute(delete(model_pieces)))

        registry.blobs.share = short
        with pytest.raises(StoreError, match="must be in the database, but is not whole"):
            await registry.register("m", folder("a"), **WHO)
        with pytest.raises(StoreError, match="is not whole"):
            await registry.ensure_shipped()
        assert await registry.models() == []

    asyncio.run(main())


def test_litter_is_told_from_what_is_on_its_way(database, made):
    """Pieces that no version names go when they are a day old; so do copies that nobody uses; what is named stays."""
    blobs = made()
    named, other = blobs.put([b"named"]), blobs.put([b"other"])
    name(database, named)
    written = max(path.stat().st_mtime for path in blobs.files())
    assert blobs.sweep([], lambda: written + LITTER_SECONDS / 2) == []
    gone = blobs.sweep([], lambda: written + LITTER_SECONDS + 9)
    assert sorted(gone) == sorted([other.sha256, other.sha256, named.sha256])
    assert list(blobs.files()) == []
    assert blobs.verify(named).read_bytes() == b"named"
    with pytest.raises(ArtifactError, match=r"but is not\. Restore it"):
        blobs.verify(other)


def test_what_is_about_to_be_named_is_not_litter(database, made):
    """Old pieces that a registration has looked at are young again, even where they are swept at the same time."""
    blobs = made()
    blob = blobs.put([b"old"])
    database.write_now(lambda c: c.execute(update(model_pieces).values(at=0)))
    database.write_now(lambda c: blobs.require(c, blob))
    assert blobs.sweep([]) == []
    assert rows(database) == 1


def test_sweeping_and_naming_at_once_agree(server_url, tmp_path):
    """On a server, who sweeps waits for who names, and then leaves the file: no version is without its file."""
    databases = [Database(server_url), Database(server_url)]
    migrate(databases[0])
    one, two = (SharedBlobs(each, tmp_path / str(i)) for i, each in enumerate(databases))
    blob = one.put([b"old"])
    databases[0].write_now(lambda c: c.execute(update(model_pieces).values(at=0)))
    looked, swept = threading.Event(), []

    def naming(connection):
        one.require(connection, blob)
        looked.set()
        sweeper.join(0.3)
        assert not swept

    sweeper = threading.Thread(target=lambda: (looked.wait(), swept.append(two.sweep([]))))
    sweeper.start()
    databases[0].write_now(naming)
    sweeper.join()
    assert swept == [[]]
    assert rows(databases[0]) == 1
    for each in databases:
        each.close()


def test_what_would_be_too_much_is_refused(made):
    """All files together have at most so many bytes, whoever put them there; fetching is not counted."""
    first, second = made("a", most_bytes=100), made("b", most_bytes=100)
    blob = first.put([bytes(60)])
    with pytest.raises(StoreError, match="must have at most 100 bytes together") as raised:
        second.put([bytes(41)])
    assert raised.value.full
    assert second.verify(blob)
    second.put([b"x" * 40])


def test_a_full_disk_stops_neither_the_database_nor_others(made):
    """Where the copy cannot be written, it is told as such, and another machine has the file."""

    class Full(Disk):
        def write(self, file, content):
            raise OSError(28, "no space left")

    blob = made().put([b"model"])
    with pytest.raises(StoreError, match="must have space"):
        made("full", disk=Full()).verify(blob)
    assert made("there").verify(blob)


async def tried(registry, one):
    """The version that a registration made, or its error."""
    try:
        return await registry.register("m", one, alias="champion", **WHO), None
    except StoreError as error:
        return None, error


def test_whichever_statement_fails_there_is_no_version(database, make, folder):
    """For n = 1 to the last statement of a registration: an error comes out, and nothing but litter has changed."""

    async def main():
        registry, n = make(database), 0
        if not isinstance(registry.blobs, SharedBlobs):
            registry.blobs = SharedBlobs(database, registry.blobs.folder)
        left = [0]

        def meet(*_):
            left[0] -= 1
            if left[0] == 0:
                raise OperationalError("", None, Exception("injected"))

        event.listen(database.engine, "before_cursor_execute", meet)
        event.listen(database.engine, "commit", meet)
        one = folder("a")
        while True:
            n += 1
            left[0] = n
            version, error = await tried(registry, one)
            left[0] = 0
            if version is not None:
                break
            assert "injected" in str(error)
            assert await registry.models() == []
        assert n > 5
        assert (version.version, rows(database)) == (1, 1)
        stranger = make(database)
        stranger.blobs = SharedBlobs(database, stranger.blobs.folder.with_name("stranger"))
        assert stranger.packed(version).is_file()

    asyncio.run(main())


def test_where_they_are_is_a_setting(database, tmp_path):
    """In the database if it is on a server, and in the folder with SQLite or where that is set."""
    for in_folder in (False, True):
        settings = Settings(data_dir=tmp_path, keep={"models_in_folder": in_folder, "models_bytes": 1 << 20})
        blobs = blobs_of(settings, database, tmp_path / "models")
        assert blobs.most_bytes == 1 << 20
        assert type(blobs) is (SharedBlobs if database.dialect == "postgresql" and not in_folder else Blobs)


CHILD = """
import asyncio, random, sys
from pathlib import Path
from foregate.service.registry.registry import Registry
from foregate.service.registry.registry import Registry
from foregate.service.registry.shared import SharedBlobs
from foregate.service.store.database import Database
from tests.service.registry.conftest import glance, write_model

async def main(url, folder):
    database = Database(url)
    registry = Registry(database, folder / "models", examine=glance, blobs=SharedBlobs(database, folder / "models"))
    print("ready", flush=True)
    while True:
        mark = random.randbytes(8).hex()
        made = await registry.register("m", write_model(folder / mark, mark, 2_500_000), source="upload", actor="me")
        print(made.version, made.sha256, flush=True)

asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
"""


@pytest.mark.slow
def test_killed_at_any_moment_nothing_answered_is_lost(server_url, tmp_path):
    """After 25 kills while models of several pieces are registered, every version is fetched elsewhere, to the byte."""
    opened, draw, answered, kills = Database(server_url), random.Random(7), {}, 25
    migrate(opened)
    for i in range(kills):
        (tmp_path / str(i)).mkdir()
        command = [sys.executable, "-c", CHILD, server_url, str(tmp_path / str(i))]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as child:
            assert child.stdout.readline() == "ready\n"
            time.sleep(draw.uniform(0, 1))
            child.kill()
            answered |= {int(number): sha256 for number, sha256 in (line.split() for line in child.stdout)}

    async def look():
        elsewhere = Registry(opened, tmp_path / "elsewhere", blobs=SharedBlobs(opened, tmp_path / "elsewhere"))
        versions = await elsewhere.versions("m")
        assert [each.version for each in versions] == list(range(1, len(versions) + 1))
        assert answered.items() <= {each.version: each.sha256 for each in versions}.items()
        for each in versions:
            assert elsewhere.packed(each).stat().st_size == each.size
        return len(versions)

    print(f"{kills} kills, {len(answered)} versions answered, {asyncio.run(look())} there, {rows(opened)} pieces")
    assert len(answered) > 3
    opened.close()

"""Every call to the disk or the database fails once: always an error, never a false success, and all as it was."""

import asyncio
import shutil
from contextlib import suppress
from errno import ENOSPC

import pytest
from sqlalchemy import func, insert, select

from foregate.service.problems import Problem
from foregate.service.registry.blobs import Blobs
from foregate.service.registry.registry import Registry
from foregate.service.store import tables
from foregate.service.store.database import Database
from foregate.service.store.failures import StoreError
from foregate.service.store.schema import migrate
from tests.service.faults import KINDS, Faults
from tests.service.harness import small_disk
from tests.service.registry.conftest import glance

WHO = {"source": "upload", "actor": "me"}


class Place:
    """A registry with two versions and a champion, whose disk and database fail on demand."""

    def __init__(self, base):
        self.base, self.faults = base, Faults()
        self.database = Database(f"sqlite:///{base / 'foregate.db'}")
        migrate(self.database)
        self.registry = Registry(
            self.database, base / "models", blobs=Blobs(base / "models", disk=self.faults), examine=glance
        )

    def state(self):
        """All that can be seen."""

        def look(connection):
            rows = [connection.execute(select(each)).all() for each in tables.METADATA.sorted_tables]
            return repr(rows)

        for sha256 in self.database.read_now(lambda c: list(c.scalars(select(tables.model_versions.c.sha256)))):
            assert self.registry.blobs.path(sha256).is_file()
        return self.database.read_now(look)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A place to be copied, and a folder of one more model."""
    from tests.service.registry.conftest import write_model

    base = tmp_path_factory.mktemp("faults")
    place = Place(base / "data")
    for mark in "ab":
        folder = write_model(base / mark, mark)
        asyncio.run(place.registry.register("m", folder, alias="champion", **WHO))
    place.database.close()
    write_model(base / "c", "c")
    return base


def register(place, base):
    asyncio.run(place.registry.register("m", base / "c", alias="champion", **WHO))


def move(place, base):
    asyncio.run(place.registry.move("m", "champion", 1, actor="me", reason="back"))


def ingest(place, base):
    rows = [{"name": f"s{i}", "freq": "1h", "created_at": 0} for i in range(5)]

    def work(connection):
        connection.execute(insert(tables.series), rows)
        number = connection.scalar(select(func.count()).select_from(tables.series))
        connection.execute(insert(tables.marks).values(name="rows", value=str(number)))

    place.database.write_now(work)


def copy(place, base):
    shutil.rmtree(place.base / "copy", ignore_errors=True)
    place.registry.backup(place.base / "copy")


def failed(operation, place, prepared):
    """What it raised, if anything."""
    try:
        operation(place, prepared)
    except (StoreError, MemoryError) as error:
        return error
    return None


@pytest.mark.parametrize("error", KINDS, ids=repr)
@pytest.mark.parametrize("operation", [register, move, ingest, copy], ids=lambda each: each.__name__)
def test_whichever_call_fails_it_is_an_error_and_all_is_as_before(prepared, tmp_path, operation, error):
    """For n = 1 to the last call: an error comes out, nothing has changed, and the same again succeeds."""
    shutil.copytree(prepared / "data", tmp_path / "data")
    place = Place(tmp_path / "data")
    place.faults.watch(place.database)
    place.faults.error = error
    before, n = place.state(), 0
    while True:
        n += 1
        place.faults.left = n
        raised = failed(operation, place, prepared)
        if raised is None:
            break
        assert "injected" in str(raised)
        assert getattr(raised, "full", False) == (getattr(error, "errno", 0) == ENOSPC)
        place.faults.left = -1
        assert place.state() == before, f"call {n} changed something"
        assert not (place.base / "copy").exists()
    assert n > 3
    place.faults.left = -1
    changed = place.state() != before
    assert changed == (operation is not copy)
    assert (place.base / "copy").exists() == (operation is copy)
    place.database.close()


def test_a_database_that_is_full_still_reads(sqlite, make, folder):
    """When SQLite finds no space, writes say so, reads and models go on, and it recovers by itself."""

    async def main():
        registry = make(sqlite)
        version = await registry.register("m", folder("a"), alias="champion", **WHO)

        def most(pages):
            def set_most(connection):
                return connection.exec_driver_sql(f"PRAGMA max_page_count={pages}").scalar()

            return set_most

        pages = sqlite.write_now(lambda c: c.exec_driver_sql("PRAGMA page_count").scalar())
        await sqlite.write(most(pages))
        big = {"name": "big", "value": "x" * 100_000}
        for _ in range(3):
            with pytest.raises(StoreError, match="must have space") as raised:
                await sqlite.write(lambda c: c.execute(insert(tables.marks).values(big)))
            assert (raised.value.full, raised.value.unsure) == (True, False)
            assert await make(sqlite).resolve("m") == version
            await sqlite.write(most(pages))  # another connection may have taken the place of the one that failed
        assert registry.open(version).is_dir()
        await sqlite.write(most(1 << 30))
        await sqlite.write(lambda c: c.execute(insert(tables.marks).values(big)))

    asyncio.run(main())


@pytest.fixture
def small(tmp_path):
    """A disk of 3 MiB."""
    with small_disk(tmp_path / "small", 3) as point:
        yield point


def test_a_disk_that_is_full_is_told_and_survived(small, tmp_path, folder):
    """On a real disk that is full, models and rows are refused as such; reads go on; with space again, writes do."""
    place = Place(small / "data")
    database, registry = place.database, place.registry
    first = asyncio.run(registry.register("m", folder("a", 100_000), alias="champion", **WHO))
    filler = small / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    big = [{"name": f"n{i}", "value": "x" * 100_000} for i in range(20)]
    for _ in range(3):
        with pytest.raises(StoreError, match="must have space") as raised:
            database.write_now(lambda c: c.execute(insert(tables.marks), big))
        assert raised.value.full
        with pytest.raises(StoreError, match="must have space") as raised:
            asyncio.run(registry.register("m", folder(f"b{_}", 500_000), **WHO))
        assert raised.value.full
        assert asyncio.run(registry.versions("m")) == [first]
        assert registry.packed(first).is_file()
    filler.unlink()
    assert asyncio.run(database.writable())
    second = asyncio.run(registry.register("m", folder("c", 100_000), **WHO))
    assert second.version == 2
    assert database.read_now(lambda c: c.exec_driver_sql("PRAGMA integrity_check").scalar()) == "ok"
    database.close()


def test_more_models_than_may_be_are_refused(sqlite, make, folder):
    """The files of all models together have a limit: beyond, a model is refused as on a full disk, and none is lost."""

    async def main():
        registry = make(sqlite)
        registry.blobs.most_bytes = 30_000
        await registry.register("m", folder("a"), **WHO)
        with pytest.raises(StoreError, match="at most 30,000 bytes together") as raised:
            await registry.register("m", folder("b", 40_000), **WHO)
        assert raised.value.full
        await registry.register("m", folder("c"), **WHO)
        with pytest.raises(Problem, match="version"):
            await registry.resolve("m", 3)

    asyncio.run(main())

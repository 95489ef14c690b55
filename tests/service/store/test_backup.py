"""A copy of everything while it is in use."""

import threading

import pytest
from sqlalchemy import func, insert, select

from foregate.core import UsageError
from foregate.service.store.backup import backup
from foregate.service.store.database import Database, StoreError
from foregate.service.store.disk import Disk
from foregate.service.store.schema import migrate
from foregate.service.store.statements import noted
from foregate.service.store.tables import events, marks


@pytest.fixture
def files(tmp_path):
    """Two files in a folder."""
    folder = tmp_path / "models"
    (folder / "deep").mkdir(parents=True)
    (folder / "a").write_bytes(b"a" * 3_000_000)
    (folder / "deep" / "b").write_bytes(b"b")
    return [folder / "a", folder / "deep" / "b"]


def test_a_copy_is_as_of_one_moment(sqlite, files, tmp_path):
    """A copy that is made while something is written holds whole transactions, and writers are not held up."""
    ended = threading.Event()

    def two(connection):
        for _ in range(2):
            connection.execute(insert(events), {"at": 0, "kind": "job", "subject": "s", "data": "x" * 1000})

    def write():
        while not ended.is_set():
            sqlite.write_now(two)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for i in range(5):
            backup(sqlite, tmp_path / f"copy{i}", files, files[0].parent)
    finally:
        ended.set()
        writer.join()
    for i in range(5):
        copy = Database(f"sqlite:///{tmp_path / f'copy{i}' / 'foregate.db'}")
        migrate(copy)
        assert copy.read_now(lambda c: c.scalar(select(func.count()).select_from(events))) % 2 == 0
        copy.close()
        for path in files:
            assert (
                tmp_path / f"copy{i}" / "models" / path.relative_to(files[0].parent)
            ).read_bytes() == path.read_bytes()


def test_a_copy_can_be_used(sqlite, tmp_path):
    """What was committed before is in the copy, and the copy can be written."""
    sqlite.write_now(lambda c: c.execute(insert(marks).values(name="a", value="1")))
    backup(sqlite, tmp_path / "copy", [], tmp_path)
    copy = Database(f"sqlite:///{tmp_path / 'copy' / 'foregate.db'}")
    migrate(copy)
    assert copy.read_now(lambda c: noted(c, "a")) == "1"
    copy.write_now(lambda c: c.execute(insert(marks).values(name="b", value="1")))
    copy.close()
    assert sqlite.read_now(lambda c: noted(c, "b")) is None


def test_what_is_there_is_not_touched(sqlite, tmp_path):
    """A folder that is there is refused."""
    (tmp_path / "there").mkdir()
    with pytest.raises(UsageError, match=r"must be new, but got .*there"):
        backup(sqlite, tmp_path / "there", [], tmp_path)


def test_a_server_has_programs_of_its_own(server_url, tmp_path):
    """PostgreSQL is not copied, and the message says what does it."""
    opened = Database(server_url)
    with pytest.raises(UsageError, match="Use pg_dump"):
        backup(opened, tmp_path / "copy", [], tmp_path)
    opened.close()


class Full(Disk):
    def write(self, file, content):
        raise OSError(28, "no space left")


def test_a_copy_that_fails_is_none(sqlite, files, tmp_path):
    """If the disk is full in the middle, there is no copy, and the error says so."""
    with pytest.raises(StoreError, match="must have space") as raised:
        backup(sqlite, tmp_path / "copy", files, files[0].parent, Full())
    assert raised.value.full
    assert not list(tmp_path.glob("copy*"))

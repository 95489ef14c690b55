"""Tables are made and brought up to date by steps."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from foregate.core import UsageError
from foregate.service.store.database import Database, StoreError
from foregate.service.store.schema import MIGRATIONS, migrate, newest
from foregate.service.store.tables import METADATA

STEP = '''
"""A step of tomorrow."""
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "{this}", "{before}", None, None

def upgrade():
    op.add_column("series", sa.Column("unit", sa.Text, nullable=False, server_default=""))
    {more}
'''


@pytest.fixture
def tomorrow(tmp_path):
    """A folder with one step more than there is; it may fail in its middle."""

    def make(more: str = "pass"):
        folder = tmp_path / "steps"
        shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "m9999_unit.py").write_text(STEP.format(this="9999", before=newest(), more=more))
        return folder

    return make


def described(database):
    """SQLite's own words for its tables."""
    statement = text(
        "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE type != 'trigger' AND name NOT LIKE '%alembic%'"
    )
    found = database.read_now(lambda connection: connection.execute(statement).all())
    return sorted((*row[:3], *sorted(each.strip() for each in (row.sql or "").split(","))) for row in found)


def columns(connection):
    return {column["name"] for column in inspect(connection).get_columns("series")}


def test_steps_make_what_the_tables_say(database):
    """All steps together give the tables of `tables`; where not, run `python -m tests.service.store.freeze`."""
    found = database.read_now(lambda connection: compare_metadata(MigrationContext.configure(connection), METADATA))
    assert found == []


def test_steps_make_them_to_the_letter(sqlite, tmp_path):
    """SQLite describes tables made by steps in the same words as tables made at once."""
    once = Database(f"sqlite:///{tmp_path / 'once.db'}")
    once.exclusively(METADATA.create_all)
    assert described(sqlite) == described(once)
    once.close()


def test_again_is_nothing(database):
    """Tables that are up to date are left alone."""
    database.exclusively = None  # would fail if it were asked
    migrate(database)


def test_a_step_keeps_what_is_there(database, tomorrow):
    """A database of an earlier version is brought up to date with its rows."""
    database.write_now(lambda c: c.execute(text("INSERT INTO series (name, freq, created_at) VALUES ('a', '1h', 1)")))
    migrate(database, tomorrow())
    row = database.read_now(lambda c: c.execute(text("SELECT name, unit FROM series")).one())
    assert tuple(row) == ("a", "")


def test_newer_tables_are_refused(database, tomorrow):
    """A database of a newer version is not touched, and the message says what to do."""
    migrate(database, tomorrow())
    with pytest.raises(UsageError, match=r"must be of this version .* but got 9999\. Upgrade Foregate"):
        migrate(database)


def test_a_step_that_fails_changes_nothing(database, tomorrow):
    """If a step fails in its middle, the tables are those of before, and it can be tried again."""
    with pytest.raises(StoreError, match="nowhere"):
        migrate(database, tomorrow('op.execute("DELETE FROM nowhere")'))
    assert "unit" not in database.read_now(columns)
    migrate(database)
    database.write_now(lambda c: c.execute(text("DELETE FROM series")))


def test_many_may_start_together(url):
    """Eight that open one empty database at once all find its tables, made once."""

    def start(_):
        opened = Database(url)
        try:
            migrate(opened)
            return opened.read_now(lambda c: c.scalar(text("SELECT count(*) FROM alembic_version")))
        finally:
            opened.close()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(start, range(8))) == [1] * 8


STARTER = """
import sys
from foregate.service.store.database import Database
from foregate.service.store.schema import migrate
input()
opened = Database(sys.argv[1])
migrate(opened)
opened.close()
"""


@pytest.mark.parametrize("count", [3, pytest.param(8, marks=pytest.mark.slow)])
def test_many_processes_may_start_together(tmp_path, count):
    """Processes that start in one moment on an empty folder all come up."""
    url = f"sqlite:///{tmp_path / 'new' / 'foregate.db'}"
    command = [sys.executable, "-W", "error", "-c", STARTER, url]
    started = [subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(count)]
    for process in started:
        process.stdin.write(b"go\n")
        process.stdin.flush()
    errors = [process.communicate()[1] for process in started]
    assert [process.returncode for process in started] == [0] * count, errors

"""The secret that signs our own tokens."""

import concurrent.futures
import contextlib

import pytest

from foregate.core import UsageError
from foregate.service.secret import require_shared, secret_of
from foregate.service.settings import Settings
from foregate.service.store.database import Database
from foregate.service.store.schema import migrate
from tests.service.databases import server, server_url, sqlite

__all__ = ["server", "server_url", "sqlite"]


def test_it_is_made_once_and_kept(tmp_path):
    """The first start makes one, later starts find it; only the owner may read it."""
    first = secret_of(Settings(data_dir=tmp_path))
    assert len(first) == 64
    assert secret_of(Settings(data_dir=tmp_path)) == first
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_processes_that_start_together_agree(tmp_path):
    """Whoever is first wins, and all have the same."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda number: secret_of(Settings(data_dir=tmp_path)), range(32)))
    assert len(found) == 1


def test_two_services_have_two(tmp_path):
    """No two secrets are the same."""
    folders = [tmp_path / name for name in ("a", "b")]
    for folder in folders:
        folder.mkdir()
    assert len({secret_of(Settings(data_dir=folder)) for folder in folders}) == 2


def test_that_of_the_settings_is_taken(tmp_path):
    """A secret that is given is used, and nothing is written."""
    assert secret_of(Settings(data_dir=tmp_path, access={"secret": "given"})) == "given"
    assert list(tmp_path.iterdir()) == []


def test_a_secret_that_others_know_is_refused(tmp_path):
    """Neither a file that others may read nor a damaged one is used."""
    secret_of(Settings(data_dir=tmp_path))
    (tmp_path / "secret").chmod(0o644)
    with pytest.raises(UsageError, match="others may read it"):
        secret_of(Settings(data_dir=tmp_path))
    (tmp_path / "secret").chmod(0o600)
    (tmp_path / "secret").write_text("")
    with pytest.raises(UsageError, match="must hold a secret, but got 0"):
        secret_of(Settings(data_dir=tmp_path))


def begins(database, folder, **access):
    """What a process does with its secret when it starts."""
    folder.mkdir(exist_ok=True)
    settings = Settings(data_dir=folder, access=access)
    require_shared(settings, database, secret_of(settings))


def test_processes_on_one_server_must_share_it(server_url, tmp_path):
    """On PostgreSQL a process with a secret of its own is refused; one that shares it, or has it set, starts."""
    with contextlib.closing(Database(server_url)) as database:
        migrate(database)
        begins(database, tmp_path / "a")
        begins(database, tmp_path / "a")
        with pytest.raises(UsageError, match="the same for all processes"):
            begins(database, tmp_path / "b")
        chosen = "one that was chosen for all of them, 0123456789"
        begins(database, tmp_path / "b", secret=chosen)
        begins(database, tmp_path / "c", secret=chosen)
        with pytest.raises(UsageError, match="the same for all processes"):
            begins(database, tmp_path / "a")


def test_a_file_belongs_to_one_machine(sqlite, tmp_path):
    """On SQLite nothing is asked: all processes see the folder, and a copy of it may come without its secret."""
    begins(sqlite, tmp_path / "a")
    begins(sqlite, tmp_path / "b")

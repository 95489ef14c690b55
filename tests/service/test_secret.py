"""The secret that signs our own tokens."""

import concurrent.futures

import pytest

from foregate.core import UsageError
from foregate.service.secret import secret_of
from foregate.service.settings import Settings


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

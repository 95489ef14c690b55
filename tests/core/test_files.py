"""Writing files: all of the new, or all of the old."""

import os

import pytest

from foregate.core import UsageError
from foregate.core.files import write_atomically


def test_the_file_is_replaced_as_a_whole(tmp_path):
    """What was there is replaced, and nothing else is left in the folder."""
    path = tmp_path / "report.html"
    for content in (b"one", b"two, longer", b""):
        write_atomically(path, content)
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_failure_leaves_what_was_there(tmp_path, monkeypatch, failing):
    """A disk that fails when the file is synced or renamed leaves the old file and no other."""
    path = tmp_path / "report.html"
    write_atomically(path, b"old")

    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr(os, failing, full)
    with pytest.raises(OSError, match="no space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_who_writes_alone_leaves_one_file_at_most(tmp_path, monkeypatch):
    """Killed between writing and renaming, one temporary file is left, which the next time takes."""
    path = tmp_path / "state"
    with monkeypatch.context() as patched:
        patched.setattr(type(path), "replace", lambda *_: None)
        write_atomically(path, b"longer, and killed", alone=True)
        write_atomically(path, b"killed again", alone=True)
    assert len(list(tmp_path.iterdir())) == 1
    write_atomically(path, b"new", alone=True)
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    """A missing folder and a path that is a folder are refused, and nothing is created."""
    with pytest.raises(UsageError, match=r"folder that exists, but got .*absent"):
        write_atomically(tmp_path / "absent" / "report.html", b"")
    with pytest.raises(UsageError, match="which is a folder"):
        write_atomically(tmp_path, b"")
    assert list(tmp_path.iterdir()) == []

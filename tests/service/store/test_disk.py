"""The calls by which files are kept."""

import os

import pytest

from foregate.service.store.disk import Disk


def test_all_is_written_however_little_the_system_takes(tmp_path, monkeypatch):
    """A write that takes only a part is gone on with."""
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, content: write(file, bytes(content[:3])))
    disk, path = Disk(), tmp_path / "file"
    file = disk.create(path)
    disk.write(file, b"0123456789")
    disk.close(file)
    monkeypatch.undo()
    assert path.read_bytes() == b"0123456789"


def test_what_is_there_is_not_written_over(tmp_path):
    """A new file is new."""
    disk = Disk()
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        disk.create(tmp_path / "file")


def test_folders_are_made_with_those_above(tmp_path):
    """Every folder on the way is made, and its name synced; again is nothing."""
    synced = []

    class Watched(Disk):
        def sync_folder(self, folder):
            synced.append(folder)
            super().sync_folder(folder)

    disk = Watched()
    disk.make(tmp_path / "a" / "b")
    assert synced == [tmp_path, tmp_path / "a"]
    disk.make(tmp_path / "a" / "b")
    assert len(synced) == 2
    disk.remove(tmp_path / "nothing")

"""Files that are named by their checksum."""

import hashlib

import pytest

from foregate.core import ArtifactError
from foregate.service.registry.blobs import LITTER_SECONDS, Blob, Blobs
from foregate.service.store.disk import Disk
from foregate.service.store.failures import StoreError


@pytest.fixture
def blobs(tmp_path):
    return Blobs(tmp_path / "blobs")


def test_a_file_is_named_by_its_checksum(blobs):
    """What is put is found by the SHA-256 of all of it, whatever pieces it came in."""
    content = bytes(range(256)) * 100
    for size in (1, 7, 1000, len(content)) if len(content) < 30_000 else (7_000,):
        blob = blobs.put(content[i : i + size] for i in range(0, len(content), size))
        assert blob == Blob(hashlib.sha256(content).hexdigest(), len(content))
        assert blobs.verify(blob).read_bytes() == content
    assert blobs.used() == len(content)


def test_nobody_sees_a_file_before_it_is_whole(blobs):
    """A file that is being written is not among those that are kept, and gone when it is dropped."""
    draft = blobs.draft()
    draft.write(b"half")
    assert list(blobs.folder.glob("sha256/*/*")) == []
    draft.drop()
    assert [path for path in blobs.folder.rglob("*") if path.is_file()] == []


def test_a_name_that_is_no_checksum_leads_nowhere(blobs):
    """Only a SHA-256 is a name: nothing else becomes a path."""
    for name in ("", "../x", "a" * 63, "A" * 64, "a" * 64 + "\n", "/" + "a" * 63):
        with pytest.raises(ArtifactError, match="must be named by its SHA-256"):
            blobs.path(name)


def test_litter_is_told_from_what_is_on_its_way(blobs):
    """What nobody names goes when it is a day old, and not before."""
    named, other = blobs.put([b"named"]), blobs.put([b"other"])
    draft = blobs.draft()
    draft.write(b"half")
    written = max(path.stat().st_mtime for path in blobs.folder.rglob("*") if path.is_file())
    assert blobs.sweep({named.sha256}, lambda: written + LITTER_SECONDS / 2) == []
    gone = blobs.sweep({named.sha256}, lambda: written + LITTER_SECONDS + 9)
    assert sorted(gone) == sorted([other.sha256, draft.path.name])
    assert blobs.verify(named)


def test_putting_again_makes_it_young(blobs):
    """A file that was litter for long and is put again is not taken away before its row is there."""
    import os

    blob = blobs.put([b"again"])
    os.utime(blobs.path(blob.sha256), (0, 0))
    blobs.put([b"again"])
    assert blobs.sweep(set()) == []


def test_what_would_be_too_much_is_refused(tmp_path):
    """All files together have at most so many bytes; what does not fit leaves nothing."""
    blobs = Blobs(tmp_path / "blobs", most_bytes=100)
    blobs.put([bytes(60)])
    with pytest.raises(StoreError, match="must have at most 100 bytes together") as raised:
        blobs.put([bytes(30), bytes(11)])
    assert raised.value.full
    assert blobs.used() == 60
    blobs.put([b"x" * 40])


def test_a_failed_sync_is_no_success(tmp_path):
    """If the disk cannot say that a file lasts, it is not kept."""

    class Failing(Disk):
        def sync(self, file):
            raise OSError(5, "the disk failed")

    blobs = Blobs(tmp_path / "blobs", disk=Failing())
    with pytest.raises(StoreError, match="the disk failed"):
        blobs.put([b"x"])
    assert [path for path in blobs.folder.rglob("*") if path.is_file()] == []

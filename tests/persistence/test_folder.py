"""A folder is written whole or not at all, and never in the place of something else."""

import errno
import json
import os
from pathlib import Path

import pytest

from foregate.core import ArtifactError, UsageError
from foregate.persistence import folder as module
from foregate.persistence.folder import MANIFEST, read_folder, render, write_folder

NAMES = ("a.bin", "b.bin")
OLD = {"a.bin": b"old a", "b.bin": b"old b"}
NEW = {"a.bin": b"new a", "b.bin": b"new b!"}


def read(folder):
    """The version and the files of a folder."""
    document, files = read_folder(folder, lambda _: NAMES, lambda document: document)
    return document["version"], files


@pytest.fixture
def old(tmp_path):
    """A folder as it was before."""
    write_folder(tmp_path / "m", {"version": 1}, OLD, overwrite=False)
    return tmp_path / "m"


def fail_at(monkeypatch, n, error):
    """The n-th call that changes a disk fails; returns the counter of such calls."""
    count = [0]

    def failing(original):
        def call(*args, **kwargs):
            count[0] += 1
            if count[0] == n:
                raise error
            return original(*args, **kwargs)

        return call

    monkeypatch.setattr(os, "fsync", failing(os.fsync))
    for name in ("open", "rename", "replace", "mkdir"):
        monkeypatch.setattr(Path, name, failing(getattr(Path, name)))
    return count


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()], ids=type)
@pytest.mark.parametrize("exists", [True, False])
def test_wherever_writing_fails_all_is_as_before(tmp_path, monkeypatch, error, exists):
    """A full disk or an interruption at any call leaves the old folder loadable, or none, and nothing beside it."""
    target = tmp_path / "m"
    if exists:
        write_folder(target, {"version": 1}, OLD, overwrite=False)
    n, failures = 0, 0
    while True:
        n += 1
        with monkeypatch.context() as patch:
            count = fail_at(patch, n, error)
            if isinstance(error, OSError):
                expected = pytest.raises(ArtifactError, match="No space left on device")
            else:
                expected = pytest.raises(KeyboardInterrupt)
            try:
                with expected:
                    write_folder(target, {"version": 2}, NEW, overwrite=True)
            except pytest.fail.Exception:
                assert count[0] < n  # nothing failed: every call has had its turn
                break
        failures += 1
        assert [path.name for path in tmp_path.iterdir()] == ["m"] * exists
        if exists:
            assert read(target) == (1, OLD)
    assert failures > 8
    assert read(target) == (2, NEW)
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_nothing_is_replaced_unasked(old):
    """A model that is there stays, unless told otherwise."""
    with pytest.raises(ArtifactError, match=r"must be new, but got .* overwrite=True"):
        write_folder(old, {"version": 2}, NEW, overwrite=False)
    assert read(old) == (1, OLD)
    write_folder(old, {"version": 2}, NEW, overwrite=True)
    assert read(old) == (2, NEW)


def test_an_empty_folder_is_free(tmp_path):
    """A folder with nothing in it can be written to, and folders above are made."""
    (tmp_path / "m").mkdir()
    write_folder(tmp_path / "m", {"version": 1}, OLD, overwrite=False)
    write_folder(tmp_path / "x" / "y", {"version": 1}, OLD, overwrite=False)
    assert read(tmp_path / "m") == read(tmp_path / "x" / "y") == (1, OLD)


@pytest.mark.parametrize("strange", ["no manifest", "other manifest", "notes beside", "a file"])
def test_strangers_are_never_deleted(tmp_path, old, strange):
    """What is not a model, or has other files in it, is not replaced, however strongly one asks."""
    target = old
    if strange == "no manifest":
        (old / MANIFEST).unlink()
    elif strange == "other manifest":
        (old / MANIFEST).write_text('{"name": "my-website"}')
    elif strange == "notes beside":
        (old / "notes.txt").write_text("mine")
    else:
        target = tmp_path / "file"
        target.write_text("mine")
    before = sorted((str(path), path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file())
    with pytest.raises(ArtifactError, match=r"must|only a model can be replaced"):
        write_folder(target, {"version": 2}, NEW, overwrite=True)
    assert sorted((str(path), path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file()) == before


def test_a_link_keeps_pointing(tmp_path, old):
    """Writing to a link replaces what it points to, not the link."""
    (tmp_path / "link").symlink_to(old)
    write_folder(tmp_path / "link", {"version": 2}, NEW, overwrite=True)
    assert (tmp_path / "link").is_symlink()
    assert read(old) == (2, NEW)


def test_a_folder_has_ordinary_permissions(tmp_path, old):
    """Others may read a model as they may read what else the user writes."""
    (tmp_path / "ordinary").mkdir()
    assert old.stat().st_mode == (tmp_path / "ordinary").stat().st_mode


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must be JSON"),
        (b"\xff\xfe{}", "must be JSON"),
        (b"[" * 100_000, "must be JSON"),
        (b"9" * 10_000, "must be JSON"),
        (b"[]", "must be of a Foregate model"),
        (b'{"format": "other"}', "must be of a Foregate model"),
        (b'{"format": "foregate model", "x": 1e999}', "must be as it was written"),
        (b'{"format": "foregate model", "x": NaN}', "must be as it was written"),
        (b'{"format": "foregate model", "format": "foregate model"}', "must be as it was written"),
    ],
)
def test_a_foreign_manifest_is_refused(old, content, message):
    """JSON of something else, and what is no JSON, is refused with its reason."""
    (old / MANIFEST).write_bytes(content)
    with pytest.raises(ArtifactError, match=message):
        read(old)


def test_what_is_not_a_folder_of_a_model_is_refused(tmp_path, old):
    """A path that is not there, a file, and a folder without a manifest are told apart."""
    with pytest.raises(ArtifactError, match="is not there"):
        read(tmp_path / "nowhere")
    with pytest.raises(ArtifactError, match="is a file"):
        read(old / MANIFEST)
    with pytest.raises(ArtifactError, match=r"must have the file .*model\.json, but got none"):
        read(tmp_path)


def test_what_is_not_a_file_is_not_opened(old):
    """A pipe or a folder in the place of a file is refused instead of being waited for."""
    (old / "a.bin").unlink()
    os.mkfifo(old / "a.bin")
    with pytest.raises(ArtifactError, match=r"must have the file .*a\.bin"):
        read(old)


def test_sizes_are_checked_before_anything_is_read(old, monkeypatch):
    """A file of another size, or an absurdly large manifest, is refused by its size alone."""
    with (old / "a.bin").open("ab") as file:
        file.truncate(2**40)
    with pytest.raises(ArtifactError, match=f"must have 5 bytes, but got {2**40}"):
        read(old)
    monkeypatch.setattr(module, "LARGEST_MANIFEST", 10)
    with pytest.raises(ArtifactError, match="must have at most 10 bytes"):
        read(old)


def test_floats_keep_every_bit():
    """Numbers of a document come back to the bit."""
    numbers = [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -0.0, 2.0**-30]
    assert [x.hex() for x in json.loads(render({"x": numbers}))["x"]] == [x.hex() for x in numbers]


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, b"x", {"k": object()}])
def test_what_json_cannot_say_is_refused(value):
    """Infinity, sets, bytes and objects are not written."""
    with pytest.raises(UsageError, match="must be plain text, finite numbers"):
        render({"x": value})

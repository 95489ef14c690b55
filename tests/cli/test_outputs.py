"""Tests of writing all files or none."""

import errno
from pathlib import Path

import pytest

from foregate.cli.outputs import check_place, staged
from foregate.core import ForegateError, UsageError

NAMES = ("a.csv", "model")


def fill(folder: Path, text: str) -> None:
    (folder / "a.csv").write_text(text)
    (folder / "model").mkdir()
    (folder / "model" / "weights").write_text(text)


def state(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def old(tmp_path) -> Path:
    """A folder with results of an earlier run, and a stranger."""
    out = tmp_path / "out"
    out.mkdir()
    fill(out, "old")
    (out / "mine.txt").write_text("mine")
    return out


def test_a_new_folder_is_made(tmp_path):
    """What was written is there, and nothing else is left beside it."""
    with staged(tmp_path / "out", NAMES) as new:
        fill(new, "new")
        assert not (tmp_path / "out").exists()
    assert state(tmp_path) == {"out/a.csv": "new", "out/model/weights": "new"}


def test_results_are_replaced_and_strangers_stay(old):
    """Only the names that are written are touched."""
    with staged(old, NAMES) as new:
        fill(new, "new")
    assert state(old) == {"a.csv": "new", "mine.txt": "mine", "model/weights": "new"}


def test_what_is_not_written_again_goes(old):
    """A result that this run does not have would be taken for its own, and is removed."""
    with staged(old, NAMES) as new:
        (new / "a.csv").write_text("new")
    assert state(old) == {"a.csv": "new", "mine.txt": "mine"}


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_error_while_writing_changes_nothing(old, error):
    """Whatever ends the block, the folder is as it was, and no temporary file is left."""
    before = state(old)
    with pytest.raises(error), staged(old, NAMES) as new:  # noqa: PT012 - the block is what is tested
        fill(new, "new")
        raise error
    assert state(old) == before


def test_a_full_disk_is_told_in_one_sentence(old):
    """An error of the system becomes one of ours, that says what happened to what was there."""
    before = state(old)
    with (
        pytest.raises(ForegateError, match=r"results must be written to '.*out', but got: No space left on device\. "),
        staged(old, NAMES),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert state(old) == before


@pytest.mark.parametrize("failing", range(4))
@pytest.mark.parametrize("error", [OSError(errno.EIO, "Input/output error"), KeyboardInterrupt()])
def test_an_error_while_moving_is_undone(old, monkeypatch, failing, error):
    """Whichever of the moves fails, everything is moved back."""
    before, rename, calls = state(old), Path.rename, []

    def breaks_once(self, target):
        calls.append(self.name)
        if len(calls) == failing + 1:
            raise error
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", breaks_once)
    with pytest.raises((ForegateError, KeyboardInterrupt)), staged(old, NAMES) as new:
        fill(new, "new")
    assert state(old) == before


def test_a_place_must_be_able_to_hold_results(old, tmp_path):
    """A folder above that is missing, or a file where a folder should be, is told before work is done."""
    with pytest.raises(UsageError, match=r"--out must be in a folder that exists, but '.*none' does not"):
        check_place(tmp_path / "none" / "out", NAMES, overwrite=True)
    with pytest.raises(UsageError, match=r"--out must be a folder, but '.*mine\.txt' is a file"):
        check_place(old / "mine.txt", NAMES, overwrite=True)


def test_results_are_only_replaced_if_that_was_said(old):
    """Earlier results are named and kept; other files are in nobody's way."""
    with pytest.raises(UsageError, match=r"'.*a\.csv', '.*model' are there\. Give another name, or --overwrite"):
        check_place(old, NAMES, overwrite=False)
    check_place(old, NAMES, overwrite=True)
    check_place(old, ("b.csv",), overwrite=False)
    with pytest.raises(UsageError, match=r"'.*mine\.txt' is there"):
        check_place(old / "mine.txt", overwrite=False)
    check_place(old / "new.txt", overwrite=False)


def test_a_place_must_be_writable(old, monkeypatch):
    """Where nothing may be written, nothing is begun."""
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(UsageError, match=r"--out must be writable, but '.*out' is not"):
        check_place(old, ("b.csv",), overwrite=False)

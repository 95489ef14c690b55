"""Laws of the journal: what was appended is there, in order and once, and what is damaged is told."""

import subprocess
import sys

import pytest

from foregate.core import ArtifactError, UsageError
from foregate.streaming.journal import Journal, digest

ENTRIES = [{"op": "update", "rows": {"ds": t, "y": t / 3, "name": "ä\u2028\n\ud800"}} for t in range(5)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.journal"


def written(path, entries=ENTRIES, after="s"):
    journal = Journal(path)
    journal.begin(after)
    for entry in entries:
        journal.append(entry)
    journal.close()


def found(path, after="s"):
    journal = Journal(path)
    try:
        return list(journal.entries(after)), journal.torn
    finally:
        journal.close()


def test_what_was_appended_is_there(path):
    """Entries come back as they were, whatever stands in their text, also after going on."""
    written(path)
    journal = Journal(path)
    assert list(journal.entries("s")) == ENTRIES
    journal.append({"op": "drop", "rows": "a"})
    journal.close()
    assert found(path) == ([*ENTRIES, {"op": "drop", "rows": "a"}], 0)


def test_a_torn_last_line_was_never_there(path):
    """Cut anywhere, the file holds the entries whose lines are whole, and goes on after them."""
    written(path)
    content = path.read_bytes()
    for end in range(len(content)):
        path.write_bytes(content[:end])
        whole = content[:end].count(b"\n")
        journal = Journal(path)
        kept = list(journal.entries("s"))
        assert kept == ENTRIES[: max(whole - 1, 0)]
        assert bool(journal.torn) == (content[:end].rpartition(b"\n")[2] != b"")
        if whole:
            journal.append(ENTRIES[-1])
        journal.close()
        if whole:
            assert found(path) == ([*kept, ENTRIES[-1]], 0)


def test_pages_that_never_came_to_the_disk_are_torn(path):
    """A tail of zeros, with or without an end of line, is cut off."""
    written(path)
    content = path.read_bytes()
    for tail in (b"\0" * 40, b"\0" * 40 + b"\n", content[-30:-20] + b"\0" * 9 + b"\n"):
        path.write_bytes(content + tail)
        assert found(path) == (ENTRIES, len(tail))


def test_damage_is_told(path):
    """A changed byte in a whole line, a line that is missing, doubled or foreign: an error with its place."""
    written(path)
    content = path.read_bytes()
    for i in range(0, len(content), 7):
        changed = bytes([content[i] ^ 2])
        if b"\n" in (changed, content[i : i + 1]):
            continue
        path.write_bytes(content[:i] + changed + content[i + 1 :])
        with pytest.raises(ArtifactError, match=rf"in line {content[:i].count(10) + 1}\. Put the file back"):
            found(path)
    lines = content.splitlines(keepends=True)
    for order in ([0, 1, 3, 4, 5], [0, 1, 1, 2, 3], [0, 2, 1, 3, 4]):
        path.write_bytes(b"".join(lines[i] for i in order))
        with pytest.raises(ArtifactError, match=r"number \d where \d was to come"):
            found(path)
    path.write_bytes(b"some notes of mine\n")
    with pytest.raises(ArtifactError, match="does not match its checksum in line 1"):
        found(path)


def test_it_belongs_to_a_snapshot(path):
    """After the snapshot that a line names come the entries below it; a journal of another one is refused."""
    written(path)
    journal = Journal(path)
    list(journal.entries("s"))
    journal.mark("t")
    journal.append(ENTRIES[0])
    journal.close()
    assert found(path, "s")[0] == [*ENTRIES, ENTRIES[0]]
    assert found(path, "t")[0] == [ENTRIES[0]]
    for other in ("u", None):
        with pytest.raises(ArtifactError, match="must follow the snapshot beside it"):
            found(path, other)


def test_without_entries_it_belongs_to_any(path):
    """A journal that holds nothing loses nothing."""
    assert found(path, "s") == ([], 0)
    written(path, [])
    assert found(path, "other") == ([], 0)


def test_other_versions_are_told(path):
    """A later version is no damage."""
    journal = Journal(path)
    journal.append({"after": "s", "schema": 99})
    journal.close()
    with pytest.raises(ArtifactError, match="must be of version 1, but got 99"):
        found(path)


def test_one_at_a_time(path):
    """A second holder is refused, in this process or another, until the first lets go or is killed."""
    journal = Journal(path)
    with pytest.raises(UsageError, match="held by another"):
        Journal(path)
    journal.close()
    code = (
        "import sys; from pathlib import Path; from foregate.streaming.journal import Journal\n"
        "kept = Journal(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    )
    words = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(UsageError, match="held by another"):
            Journal(path)
        other.kill()
    Journal(path).close()


def test_what_is_closed_takes_nothing(path):
    """After a failure nothing is appended below half a line."""
    journal = Journal(path)
    journal.close()
    with pytest.raises(UsageError, match="must be open"):
        journal.append({})


def test_a_digest_tells_snapshots_apart():
    """The same bytes have the same name."""
    assert digest(b"a") == digest(b"a") != digest(b"b")

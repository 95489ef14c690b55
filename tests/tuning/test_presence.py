"""Tests of who works on a study."""

import subprocess
import sys
import threading

import pytest

from foregate.tuning.presence import FilePresence, ServerPresence

PROGRAM = """
import sys, time
from pathlib import Path
from foregate.tuning.presence import FilePresence, ServerPresence
kind, where = sys.argv[1:]
own = FilePresence(Path(where)) if kind == "file" else ServerPresence(where, "study")
print(own.name, flush=True)
time.sleep(60)
"""


@pytest.fixture(params=["file", "server"])
def kind(request, tmp_path):
    """How to make a presence, and the words by which another process makes one at the same place."""
    if request.param == "file":
        return lambda: FilePresence(tmp_path / "study.journal"), ("file", str(tmp_path / "study.journal"))
    url = request.getfixturevalue("server").replace("://", "+psycopg://")
    return lambda: ServerPresence(url, "study"), ("server", url)


def test_who_is_killed_is_known_to_be_dead(kind):
    """A process that works lives for others; as soon as it is killed it does not, without a word of its own."""
    make, words = kind
    here = make()
    other = subprocess.Popen([sys.executable, "-c", PROGRAM, *words], stdout=subprocess.PIPE, text=True)
    try:
        name = other.stdout.readline().strip()
        assert here.lives(name)
        assert here.lives(name), "asking must not end it"
    finally:
        other.kill()
        other.communicate()
    for _ in range(50):  # a server notices with its next look at the connection
        if not here.lives(name):
            break
        threading.Event().wait(0.1)
    assert not here.lives(name)
    assert here.lives(here.name)
    assert not here.lives("nobody")
    here.close()


def test_one_at_a_time(kind):
    """Whoever comes while another one is in there waits."""
    make, _ = kind
    here, there = make(), make()
    inside = []

    def enter():
        with there.alone():
            inside.append("there")

    with here.alone():
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join(0.3)
        inside.append("here")
    thread.join(10)
    assert inside == ["here", "there"]
    here.close()
    there.close()


def test_nothing_is_left_of_who_ends_well(tmp_path):
    """The file that says that a process lives goes with it."""
    own = FilePresence(tmp_path / "study.journal")
    assert len(list(tmp_path.glob("*.alive"))) == 1
    own.close()
    assert list(tmp_path.glob("*.alive")) == []

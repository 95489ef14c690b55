"""Freed memory is kept while training, and given back."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from foregate.training import memory
from foregate.training.memory import freed_memory_kept

GNU = memory._gnu() is not None


class Library:
    """Notes what it is told."""

    def __init__(self, most=memory.MOST):
        self.told, self.most = [], most

    def mallopt(self, what, value):
        if what == memory.MMAP_THRESHOLD and value > self.most:
            return 0
        self.told.append((what, value))
        return 1

    def malloc_trim(self, pad):
        self.told.append(("trim", pad))
        return 1


def test_usual_settings_come_back_whatever_happens(monkeypatch):
    """An error inside leaves nothing behind."""
    library = Library()
    monkeypatch.setattr(memory, "_gnu", lambda: library)
    with pytest.raises(KeyError), freed_memory_kept():
        raise KeyError
    assert dict(library.told[:2]) == {memory.MMAP_THRESHOLD: memory.MOST, memory.TRIM_THRESHOLD: memory.MOST}
    assert library.told[2:] == [
        (memory.MMAP_THRESHOLD, memory.USUAL),
        (memory.TRIM_THRESHOLD, 2 * memory.USUAL),
        ("trim", 0),
    ]


def test_what_an_older_library_refuses_is_asked_for_smaller(monkeypatch):
    """Telling it only when to give back would fix the size of blocks at 128 KiB, and make training slower."""
    library = Library(most=memory.USUAL)
    monkeypatch.setattr(memory, "_gnu", lambda: library)
    with freed_memory_kept():
        assert library.told == [(memory.MMAP_THRESHOLD, memory.USUAL), (memory.TRIM_THRESHOLD, memory.MOST)]


def test_what_people_have_set_is_left_alone(monkeypatch):
    """By a variable of the environment."""
    library = Library()
    monkeypatch.setattr(memory, "_gnu", lambda: library)
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1000")
    with freed_memory_kept():
        assert not library.told


def test_nothing_is_done_elsewhere(monkeypatch):
    """Other systems and C libraries are left alone."""
    monkeypatch.setattr(sys, "platform", "darwin")
    with freed_memory_kept():
        assert memory._gnu() is None


@pytest.mark.skipif(not GNU, reason="the C library is another than GNU's")
def test_what_was_kept_is_given_back():
    """Afterwards the process holds no more than before."""

    def held():
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    before = held()
    with freed_memory_kept():
        block = np.ones(10_000_000)
        del block
    assert held() - before < 20_000_000

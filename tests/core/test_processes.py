"""Which process this is, is taken from torchrun's word alone."""

import pytest

from foregate.core.processes import Started, leads, started

TOLD = {"MASTER_ADDR": "localhost", "WORLD_SIZE": "4", "RANK": "3", "LOCAL_RANK": "1"}


def test_torchrun_is_believed(monkeypatch):
    """All of what it says is taken over, and the first process leads."""
    for name, value in TOLD.items():
        monkeypatch.setenv(name, value)
    assert started() == Started(rank=3, size=4, local=1)
    assert not leads()
    monkeypatch.setenv("RANK", "0")
    assert leads()


@pytest.mark.parametrize("missing", ["MASTER_ADDR", "WORLD_SIZE", "RANK"])
def test_others_are_not(monkeypatch, missing):
    """A queue of jobs that uses some of these names too has not started several processes of one model."""
    for name, value in TOLD.items():
        if name != missing:
            monkeypatch.setenv(name, value)
    monkeypatch.delenv(missing, raising=False)
    assert started() == Started()
    assert leads()

"""Processes that are killed while they write."""

import pytest

from tests.service.harness import killed

HARNESS = "tests.service.registry.crash"


def test_killed_at_any_moment_nothing_answered_is_lost(tmp_path):
    """After 25 kills at any moment every answered version is there to the byte, and none is half there."""
    found = killed(HARNESS, tmp_path / "data", 25)
    assert found["kills"] == 25
    assert found["versions"] > 1


@pytest.mark.slow
def test_killed_a_thousand_times_nothing_answered_is_lost(tmp_path):
    """The same after 1,000 kills."""
    found = killed(HARNESS, tmp_path / "data", 1000)
    assert found["while working"] > 300
    assert found["versions"] > 300

"""A service that is killed while it is written into."""

import pytest

from tests.service.harness import killed

HARNESS = "tests.service.kills"


def test_a_service_that_is_killed_loses_nothing_that_it_answered(tmp_path):
    """After kills all that was answered is there, once and whole, and sessions say what follows from their rows."""
    found = killed(HARNESS, tmp_path / "data", 2)
    assert found["kills"] == 2
    assert found["rows"] > 100


@pytest.mark.slow
def test_a_service_that_is_killed_300_times_loses_nothing(tmp_path):
    """The same after 300 kills, with about fifty requests in flight."""
    found = killed(HARNESS, tmp_path / "data", 300)
    assert found["working"] > 200
    assert found["rows"] > 10_000

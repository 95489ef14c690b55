"""What the tests of the service share."""

import pytest

from tests.service.fakes import Clock, lab


@pytest.fixture
def clock() -> Clock:
    """A clock that moves when it is told to."""
    return Clock()


@pytest.fixture
def bare(tmp_path, clock):
    """A service with database, keys and health, and no other part."""
    with lab(tmp_path, clock=clock) as one:
        yield one

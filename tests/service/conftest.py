"""What the tests of the service share."""

import pytest
import structlog

from tests.service.fakes import Clock, lab


@pytest.fixture(autouse=True)
def plain_logs() -> None:
    """Events are printed as they are: structlog's own way draws a picture of every traceback, which takes a second."""
    structlog.configure(processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()])


@pytest.fixture
def clock() -> Clock:
    """A clock that moves when it is told to."""
    return Clock()


@pytest.fixture
def bare(tmp_path, clock):
    """A service with database, keys and health, and no other part."""
    with lab(tmp_path, clock=clock) as one:
        yield one

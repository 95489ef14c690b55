"""What all tests share: one thread per library, the same generated data every time, and the optional real data."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.house import REPOSITORY
from tests.postgres import Server, postgres

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # read when numpy and torch are first imported, which the test modules do

gc.disable()  # while tests are collected; see below

settings.register_profile(
    "same", max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("search", parent=settings.get_profile("same"), max_examples=500, derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


def pytest_collection_finish() -> None:
    """A million objects have come by now that stay: looking through them again and again would take minutes in all."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data sets, which do not come with the repository: FOREGATE_DATA or ../shared/data."""
    folder = Path(os.environ.get("FOREGATE_DATA", REPOSITORY / ".." / "shared" / "data")).resolve()
    if not folder.is_dir():
        pytest.skip(f"real data is not here: {folder} does not exist (set FOREGATE_DATA to the folder that has it)")
    return folder


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """The one PostgreSQL server of a process of tests; whoever writes to it makes a database of his own."""
    with postgres() as running:
        yield running

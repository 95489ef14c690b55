"""Steps of the tables."""

import re
import runpy

import pytest

from foregate.service.store.schema import MIGRATIONS

STEPS = sorted(MIGRATIONS.glob("m*.py"))


@pytest.mark.parametrize("i", range(len(STEPS)), ids=lambda i: STEPS[i].stem)
def test_a_step_follows_the_one_before(i):
    """Steps are numbered by their files, without gaps, and each names the one before it."""
    step = runpy.run_path(str(STEPS[i]))
    assert re.fullmatch(r"m\d{4}_\w+", STEPS[i].stem)
    assert step["revision"] == f"{i + 1:04}" == STEPS[i].stem[1:5]
    assert step["down_revision"] == (f"{i:04}" if i else None)

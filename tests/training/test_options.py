"""Options of a run refuse contradictions."""

import pytest

from foregate.core import UsageError
from foregate.training.options import TrainingOptions


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"steps": 0}, "steps must be at least 1, but got 0"),
        ({"batch": 0}, "batch must be at least 1"),
        ({"crop": -3}, "crop must be at least 1"),
        ({"origins": 0}, "origins must be at least 1"),
        ({"checks": 0}, "checks must be at least 1"),
        ({"patience": 0}, "patience must be at least 1"),
        ({"rate": 0.0}, "rate must be between 0 and 1"),
        ({"rate": 1.0}, "rate must be between 0 and 1"),
        ({"averaging": 1.0}, "averaging must be from 0 up to"),
        ({"seed": -1}, "seed must be 0 or more"),
    ],
)
def test_impossible_options_are_refused(wrong, message):
    """The message names the option and what it got."""
    with pytest.raises(UsageError, match=message):
        TrainingOptions(**{"steps": 10, **wrong})


@pytest.mark.parametrize(("steps", "checks", "every"), [(100, 20, 5), (19, 20, 1), (1, 1, 1), (45, 20, 2)])
def test_checks_are_spread_over_the_run(steps, checks, every):
    """There are at least as many checks as asked for, where there are steps enough, and never more than steps."""
    assert TrainingOptions(steps=steps, checks=checks).check_every == every

"""Laws of `foregate.tuning.lookbacks`."""

from dataclasses import replace

import numpy as np
import pytest

from foregate.core import Panel
from foregate.tuning import lookbacks
from foregate.tuning.lookbacks import CARRIED, INSTANT, LookbackScore, Trial, chosen, try_lookbacks
from tests.tuning.materials import weekly


@pytest.fixture
def tiny(monkeypatch):
    """Networks of a few units and steps."""
    small = {"hidden": 4, "decoder": 4, "steps": 3, "batch": 8, "crop": 20}
    monkeypatch.setattr(lookbacks, "SMALL", lookbacks.SMALL | small)


def score(name, rows, error, behind=0.0, doubt=0.0):
    return LookbackScore(name, rows, error, behind, doubt, 8, 0.1)


def test_every_candidate_is_scored_and_named(tiny):
    """Windows, the carried state and the pretrained one: best first, with how far behind; the same seed, the same."""
    panel = weekly()
    found, notes = try_lookbacks(panel, (14, 4), Trial(7, (7,)))
    assert {each.name: each.rows for each in found} == {CARRIED: None, INSTANT: None, "14 rows": 14, "4 rows": 4}
    assert [each.error for each in found] == sorted(each.error for each in found)
    assert found[0].behind == found[0].doubt == 0
    assert all(each.behind == pytest.approx(each.error - found[0].error) for each in found)
    assert notes == ()
    again, _ = try_lookbacks(panel, (14, 4), Trial(7, (7,)))
    assert [(one.name, one.error) for one in again] == [(one.name, one.error) for one in found]


def test_a_spent_budget_leaves_out_and_says_so(tiny):
    """The first candidate is tried whatever the clock says, and those that are not are named."""
    found, notes = try_lookbacks(weekly(), (14,), Trial(7, (7,), budget=1e-9))
    assert [each.name for each in found] == [CARRIED]
    assert f"{INSTANT}, 14 rows" in notes[0]


def test_what_cannot_be_tried_is_told(tiny):
    """Series that are too short for one origin give no scores, and the reason."""
    found, notes = try_lookbacks(Panel.from_arrays([np.arange(6.0)], freq=1), (2,), Trial(6))
    assert found == ()
    assert "no length was tried" in notes[0]


def test_the_simplest_within_a_standard_error_is_chosen():
    """No window if that is as good; else the shortest that is; the best where it stands alone."""
    best = score("48 rows", 48, 0.8)
    carried = score(CARRIED, None, 0.9, 0.1, 0.05)
    short = score("12 rows", 12, 0.81, 0.01, 0.02)
    assert chosen([best, short, carried]).name == "12 rows"
    assert chosen([best, short, replace(carried, doubt=0.2)]).name == CARRIED
    assert chosen([best, carried]).name == "48 rows"
    assert chosen([]) is None

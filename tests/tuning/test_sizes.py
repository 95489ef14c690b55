"""Laws of `foregate.tuning.sizes`."""

import numpy as np
import pytest

from foregate.models.spec import NetworkSpec
from foregate.persistence import load_shipped
from foregate.pipeline.plan import plan_training
from foregate.pipeline.recipe import Recipe
from foregate.tuning.rates import RateCurve
from foregate.tuning.sizes import differing, settings_of
from tests.tuning.materials import weekly

TINY = load_shipped("tiny")


def curve(suggestion, ceiling=None, lowest=0.5):
    return RateCurve(np.ones(2), np.ones(2), np.array([1.0, lowest]), suggestion, ceiling)


def settings(panel, start=TINY, rates=None, **own):
    found = settings_of(Recipe(7, season_length=(7,), **own), panel, (7,), start, rates)
    return {each.name: each for each in found}, differing(found)


@pytest.mark.parametrize("rows", [60, 400])
def test_with_pretrained_weights_everything_is_as_a_fit_decides(rows):
    """Sizes are those of the weights, the rest that of the plan; nothing differs, and every line has a reason."""
    panel = weekly(rows=rows)
    found, options = settings(panel)
    plan = plan_training(Recipe(7), panel, (7, 1), pretrained=True)
    assert options == {}
    assert found["hidden"].value == TINY.shape.hidden
    assert [found[name].value for name in ("batch", "crop", "steps", "rate")] == [
        plan.batch,
        plan.crop,
        plan.steps,
        plan.rate,
    ]
    assert all(each.reason for each in found.values())


def test_from_scratch_the_usual_size_needs_data():
    """Enough values: the usual sizes. Fewer: smaller ones and dropout, and the reason says how few."""
    large, options = settings(weekly(series=10, rows=600), start=None)
    assert options == {}
    assert large["hidden"].value == NetworkSpec.hidden
    middling, options = settings(weekly(rows=500), start=None)
    assert options == {"hidden": 48, "decoder": 48}
    assert middling["dropout"].differs
    small, options = settings(weekly(rows=100), start=None)
    assert options == {"hidden": 24, "layers": 1, "decoder": 24}
    assert "300 values of 3 series are few" in small["hidden"].reason


def test_what_is_asked_for_is_not_made_larger():
    """A recipe that names a smaller width keeps it."""
    assert settings(weekly(rows=100), start=None, hidden=8)[0]["hidden"].value == 8


def test_a_range_test_speaks_against_a_rate_by_more_than_its_error():
    """Within a factor of ten the usual rate stays; beyond, or where the loss rises at it, the tested one is taken."""
    panel = weekly()
    usual = settings(panel)[0]["rate"].value
    for found in (None, curve(None), curve(usual / 9), curve(usual * 9)):
        assert settings(panel, rates=found)[1] == {}
    assert settings(panel, rates=curve(usual * 20))[1] == {"rate": pytest.approx(usual * 20)}
    assert settings(panel, rates=curve(usual / 4, ceiling=usual / 2))[1] == {"rate": pytest.approx(usual / 4)}
    flat = settings(panel, rates=curve(usual / 20, lowest=1.0))[0]["rate"]
    assert "has not begun to rise" in flat.reason

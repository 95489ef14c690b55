"""What every fit begins with: seasons, a typical scale, and what to say."""

import numpy as np
import pytest

from foregate.core import Panel
from foregate.data.inputs import Inputs, InputSpec
from foregate.pipeline.prepare import (
    USUAL_CHANGE,
    choose_seasons,
    few_observations,
    shown_seasons,
    typical_scale,
)
from foregate.pipeline.recipe import Recipe


def test_seasons_are_a_pair():
    """A short and a long one, 1 for none, given or found; those that are there are shown."""
    day = Panel.from_arrays([np.sin(2 * np.pi * np.arange(240) / 12) + np.random.default_rng(0).normal(0, 0.1, 240)])
    for given, pair in (((), (1, 1)), ((7,), (7, 1)), ((24, 168), (24, 168)), (None, (12, 1))):
        assert choose_seasons(Recipe(3, given), day) == pair
    assert [shown_seasons(pair) for pair in ((1, 1), (7, 1), (24, 168))] == [(), (7,), (24, 168)]


def test_the_typical_scale_is_the_median_of_what_changes():
    """Series that never change, or are empty, do not count; where none changes, a usual one is assumed."""
    grows = [100 * 1.1 ** np.arange(30.0), 100 * 1.2 ** np.arange(30.0), 100 * 1.3 ** np.arange(30.0)]
    panel = Panel.from_arrays([*grows, np.full(9, 4.0), np.zeros(0)])
    assert typical_scale(Inputs(panel, InputSpec())) == pytest.approx(np.log(1.2), rel=1e-4)
    assert typical_scale(Inputs(panel.take([3]), InputSpec())) == USUAL_CHANGE


def test_series_of_few_observations_are_named():
    """Those with fewer than three observed values, however long."""
    panel = Panel.from_arrays([np.arange(9.0), np.r_[1.0, np.full(9, np.nan)], np.arange(2.0)])
    assert few_observations(panel) == ("forecast by the last value, for lack of 3 observations: 's1', 's2'.",)
    assert few_observations(panel.take([0])) == ()

"""Laws of what a network is told, before any data is there."""

import pytest

from foregate.core import UsageError
from foregate.data.input_spec import SEASONAL_PATHS, InputSpec
from foregate.data.statistics import SLOPES, SMOOTHING


@pytest.mark.parametrize("seasons", [(0, 1), (1, 7), (7, 3), (7, 7), (-1, -1)])
def test_impossible_seasons_are_refused(seasons):
    """The long season must be longer than the short one, and none is 1."""
    with pytest.raises(UsageError, match="seasons must be a short and a longer season"):
        InputSpec(seasons=seasons)


def test_candidate_paths_are_as_many_as_promised_for_every_season():
    """Seasons are inputs: widths do not depend on them."""
    widths = {
        (s.n_features, s.n_steps, s.n_profiles) for s in (InputSpec((1, 1)), InputSpec((12, 1)), InputSpec((24, 168)))
    }
    assert len(widths) == 1
    assert next(iter(widths))[2] == SEASONAL_PATHS + 1 + len(SMOOTHING) + len(SLOPES)

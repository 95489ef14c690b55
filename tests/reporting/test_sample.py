"""Which series are shown."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from foregate.reporting.sample import MOST, spread

ERRORS = st.lists(st.floats(0, 1e6) | st.just(float("nan")), min_size=1, max_size=60).map(np.array)


@given(ERRORS)
def test_the_sample_is_small_and_without_repeats(errors):
    """Never more than the most, never one twice, and all where there are few."""
    chosen = spread(errors).tolist()
    assert len(set(chosen)) == len(chosen) == min(len(errors), MOST)
    assert set(chosen) <= set(range(len(errors)))


@given(ERRORS)
def test_best_and_worst_are_in_it(errors):
    """The best and the worst of those whose error is known are always shown."""
    known = errors[np.isfinite(errors)]
    if len(known) >= MOST:
        shown = errors[spread(errors)]
        assert np.min(shown) == known.min()
        assert np.max(shown) == known.max()

"""What a series had shown up to an origin."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from foregate.core import Panel
from foregate.evaluation.history import last_seen, moves, sums_until

holes = st.lists(st.lists(st.sampled_from([1.0, 2.0, 5.0, np.nan]), min_size=1, max_size=30), min_size=1, max_size=4)


@given(holes, st.integers(1, 8))
def test_last_seen_is_the_plain_search(series, season):
    """The newest observed row of the same phase is what going back season by season finds."""
    panel = Panel.from_arrays([np.array(s) for s in series])
    found = last_seen(panel, season)
    for i, begin in enumerate(panel.offsets[:-1]):
        for row in range(begin, panel.offsets[i + 1]):
            back = [r for r in range(row, begin - 1, -season) if panel.mask[r]]
            assert found[row] == (back[0] if back else -1)
    assert found[-1] == -1


@given(holes, st.integers(1, 8))
def test_moves_stay_within_a_series(series, lag):
    """A change over a lag is known where both ends are observed in the same series, and is their difference."""
    panel = Panel.from_arrays([np.array(s) for s in series])
    moved, known = moves(panel, lag)
    for i, values in enumerate(series):
        y = np.array(values)
        expected = np.r_[np.full(min(lag, len(y)), np.nan), y[lag:] - y[:-lag]]
        rows = slice(panel.offsets[i], panel.offsets[i + 1])
        assert np.array_equal(known[rows], ~np.isnan(expected))
        assert np.array_equal(moved[rows], np.nan_to_num(expected))


def test_sums_do_not_leak_between_series():
    """A series a billion times larger beside it does not change the last bit of a sum."""
    small = np.random.default_rng(0).normal(size=50)
    alone = Panel.from_arrays([small])
    together = Panel.from_arrays([np.full(40, 1e9), small, np.full(7, -1e9)])
    rows = np.r_[np.full(40, 1e9), small, np.full(7, -1e9)]
    origins = np.array([[3, 39], [17, 49], [0, 6]])
    assert np.array_equal(sums_until(rows, together, origins)[1], sums_until(small, alone, origins[1:2])[0])
    np.testing.assert_allclose(sums_until(small, alone, np.array([[17]]))[0, 0], small[:18].sum(), rtol=1e-14)

"""Laws of what a series is told of another one that goes with it."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from foregate.data.related import MOVES, WINDOW, moves

values = st.lists(st.one_of(st.just(float("nan")), st.floats(-1e6, 1e6, width=32)), min_size=1, max_size=30).map(
    lambda given: np.array(given, np.float32)
)


def one(series):
    return moves(series, np.array([0, len(series)]))


@settings(max_examples=50, deadline=None)
@given(values, values, st.integers(0, 29))
def test_nothing_looks_ahead(history, changed, row):
    """Whatever comes after a row, what is told up to it is the same to the bit."""
    row = min(row, len(history) - 1)
    np.testing.assert_array_equal(one(np.r_[history[: row + 1], changed])[: row + 1], one(history)[: row + 1])


@settings(max_examples=30, deadline=None)
@given(values, values)
def test_alone_as_together(first, second):
    """What is told of a series does not depend on those that it is read with."""
    both = moves(np.r_[first, second], np.array([0, len(first), len(first) + len(second)]))
    np.testing.assert_array_equal(both, np.r_[one(first), one(second)])


@settings(max_examples=30, deadline=None)
@given(values, st.integers(-8, 8), st.integers(-1000, 1000))
def test_units_do_not_matter(series, power, shift):
    """A series in other units, or on another level, is told the same."""
    series = np.round(np.clip(series, -1000, 1000))
    np.testing.assert_array_equal(one(series * np.float32(2.0**power)), one(series))
    np.testing.assert_allclose(one(series + np.float32(shift)), one(series), atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(values)
def test_what_is_missing_is_zeros_and_all_is_finite(series):
    """A missing row has nothing but zeros, a row that is there says so."""
    told = one(series)
    assert told.shape == (len(series), MOVES)
    assert np.isfinite(told).all()
    np.testing.assert_array_equal(told[:, -1], ~np.isnan(series))
    assert not told[np.isnan(series)].any()


def test_the_newest_move_is_in_units_of_usual_ones():
    """The change stands over the mean absolute change, gaps between observations notwithstanding."""
    told = one(np.array([10, 12, np.nan, 16, 16], np.float32))
    np.testing.assert_allclose(np.expm1(np.abs(told[:, 0])), [0, 1, 0, 4 / 3, 0], rtol=1e-6)
    mean = np.array([10, 11, 0, 38 / 3, 13.5])
    scale = np.array([1, 2, 1, 3, 2])
    away = np.where([False, True, False, True, True], (np.array([10, 12, 0, 16, 16]) - mean) / scale, 0)
    np.testing.assert_allclose(np.expm1(np.abs(told[:, 1])), np.abs(away), rtol=1e-5)


def test_what_was_long_ago_is_forgotten():
    """Only the last rows count, so that old turmoil does not hide what moves now, beyond a fiftieth of it."""
    calm = np.tile([0.0, 1.0], WINDOW).astype(np.float32)
    wild = np.r_[np.tile([0.0, 10.0], 20), calm].astype(np.float32)
    np.testing.assert_allclose(one(wild)[-5:], one(calm)[-5:], atol=1e-5)

"""Laws of sliding windows."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.core import DataError, Panel, UsageError
from foregate.data.windows import windows

lengths_of_series = st.lists(st.integers(1, 30), min_size=1, max_size=5)
small = st.integers(1, 6)


def ramp(*lengths):
    """Series i holds 1000 i + position, so that every value says where it is from."""
    return Panel.from_arrays([1000.0 * i + np.arange(n) for i, n in enumerate(lengths)])


@given(lengths_of_series, small, st.integers(0, 6), small)
def test_targets_follow_their_inputs(lengths, lookback, horizon, stride):
    """Where the value is the index, input j of the window at origin o is o - L + 1 + j and target k is o + 1 + k."""
    every = windows(ramp(*lengths), lookback=lookback, horizon=horizon, stride=stride)
    last = 1000 * every.series + every.origins
    assert len(every) == len(last) == sum(max(0, (n - lookback - horizon) // stride + 1) for n in lengths)
    for number, window in enumerate(every):
        np.testing.assert_array_equal(window.inputs, last[number] - lookback + 1 + np.arange(lookback))
        np.testing.assert_array_equal(window.targets, last[number] + 1 + np.arange(horizon))


@given(lengths_of_series, small, small, small)
def test_one_by_one_by_series_and_in_batches_agree(lengths, lookback, horizon, stride):
    """A window is the same however it is asked for."""
    every = windows(ramp(*lengths), lookback=lookback, horizon=horizon, stride=stride)
    batch = every.batch(np.arange(len(every)))
    for part in range(4):
        by_series = np.concatenate([every.of(i)[part] for i in range(len(lengths))])
        np.testing.assert_array_equal(batch[part], by_series)
        for number in range(len(every)):
            np.testing.assert_array_equal(every[number][part], batch[part][number])
            np.testing.assert_array_equal(every[number - len(every)][part], batch[part][number])


def test_windows_are_views_on_the_panel():
    """Windows share memory with the panel, cannot be written through, and a batch is a copy."""
    panel = ramp(20, 30)
    every = windows(panel, lookback=5, horizon=2, stride=3)
    for window in (every.of(1), every[4], next(iter(every))):
        for part in window[:2]:
            assert np.shares_memory(part, panel.values)
            assert not part.flags.writeable
        for part in window[2:]:
            assert np.shares_memory(part, panel.mask)
    assert not np.shares_memory(every.batch(np.array([0])).inputs, panel.values)


def test_what_is_missing_is_marked():
    """The masks say which entries were observed, and `complete` which windows miss nothing."""
    panel = Panel.from_arrays([np.array([1, np.nan, 3, 4, 5, 6.0]), np.array([1, 2, 3, np.nan])])
    every = windows(panel, lookback=2, horizon=1)
    np.testing.assert_array_equal(every.of(0).inputs_mask, [[1, 0], [0, 1], [1, 1], [1, 1]])
    np.testing.assert_array_equal(every.of(1).targets_mask, [[1], [0]])
    np.testing.assert_array_equal(every.complete, [False, False, True, True, True, False])


def test_windows_stay_when_rows_are_added():
    """The windows of a longer panel begin with those of the shorter one."""
    short, long = (windows(ramp(n), lookback=4, horizon=2, stride=3) for n in (20, 25))
    np.testing.assert_array_equal(short.of(0).inputs, long.of(0).inputs[: len(short)])


def test_series_too_short_have_no_window():
    """A series too short for a window has none, and a panel of such series has length 0."""
    every = windows(ramp(3, 2), lookback=3)
    assert len(every) == 0
    assert every.of(0).inputs.shape == (0, 3)
    assert every.batch(np.arange(0)).targets.shape == (0, 1)
    with pytest.raises(IndexError, match="number must be between"):
        every[0]


@pytest.mark.parametrize("wrong", [{"lookback": 0}, {"horizon": -1}, {"stride": 0}, {"lookback": 1.5}])
def test_impossible_numbers_are_refused(wrong):
    """A number out of range is named in the error."""
    with pytest.raises(UsageError, match=f"{next(iter(wrong))} must be a whole number of at least"):
        windows(ramp(9), **({"lookback": 2} | wrong))


def test_gaps_are_refused():
    """Rows that are not evenly spaced make no windows."""
    panel = ramp(5)
    with pytest.raises(DataError, match="evenly spaced"):
        windows(replace(panel, times=np.array([0, 1, 2, 4, 5])), lookback=2)

"""Laws of temporal splits."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.core import DataError, Panel, UsageError
from foregate.data.split import Folds, blocked_folds, cutoffs, expanding_origins, rolling_origins, split

lengths_of_series = st.lists(st.integers(1, 60), min_size=1, max_size=5).map(lambda x: np.array(x, np.int64))
small = st.integers(1, 8)


def ramp(*lengths, freq=1, start=None):
    """Series whose value is the position of the row."""
    return Panel.from_arrays([np.arange(float(n)) for n in lengths], freq=freq, start=start)


@given(lengths_of_series, small, small, small, st.integers(0, 4), small)
def test_cutoffs_align_to_the_end(lengths, horizon, n_windows, step, gap, min_train):
    """The newest window ends with the last row, older ones lie `step` earlier, and -1 stands only where too short."""
    found = cutoffs(lengths, horizon=horizon, n_windows=n_windows, step=step, gap=gap, min_train=min_train)
    assert found.shape == (len(lengths), n_windows)
    for s, n in enumerate(lengths):
        for w in range(n_windows):
            expected = n - 1 - gap - horizon - (n_windows - 1 - w) * step
            assert found[s, w] == (expected if expected + 1 >= min_train else -1)


def test_cutoffs_touch_without_overlap_by_default():
    """Without a step the test windows tile the end of the series."""
    last = cutoffs(np.array([20]), horizon=4, n_windows=3)[0]
    targets = np.concatenate([np.arange(c + 1, c + 5) for c in last])
    np.testing.assert_array_equal(targets, np.arange(8, 20))


@pytest.mark.parametrize("wrong", [{"horizon": 0}, {"n_windows": 0}, {"step": 0}, {"gap": -1}, {"min_train": 0}])
def test_cutoffs_refuse_impossible_numbers(wrong):
    """A number out of range is named in the error."""
    with pytest.raises(UsageError, match=f"{next(iter(wrong))} must be a whole number of at least"):
        cutoffs(np.array([10]), **({"horizon": 2, "n_windows": 2} | wrong))


def folds_of_every_kind(lengths, horizon, n_windows, gap):
    yield expanding_origins(lengths, horizon=horizon, n_windows=n_windows, gap=gap, step=2)
    yield rolling_origins(lengths, window=3, horizon=horizon, n_windows=n_windows, gap=gap)
    yield blocked_folds(lengths, horizon=horizon, n_blocks=n_windows, gap=gap)


@given(lengths_of_series, small, st.integers(1, 4), st.integers(0, 3))
def test_folds_never_leak(lengths, horizon, n_windows, gap):
    """In every fold the first test row lies exactly gap + 1 rows after the last training row, for every series."""
    panel = ramp(*lengths)
    for folds in folds_of_every_kind(lengths, horizon, n_windows, gap):
        for w in range(len(folds)):
            train, test = folds.train(panel, w), folds.test(panel, w)
            np.testing.assert_array_equal(train.ids, test.ids)
            np.testing.assert_array_equal(train.ids, panel.ids[folds.cutoffs[:, w] >= 0])
            for i in range(len(train)):
                past, future = train.series(i), test.series(i)
                np.testing.assert_array_equal(future, past[-1] + gap + 1 + np.arange(horizon))
                np.testing.assert_array_equal(np.diff(past), 1)


def test_rolling_learns_from_a_fixed_window_and_expanding_from_everything():
    """A rolling fold trains on exactly `window` rows; an expanding one begins with the first row."""
    panel = ramp(20, 9)
    rolling = rolling_origins(panel.lengths, window=5, horizon=2, n_windows=3)
    expanding = expanding_origins(panel.lengths, horizon=2, n_windows=3)
    np.testing.assert_array_equal(rolling.train(panel, 2).lengths, [5, 5])
    np.testing.assert_array_equal(rolling.train(panel, 0).ids, ["s0"])
    np.testing.assert_array_equal(expanding.train(panel, 0).lengths, [14, 3])


@given(lengths_of_series, small, small, st.integers(0, 3))
def test_blocks_share_no_row(lengths, horizon, n_blocks, gap):
    """No row is in two blocks, and the newest block ends with the last row."""
    folds = blocked_folds(lengths, horizon=horizon, n_blocks=n_blocks, gap=gap)
    for s, n in enumerate(lengths):
        if folds.cutoffs[s, 0] < 0:
            assert np.all(folds.cutoffs[s] < 0)
            continue
        ends = folds.cutoffs[s] + gap + horizon + 1
        assert np.all(folds.begins[s, 1:] >= ends[:-1])
        assert ends[-1] == n
        assert np.all(folds.cutoffs[s] >= folds.begins[s])


def test_a_fold_of_no_series_is_empty():
    """A window for which every series is too short gives a panel without series."""
    panel = ramp(3)
    folds = expanding_origins(panel.lengths, horizon=3, n_windows=1)
    assert isinstance(folds, Folds)
    assert len(folds.train(panel, 0)) == 0


@given(st.lists(st.integers(20, 60), min_size=1, max_size=4), st.integers(0, 5), small, st.integers(0, 3))
def test_split_parts_follow_each_other(lengths, validation, test, gap):
    """The parts are in order, share no row, and lie exactly `gap` rows apart."""
    panel = ramp(*lengths)
    parts = split(panel, validation=validation, test=test, gap=gap)
    for i, n in enumerate(lengths):
        np.testing.assert_array_equal(parts.test.series(i), np.arange(n - test, n))
        known = parts.before_test.series(i)
        np.testing.assert_array_equal(known, np.arange(n - test - gap))
        np.testing.assert_array_equal(parts.validation.series(i), known[len(known) - validation :])
        train = parts.train.series(i)
        np.testing.assert_array_equal(train, np.arange(len(known) - validation - (gap if validation else 0)))


def test_split_by_fraction_is_of_each_series():
    """A fraction is of each series' own length."""
    parts = split(ramp(10, 40), validation=0.1, test=0.2)
    np.testing.assert_array_equal(parts.test.lengths, [2, 8])
    np.testing.assert_array_equal(parts.validation.lengths, [1, 4])
    np.testing.assert_array_equal(parts.train.lengths, [7, 28])


@pytest.mark.parametrize(
    "date",
    ["2000-01-08", dt.date(2000, 1, 8), dt.datetime(2000, 1, 8), np.datetime64("2000-01-08"), "2000-01-07T12:00"],
)
def test_split_by_date_begins_with_that_date(date):
    """However a date is written, the part begins with the first row on or after it, whatever the lengths."""
    parts = split(ramp(10, 14, freq="D"), validation=2, test=date)
    np.testing.assert_array_equal(parts.train.lengths, [5, 5])
    assert np.all(parts.test.times >= np.datetime64("2000-01-08"))
    np.testing.assert_array_equal(parts.test.lengths, [3, 7])


def test_split_date_means_the_local_clock():
    """A date without zone is read on the clock of the panel's time zone; one with a zone is that moment."""
    panel = ramp(48, freq="h")
    berlin = replace(panel, spec=replace(panel.spec, time_zone="Europe/Berlin"))
    np.testing.assert_array_equal(split(berlin, test="2000-01-02").train.lengths, [23])
    np.testing.assert_array_equal(split(berlin, test="2000-01-02T00:00+00:00").train.lengths, [24])
    days = ramp(9, freq="D")
    days = replace(days, spec=replace(days.spec, time_zone="Europe/Berlin", wall_clock=True))
    np.testing.assert_array_equal(split(days, test="2000-01-06").train.lengths, [5])
    np.testing.assert_array_equal(split(days, test="2000-01-05T23:00+00:00").train.lengths, [5])
    with pytest.raises(UsageError, match="without time zone"):
        split(panel, test="2000-01-02T00:00+00:00")


def test_split_refuses_series_without_rows_in_a_part():
    """Series too short for a part are named, at most five of them."""
    with pytest.raises(DataError, match=r"'s0', 's1', 's2', 's3', 's4' and 2 more are too short.*leave these"):
        split(ramp(*[3] * 7, 30), test=2, validation=1)
    with pytest.raises(DataError, match="'s0' are too short or lie"):
        split(ramp(5, 9, freq="D"), test="2000-01-08")


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, "soon", None, 0.0, float("nan")])
def test_split_refuses_what_is_no_size(wrong):
    """A part is a count, a fraction or a date, and the error shows one of each."""
    with pytest.raises(UsageError, match="test must be a count of rows, a fraction between 0 and 1 or a date"):
        split(ramp(10), test=wrong)


def test_split_refuses_dates_for_integer_time():
    """A date means nothing where time is counted in integers."""
    with pytest.raises(UsageError, match="counted in integers"):
        split(ramp(10), test="2000-01-02")

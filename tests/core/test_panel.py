"""Panels: what goes in comes out, parts are parts, and nothing that was handed over is changed."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from foregate.core import (
    Covariate,
    DataError,
    Frequency,
    Panel,
    UsageError,
    evenly,
    require_panel,
    require_regular,
    with_room,
)

values = st.floats(-1e6, 1e6, width=32) | st.just(np.nan)
series = st.lists(st.integers(1, 12).flatmap(lambda n: arrays(np.float64, n, elements=values)), min_size=1, max_size=5)


def with_covariates(panel):
    """The panel with one covariate of each shape, which count rows and series."""
    return replace(
        panel,
        covariates={
            "row": Covariate("past", np.arange(len(panel.values), dtype=np.float32)),
            "series": Covariate("static", np.arange(len(panel), dtype=np.float32)),
        },
    )


@given(series)
def test_what_goes_in_comes_out(arrays):
    """Each series is what it was made from, missing values included."""
    panel = Panel.from_arrays(arrays)
    assert len(panel) == len(arrays)
    for i, array in enumerate(arrays):
        np.testing.assert_array_equal(panel.series(i), array)


@given(series, st.sampled_from(["h", "B", "MS", "D", 1, 3]))
def test_a_panel_of_arrays_is_regular(arrays, freq):
    """Series made from arrays step evenly, whatever the step; with one row taken out they do not."""
    start = None if isinstance(freq, int) else np.datetime64("2024-01-01", "us")
    panel = Panel.from_arrays(arrays, freq=freq, start=start)
    assert panel.is_regular
    assert not replace(panel, freq=None).is_regular
    if panel.lengths[0] > 2:
        times = panel.times.copy()
        times[1] = times[0]
        assert not replace(panel, times=times).is_regular


@given(series, st.data())
def test_parts_are_parts(arrays, data):
    """take, cut, tail and between hold the rows they name, with the covariates that belong to them."""
    panel = with_covariates(Panel.from_arrays(arrays))
    which = data.draw(st.lists(st.integers(0, len(arrays) - 1), min_size=1, max_size=4, unique=True))
    n = data.draw(st.integers(0, 12))
    counts = np.full(len(arrays), n)
    taken = panel.take(which)
    assert taken.ids.tolist() == panel.ids[which].tolist()
    assert taken.covariates["series"].values.tolist() == which
    for part, rows in (
        (taken, [arrays[i] for i in which]),
        (panel.cut(counts), [array[:n] for array in arrays]),
        (panel.tail(n), [array[max(len(array) - n, 0) :] for array in arrays]),
        (panel.between(counts, counts + 2), [array[n : n + 2] for array in arrays]),
    ):
        assert part.lengths.tolist() == [len(each) for each in rows]
        for i, each in enumerate(rows):
            np.testing.assert_array_equal(part.series(i), each)
        own = part.covariates["row"].values.astype(np.int64)
        np.testing.assert_array_equal(panel.values[own], part.values)
        np.testing.assert_array_equal(panel.times[own], part.times)


@given(series)
def test_rows_know_their_series(arrays):
    """row_series counts each series as often as it has rows, and last_times are the newest."""
    panel = Panel.from_arrays(arrays)
    assert np.bincount(panel.row_series, minlength=len(panel)).tolist() == panel.lengths.tolist()
    assert panel.last_times.tolist() == [len(array) - 1 for array in arrays]


def test_nothing_handed_over_is_changed():
    """The arrays a panel is made from stay what they were, and cutting a panel leaves it whole."""
    array = np.array([1.0, np.nan, 3.0])
    panel = Panel.from_arrays([array])
    before = panel.values.copy()
    panel.cut(np.array([1])).values[:] = 99
    np.testing.assert_array_equal(panel.values, before)
    np.testing.assert_array_equal(array, [1.0, np.nan, 3.0])


def test_a_panel_can_be_declared_to_step_otherwise():
    """with_freq changes the step and nothing else."""
    panel = Panel.from_arrays([np.arange(3.0)], freq="D")
    other = panel.with_freq("h")
    assert other.freq == Frequency.parse("h")
    assert other.values is panel.values


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"offsets": np.array([0, 2])}, "offsets must run from 0 to 3"),
        ({"mask": np.ones(2, np.bool_)}, "mask and times must have 3 entries like values, but got 2 and 3"),
        ({"times": np.arange(4)}, "mask and times must have 3 entries like values, but got 3 and 4"),
        ({"covariates": {"x": Covariate("past", np.zeros(1, np.float32))}}, "'x' must have 3 values, but got 1"),
        ({"covariates": {"x": Covariate("static", np.zeros(3, np.float32))}}, "'x' must have 1 values, but got 3"),
    ],
)
def test_parts_that_do_not_fit_are_refused(change, message):
    """Arrays that contradict one another do not become a panel."""
    with pytest.raises(DataError, match=message):
        replace(Panel.from_arrays([np.arange(3.0)]), **change)


@pytest.mark.parametrize(
    ("freq", "start", "expected"),
    [
        ("MS", "2024-01-31", ["2024-05-31", "2024-06-30"]),
        ("ME", "2024-01-31", ["2024-05-31", "2024-06-30"]),
        ("B", "2024-01-02", ["2024-01-08", "2024-01-09"]),
        ("2h", "2024-01-01T20", ["2024-01-02T04", "2024-01-02T06"]),
    ],
)
def test_the_future_begins_one_step_after_the_last_row(freq, start, expected):
    """Future times go on from the last row, counted from the first so that the day of the month is kept."""
    panel = Panel.from_arrays([np.ones(4)], freq=freq, start=np.datetime64(start, "us"))
    np.testing.assert_array_equal(panel.future_times(2), np.array([expected], "datetime64[us]"))


def test_the_future_of_integer_time():
    """Each series goes on from its own last row."""
    panel = Panel.from_arrays([np.ones(4), np.ones(2)], freq=5, start=np.array(100))
    np.testing.assert_array_equal(panel.future_times(2), [[120, 125], [110, 115]])
    with pytest.raises(DataError, match="the panel must have a frequency"):
        replace(panel, freq=None).future_times(2)


@given(st.integers(0, 5_000), st.integers(2, 600))
def test_a_few_of_many_are_evenly_spread(count, most):
    """As many as may be, each once, from the first to the last, and no step much longer than another."""
    which = evenly(count, most)
    assert len(which) == min(count, most)
    assert count == 0 or which[[0, -1]].tolist() == [0, count - 1]
    steps = np.diff(which)
    assert steps.size == 0 or (steps.min() >= 1 and np.ptp(steps) <= 1)


@pytest.mark.parametrize("given_", [None, 5, "sales.csv", {"y": [1.0]}])
def test_only_a_panel_is_a_panel(given_):
    """Whatever else is handed over, the message says how a panel is made."""
    require_panel(Panel.from_arrays([np.ones(2)]))
    with pytest.raises(UsageError, match=r"the series must be a Panel, but got a value of type .*read\(data\)"):
        require_panel(given_)


def test_uneven_panels_are_refused():
    """Gaps, or no frequency; of an even one the step is given back."""
    panel = Panel.from_arrays([np.arange(5.0)])
    assert require_regular(panel) == panel.freq
    for wrong in (replace(panel, times=panel.times * 2), replace(panel, freq=None)):
        with pytest.raises(DataError, match="must be evenly spaced, but got gaps or no frequency"):
            require_regular(wrong)


@pytest.mark.parametrize(
    ("values", "expected"), [([np.nan, np.nan, 1.0], 2), ([1.0, np.nan], 0), ([np.nan, np.nan], 2), ([], 0)]
)
def test_the_first_observed_row(values, expected):
    """The first row with a value; the length of the series where there is none."""
    panel = Panel.from_arrays([np.array(values), np.array([np.nan, 3.0])])
    assert panel.first_observed.tolist() == [expected, 1]


def test_room_is_made_rarely_and_loses_nothing():
    """What is there stays, the rest is zeros, and arrays that have room are not copied."""
    array, copies = np.zeros((0, 2)), 0
    for size in range(500):
        grown = with_room(array, size, 1)
        copies += grown is not array
        array = grown
        assert not array[size:].any()
        array[size] = size + 1
    assert array[:500, 0].tolist() == list(range(1, 501))
    assert copies <= 11

"""Laws of histories: rows in arrays say what the request said, or the request is refused."""

from collections.abc import Sequence

import numpy as np
import pytest

from foregate.core import Frequency
from foregate.core.errors import ForegateError
from foregate.data.columns import ColumnSpec
from foregate.service.forecasts.bodies import History
from foregate.service.forecasts.histories import Wanted, panel_of, rows_of
from foregate.service.times import read_times, written_times

DAY = Wanted(Frequency.parse("D"), 2, rows=100)
TOLD = Wanted(
    Frequency.parse("D"),
    2,
    (
        ColumnSpec("shop", "static", categories=("big", "small"), unknown=True),
        ColumnSpec("price", "past"),
        ColumnSpec("open", "future"),
    ),
)
FULL = {
    "values": [1.0, 2.0, 3.0],
    "static": {"shop": "big"},
    "covariates": {"price": [1, None, 3], "open": [1, 1, 0]},
    "future": {"open": [1, 0]},
}


def test_rows_that_are_left_out_are_missing():
    """Times with gaps make rows without values, covariates too, and all in their places."""
    history = History(**FULL | {"times": ["2024-01-01", "2024-01-02", "2024-01-05"]})
    rows = rows_of(history, "a", TOLD)
    assert rows.mask.tolist() == [True, True, False, False, True]
    assert rows.values.tolist() == [1, 2, 0, 0, 3]
    np.testing.assert_array_equal(rows.columns["price"], np.array([1, np.nan, np.nan, np.nan, 3], np.float32))
    assert rows.times[-1] == np.datetime64("2024-01-05", "us")


def test_a_start_is_a_time_for_every_row():
    """A start and the frequency say the same as all times."""
    times = [f"2024-01-0{day}" for day in (1, 2, 3)]
    by_start = rows_of(History(values=[1, 2, 3], start="2024-01-01"), "a", DAY)
    by_times = rows_of(History(values=[1, 2, 3], times=times), "a", DAY)
    assert by_start.times.tolist() == by_times.times.tolist()
    assert [by_start.told, by_times.told, rows_of(History(values=[1]), "a", DAY).told] == [True, True, False]


def test_several_histories_are_one_panel():
    """Series stay in their order, with their own rows, covariates and future."""
    rows = [rows_of(History(**FULL | {"values": [n] * 3}), str(n), TOLD) for n in (5.0, 7.0)]
    panel, future = panel_of(rows, TOLD)
    assert panel.series(1).tolist() == [7, 7, 7]
    assert panel.is_regular
    assert panel.covariates["shop"].values.tolist() == [0, 0]
    assert future is not None
    assert future["open"].tolist() == [[1, 0], [1, 0]]


def test_categories_that_nobody_knows_are_said():
    """A category that the model has not seen is read as unknown, with a note."""
    rows = rows_of(History(**FULL | {"static": {"shop": "huge"}}), "a", TOLD)
    assert rows.columns["shop"].tolist() == [2]
    assert "huge" in rows.notes[0]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"values": [None, None, None]}, "must have an observed value, but got none in 'a'"),
        ({"values": [1e300, 1, 2]}, "within ±1e.30"),
        ({"times": ["2024-01-01", "2024-01-02"]}, "one per value"),
        ({"times": ["2024-01-01", "2024-01-02", "2024-01-03"], "start": "2024-01-01"}, "without start"),
        ({"times": ["2024-01-01", "2024-01-03", "2024-01-02"]}, "must ascend"),
        ({"times": ["2024-01-01", "2024-01-01", "2024-01-02"]}, "must ascend"),
        ({"times": ["2024-01-01", "2024-01-02", "2024-01-03T01:00"]}, "must ascend"),
        ({"times": ["1000-01-01", "2024-01-02", "2024-01-03"]}, "span at most"),
        ({"times": [1, 2, 3]}, "ISO 8601"),
        ({"start": 7}, "ISO 8601"),
        ({"static": {}}, "static of 'a' must be those that the model reads, 'shop', but got none"),
        ({"static": {"shop": 3.0}}, "must be text"),
        ({"covariates": {"price": [1, 2, 3]}}, "covariates of 'a' must be those"),
        ({"covariates": {"price": [1, 2], "open": [1, 1, 1]}}, "must have 3 values, but got 2"),
        ({"covariates": {"price": ["1", 2, 3], "open": [1, 1, 1]}}, "but got text"),
        ({"covariates": {"price": [1e39, 2, 3], "open": [1, 1, 1]}}, "within"),
        ({"future": {"open": [1]}}, "must have 2 values, but got 1"),
        ({"future": {}}, "future of 'a' must be those"),
    ],
)
def test_what_cannot_be_read_is_refused(changed, said):
    """Whatever is wrong with a series is told with its name or what it must be."""
    with pytest.raises(ForegateError, match=said):
        rows_of(History(**FULL | changed), "a", TOLD)


def test_two_far_rows_are_no_bomb():
    """Rows that lie far apart are refused before anything of that length is made."""
    wanted = Wanted(Frequency.parse(1), 2, rows=1000)
    with pytest.raises(ForegateError, match="span at most 1,000 steps"):
        rows_of(History(values=[1, 2], times=[0, 2**50]), "a", wanted)


class Told(Sequence):
    """Values that count how many of them were looked at."""

    def __init__(self, values):
        self.values, self.looked = values, 0

    def __len__(self):
        return len(self.values)

    def __getitem__(self, which):
        found = self.values[which]
        self.looked += len(found) if isinstance(which, slice) else 1
        return found


@pytest.mark.parametrize("told", ["times", "start", "nothing"])
def test_what_is_read_costs_and_nothing_else(told):
    """However long a history is, no more of it is looked at than is read, and that is what its newest rows say."""
    wanted = Wanted(Frequency.parse(1), 2, (ColumnSpec("price", "past"),), read=50)
    long = {name: Told([float(i % 7) for i in range(20_000)]) for name in ("values", "price")}
    times = Told(list(range(20_000)))
    some = {"times": {"times": times}, "start": {"start": 0}, "nothing": {}}[told]
    rows = rows_of(History(values=long["values"], covariates={"price": long["price"]}, **some), "a", wanted)
    assert sum(each.looked for each in (*long.values(), times)) <= 3 * 50
    assert rows.times.tolist() == list(range(19_950, 20_000))
    assert rows.values.tolist() == rows.columns["price"].tolist() == [float(i % 7) for i in range(19_950, 20_000)]
    assert rows.notes == ("only the newest 50 rows are read.",)


@pytest.mark.parametrize("freq", ["D", "MS", 1])
def test_what_was_left_out_is_read_as_missing(freq):
    """Where rows are left out the newest steps are read, not as many rows, and each has its time."""
    freq = Frequency.parse(freq)
    grid = freq.shift(read_times([5 if freq.is_integer else "2020-03-01"], freq)[0], np.arange(40))
    there = [*range(20), 25, 26, 33, 39]
    history = History(values=[float(i) for i in there], times=[written_times(grid)[i] for i in there])
    rows = rows_of(history, "a", Wanted(freq, 2, read=15))
    assert rows.times.tolist() == grid[25:].tolist()
    assert np.flatnonzero(rows.mask).tolist() == [0, 1, 8, 14]
    assert rows.values[rows.mask].tolist() == [25, 26, 33, 39]


def test_columns_that_are_too_short_are_told_of_however_long_they_are():
    """A column of another length than the values is refused where the newest rows of it could be had too."""
    wanted = Wanted(Frequency.parse(1), 2, (ColumnSpec("price", "past"),), read=5)
    with pytest.raises(ForegateError, match="'price' of 'a' must have 20 values, but got 10"):
        rows_of(History(values=[1.0] * 20, covariates={"price": [1.0] * 10}), "a", wanted)


def test_a_model_that_reads_the_clock_needs_times():
    """Without times there is no time of the day to read."""
    with pytest.raises(ForegateError, match="times or start must be given"):
        rows_of(History(values=[1, 2]), "a", Wanted(Frequency.parse("h"), 2, clock=True))

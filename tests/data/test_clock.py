"""Laws of the time of the day, the week and the year."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.core import Frequency, Panel, UsageError
from foregate.data.clock import YEAR, Clock, Days, days_of, days_per_row


@pytest.mark.parametrize("freq", ["15min", "h", "6h", "D", "W", "B"])
def test_a_year_of_rows_is_a_year(freq):
    """So many steps after any time, a year has gone by, within the days that years differ by."""
    step, start = Frequency.parse(freq), np.array(["2021-05-03"], "datetime64[us]")
    later = step.shift(start, round(YEAR / days_per_row(step)))
    assert abs((later - start)[0] / np.timedelta64(1, "D") - YEAR) < 7.5


@given(st.datetimes(), st.integers(0, 100))
def test_days_are_those_of_the_calendar(time, hours):
    """Before 1970 too, and to the hour."""
    first = np.array([time.replace(microsecond=0)], "datetime64[us]")
    begun, later = (days_of(times, Frequency.parse("h"))[0] for times in (first, first + np.timedelta64(hours, "h")))
    assert (later - begun) * 24 == pytest.approx(hours, abs=1e-4)
    assert np.floor(begun) == first.astype("datetime64[D]").astype(int)[0]


@pytest.mark.parametrize("freq", ["30min", "h", "D", "B", "2B", "W"])
def test_a_row_is_told_the_same_wherever_its_series_begins(freq):
    """Rows are counted from the first one on, and it must not matter which that is."""
    step = Frequency.parse(freq)
    times = step.shift(np.array(["1969-12-08"], "datetime64[us]"), np.arange(60))
    clock = Clock.of(days_per_row(step), YEAR)
    told = [clock.after(days_of(times[i : i + 1], step), np.arange(60 - i)) for i in range(30)]
    for i, days in enumerate(told):
        np.testing.assert_allclose(days, told[0][i:], atol=1e-9)
    if step.unit != "B":
        np.testing.assert_allclose(told[0], days_of(times, step), atol=1e-9)
    else:
        assert np.abs(told[0] - days_of(times, Frequency.parse("D"))).max() < 2


def test_whole_numbers_have_no_time():
    """Nothing is told of them, whatever is longer than a step."""
    assert days_per_row(Frequency.parse(3)) == 0
    np.testing.assert_array_equal(days_of(np.arange(3), Frequency.parse(1)), 0)
    assert not Clock.of(0.0, YEAR)


@pytest.mark.parametrize(
    ("step", "longest", "told"),
    [
        (1 / 24, YEAR, (1.0, 7.0, 3.5, YEAR, YEAR / 2, YEAR / 3)),
        (1 / 24, 7.0, (1.0, 7.0, 3.5)),
        (1.0, 300.0, (7.0, 3.5)),
        (1.0, 6.0, ()),
        (7.0, YEAR, (YEAR, YEAR / 2, YEAR / 3)),
        (3.0, YEAR, (7.0, YEAR, YEAR / 2, YEAR / 3)),
        (100.0, YEAR, (YEAR,)),
        (200.0, YEAR, ()),
    ],
)
def test_cycles_of_two_steps_or_more_are_told(step, longest, told):
    """And none that is longer than asked for; where there is none, the clock says so."""
    clock = Clock.of(step, longest)
    assert clock.cycles == pytest.approx(told)
    assert bool(clock) == bool(told)
    assert clock.width == 2 * len(told)


def test_waves_return_with_their_cycle():
    """After a whole one, however many, and are told apart within."""
    for days in (1.0, 7.0, YEAR):
        clock = Clock(0.1, (days,))
        times = days * np.linspace(0, 1, 50, endpoint=False)
        told = clock.waves(times)
        assert told.shape == (50, clock.width)
        np.testing.assert_allclose(clock.waves(times + 40 * days), told, atol=1e-5)
        assert np.abs(told[:, None] - told[None]).sum(-1)[~np.eye(50, dtype=bool)].min() > 0.1


@pytest.mark.parametrize(("step", "cycles"), [(0.0, (1.0,)), (-1.0, ()), (1.0, (0.0,)), (np.inf, (7.0,))])
def test_a_clock_that_cannot_be_is_refused(step, cycles):
    """Nothing takes no time, or no end of it."""
    with pytest.raises(UsageError, match="a clock must have a step and cycles of more than 0 days"):
        Clock(step, cycles)


def test_rows_to_come_go_on():
    """Rows behind the end of a series go on from its first row, whatever series follows; empty series are none."""
    panel = Panel.from_arrays([np.ones(5), np.ones(0), np.ones(3)], freq="D", start=np.datetime64("2024-01-01", "us"))
    days = Days.of(panel, Clock.of(1.0, YEAR))
    rows = np.arange(9)
    found = days.at(rows, np.zeros(9, np.int64))
    np.testing.assert_allclose(found, days_of(np.datetime64("2024-01-01") + rows, Frequency.parse("D")))
    np.testing.assert_allclose(days.at(np.array([5]), np.array([2])), found[0])

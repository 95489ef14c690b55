"""Laws of the time of the year."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.core import Frequency, Panel
from foregate.data.year import YEAR_WIDTH, Years, first_phases, rows_per_year, waves


@pytest.mark.parametrize("freq", ["15min", "h", "6h", "D", "W", "B"])
def test_a_year_of_rows_is_a_year(freq):
    """So many steps after any time, the time of the year is the same, within the days that years differ by."""
    step, start = Frequency.parse(freq), np.array(["2021-05-03"], "datetime64[us]")
    later = step.shift(start, round(rows_per_year(step)))
    assert abs((later - start)[0] / np.timedelta64(1, "D") - 365.2425) < 7.5


@given(st.integers(-300, 300), st.integers(0, 360))
def test_phases_are_shares_of_the_year(years, day):
    """Between 0 and 1, for years before 1970 too, and within a day of what the calendar says."""
    time = np.datetime64(f"{2000 + years:04d}-01-01", "D") + day
    found = float(first_phases(np.array([time]))[0])
    assert 0 <= found < 1
    apart = abs(found - day / 365.2425)
    assert min(apart, 1 - apart) * 365.2425 < 2.5


def test_whole_numbers_have_no_year():
    """No step of them makes one, and no time has a place in it."""
    assert rows_per_year(Frequency.parse(3)) == 0
    np.testing.assert_array_equal(first_phases(np.arange(3)), 0)


def test_waves_are_those_of_the_year():
    """They return after a whole year, whatever year it is, and are told apart within."""
    phases = np.linspace(0, 1, 50, endpoint=False)
    told = waves(phases)
    assert told.shape == (50, YEAR_WIDTH)
    np.testing.assert_allclose(waves(phases + 40), told, atol=1e-6)
    assert np.abs(told[:, None] - told[None]).sum(-1)[~np.eye(50, dtype=bool)].min() > 0.1


def test_rows_to_come_go_on():
    """Rows behind the end of a series go on from its first row, whatever series follows; empty series are none."""
    panel = Panel.from_arrays([np.ones(5), np.ones(0), np.ones(3)], freq="D", start=np.datetime64("2024-01-01", "us"))
    years = Years.of(panel, 365.2425)
    rows = np.arange(9)
    found = years.at(rows, np.zeros(9, np.int64))
    expected = first_phases(np.datetime64("2024-01-01") + rows)
    np.testing.assert_allclose(waves(found), waves(expected), atol=1e-6)
    np.testing.assert_allclose(years.at(np.array([5]), np.array([2])), found[0])

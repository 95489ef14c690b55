"""Laws of times: whatever is written is read again as it was, and nothing else is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.core import Frequency, UsageError
from foregate.service.times import read_times, require_reach, written_times

HOUR, STEP = Frequency.parse("h"), Frequency.parse(1)
MOMENTS = st.integers(-60_000_000_000_000_000, 250_000_000_000_000_000)


@given(st.lists(MOMENTS, min_size=1, max_size=20))
def test_times_of_the_calendar_come_back(moments):
    """Times are the same after they were written and read."""
    times = np.array(moments, "datetime64[us]")
    assert np.array_equal(read_times(written_times(times), HOUR), times)


@given(st.lists(st.integers(-(2**53), 2**53), min_size=1, max_size=20))
def test_whole_numbers_come_back(numbers):
    """Whole numbers are the same after they were written and read."""
    assert read_times(written_times(np.array(numbers)), STEP).tolist() == numbers


@pytest.mark.parametrize(
    "text", ["2024-01-01T06:00:00+06:00", "2024-01-01", "2024-01-01T00:00Z", "2023-12-31 19:00:00.000000-05:00"]
)
def test_one_moment_has_many_texts(text):
    """A time with an offset is the moment that it means, and one without is UTC, alone and among others."""
    midnight = np.datetime64("2024-01-01T00:00", "us")
    assert read_times([text], HOUR)[0] == midnight
    assert read_times(["2024-01-01T00:00:00", text], HOUR).tolist() == [midnight.item()] * 2


@pytest.mark.parametrize(
    "text",
    ["now", "today", "NaT", "", "2024", "2024-13-01", "2024-02-30", "2024-01-01T25:00", "20240101", "x\n2024-01-01",
     "2024-01-01\n", "0000-01-01", "2024-01-01T00:00:00+99:99", 5, None],
)  # fmt: skip
def test_what_is_no_time_is_refused(text):
    """Words, half dates, days that there are not, numbers and nothing are no times of the calendar."""
    with pytest.raises(UsageError, match="times must"):
        require_reach(read_times([text], HOUR)[0], HOUR, 1)


@pytest.mark.parametrize("number", ["5", 2**60, 10**30, 1.5, None])
def test_what_is_no_step_is_refused(number):
    """Text, numbers that JSON cannot hold and nothing are no whole numbers."""
    with pytest.raises(UsageError, match="whole numbers within"):
        read_times([number], STEP)


@pytest.mark.parametrize("freq", ["999999999h", "99999999D", "999999MS", "9999999B", 10**20])
def test_steps_end_in_time(freq):
    """A frequency that leads out of the calendar is refused, however large it is."""
    freq = Frequency.parse(freq)
    first = read_times([0 if freq.is_integer else "2024-01-01"], freq)[0]
    with pytest.raises(UsageError, match="years 1 to 9999"):
        require_reach(first, freq, 1000)

"""Laws of times: whatever is written is read again as it was, by all who read, and nothing else is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.core import Frequency, UsageError
from foregate.service.times import array, parsed, read_times, require_reach, shown, steps_between, written_times

HOUR, STEP = Frequency.parse("h"), Frequency.parse(1)
FREQS = ["h", "30min", "D", "W", "B", "MS", "QS", 1, 7]
MOMENTS = st.integers(-60_000_000_000_000_000, 250_000_000_000_000_000)
STORED = st.integers(-30_000_000_000_000_000, 32_000_000_000_000_000)
NO_TIMES = [
    "now", "today", "NaT", "", "2024", "2024-13-01", "2024-02-30", "2024-01-01T25:00", "20240101", "x\n2024-01-01",
    "2024-01-01\n", "0000-01-01", "2024-01-01T00:00:00+99:99", "0001-01-01T00:00:00+14:00", "9999-12-31T23:00:00-14:00",
    "20240531T120000", "2024-W22-5", "2024-05-31T12", "2024-05-31T12:00:00,5", "2024-05-31x12:00",
    "2024-05-31T12:00:00.1234567", "2024-05-31T12:00+02:00:30", "٢٠٢٤-٠٥-٣١", "1" * 100, 5, None, True,
]  # fmt: skip
"""Among them forms of ISO 8601 that are not the one, and a seventh decimal."""


@given(st.lists(MOMENTS, min_size=1, max_size=20))
def test_times_of_the_calendar_come_back(moments):
    """Times are the same after they were written and read."""
    times = np.array(moments, "datetime64[us]")
    assert np.array_equal(read_times(written_times(times), HOUR), times)


@given(st.lists(STORED, min_size=1, max_size=20))
def test_one_by_one_is_as_all_at_once(moments):
    """A time that is read or written by itself is the same as among others."""
    texts = written_times(np.array(moments, "datetime64[us]"))
    assert [parsed(text, HOUR) for text in texts] == read_times(texts, HOUR).astype(np.int64).tolist() == moments
    assert read_times([shown(moment, HOUR) for moment in moments], HOUR).astype(np.int64).tolist() == moments


@given(st.lists(st.integers(-(2**53), 2**53), min_size=1, max_size=20))
def test_whole_numbers_come_back(numbers):
    """Whole numbers are the same after they were written and read, one by one or all at once."""
    assert read_times(written_times(np.array(numbers)), STEP).tolist() == numbers
    assert [parsed(shown(number, STEP), STEP) for number in numbers] == numbers


@pytest.mark.parametrize(
    "text",
    ["2024-01-01T06:00:00+06:00", "2024-01-01", "2024-01-01T00:00Z", "2023-12-31 19:00:00.000000-05:00"],
)
def test_one_moment_has_many_texts(text):
    """A time with an offset is the moment that it means, and one without is UTC, alone and among others."""
    midnight = np.datetime64("2024-01-01T00:00", "us")
    assert read_times([text], HOUR)[0] == midnight
    assert read_times(["2024-01-01T00:00:00", text], HOUR).tolist() == [midnight.item()] * 2
    assert parsed(text, HOUR) == midnight.astype(np.int64)


@pytest.mark.parametrize("text", NO_TIMES)
def test_what_is_no_time_is_refused(text):
    """What one way of reading refuses the other refuses too: words, other forms, numbers, what would be cut off."""
    for some in ([text], ["2024-01-01", text]):
        with pytest.raises(UsageError, match="times must"):
            read_times(some, HOUR)
    with pytest.raises(ValueError, match="a time must be ISO 8601"):
        parsed(text, HOUR)


@pytest.mark.parametrize("text", ["0001-01-01", "9999-12-31"])
def test_what_is_stored_lies_near(text):
    """A stored time leaves room for what is forecast from it."""
    assert read_times([text], HOUR).astype(str)[0].startswith(text)
    with pytest.raises(ValueError, match="must lie in the years"):
        parsed(text, HOUR)


@pytest.mark.parametrize("number", ["5", "2024-01-01", 2**60, 10**30, 1.5, None, True])
def test_what_is_no_step_is_refused(number):
    """Text, numbers that JSON cannot hold, truth and nothing are no whole numbers."""
    with pytest.raises(UsageError, match="whole number within"):
        read_times([number], STEP)
    with pytest.raises(ValueError, match="whole number within"):
        parsed(number, STEP)


@pytest.mark.parametrize("freq", ["999999999h", "99999999D", "999999MS", "9999999B", 10**20])
def test_steps_end_in_time(freq):
    """A frequency that leads out of the calendar is refused, however large it is."""
    freq = Frequency.parse(freq)
    first = read_times([0 if freq.is_integer else "2024-01-01"], freq)[0]
    with pytest.raises(UsageError, match="years 1 to 9999"):
        require_reach(first, freq, 1000)


@given(st.sampled_from(FREQS), st.integers(0, 500), st.integers(-500, 500))
def test_times_are_counted_as_live_series_count_them(freq, first, ahead):
    """A time so many steps later or earlier lies that many steps away, as it is shown and read again."""
    freq = Frequency.parse(freq)
    begin = 0 if freq.is_integer else parsed("2001-01-01", freq)
    start = int(freq.shift(array(begin, freq), first).astype(np.int64))
    time = int(freq.shift(array(start, freq), ahead).astype(np.int64))
    assert steps_between(start, time, freq) == ahead
    assert parsed(shown(time, freq), freq) == time


def test_a_time_between_two_steps_is_none_of_them():
    """What lies between two steps is at no number of steps."""
    assert steps_between(0, 1, HOUR) is None
    assert shown(1717156800000001, HOUR) == "2024-05-31T12:00:00.000001Z"

"""Laws of what is stored of series, from a time in a request to a time in an answer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.core import Frequency
from foregate.service.observations.times import array, micros, parsed, shown, steps_between

FREQS = ["h", "30min", "D", "W", "B", "MS", "QS", 1, 7]


@given(st.sampled_from(FREQS), st.integers(0, 500), st.integers(-500, 500))
def test_times_are_counted_as_live_series_count_them(freq, first, ahead):
    """A time so many steps later or earlier lies that many steps away, as it is shown and read again."""
    freq = Frequency.parse(freq)
    start = int(freq.shift(array(0 if freq.is_integer else micros("2001-01-01"), freq), first).astype(np.int64))
    time = int(freq.shift(array(start, freq), ahead).astype(np.int64))
    assert steps_between(start, time, freq) == ahead
    assert parsed(shown(time, freq), freq) == time


def test_times_of_any_zone_are_one():
    """A time is the same however its zone is written; without one it is in UTC."""
    told = ["2024-05-31T12:00:00Z", "2024-05-31T14:00+02:00", "2024-05-31 12:00", "20240531T120000"]
    assert {micros(text) for text in told} == {1717156800000000}
    assert shown(1717156800000001, Frequency.parse("us")) == "2024-05-31T12:00:00.000001Z"
    assert steps_between(0, 1, Frequency.parse("h")) is None


@pytest.mark.parametrize("text", ["", "now", "2024-13-01", "0001-01-01T00:00:00+14:00", "9999-12-31", "1" * 100])
def test_what_is_no_time_is_said(text):
    """What is no time, or lies far away, is refused."""
    with pytest.raises(ValueError, match="a time must"):
        micros(text)


@pytest.mark.parametrize(("time", "freq"), [("2024-01-01", 1), (5, "h"), (2**60, 1), (True, 1)])
def test_times_are_of_the_kind_of_their_series(time, freq):
    """Text where a whole number is expected, and the other way round, is refused."""
    with pytest.raises(ValueError, match="a time of this series must be"):
        parsed(time, Frequency.parse(freq))

"""Frequencies: what is read is what was meant, and steps forward are steps counted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foregate.core import Frequency, UsageError

UNITS = ["step", "us", "ms", "s", "min", "h", "D", "W", "B", "MS", "ME"]
frequencies = st.builds(Frequency, st.integers(1, 3) | st.integers(1, 40), st.sampled_from(UNITS))


def on_grid(frequency, day):
    """A time that the frequency can begin at, near day `day` since 1970."""
    if frequency.is_integer:
        return np.int64(day)
    start = np.datetime64("1970-01-01", "us") + np.timedelta64(day, "D") + np.timedelta64(9, "h")
    return frequency.shift(start, 0)  # to a weekday or a month's end, where the frequency has only these


@given(frequencies)
def test_the_alias_reads_back(frequency):
    """Every frequency is what its own alias is read as."""
    assert Frequency.parse(frequency.alias) == frequency
    assert Frequency.parse(str(frequency.alias)) == frequency


@given(frequencies, st.integers(0, 20_000), st.integers(-500, 500))
def test_steps_forward_are_steps_counted(frequency, day, steps):
    """`index` finds exactly the number of steps that `shift` went."""
    start = on_grid(frequency, day)
    counted, exact = frequency.index(frequency.shift(start, steps), start)
    assert (counted, exact) == (steps, True)


@settings(max_examples=300)
@given(frequencies.filter(lambda f: not f.is_integer), st.integers(0, 20_000), st.integers(-(10**13), 3 * 10**13))
def test_steps_are_rounded_down(frequency, day, later_us):
    """A time between two steps counts as the earlier, and is said to be off the grid."""
    start = on_grid(frequency, day)
    time = start + np.timedelta64(later_us, "us")
    counted, exact = frequency.index(time, start)
    assert frequency.shift(start, counted) <= time < frequency.shift(start, counted + 1)
    assert exact == (frequency.shift(start, counted) == time)


@given(frequencies, st.integers(0, 20_000))
def test_arrays_are_shifted_one_by_one(frequency, day):
    """Times and steps broadcast: an array of steps gives what each of them gives."""
    start, steps = on_grid(frequency, day), np.arange(-3, 4)
    together = frequency.shift(start, steps)
    assert together.tolist() == [frequency.shift(start, int(each)).tolist() for each in steps]
    assert (np.diff(together).astype(np.int64) > 0).all()


@pytest.mark.parametrize(
    ("pandas", "polars", "count", "unit"),
    [
        ("h", "1h", 1, "h"),
        ("30min", "30m", 30, "min"),
        ("MS", "1mo", 1, "MS"),
        ("QS", "1q", 3, "MS"),
        ("YS-JAN", "1y", 12, "MS"),
        ("W-SUN", "1w", 1, "W"),
        ("B", "bd", 1, "B"),
        ("QE-DEC", "QE", 3, "ME"),
    ],
)
def test_pandas_and_polars_mean_the_same(pandas, polars, count, unit):
    """The offsets of both libraries are read as the same step."""
    assert Frequency.parse(pandas) == Frequency.parse(polars) == Frequency(count, unit)


def test_months_keep_their_day_where_there_is_one():
    """From the 31st, a month later is the last day of a shorter month, and the 31st again after that."""
    start = np.datetime64("2023-01-31", "us")
    months = Frequency.parse("MS").shift(start, np.arange(4)).astype("datetime64[D]").astype(str)
    assert months.tolist() == ["2023-01-31", "2023-02-28", "2023-03-31", "2023-04-30"]


@pytest.mark.parametrize(
    "freq", ["", "fortnight", "-1h", "0D", 0, -3, True, None, 1.5, "h2", "²", "٣h", "1-SUN", "9" * 5000]
)
def test_nonsense_is_refused(freq):
    """What is no step of time is refused, and the message says what it must be."""
    with pytest.raises(UsageError, match=r"freq must be .*, but got "):
        Frequency.parse(freq)


@pytest.mark.parametrize(
    ("freq", "seasons"),
    [
        ("15min", (96, 672)),
        ("s", (60, 3600, 86400)),
        ("D", (7, 365)),
        ("W", (52,)),
        ("B", (5,)),
        ("MS", (12,)),
        ("QS", (4,)),
        ("YS", ()),
        (1, ()),
    ],
)
def test_seasons_go_with_the_frequency(freq, seasons):
    """The usual seasons, in steps, shortest first."""
    assert Frequency.parse(freq).seasons() == seasons


@pytest.mark.parametrize("alias", ["us", "15min", "h", "D", "2W"])
def test_fixed_steps_have_a_length(alias):
    """As many microseconds as a step goes; whole numbers, working days and months have none."""
    step, first = Frequency.parse(alias), np.datetime64("2024-02-29", "us")
    assert step.shift(first, np.int64(7)) - first == np.timedelta64(7 * step.microseconds, "us")
    assert {Frequency.parse(other).microseconds for other in (3, "B", "MS", "QE")} == {None}

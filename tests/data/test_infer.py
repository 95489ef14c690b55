"""The frequency is found from gaps: months from days, business days from days, whatever is missing or repeated."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.core import DataError, Frequency, Panel
from foregate.data import infer_frequency, read, require_freq


def panel_of(*series):
    """A panel whose series have the given times."""
    times = np.concatenate([np.asarray(s) for s in series])
    times = times.astype("datetime64[us]" if times.dtype.kind == "M" else np.int64)
    return replace(Panel.from_arrays([np.ones(len(s)) for s in series]), times=times, freq=None)


@pytest.mark.parametrize(
    "alias",
    ["us", "250ms", "s", "30s", "min", "5min", "30min", "h", "6h", "D", "2D", "W", "2W", "B", "MS", "ME", "QS", "QE",
     "YS", "YE", "2QS", 1, 7],
)  # fmt: skip
@given(start=st.integers(0, 2_000), seed=st.integers(0, 99))
def test_every_frequency_is_found(alias, start, seed):
    """A grid is recognised from any start, with a tenth of its rows missing, some repeated, and two series."""
    freq = Frequency.parse(alias)
    first = np.int64(start) if freq.is_integer else np.datetime64("2020-01-01", "us") + np.timedelta64(start, "D")
    if freq.unit in ("MS", "ME"):
        first = first.astype("datetime64[M]").astype("datetime64[us]")
    if freq.unit == "ME":
        first = freq.shift(first, 0)
    if freq.unit == "B":
        first = np.busday_offset(first.astype("datetime64[D]"), 0, roll="forward").astype("datetime64[us]")
    grid = freq.shift(first, np.arange(60))
    rng = np.random.default_rng(seed)
    kept = np.sort(rng.permutation(60)[:54])
    kept = np.sort(np.concatenate([kept, kept[:2]]))
    found = infer_frequency(panel_of(grid[kept], grid[10:40]))
    assert found.freq == freq
    assert found.confidence > 0.95
    assert not found.irregular


def test_thirty_days_are_no_month():
    """Steps of 28 and 30 days are told from months."""
    grid = np.datetime64("2024-01-01", "us") + np.arange(24) * np.timedelta64(1, "D")
    assert infer_frequency(panel_of(np.datetime64("2024-01-01", "us") + (grid - grid[0]) * 30)).freq == Frequency(
        30, "D"
    )
    assert infer_frequency(panel_of(np.datetime64("2024-01-01", "us") + (grid - grid[0]) * 28)).freq == Frequency(
        4, "W"
    )


def test_a_row_on_a_weekend_makes_days():
    """Days whose weekends are nearly always missing are days, not business days; days of one week are days too."""
    days = np.datetime64("2024-01-01", "us") + np.arange(365) * np.timedelta64(1, "D")
    busy = days[np.is_busday(days.astype("datetime64[D]"))]
    assert infer_frequency(panel_of(busy)).freq == Frequency(1, "B")
    assert infer_frequency(panel_of(np.sort(np.append(busy, days[5])))).freq == Frequency(1, "D")
    assert infer_frequency(panel_of(days[:5])).freq == Frequency(1, "D")
    closed = (np.arange(len(busy)) % 15) >= 9  # twelve days or more without a row, again and again
    assert infer_frequency(panel_of(busy[~closed])).freq == Frequency(1, "B")
    assert infer_frequency(panel_of(np.sort(np.append(busy[~closed], days[5])))).freq == Frequency(1, "D")


def test_month_days_that_do_not_exist():
    """A series on the 30th of each month, on the last day of February, is monthly."""
    grid = Frequency(1, "MS").shift(np.datetime64("2023-11-30", "us"), np.arange(14))
    assert infer_frequency(panel_of(grid)).freq == Frequency(1, "MS")


def test_summer_time_does_not_confuse():
    """Local hours and local midnights in UTC, with their two odd days a year, are hours and days."""
    local = pd.date_range("2024-01-01", "2024-12-31", freq="h", tz="Europe/Berlin").tz_localize(None)
    midnights = (
        pd.date_range("2024-01-01", "2024-12-31", freq="D", tz="Europe/Berlin").tz_convert("UTC").tz_localize(None)
    )
    assert infer_frequency(panel_of(local.to_numpy())).freq == Frequency(1, "h")
    found = infer_frequency(panel_of(midnights.to_numpy()))
    assert found.freq == Frequency(1, "D")
    assert not found.irregular


def test_no_step_is_admitted():
    """Times without a common step and single rows have no frequency; who needs one is told to give it."""
    rng = np.random.default_rng(0)
    scattered = panel_of(np.datetime64("2024-01-01", "us") + np.sort(rng.integers(0, 10**12, 200)).astype("m8[us]"))
    assert infer_frequency(scattered).freq is None
    assert infer_frequency(scattered).irregular
    single = panel_of(np.array([1]), np.array([1]))
    assert infer_frequency(single).freq is None
    with pytest.raises(DataError, match=r"no series has two rows at different times\. Give it, such as freq='h'"):
        require_freq(single)
    with pytest.raises(DataError, match="explains only"):
        require_freq(scattered)


def test_require_freq_keeps_what_is_known():
    """A frequency that is known is not questioned; an unknown one is inferred."""
    known = panel_of(np.array([1, 2, 3])).with_freq(2)
    assert require_freq(known) is known
    assert require_freq(replace(known, freq=None)).freq == Frequency(1, "step")


def test_mixed_steps_go_by_the_majority():
    """A mixture of steps is judged by all gaps together, and flagged as irregular."""
    hours = np.datetime64("2024-01-01", "us") + np.arange(100) * np.timedelta64(60, "m")
    odd = np.datetime64("2024-01-01", "us") + np.arange(20) * np.timedelta64(61, "m")
    found = infer_frequency(panel_of(hours, odd))
    assert found.freq == Frequency(1, "h")
    assert found.irregular
    assert 0.8 < found.confidence < 0.9


def test_read_says_how_sure_it_is():
    """`read` fills the frequency in and says with how many of the steps it agrees."""
    hours = pd.date_range("2024-01-01", periods=5_000, freq="h").delete([7, 8])
    assert read(pd.DataFrame({"ds": hours, "y": 1.0})).notes[-1] == "freq inferred as h (100.0% of steps)."
    late = hours[:-1].append(hours[-1:] + pd.Timedelta(minutes=5))
    assert read(pd.DataFrame({"ds": late, "y": 1.0})).notes[-1] == "freq inferred as h (99.9% of steps)."

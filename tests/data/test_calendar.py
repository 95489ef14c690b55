"""Laws of calendar columns."""

import datetime as dt
import sys
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from foregate.core import Covariate, DataError, Frequency, MissingExtraError, Panel, UsageError
from foregate.data.calendar import HOLIDAY_YEARS, CalendarOptions, calendar, calendar_future

EVERYTHING = CalendarOptions(
    features=("hour", "weekday", "day", "week", "month", "quarter", "yearday"),
    fourier=((24, 3), (365.25, 2)),
    age=True,
    holidays="DE-BY",
    holiday_window=(2, 1),
)
frequencies = st.sampled_from(["s", "15min", "30min", "h", "6h", "D", "2D", "B", "W", "MS", "ME", "QS", "YS"])
starts = st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2030, 1, 1)).map(lambda t: t.replace(microsecond=0))


def empty(*lengths, freq, start="2024-01-01", zone=None):
    """A panel of times, with nothing in it."""
    first = np.array(start, "datetime64[us]")
    if Frequency.parse(freq).unit == "B":
        first = np.busday_offset(first.astype("datetime64[D]"), 0, roll="forward").astype("datetime64[us]")
    if Frequency.parse(freq).unit == "ME":
        first = Frequency.parse(freq).shift(first, 0)
    panel = Panel.from_arrays([np.zeros(n) for n in lengths], freq=freq, start=first)
    return replace(panel, spec=replace(panel.spec, time_zone=zone))


def column(panel, name):
    return panel.covariates[name].values


@given(frequencies, starts, st.sampled_from([None, "Europe/Berlin", "America/New_York"]), st.integers(1, 40))
@example("MS", dt.datetime(2000, 1, 31), None, 3)
def test_the_future_is_what_the_past_will_be(freq, start, zone, horizon):
    """The columns of the next K steps are, to the bit, those that the rows have once they are there."""
    short, long = empty(30, 7, freq=freq, start=start, zone=zone), empty(70, 47, freq=freq, start=start, zone=zone)
    past, later = calendar(short, EVERYTHING), calendar(long, EVERYTHING)
    future = calendar_future(short, horizon, EVERYTHING)
    assert set(future) == set(past.covariates) == set(later.covariates)
    for name in future:
        for i, n in enumerate(short.lengths):
            truth = column(later, name)[long.offsets[i] : long.offsets[i + 1]]
            mine = column(past, name)[short.offsets[i] : short.offsets[i + 1]]
            np.testing.assert_array_equal(mine, truth[:n])
            np.testing.assert_array_equal(future[name][i], truth[n : n + horizon])


@given(starts)
def test_cycles_agree_with_the_standard_library(start):
    """Each cycle stands where Python's own calendar says."""
    panel = calendar(empty(1, freq="s", start=start), replace(EVERYTHING, holidays=None, holiday_window=(0, 0)))
    weeks = dt.date(start.isocalendar().year, 12, 28).isocalendar().week
    following = (start.replace(day=1) + dt.timedelta(32)).replace(day=1)
    phases = {
        "hour": (start.hour + start.minute / 60 + start.second / 3600) / 24,
        "weekday": start.weekday() / 7,
        "day": (start.day - 1) / (following - start.replace(day=1)).days,
        "week": (start.isocalendar().week - 1) / weeks,
        "month": (start.month - 1) / 12,
        "quarter": (start.month - 1) // 3 / 4,
        "yearday": (start.timetuple().tm_yday - 1) / (dt.date(start.year, 12, 31).timetuple().tm_yday),
    }
    for name, phase in phases.items():
        np.testing.assert_allclose(column(panel, f"{name}_sin"), np.sin(2 * np.pi * phase), atol=1e-6)
        np.testing.assert_allclose(column(panel, f"{name}_cos"), np.cos(2 * np.pi * phase), atol=1e-6)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe", "America/New_York", "UTC"])
def test_the_local_clock_counts(zone):
    """With a time zone the hour is that of the local clock, through both switches of daylight saving."""
    from zoneinfo import ZoneInfo

    panel = calendar(empty(366 * 48, freq="30min", zone=zone), CalendarOptions(features=("hour",)))
    for row in range(0, len(panel.values), 7):
        local = panel.times[row].item().replace(tzinfo=dt.UTC).astimezone(ZoneInfo(zone))
        phase = (local.hour + local.minute / 60) / 24
        assert abs(column(panel, "hour_sin")[row] - np.sin(2 * np.pi * phase)) < 1e-6


def test_days_on_the_wall_clock_are_taken_as_they_are():
    """Times that already are the clock of their zone are not shifted again."""
    panel = empty(10, freq="D", zone="Asia/Tokyo")
    panel = replace(panel, spec=replace(panel.spec, wall_clock=True))
    np.testing.assert_array_equal(
        column(calendar(panel), "weekday_sin"), column(calendar(empty(10, freq="D")), "weekday_sin")
    )


@pytest.mark.parametrize(
    ("freq", "names"),
    [
        ("10min", ["hour", "weekday", "month"]),
        ("h", ["hour", "weekday", "month"]),
        ("24h", ["weekday", "yearday"]),
        ("D", ["weekday", "yearday"]),
        ("B", ["weekday", "yearday"]),
        ("7D", ["week"]),
        ("W", ["week"]),
        ("MS", ["month"]),
        ("2ME", ["month"]),
        ("QS", ["quarter"]),
        ("YS", []),
    ],
)
def test_auto_takes_what_goes_with_the_frequency(freq, names):
    """Left alone, the cycles are those that rows of the frequency pass through."""
    panel = calendar(empty(3, freq=freq, start="2024-01-31" if freq == "2ME" else "2024-01-01"))
    assert list(panel.covariates) == [f"{name}_{wave}" for name in names for wave in ("sin", "cos")]
    assert all(c.role == "future" for c in panel.covariates.values())


def test_fourier_terms_repeat_with_their_period():
    """A Fourier term of period p is the same p steps later, for dates and integers, and order k turns k times."""
    options = CalendarOptions(features=(), fourier=((12, 2),))
    for panel in (Panel.from_arrays([np.zeros(60)]), empty(60, freq="MS"), empty(60, freq="B")):
        wave = column(calendar(panel, options), "fourier_12_cos1")
        np.testing.assert_array_equal(wave[12:], wave[:-12])
        assert len(np.unique(wave.round(5))) == 7
        double = column(calendar(panel, options), "fourier_12_cos2")
        np.testing.assert_allclose(double, 2 * wave**2 - 1, atol=1e-6)


def test_age_counts_steps_since_the_first_row():
    """The age begins at 0 for each series and grows with time, gaps included."""
    panel = Panel.from_arrays([np.zeros(3), np.zeros(2)])
    panel = replace(panel, times=np.array([5, 6, 9, 0, 1]))
    age = column(calendar(panel, CalendarOptions(age=True)), "age")
    np.testing.assert_allclose(np.expm1(age), [0, 1, 4, 0, 1], atol=1e-5)


def test_holidays_are_flagged_named_and_seen_coming():
    """A holiday is flagged on its day, named, and announced and remembered on the days around it."""
    options = CalendarOptions(features=(), holidays="US", holiday_names=True, holiday_window=(2, 1))
    panel = calendar(empty(8, freq="D", start="2024-07-01"), options)
    np.testing.assert_array_equal(column(panel, "holiday"), [0, 0, 0, 1, 0, 0, 0, 0])
    np.testing.assert_array_equal(column(panel, "before_holiday_1"), [0, 0, 1, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(column(panel, "before_holiday_2"), [0, 1, 0, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(column(panel, "after_holiday_1"), [0, 0, 0, 0, 1, 0, 0, 0])
    names = panel.covariates["holiday_name"]
    assert [names.categories[int(code)] for code in names.values[2:5]] == ["none", "Independence Day", "none"]


def test_holidays_of_longer_steps_are_counted():
    """Weeks, months and month ends count the holidays of their days, hours and business days those of their day."""
    options = CalendarOptions(features=(), holidays="DE")
    december = {"W": "2024-12-23", "MS": "2024-12-01", "ME": "2024-12-31"}
    for freq, start in december.items():
        assert column(calendar(empty(1, freq=freq, start=start), options), "holiday")[0] == 2
    hours = calendar(empty(24 * 3, freq="h", start="2024-12-24"), options)
    np.testing.assert_array_equal(column(hours, "holiday"), np.repeat([0, 1, 1], 24))
    friday = calendar(empty(1, freq="B", start="2021-12-24"), options)
    assert column(friday, "holiday")[0] == 0
    local = calendar(empty(24, freq="h", start="2024-12-24", zone="Europe/Berlin"), options)
    np.testing.assert_array_equal(column(local, "holiday"), [0] * 23 + [1])


def test_the_panel_given_is_left_alone():
    """The result is a new panel with its other covariates kept; what was decided is noted."""
    panel = empty(3, freq="D")
    panel = replace(panel, covariates={"price": Covariate("future", np.ones(3, np.float32))})
    with_calendar = calendar(panel)
    assert list(panel.covariates) == ["price"]
    assert "price" in with_calendar.covariates
    assert "weekday_sin" in with_calendar.notes[-1]


def test_series_without_rows_are_allowed_in_the_past_only():
    """An empty series has no columns to fill, and no last row to go on from."""
    panel = empty(3, 2, freq="D").cut(np.array([3, 0]))
    assert len(column(calendar(panel), "weekday_sin")) == 3
    with pytest.raises(DataError, match="at least one row, but 1 have none"):
        calendar_future(panel, 2)


@pytest.mark.parametrize(
    "options", [None, CalendarOptions(features=("hour",)), CalendarOptions(holidays="DE", age=True)]
)
def test_integer_time_has_no_calendar(options):
    """Where time is counted in integers only Fourier terms and the age are possible, and the error says so."""
    panel = Panel.from_arrays([np.zeros(5)])
    for attempt in (lambda: calendar(panel, options), lambda: calendar_future(panel, 2, options)):
        with pytest.raises(UsageError, match=r"counted in integers here. Only fourier and age"):
            attempt()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"features": ("hours",)}, "features must be 'auto' or some of hour, weekday, .*'hours'"),
        ({"fourier": ((7, 4),)}, "between 1 and half its period, but got 4 for a period of 7"),
        ({"fourier": ((7, 0),)}, "but got 0"),
        ({"holiday_window": (-1, 0), "holidays": "DE"}, "holiday_window must be two counts"),
        ({"holiday_names": True}, "holidays must be a country"),
        ({"holiday_window": (1, 0)}, "holidays must be a country"),
    ],
)
def test_contradictions_are_refused(options, message):
    """Options that make no sense are refused when they are written down."""
    with pytest.raises(UsageError, match=message):
        CalendarOptions(**options)


def test_what_cannot_be_computed_is_refused():
    """Unknown countries, names of long steps, times without holidays, taken columns and panels without a frequency."""
    panel = empty(3, freq="D")
    for country in ("XX", "DE-ZZ"):
        with pytest.raises(UsageError, match=f"but got '{country}'"):
            calendar(panel, CalendarOptions(holidays=country))
    with pytest.raises(UsageError, match="steps of a day at most"):
        calendar(empty(3, freq="W"), CalendarOptions(holidays="DE", holiday_names=True))
    with pytest.raises(DataError, match=f"between {HOLIDAY_YEARS[0]} and {HOLIDAY_YEARS[1]}"):
        calendar(empty(3, freq="D", start="1871-01-01"), CalendarOptions(holidays="DE"))
    with pytest.raises(UsageError, match="has weekday_sin, weekday_cos"):
        calendar(calendar(panel), CalendarOptions(features=("weekday",)))
    with pytest.raises(DataError, match="must have a frequency"):
        calendar(replace(panel, freq=None))
    with pytest.raises(UsageError, match="horizon must be"):
        calendar_future(panel, 0)


def test_holidays_name_their_extra(monkeypatch):
    """Without the holidays package the error says which extra brings it."""
    monkeypatch.setitem(sys.modules, "holidays", None)
    with pytest.raises(MissingExtraError, match="calendar"):
        calendar(empty(3, freq="D"), CalendarOptions(holidays="FR"))


def test_the_record_of_victoria_agrees(data_dir):
    """On half-hourly load recorded with local clock and holidays, the clock agrees and so do all holidays but one.

    Easter Saturday is a holiday by law and not in the record.
    """
    path = data_dir / "vic_elec" / "train.parquet"
    if not path.exists():
        pytest.skip(f"real data is not here: {path} does not exist")
    record = pl.read_parquet(path)
    panel = Panel.from_arrays([record["y"].to_numpy()], freq="30min", start=record["ds"].to_numpy()[0])
    panel = replace(panel, spec=replace(panel.spec, time_zone="Australia/Melbourne"))
    ours = calendar(panel, CalendarOptions(features=("hour",), holidays="AU-VIC", holiday_names=True))
    local = record["local_time"].dt.hour().to_numpy() + record["local_time"].dt.minute().to_numpy() / 60
    np.testing.assert_allclose(column(ours, "hour_sin"), np.sin(2 * np.pi * local / 24), atol=1e-6)
    names = ours.covariates["holiday_name"]
    apart = column(ours, "holiday") != record["holiday"].to_numpy()
    assert {names.categories[int(code)] for code in names.values[apart]} == {"Easter Saturday"}

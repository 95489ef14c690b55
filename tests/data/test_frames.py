"""Results come back as frames of the kind that came in."""

import datetime as dt
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from foregate.core import DataError, Forecast, FrameSpec, UsageError
from foregate.data import forecast_frame, id_column, native_frame, panel_frame, read, time_column

DAYS = np.arange(np.datetime64("2024-03-30", "us"), np.datetime64("2024-04-02", "us"), np.timedelta64(1, "D"))


def a_forecast(times=DAYS):
    values = np.arange(12, dtype=np.float64).reshape(2, 2, 3)
    return Forecast(np.array(["7", "8"]), np.stack([times[1:], times[1:]]), times[[0, 0]], (0.1, 0.5, 0.9), values)


@pytest.mark.parametrize(("kind", "type_"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame), ("pyarrow", pa.Table)])
def test_columns_of_a_forecast(kind, type_):
    """A forecast has ids, times, the median, bounds of each level and quantiles, in the library that was asked for."""
    frame = forecast_frame(a_forecast(), FrameSpec(kind=kind), name="LSTM", levels=[80], quantiles=[0.1])
    assert isinstance(frame, type_)
    table = (
        pl.DataFrame(frame) if kind == "polars" else pl.from_pandas(frame) if kind == "pandas" else pl.from_arrow(frame)
    )
    assert table.columns == ["unique_id", "ds", "LSTM", "LSTM-lo-80", "LSTM-hi-80", "LSTM-q-0.1"]
    assert table["unique_id"].to_list() == ["7", "7", "8", "8"]
    assert table["LSTM"].to_list() == [1.0, 4.0, 7.0, 10.0]
    assert table["LSTM-lo-80"].to_list() == table["LSTM-q-0.1"].to_list() == [0.0, 3.0, 6.0, 9.0]
    assert table["LSTM-hi-80"].to_list() == [2.0, 5.0, 8.0, 11.0]


@pytest.mark.parametrize("kind", ["pandas", "pyarrow"])
def test_polars_serves_where_a_library_is_not_installed(kind, monkeypatch):
    """A model that was made from a pandas frame forecasts where there is no pandas."""
    monkeypatch.setitem(sys.modules, kind, None)
    assert isinstance(forecast_frame(a_forecast(), FrameSpec(kind=kind)), pl.DataFrame)


def test_times_beyond_what_nanoseconds_hold():
    """Years that nanoseconds cannot count are refused, with the first of them; microseconds go on."""
    years = np.array(["2261-01-01", "2262-01-01", "2263-01-01", "2264-01-01"], "datetime64[us]")
    assert time_column(years[:2], FrameSpec(time_unit="ns"))[1].year == 2262
    with pytest.raises(DataError, match=r"between the years 1677 and 2262, but got 2263-01-01T.* and 1 more"):
        time_column(years, FrameSpec(time_unit="ns"))
    assert time_column(years, FrameSpec(time_unit="us"))[3].year == 2264


def test_names_and_missing_ids():
    """Columns keep their own names, and a table without ids gets none."""
    spec = FrameSpec(time_col="day", kind="polars", has_ids=False, time_unit="date")
    frame = forecast_frame(a_forecast(), spec, name="Naive", levels=[80.0])
    assert frame.columns == ["day", "Naive", "Naive-lo-80", "Naive-hi-80"]
    assert frame["day"][0] == dt.date(2024, 3, 31)


def test_a_level_that_was_not_forecast():
    """Asking for a level that the forecast does not hold is an error that says how to get it."""
    with pytest.raises(UsageError, match="Ask for it when forecasting"):
        forecast_frame(a_forecast(), FrameSpec(kind="polars"), levels=[95])


@pytest.mark.parametrize("id_dtype", ["int64", "int32", "uint8"])
def test_integer_ids(id_dtype):
    """Whole-number ids come back in the type they had."""
    assert str(id_column(np.array(["7", "8", "7"]), FrameSpec(id_dtype=id_dtype)).dtype).lower() == id_dtype


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_pandas_types(unit, zone):
    """pandas gets its own resolution and zone back, so that results can be joined with the data."""
    index = pd.date_range("2024-03-30", periods=3, tz=zone).as_unit(unit)
    frame = pd.DataFrame({"unique_id": [1, 1, 1], "ds": index, "y": [1.0, 2.0, 3.0]})
    panel = read(frame)
    back = panel_frame(panel)
    assert back["ds"].dtype == frame["ds"].dtype
    assert back["unique_id"].dtype == frame["unique_id"].dtype
    pd.testing.assert_frame_equal(back, frame, check_dtype=False)


def test_a_clock_time_that_a_zone_skips():
    """A forecast for a wall clock time that does not exist is put one hour later; a repeated one is the first."""
    spec = FrameSpec(time_zone="Europe/Berlin", wall_clock=True)
    skipped, twice = np.array(["2024-03-31T02:30", "2024-10-27T02:30"], "datetime64[us]")
    column = time_column(np.array([skipped, twice]), spec).dt.convert_time_zone("UTC")
    assert column.dt.hour().to_list() == [1, 0]


def test_dates_for_pandas_and_arrow():
    """Dates come back as dates."""
    assert native_frame({"ds": time_column(DAYS, FrameSpec(time_unit="date"))}, FrameSpec())["ds"][0] == dt.date(
        2024, 3, 30
    )
    spec = FrameSpec(kind="pyarrow", time_unit="date")
    assert native_frame({"ds": time_column(DAYS, spec)}, spec).schema.field("ds").type == pa.date32()


def test_missing_values_are_missing():
    """NaN of an array is null in polars and NaN in pandas."""
    columns = {"y": np.array([1.0, np.nan])}
    assert native_frame(columns, FrameSpec(kind="polars"))["y"].to_list() == [1.0, None]
    assert np.isnan(native_frame(columns, FrameSpec(kind="pandas"))["y"][1])


def test_pandas_is_not_loaded_for_polars(tmp_path):
    """A polars frame goes through the door and back without loading pandas or pyarrow."""
    import subprocess
    import sys

    code = (
        "import sys, foregate.data as d; d.panel_frame(d.read(d.generate())); "
        "assert not {'pandas', 'pyarrow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)

"""The data door: every kind of source gives the same panel, and what was decided is said."""

import datetime as dt
import gzip
import json
import sqlite3
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.core import DataError, Frequency, Panel, UsageError
from foregate.data import ReadOptions, generate, panel_frame, read

LONG = generate(3, 20)


def as_text(frame: pl.DataFrame = LONG, **options) -> bytes:
    return frame.write_csv(**options).encode()


def assert_same(one: Panel, other: Panel) -> None:
    np.testing.assert_array_equal(one.ids, other.ids)
    np.testing.assert_array_equal(one.offsets, other.offsets)
    np.testing.assert_array_equal(one.mask, other.mask)
    np.testing.assert_array_equal(one.values, other.values)
    np.testing.assert_array_equal(one.times, other.times)
    assert one.freq == other.freq
    assert one.covariates.keys() == other.covariates.keys()
    for name, covariate in one.covariates.items():
        assert covariate.role == other.covariates[name].role
        assert covariate.categories == other.covariates[name].categories
        np.testing.assert_array_equal(covariate.values, other.covariates[name].values)


@pytest.fixture(scope="module")
def expected() -> Panel:
    return read(LONG)


FILES = {
    "a.csv": as_text(),
    "a.tsv": as_text(separator="\t"),
    "semicolons.csv": as_text(separator=";"),
    "bars.txt": as_text(separator="|"),
    "a.csv.gz": gzip.compress(as_text()),
    "without_suffix": as_text(),
    "bom.csv": b"\xef\xbb\xbf" + as_text(),
    "utf16.csv": as_text().decode().encode("utf-16"),
    "windows.csv": as_text().replace(b"\n", b"\r\n"),
    "blank_lines.csv": as_text().replace(b"\n", b"\n\n"),
    "decimal_comma.csv": as_text(separator=";").replace(b".", b","),
    "quoted_decimal_comma.csv": as_text(LONG.with_columns(pl.col("y").cast(pl.String).str.replace(r"\.", ","))),
    "day_first.csv": as_text(LONG.with_columns(pl.col("ds").dt.strftime("%d/%m/%Y"))),
    "month_first.csv": as_text(LONG.with_columns(pl.col("ds").dt.strftime("%m/%d/%Y"))),
    "german.csv": as_text(LONG.with_columns(pl.col("ds").dt.strftime("%d.%m.%Y"))),
    "compact.csv": as_text(LONG.with_columns(pl.col("ds").dt.strftime("%Y%m%d"))),
    "words.csv": as_text(LONG.with_columns(pl.col("ds").dt.strftime("%d %b %Y"))),
    "row_numbers.csv": as_text(LONG.with_row_index("")),
    "a.json": LONG.with_columns(pl.col("ds").cast(pl.String)).write_json().encode(),
    "columns.json": json.dumps(LONG.with_columns(pl.col("ds").cast(pl.String)).to_dict(as_series=False)).encode(),
    "a.ndjson": LONG.with_columns(pl.col("ds").cast(pl.String)).write_ndjson().encode(),
    "a.jsonl.gz": gzip.compress(LONG.with_columns(pl.col("ds").cast(pl.String)).write_ndjson().encode()),
}


@pytest.mark.parametrize("name", FILES)
def test_files_of_every_kind_give_the_same_panel(name, tmp_path, expected):
    """However a table is written to a file, the panel is the same."""
    path = tmp_path / name
    path.write_bytes(FILES[name])
    assert_same(read(path), expected)
    assert_same(read(str(path)), expected)


def test_parquet(tmp_path, expected):
    """A Parquet file gives the same panel, whatever it is called."""
    LONG.write_parquet(tmp_path / "a.bin")
    assert_same(read(tmp_path / "a.bin"), expected)


@pytest.mark.parametrize("frame", [LONG, LONG.lazy(), LONG.to_pandas(), LONG.to_arrow()], ids=lambda f: str(type(f)))
def test_frames_of_every_kind_give_the_same_panel(frame, expected):
    """Polars, pandas and Arrow frames give the same panel."""
    assert_same(read(frame), expected)


def test_database(tmp_path, expected):
    """A query on a SQLite file gives the same panel, and cannot change the database."""
    with sqlite3.connect(tmp_path / "sales.db") as connection:
        connection.execute("create table sales (store text, day text, units real)")
        rows = LONG.with_columns(pl.col("ds").cast(pl.String)).rows()
        connection.executemany("insert into sales values (?, ?, ?)", rows)
    url = f"sqlite:///{tmp_path / 'sales.db'}"
    panel = read(url, query="select store as unique_id, day as ds, units as y from sales")
    assert_same(panel, expected)
    with pytest.raises(DataError):
        read(url, query="delete from sales")
    assert len(read(url, query="select * from sales", id_col="store", time_col="day", target_col="units")) == 3


def test_a_password_is_not_told():
    """An error about a database does not repeat the password in its address."""
    with pytest.raises((DataError, UsageError)) as raised:
        read("sqlite://user:secret@/none.db", query="select 1")
    assert "secret" not in str(raised.value)


class Site(BaseHTTPRequestHandler):
    """A web server that knows a few addresses."""

    def do_GET(self):
        if self.path.startswith("/slow"):
            time.sleep(0.5)
        bodies = {
            "/sales.csv": ("text/csv", FILES["a.csv"]),
            "/sales.csv.gz": ("application/gzip", FILES["a.csv.gz"]),
            "/api/records?n=3": ("application/json", FILES["a.json"]),
            "/page": ("text/html", b"<html></html>"),
            "/slow.csv": ("text/csv", FILES["a.csv"]),
        }
        kind, body = bodies.get(self.path, ("text/plain", b""))
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", kind)
        self.end_headers()
        with suppress(ConnectionError):
            self.wfile.write(body)

    def log_message(self, format, *arguments):
        """Say nothing."""


@contextmanager
def site():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_web(expected):
    """An http address gives the same panel by its suffix or its content type; errors say what the server said."""
    with site() as url:
        for path in ("/sales.csv", "/sales.csv.gz", "/api/records?n=3"):
            assert_same(read(url + path), expected)
        with pytest.raises(DataError, match="must answer with a table, but got 404 Not Found"):
            read(url + "/none.csv?token=secret")
        with pytest.raises(DataError, match="got a web page"):
            read(url + "/page")
        with pytest.raises(DataError, match=r"must answer within 0.1 seconds"):
            read(url + "/slow.csv", options=ReadOptions(timeout_s=0.1))
    with pytest.raises(DataError, match="must be reachable, but it is not"):
        read(url + "/sales.csv")


def test_a_panel_is_returned_as_it_is(expected):
    """Reading a panel gives that panel, with another frequency only when asked."""
    assert read(expected) is expected
    assert read(expected, freq="W").freq == Frequency.parse("W")


def test_wide_is_long(tmp_path, expected):
    """A table with a column per series gives the same panel as the long table."""
    wide = LONG.pivot("unique_id", index="ds", values="y")
    path = tmp_path / "wide.csv"
    wide.write_csv(path)
    for source in (wide, wide.to_pandas(), path):
        assert_same(read(source, wide=True), expected)


def test_columns_named_by_numbers():
    """The columns of a wide pandas frame may be named by whole numbers."""
    panel = read(pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=2), 1: [1, 2], 2: [3, 4]}), wide=True)
    assert panel.ids.tolist() == ["1", "2"]


def test_whole_number_ids_of_a_file(tmp_path):
    """Ids of a text file that are plain whole numbers come back as whole numbers."""
    path = tmp_path / "a.csv"
    path.write_text("unique_id,ds,y\n1,1,1\n10,1,2\n", encoding="utf-8")
    assert read(path).spec.id_dtype == "int64"


def test_an_offset_is_no_zone():
    """Times with a fixed offset are kept in UTC, and a note says so."""
    times = pd.date_range("2024-01-01", periods=3, freq="h", tz="+02:00")
    panel = read(pd.DataFrame({"ds": times, "y": [1, 2, 3]}))
    assert panel.times[0] == np.datetime64("2023-12-31T22")
    assert panel.notes[0] == "UTC+02:00 is an offset and no zone: times come back in UTC."


def test_columns_are_found_and_it_is_said():
    """With one column of dates, one of numbers and one of text, nothing has to be named, and notes say so."""
    panel = read(LONG.rename({"unique_id": "store", "ds": "day", "y": "units"}))
    assert (panel.spec.id_col, panel.spec.time_col, panel.spec.target_col) == ("store", "day", "units")
    assert (
        panel.notes[0]
        == "'day' was taken for the time; 'units' was taken for the target; 'store' was taken for the id."
    )


def test_conventional_names_come_first():
    """unique_id, ds and y are taken whatever else could be meant; the rest is named in a note."""
    frame = LONG.with_columns(other=pl.lit(1.0), sent=pl.col("ds"), town=pl.lit("x"))
    panel = read(frame)
    assert panel.spec.target_col == "y"
    assert panel.notes[0] == "Columns 'other', 'sent', 'town' were not used."


def test_one_series_has_no_ids():
    """A table without an id column holds one series, named after its target; a text column of it is not an id."""
    frame = LONG.head(20).drop("unique_id").with_columns(weekday=pl.col("ds").dt.strftime("%A"))
    panel = read(frame)
    assert panel.ids.tolist() == ["y"]
    assert not panel.spec.has_ids


def test_order_of_rows_does_not_matter():
    """Series come in the order in which their ids first appear, rows in order of time, however they came."""
    shuffled = LONG.sample(fraction=1.0, shuffle=True, seed=1)
    panel = read(shuffled)
    assert panel.ids.tolist() == shuffled["unique_id"].unique(maintain_order=True).to_list()
    order = [panel.ids.tolist().index(name) for name in read(LONG).ids]
    assert_same(panel.take(order), read(LONG))


def test_duplicates_and_gaps_stay():
    """Repeated and missing times are kept as they are, repeated ones in the order in which they came."""
    frame = pl.DataFrame({"ds": [5, 1, 2, 2, 9], "y": [5.0, 1.0, 2.5, 2.0, 9.0]})
    panel = read(frame)
    assert panel.times.tolist() == [1, 2, 2, 5, 9]
    assert panel.values.tolist() == [1.0, 2.5, 2.0, 5.0, 9.0]


def test_input_is_not_mutated():
    """A frame is the same after it was read."""
    frame = LONG.to_pandas()
    before = frame.copy(deep=True)
    read(frame)
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    "values",
    [
        pl.Series([1, 2, 3], dtype=pl.Int8),
        pl.Series([1, 2, 3], dtype=pl.Float32),
        pl.Series(["1.0", "2", "3"]),
        pl.Series([1, 2, 3]).cast(pl.Decimal(10, 2)),
    ],
    ids=lambda s: str(s.dtype),
)
def test_numbers_of_every_type(values):
    """Integers, floats, decimals and numbers written as text give the same values."""
    panel = read(pl.DataFrame({"ds": [1, 2, 3], "y": values}))
    assert panel.values.tolist() == [1.0, 2.0, 3.0]


def test_missing_values_at_the_ends_are_kept():
    """Leading and trailing rows without a target are masked rows, and a note tells of the trailing ones."""
    panel = read(pl.DataFrame({"ds": [1, 2, 3, 4], "y": [None, 1.0, float("nan"), None]}))
    assert panel.mask.tolist() == [False, True, False, False]
    assert "1 series ends in 2 rows without a target, kept as missing values." in panel.notes


def test_lost_precision_is_told():
    """A note says when float32 cannot hold the differences within a series, and is silent when it can."""
    told = [
        any("float32" in note for note in read(pl.DataFrame({"ds": [1, 2, 3], "y": y})).notes)
        for y in ([1e9, 1e9 + 1, 1e9 + 2], [1e9, 2e9, 3e9], [0.1, 0.1, 0.1])
    ]
    assert told == [True, False, False]


def test_days_stay_days_in_a_zone():
    """Midnights of a zone with summer time are days apart inside; hours are kept in UTC."""
    days = pd.DataFrame({"ds": pd.date_range("2024-03-30", periods=4, tz="Europe/Berlin"), "y": range(4)})
    hours = pd.DataFrame({"ds": pd.date_range("2024-03-30", periods=48, freq="h", tz="Europe/Berlin"), "y": range(48)})
    assert read(days).spec.wall_clock
    assert read(days).freq == Frequency(1, "D")
    assert read(days).times[0] == np.datetime64("2024-03-30")
    assert not read(hours).spec.wall_clock
    assert read(hours).is_regular
    assert read(hours).times[0] == np.datetime64("2024-03-29T23:00")


def test_pandas_index():
    """A DatetimeIndex, a MultiIndex and a Series are understood."""
    expected = [1.0, 2.0, 3.0]
    index = pd.date_range("2024-01-31", periods=3, freq="ME")
    assert read(pd.DataFrame({"load": expected}, index=index)).freq == Frequency(1, "ME")
    assert read(pd.Series(expected, index=index, name="load")).ids.tolist() == ["load"]
    periods = pd.Series(expected, index=pd.period_range("2024-01", periods=3, freq="M"))
    assert read(periods).freq == Frequency(1, "MS")
    indexed = LONG.to_pandas().set_index(["unique_id", "ds"])
    assert_same(read(indexed), read(LONG))


def test_ids_keep_zeros_and_na(tmp_path):
    """In an id column of a file neither leading zeros nor NA are lost."""
    path = tmp_path / "a.csv"
    path.write_text("unique_id,ds,y\n007,1,1\nNA,1,2\n", encoding="utf-8")
    assert read(path).ids.tolist() == ["007", "NA"]


def test_types_that_change_late(tmp_path):
    """A column that looks like whole numbers for long and then holds others is read right."""
    frame = pl.DataFrame({"ds": range(120_000), "y": range(120_000)}).with_columns(pl.col("y").cast(pl.String))
    frame = frame.with_columns(y=pl.when(pl.col("ds") == 119_999).then(pl.lit("0.5")).otherwise("y"))
    frame = frame.with_columns(y=pl.when(pl.col("ds") == 119_998).then(pl.lit("NA")).otherwise("y"))
    path = tmp_path / "late.csv"
    frame.write_csv(path)
    panel = read(path, time_col="ds", target_col="y")
    assert panel.values[-1] == 0.5
    assert not panel.mask[-2]


def test_latin1_found_late(tmp_path):
    """A file that stops being utf-8 far from its start is read as latin-1, and a note says so."""
    lines = ["unique_id,ds,y", *(f"Koln,{i},1" for i in range(40_000)), "Köln,1,2"]
    path = tmp_path / "late.csv"
    path.write_bytes("\n".join(lines).encode("latin-1"))
    panel = read(path)
    assert panel.ids.tolist() == ["Koln", "Köln"]
    assert "The text is not utf-8 and was read as latin-1." in panel.notes


@pytest.mark.parametrize(
    ("texts", "freq"),
    [
        (["2024-01", "2024-02", "2024-03"], "MS"),
        (["2024Q1", "2024Q2", "2024Q3"], "QS"),
        (["2024-Q1", "2024-Q2", "2024-Q3"], "QS"),
        (["Jan 2024", "Feb 2024", "May 2024"], "MS"),
        (["January 2024", "February 2024", "May 2024"], "MS"),
        (["1/13/2024 1:00 PM", "1/13/2024 2:00 PM", "1/13/2024 3:00 PM"], "h"),
        (["2024-01-01T00:00Z", "2024-01-01T00:30Z", "2024-01-01T01:00Z"], "30min"),
        (["2024-01-01 00:00:00+01:00", "2024-01-01 01:00:00+01:00", "2024-01-01 02:00:00+01:00"], "h"),
        (["2024-01-01 00:00:00.5", "2024-01-01 00:00:01", "2024-01-01 00:00:01.5"], "500ms"),
        (["20240131", "20240201", "20240202"], "D"),
        (["31-Jan-2024", "01-Feb-2024", "02-Feb-2024"], "D"),
        (["5", "7", "9"], 2),
    ],
)
def test_times_as_text(texts, freq, tmp_path):
    """Every common way to write times is read, from text files."""
    path = tmp_path / "a.csv"
    pl.DataFrame({"ds": texts, "y": [1.5, 2.5, 3.5]}).write_csv(path)
    assert read(path).freq == Frequency.parse(freq)


def test_epoch_and_format_when_asked():
    """Seconds since 1970 and unusual patterns are read when the options say so."""
    seconds = pl.DataFrame({"ds": [0, 3600, 7200], "y": [1, 2, 3]})
    assert read(seconds).freq == Frequency(3600, "step")
    assert read(seconds, options=ReadOptions(epoch="s")).freq == Frequency(1, "h")
    months = pl.DataFrame({"ds": [202401, 202402, 202403], "y": [1, 2, 3]})
    assert read(months, options=ReadOptions(date_format="%Y%m")).freq == Frequency(1, "MS")
    hours = pl.DataFrame({"ds": ["2024-01-01 05", "2024-01-01 06"], "y": [1, 2]})
    assert read(hours, options=ReadOptions(date_format="%Y-%m-%d %H")).freq == Frequency(1, "h")


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["1.234,5", "7"], [1234.5, 7.0]),
        (["1,234.5", "7"], [1234.5, 7.0]),
        (["1 234,5", "12"], [1234.5, 12.0]),
        (["1\u202f234,5", "12"], [1234.5, 12.0]),
        (["1'234.5", "12"], [1234.5, 12.0]),
        (["0,234", "1,500"], [0.234, 1.5]),
        (["1,234", "2345"], [1.234, 2345.0]),
        (["1,234,567", "1,000"], [1234567.0, 1000.0]),
        (["-1,5", "2e3"], [-1.5, 2000.0]),
        (["NA", " 2 "], [None, 2.0]),
    ],
)
def test_numbers_as_text(texts, numbers):
    """Decimal commas and thousands marks are told apart over the whole column."""
    panel = read(pl.DataFrame({"ds": [1, 2], "y": texts}))
    expected = [number for number in numbers if number is not None]
    assert panel.values[panel.mask].tolist() == np.float32(expected).tolist()


def test_marks_can_be_told():
    """What is ambiguous by itself is read as the options say."""
    frame = pl.DataFrame({"ds": [1, 2], "y": ["1,234", "5,678"]})
    assert read(frame, options=ReadOptions(thousands=",")).values.tolist() == [1234.0, 5678.0]
    assert read(frame, options=ReadOptions(decimal=",")).values.tolist() == np.float32([1.234, 5.678]).tolist()


def test_covariates():
    """Numbers stay numbers, text becomes codes of sorted categories, static columns have one value per series."""
    frame = pl.DataFrame(
        {
            "unique_id": ["b", "b", "a"],
            "ds": [2, 1, 1],
            "y": [1, 2, 3],
            "price": [1.5, None, 3.0],
            "event": ["z", None, "x"],
            "size": ["L", None, "S"],
        }
    )
    panel = read(frame, covariates={"price": "past", "event": "future", "size": "static"})
    np.testing.assert_array_equal(panel.covariates["price"].values, [np.nan, 1.5, 3.0])
    assert panel.covariates["event"].categories == ("x", "z")
    np.testing.assert_array_equal(panel.covariates["event"].values, [np.nan, 1, 0])
    np.testing.assert_array_equal(panel.covariates["size"].values, [0, 1])


@st.composite
def panels(draw):
    """Panels that a frame can hold: any library, type of id, resolution and zone."""
    kind = draw(st.sampled_from(["pandas", "polars", "pyarrow"]))
    unit = draw(st.sampled_from(["step", "date", "ns", "us", "ms"] + ["s"] * (kind != "polars")))
    zone = None if unit in ("step", "date") else draw(st.sampled_from([None, "UTC", "Europe/Berlin"]))
    ids = draw(st.lists(st.integers(0, 99), min_size=1, max_size=4, unique=True))
    id_dtype = draw(st.sampled_from(["str", "int64", "category"]))
    length = draw(st.integers(2, 9))
    day = np.arange(length)
    values = draw(st.lists(st.floats(-1e6, 1e6, width=32), min_size=length * len(ids), max_size=length * len(ids)))
    values[1] = np.nan
    start = dt.datetime(2024, 3, 28, tzinfo=dt.UTC if zone else None)
    times = day if unit == "step" else [start + dt.timedelta(days=int(d)) for d in day]
    frame = pl.DataFrame({"unique_id": np.repeat(ids, length), "ds": list(times) * len(ids), "y": values})
    if unit == "date":
        frame = frame.with_columns(pl.col("ds").cast(pl.Date))
    elif unit != "step":
        frame = frame.with_columns(pl.col("ds").dt.cast_time_unit("ms" if unit == "s" else unit))
    if zone:
        frame = frame.with_columns(pl.col("ds").dt.convert_time_zone(zone))
    if id_dtype != "int64":
        frame = frame.with_columns(pl.col("unique_id").cast(pl.String))
    if id_dtype == "category":
        frame = frame.with_columns(pl.col("unique_id").cast(pl.Categorical))
    frame = frame.with_columns(town=pl.lit("x"), price=pl.col("y") * 2)
    if kind == "pandas":
        frame = frame.to_pandas()
        if unit == "s":
            frame["ds"] = frame["ds"].dt.as_unit("s")
    elif kind == "pyarrow":
        frame = frame.to_arrow()
        if unit == "s":
            frame = frame.set_column(1, "ds", frame["ds"].cast(pa.timestamp("s", zone)))
    return read(frame, covariates={"town": "static", "price": "future"})


@given(panels())
def test_round_trip(panel):
    """A panel written to a frame and read again is the same panel, with the same types of ids and times."""
    frame = panel_frame(panel)
    again = read(frame, covariates={"town": "static", "price": "future"}, freq=panel.freq)
    assert_same(again, panel)
    assert again.spec == panel.spec


def test_real_data_is_read(data_dir):
    """Real tables with missing hours, weekends and known temperatures are understood."""
    expected = {
        "nn5_daily": "D", "bike_sharing_hourly": "h", "m5_small": "D", "aus_retail": "MS", "vic_elec": "30min",
        "air_passengers": "MS", "stocks_gafa": "B", "etth1": "h", "m1_yearly": 1, "m4_weekly": 1,
    }  # fmt: skip
    found = {name: read(data_dir / name / "train.parquet").freq for name in expected}
    assert found == {name: Frequency.parse(freq) for name, freq in expected.items()}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"covariates": ["price"]}, "covariates must map names of columns to roles"),
        ({"covariates": "price"}, "covariates must map names of columns to roles"),
        ({"id_col": 0}, "id_col must be the name of a column, but got 0"),
        ({"options": {"separator": ";"}}, "options must be ReadOptions"),
    ],
)
def test_arguments_of_another_kind_are_told(wrong, message):
    """What cannot be meant is refused by its name before anything is read."""
    with pytest.raises(UsageError, match=message):
        read("nowhere.csv", **wrong)

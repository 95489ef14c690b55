"""Tests of results as files."""

import datetime as dt
import io
import json
from pathlib import Path

import polars as pl
import pytest

from foregate.cli.tables import FORMATS, check_format, csv_text, encoded, records
from foregate.core import UsageError

FRAME = pl.DataFrame(
    {
        "shop": pl.Series(["a", "b"], dtype=pl.Categorical),
        "day": [dt.date(2024, 1, 31), None],
        "at": [dt.datetime(2024, 1, 31, 5), dt.datetime(2024, 1, 31, 5, 0, 0, 500)],
        "y": [1 / 3, None],
    }
)


def test_text_has_the_digits_that_there_are():
    """CSV has seven digits, times as people write them, and nothing where nothing is."""
    assert csv_text(FRAME).splitlines() == [
        "shop,day,at,y",
        "a,2024-01-31,2024-01-31 05:00:00,0.3333333",
        "b,,2024-01-31 05:00:00.000500,",
    ]


def test_zones_keep_their_offset():
    """A time of a zone says how far it is from UTC."""
    zoned = FRAME.select(pl.col("at").dt.replace_time_zone("Europe/Berlin"))
    assert csv_text(zoned).splitlines()[1] == "2024-01-31 05:00:00+01:00"


def test_records_are_json():
    """Rows hold nothing that JSON cannot say."""
    rows = json.loads(json.dumps(records(FRAME)))
    assert rows[0] == {"shop": "a", "day": "2024-01-31", "at": "2024-01-31T05:00:00.000000", "y": 0.3333333}
    assert rows[1]["y"] is None


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_can_be_read_again(suffix):
    """What is written in each format has the same numbers when it is read."""
    content = io.BytesIO(encoded(FRAME.select("y"), suffix))
    readers = {".csv": pl.read_csv, ".parquet": pl.read_parquet, ".json": pl.read_json, ".ndjson": pl.read_ndjson}
    back = readers[suffix](content)["y"].to_list()
    assert back[0] == pytest.approx(1 / 3, rel=1e-6)
    assert back[1] is None


def test_other_endings_are_refused():
    """A file whose format nobody knows is told before work is done."""
    check_format(Path("a.parquet"))
    with pytest.raises(UsageError, match=r"--out must end in \.csv, .*, but got 'a\.xlsx'"):
        check_format(Path("a.xlsx"))

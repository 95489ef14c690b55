"""Laws of what is stored of series, whichever way it comes and whoever reads it."""

import csv
import io

import numpy as np
import pytest

from foregate.core import Frequency, UsageError
from foregate.service.forecasts.bodies import History
from foregate.service.forecasts.histories import Wanted, rows_of
from foregate.service.observations.catalog import Known
from foregate.service.observations.intake import placed
from foregate.service.observations.parsing import rows_of as imported

HOUR = Frequency.parse("h")
TEXTS = {
    "2024-05-31T12:00:00Z": True,
    "2024-05-31T14:00+02:00": True,
    "2024-05-31 12:00": True,
    "2024-05-31T12:00:00.000000": True,
    "2024-05-31T12:00:00.0000000": False,
    "2024-05-31T12": False,
    "20240531T120000": False,
    "2024-W22-5T12:00": False,
    "31.05.2024 12:00": False,
}
KNOWN = Known(1, HOUR, None)


def sent(text):
    """The time of an observation in a body of JSON, of a batch or of a session."""
    return placed(text, KNOWN, 2**60)


def in_a_table(text):
    """That of a row of a CSV file."""
    file = io.StringIO()
    csv.writer(file).writerows([["series", "time", "value"], ["a", text, "1"]])
    ((_, time, _),) = imported(io.BytesIO(file.getvalue().encode()), "csv", ["series", "time", "value"])
    return placed(time, KNOWN, 2**60)


def in_a_request(text):
    """That of a row of a history that comes with its request."""
    rows = rows_of(History(values=[1.0], times=[text]), "a", Wanted(HOUR, 1))
    return rows.times[0].astype(np.int64)


@pytest.mark.parametrize("door", [sent, in_a_table, in_a_request])
@pytest.mark.parametrize("text", TEXTS)
def test_a_time_is_one_at_every_door(text, door):
    """The same text is the same time however it comes in, or no time however it comes in."""
    if TEXTS[text]:
        assert door(text) == 1717156800000000
    else:
        with pytest.raises((ValueError, UsageError), match="ISO 8601"):
            door(text)


@pytest.mark.parametrize("text", ["2" * 40, "0" * 40 + "5", "-" + "9" * 31])
def test_numbers_of_a_table_are_not_cut(text):
    """A whole number of a table that has too many digits is refused, not read by its first ones."""
    table = f"series,time,value\na,{text},1\n".encode()
    ((_, time, _),) = imported(io.BytesIO(table), "csv", ["series", "time", "value"])
    with pytest.raises(ValueError, match="whole number within"):
        placed(time, Known(1, Frequency.parse(1), None), 2**60)

"""Laws of observations: the same rows are the same, in whatever form they come."""

import numpy as np
import pytest

from foregate.core import DataError, FrameSpec
from foregate.streaming import observations as module
from foregate.streaming.observations import observations

DAYS = np.array(["2024-01-01", "2024-01-02", "2024-01-01"], "datetime64[us]")
VALUES = np.array([1.5, np.nan, -2.0])


@pytest.mark.parametrize(("unit", "times"), [("us", DAYS), ("step", np.array([3, 4, 3]))])
def test_arrays_are_read_as_a_table_is(monkeypatch, unit, times):
    """Columns that are held as they are read need no table, and say the same as one."""
    spec = FrameSpec(time_unit=unit)
    table = observations({"unique_id": ["a", "a", "b"], "ds": times, "y": VALUES.tolist()}, spec, None)
    monkeypatch.setattr(module, "_frame", None)  # no table can be made
    arrays = observations({"unique_id": ["a", "a", "b"], "ds": times, "y": VALUES}, spec, None)
    assert list(arrays.ids) == list(table.ids)
    for name in ("times", "values", "timed", "static", "described"):
        one, other = getattr(arrays, name), getattr(table, name)
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("ids", "times", "values"),
    [
        (["a", "a", "b"], np.array(["2024-01-01", "NaT", "2024-01-01"], "datetime64[us]"), VALUES),
        (["a", "a", "b"], DAYS, np.array([1.0, np.inf, 2.0])),
        (["a", "a", ""], DAYS, VALUES),
        (["a", "a"], DAYS, VALUES),
    ],
)
def test_arrays_that_are_wrong_are_refused_as_a_table_is(ids, times, values):
    """A missing time, an infinite value, a series without a name and columns of unlike lengths are told as ever."""
    with pytest.raises(DataError, match="must"):
        observations({"unique_id": ids, "ds": times, "y": values}, FrameSpec(time_unit="us"), None)

"""Weights of series and rows become one number per row, or are refused."""

import math

import numpy as np
import pytest

from foregate.core import Panel, UsageError
from foregate.training.weights import row_weights

PANEL = Panel.from_arrays([np.ones(3), np.ones(2), np.ones(4)], ids=["a", "b", "c"])


def test_a_series_weighs_the_same_in_all_its_rows():
    """By id, in any order; what is not named counts 1."""
    np.testing.assert_array_equal(row_weights(PANEL, {"c": 0.5, "a": 2}), [2, 2, 2, 1, 1, 0.5, 0.5, 0.5, 0.5])


def test_ids_may_be_numbers():
    """Ids that were numbers in the table are found by these numbers."""
    panel = Panel.from_arrays([np.ones(1), np.ones(1)], ids=["1", "2"])
    np.testing.assert_array_equal(row_weights(panel, {2: 3.0}), [1, 3])


def test_rows_keep_their_weights():
    """A number per row is taken as it is, as float32, and not changed."""
    given = np.arange(9.0)
    found = row_weights(PANEL, given)
    np.testing.assert_array_equal(found, given)
    assert found.dtype == np.float32
    assert given.dtype == np.float64


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"d": 1.0}, "weights must name series of the panel, but got 'd', which are not there"),
        ({"a": -1.0}, "weights must be finite and 0 or more, but got -1.0 for series 'a'; 1 of them"),
        ({"a": math.nan}, "weights must be finite and 0 or more, but got nan for series 'a'"),
        ({"a": 0, "b": 0, "c": 0}, "weights must not all be 0"),
        ({"a": "much"}, "weights must be numbers, but got others"),
        ([1.0, 2.0], r"weights must have one number for each of 9 rows, but got shape \(2,\)"),
        (np.ones((9, 1)), r"but got shape \(9, 1\)"),
        ([1, 1, 1, 1, math.inf, 1, 1, -1, 1], "but got inf for series 'b', row 4 of the panel; 2 of them are not"),
        (np.zeros(9), "weights must not all be 0"),
    ],
)
def test_other_weights_are_refused(wrong, message):
    """The message says what is wrong and where."""
    with pytest.raises(UsageError, match=message):
        row_weights(PANEL, wrong)

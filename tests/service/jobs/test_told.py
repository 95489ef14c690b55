"""Stored covariates as columns."""

import numpy as np
import pytest

from foregate import DataError
from foregate.service.jobs.told import Told


def test_rows_and_attributes_become_columns():
    """What came with rows is a value for each row, and what series have is one for each series; unknown is missing."""
    told = Told({"warm": "future", "sky": "past", "size": "static"})
    told.add('{"size": 3, "other": 1}', ['{"warm": 1.5, "sky": "grey"}', None])
    told.add("{}", ['{"warm": 2, "sky": null}', '{"sky": "blue"}'])
    found = told.covariates()
    np.testing.assert_equal(found["warm"].values, np.float32([1.5, np.nan, 2, np.nan]))
    np.testing.assert_equal(found["sky"].values, np.float32([1, np.nan, np.nan, 0]))
    assert found["sky"].categories == ("blue", "grey")
    np.testing.assert_equal(found["size"].values, np.float32([3, np.nan]))
    assert [found[name].role for name in found] == ["future", "past", "static"]


def test_nothing_that_was_not_asked_for_is_read():
    """Without covariates in the model, what is stored with rows is left alone, whatever it is."""
    told = Told({})
    told.add("{", ["{"])
    assert told.covariates() == {}


@pytest.mark.parametrize(
    ("row", "match"), [("{}", "covariate 'warm' must be stored"), ('{"warm": "hot"}', "must be numbers or text")]
)
def test_what_is_nowhere_or_of_two_kinds_is_refused(row, match):
    """A covariate that the model reads and nobody stored, or that is numbers here and text there, is told."""
    told = Told({"warm": "past"})
    told.add("{}", [row] if row == "{}" else ['{"warm": 1}', row])
    with pytest.raises(DataError, match=match):
        told.covariates()

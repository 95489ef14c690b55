"""Values before a row."""

import numpy as np
import pytest

from foregate.core import Panel
from foregate.data.inputs import Inputs, InputSpec
from foregate.data.lags import FEW_ROWS, lagged

Y = [3.0, 5.0, np.nan, 4.0, 8.0, np.nan, 7.0, -2.0, 1.0]


@pytest.mark.parametrize("times", [1, FEW_ROWS])
def test_values_before_a_row_are_in_its_units(times):
    """Above the level, over the scale; a recent one that is missing is the level before, one of a season is nothing."""
    spec = InputSpec((6, 1), recent=2)
    inputs = Inputs(Panel.from_arrays([np.array(Y)]), spec)
    rows = np.repeat(np.array([0, 4, 8]), times)
    units = inputs.units(rows)
    found = np.concatenate(list(lagged(inputs.tracks, spec, rows, *units)), -1)
    assert found.shape == (3 * times, len(spec.lags))
    last = dict(zip(spec.lags, found[-1] * units.scale[-1] + units.level[-1], strict=True))
    assert {lag: round(float(last[lag]), 4) for lag in (1, 2, 5, 7)} == {1: -2, 2: 7, 5: 4, 7: 5}
    assert last[6] == units.level[-1]
    assert not found[0].any()


def test_few_and_many_rows_are_read_alike():
    """Together or one by one, the same bits."""
    spec, rng = InputSpec((6, 12), recent=4), np.random.default_rng(0)
    inputs = Inputs(Panel.from_arrays([np.where(rng.random(300) < 0.2, np.nan, rng.normal(5, 1, 300))]), spec)
    rows = np.arange(300)
    many = np.concatenate(list(lagged(inputs.tracks, spec, rows, *inputs.units(rows))), -1)
    few = [np.concatenate(list(lagged(inputs.tracks, spec, r, *inputs.units(r))), -1) for r in np.split(rows, 6)]
    np.testing.assert_array_equal(np.concatenate(few), many)

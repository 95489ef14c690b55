"""Laws of the usual change."""

import numpy as np
import pytest
from hypothesis import given

from foregate.data.change import usual_change
from foregate.data.statistics import NoRows, nothing_carried, read
from tests.data.test_statistics import WINDOW, values


@given(values)
def test_it_is_the_scale_of_the_statistics(history):
    """It is what reading the whole history carries as its scale, missing rows and all."""
    y = np.array(history)
    mask = ~np.isnan(y)
    read_all, _ = read(
        np.where(mask, y, 0)[None], mask[None], np.array([False]), (1, 1), WINDOW, nothing_carried(1), NoRows(1)
    )
    own = usual_change(y[mask].tolist(), np.flatnonzero(mask).tolist(), WINDOW)
    assert own == pytest.approx(float(read_all["scale"][0, -1]), rel=1e-9, abs=1e-12)

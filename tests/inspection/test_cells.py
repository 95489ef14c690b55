"""Laws of the comparison of cells."""

import numpy as np
import pytest

from foregate.inspection.cells import compared_cells
from foregate.inspection.gradients import Gradients
from tests.inspection.materials import panel_of, subject


@pytest.mark.parametrize(("steps", "names"), [(0, 3), (2, 6)])
def test_cells_of_equal_size_stand_beside_one_another(steps, names):
    """As they begin, and as they are after training where that is asked for; the same seed gives the same."""
    given = subject("gru", panel_of(60, 50), lags=20)
    cells = compared_cells(given, steps)
    assert [one.network for one in cells] == [
        f"{cell}, {state}" for state in ("untrained", "trained")[: names // 3] for cell in ("RNN", "GRU", "LSTM")
    ]
    for one, again in zip(cells, compared_cells(given, steps), strict=True):
        np.testing.assert_array_equal(one.inputs, again.inputs)
    found = Gradients((), np.array(["s0"]), cells=cells)
    picture = found.compared()
    assert picture.table.columns == ["lag", *(one.network for one in cells)]
    assert "RNN, untrained" in picture.alternative


def test_a_simple_network_forgets_gradients_faster_than_gated_ones():
    """After some rows less is left in an untrained RNN's memory than in an LSTM's."""
    cells = compared_cells(subject("lstm", panel_of(80, 70), lags=30), 0)
    left = {}
    for one in cells:
        norms = np.nanmean(list(one.states.values())[-1], 0)
        left[one.network] = norms[20] / norms[0]
    assert left["RNN, untrained"] < 0.1 * left["LSTM, untrained"]

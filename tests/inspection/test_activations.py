"""Laws of saturation and of dead units."""

import numpy as np
import pytest

from foregate.inspection.activations import LayerGates
from foregate.inspection.gates import Gates


def layer(cell="lstm", **values):
    """A layer of three units over two steps of two series, the first step of the second not there."""
    full = {}
    for name in {"lstm": ("forget", "input", "candidate", "output", "memory"), "gru": ("reset", "update", "candidate")}[
        cell
    ]:
        own = np.broadcast_to(values.get(name, np.float32(0.5)), (2, 2, 3)).astype(np.float32).copy()
        own[1, 0] = np.nan
        full[name] = own
    return LayerGates("network", 1, cell, 1, full)


def test_saturation_is_the_share_beyond_the_bounds():
    """Of the steps that there were: a gate below 0.05 or above 0.95, a candidate beyond 0.95 by its size."""
    forget = np.array([[[0.01, 0.96, 0.5], [0.06, 0.97, 0.5]], [[0.0, 0, 0], [0.04, 0.9, 0.5]]])
    one = layer(forget=forget, candidate=2 * forget - 1)
    low, high = one.saturated("forget")
    np.testing.assert_allclose(low, [2 / 3, 0, 0])
    np.testing.assert_allclose(high, [0, 2 / 3, 0])
    low, high = one.saturated("candidate")
    np.testing.assert_allclose(low, [1 / 3, 0, 0])
    np.testing.assert_allclose(high, [0, 0, 0])
    row = Gates(np.array(["a", "b"]), (one,)).summary.row(0, named=True)
    assert row["low"] == pytest.approx(2 / 9)
    assert row["high"] == pytest.approx(2 / 9)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_unit_that_hands_on_the_same_is_dead(cell):
    """Whatever its gates do: one whose output never moves, against one that does."""
    moving = np.zeros((2, 2, 3))
    moving[0, 1] = [0, 0.9, 0.9]
    one = layer(cell, **{"memory" if cell == "lstm" else "candidate": moving})
    assert one.dead.tolist() == [True, False, False]
    shut = layer(
        cell, **({"memory": moving, "output": 0.0} if cell == "lstm" else {"candidate": moving, "update": 1.0})
    )
    assert shut.dead.tolist() == [True] * 3
    assert Gates(np.array(["a", "b"]), (one,)).summary["dead_units"].to_list() == [1] * len(one.gates)

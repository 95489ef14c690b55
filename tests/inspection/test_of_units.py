"""Findings from gates and memory, of activations that are made for it."""

import numpy as np
import pytest

from foregate.inspection.activations import LayerGates
from foregate.inspection.gates import Gates
from foregate.inspection.of_units import gates_stuck, lookback, units_lost
from foregate.models.options import ModelOptions

H = 10


def lively(cell="lstm", **values):
    """One layer whose gates move freely, but for those that are given."""
    rng = np.random.default_rng(0)
    names = {"lstm": "forget input candidate output memory", "gru": "reset update candidate"}.get(cell, "output")
    own = {name: rng.uniform(0.1, 0.9, (2, 50, H)).astype(np.float32) for name in names.split()}
    for name in ("candidate", "memory"):
        if name in own:
            own[name] = 2 * own[name] - 1
    return Gates(np.array(["a", "b"]), (LayerGates("network", 1, cell, 1, own | values),))


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn-tanh"])
def test_units_that_move_are_left_alone(cell):
    """Gates that go up and down within their bounds are what they should be."""
    options = ModelOptions(cell=cell)
    assert [*gates_stuck(lively(cell), options, 7), *units_lost(lively(cell), options)] == []


@pytest.mark.parametrize(("cell", "gate"), [("lstm", "forget"), ("gru", "update")])
@pytest.mark.parametrize(("value", "state"), [(0.99, "open"), (0.01, "shut")])
def test_a_gate_that_never_moves_is_stuck_from_half_the_units_on(cell, gate, value, state):
    """The share of units is told; fewer than half are none of anybody's business."""
    options = ModelOptions(cell=cell)
    for units, told in ((4, False), (6, True)):
        values = lively(cell).layers[0].values[gate].copy()
        values[..., :units] = value
        names = [finding.name for finding in gates_stuck(lively(cell, **{gate: values}), options, 7)]
        assert names == [f"forget gates stuck {state}"] * told


def test_advice_is_another_setting_than_the_one_there_is():
    """Who has the bias that would be advised is told of another."""
    shut = lively(forget=np.zeros((2, 50, H), np.float32))
    options = ModelOptions.parse("retain_steps=7")
    (finding,) = gates_stuck(shut, options, 7)
    assert finding.setting == 'model="retain_steps=8"'


def test_what_fills_up_is_saturated_and_what_is_shut_is_dead():
    """A memory beyond three is at its end; an output gate at nothing hands on nothing."""
    (full,) = units_lost(lively(memory=np.full((2, 50, H), 9.0, np.float32)), ModelOptions())
    assert (full.name, full.evidence["share"]) == ("saturated units", 1.0)
    (dead,) = units_lost(lively(output=np.zeros((2, 50, H), np.float32)), ModelOptions())
    assert (dead.name, dead.severity, dead.evidence["dead"]) == ("dead units", "warning", H)


def test_pretrained_networks_may_have_idle_units():
    """One kind of series leaves some idle, which is no finding; where many are, the size is left as it is."""
    few, many = (lively(output=np.where(np.arange(H) < n, 0, lively().layers[0].values["output"])) for n in (3, 5))
    assert [finding.severity for finding in units_lost(few, ModelOptions())] == ["note"]
    assert list(units_lost(few, ModelOptions(), pretrained=True)) == []
    (dead,) = units_lost(many, ModelOptions(), pretrained=True)
    assert (dead.severity, dead.setting) == ("warning", 'options={"rate": 1e-3}')


def test_rows_that_are_not_used_and_seasons_that_are_not_seen():
    """A window that is used, and a season that is looked back on, are passed over; others are told of."""
    options = ModelOptions.parse("windowed+lookback=96")
    assert list(lookback(40, 96, 30, (24,), options)) == []
    (unused,) = lookback(3, 96, 30, (24,), options)
    assert unused.setting == 'model="windowed+lookback=24"'
    (short,) = lookback(0, 0, 5, (24, 168), ModelOptions())
    assert (short.name, short.setting) == ("season not used", 'model="retain_steps=24"')

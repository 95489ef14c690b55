"""Laws of what is told of gates: saturation, dead units, tables."""

import numpy as np
import pytest

from foregate.inspection.gates import Gates, LayerGates, gates_of
from tests.inspection.materials import KINDS, subject


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


@pytest.mark.parametrize("label", KINDS)
def test_every_kind_of_model_is_told_of(label):
    """Tables hold every layer, gate and unit, shares sum to 1, and the section has pictures with words and numbers."""
    gates = gates_of(subject(label, rows=20))
    layers = len(gates.layers)
    assert gates.summary.select("network", "layer").n_unique() == layers
    assert gates.units.height == sum(len(one.dead) * len(one.gates) for one in gates.layers)
    if layers and gates.layers[0].gates:
        shares = gates.distribution.group_by("network", "layer", "gate").agg(total=gates.distribution["share"].sum())
        assert shares.height == gates.summary.height
        total = gates.distribution["share"].sum()
        assert total == pytest.approx(gates.summary.height)
    section = gates.section()
    assert section.pictures
    assert all(picture.alternative and picture.table.height for picture in section.pictures)
    assert gates.layers[0].keeps is None if label.startswith("rnn") else gates.layers[0].keeps is not None


def test_the_course_of_training_is_told_by_layer():
    """Layers are numbered from 1; without a history there is no picture of it."""
    history = [
        {
            "step": 10 * i,
            "loss": 1.0,
            "forget_0": 0.7,
            "half_life_0": 2.0,
            "forget_1": 0.8 + i / 100,
            "half_life_1": 3.0,
        }
        for i in range(1, 4)
    ]
    gates = gates_of(subject(facts={"history": history}))
    assert set(gates.training.columns) == {"step", "forget_1", "forget_2", "half_life_1", "half_life_2"}
    assert gates.training["forget_2"].to_list() == pytest.approx([0.81, 0.82, 0.83])
    told = list(gates.over_training())
    assert [one.title for one in told] == ["Forget activation over the training", "Half-life over the training"]
    assert "layer 2 goes from 0.81 to 0.83" in told[0].alternative
    assert list(gates_of(subject()).over_training()) == []


def test_units_are_drawn_from_the_longest_memory_down():
    """The rows of a heat map are ordered by the gate that keeps, over all series."""
    gates = gates_of(subject())
    one = gates.layers[0]
    order = gates.heat_map(one, "input").table["unit"].to_numpy()
    means = np.nanmean(one.values["forget"], axis=(0, 1))
    assert (np.diff(means[order]) <= 0).all()


def test_arrays_hold_some_series_whole():
    """What is written into a file are the activations of at most eight series, by name."""
    given = subject(rows=5)
    arrays = gates_of(given).arrays
    assert arrays["ids"].tolist() == given.panel.ids.tolist()
    assert arrays["network/layer 1/forget"].shape[:2] == (3, 5)

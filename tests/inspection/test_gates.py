"""Laws of what is told of gates: tables, pictures, the course of training."""

import numpy as np
import pytest

from foregate.inspection.gates import gates_of
from tests.inspection.materials import KINDS, subject


@pytest.mark.parametrize("label", KINDS)
def test_every_kind_of_model_is_told_of(label):
    """Tables hold every layer, gate and unit, shares sum to 1, and the section has pictures with words and numbers."""
    gates = gates_of(subject(label, rows=20))
    layers = len(gates.shown)
    assert len(gates.decoders) == label.startswith("seq2seq")
    assert gates.summary.select("network", "layer").n_unique() == layers
    assert gates.units.height == sum(len(one.dead) * len(one.gates) for one in gates.shown)
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


def test_a_decoder_is_drawn_over_the_steps_ahead():
    """From the last origin unless said; the page says what it is, and its map has a column per step."""
    given = subject("seq2seq+dot+lookback=8", rows=20)
    gates, K = gates_of(given), given.fitted.horizon
    (one,) = gates.decoders
    assert one.values["forget"].shape[:3] == (3, 4, K)
    assert gates.origins[0].tolist() == [19, 13, 6, 0]
    picture, earlier = gates.heat_map(one, "forget"), gates.heat_map(one, "forget", origin=0)
    assert picture.title == "Forget, decoder"
    assert f"over {K} steps ahead" in picture.alternative
    axes = picture.figure().axes[0]
    assert axes.images[0].get_array().shape[:2] == (8, K)
    assert axes.get_xlabel() == "steps ahead"
    order = picture.table["unit"].to_numpy()
    np.testing.assert_allclose(picture.table["mean"], one.values["forget"][0, -1][:, order].mean(0), rtol=1e-5)
    assert not picture.table.equals(earlier.table)
    section = gates.section()
    assert "The decoder writes step after step" in section.paragraphs[1]
    assert {"Forget, decoder", "How often which value, decoder"} <= {each.title for each in section.pictures}
    assert gates.arrays["network, decoder/layer 1/forget"].shape == (3, 4, K, 8)
    assert gates.arrays["origins"].shape == (3, 4)

"""Laws of batches of panels that are changed a little."""

import numpy as np
import pytest

from foregate.core import Panel
from foregate.data.augment import Augment
from foregate.data.inputs import Inputs, InputSpec
from foregate.pipeline.augmented import STEPS, AugmentedCrops
from foregate.training.batches import Crops
from foregate.training.options import TrainingOptions

LIMITS = np.array([50, 40])


def crops_of(seed=0, later=0.0, weights=None):
    """Crops of two series; what lies behind the limits may be moved."""
    rng = np.random.default_rng(0)
    made = [10 + np.sin(np.arange(n)) + rng.normal(0, 0.2, n) for n in (60, 45)]
    for values, limit in zip(made, LIMITS, strict=True):
        values[limit:] += later
    inputs = Inputs(Panel.from_arrays(made), InputSpec((3, 1), recent=4, window=50))
    return Crops(inputs, LIMITS, 3, TrainingOptions(40, batch=6, crop=20, origins=4, seed=seed), weights=weights)


def same(one, other):
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in vars(one) if name != "carry")


def test_nothing_changed_is_nothing_new():
    """Without any amount the batches are those of the panel as it is."""
    crops = crops_of()
    source = AugmentedCrops(crops, Augment())
    assert all(same(source.draw(step), crops.draw(step)) for step in (0, STEPS, 3 * STEPS + 1))


@pytest.mark.parametrize("change", [{"jitter": 0.3}, {"time_warp": 2.0}, {"magnitude_warp": 0.2}])
def test_a_step_is_the_same_whenever_it_is_asked_for(change):
    """A batch follows from the step and the seed, whatever was drawn before; of the plain panel it is another."""
    augment = Augment(**change)
    one, other = (AugmentedCrops(crops_of(), augment) for _ in range(2))
    expected = [one.draw(step) for step in (0, 1, STEPS, 2 * STEPS)]
    assert all(same(other.draw(step), each) for step, each in zip((2 * STEPS, STEPS), expected[:1:-1], strict=True))
    assert same(one.draw(1), expected[1])
    assert not same(expected[0], crops_of().draw(0))
    assert not same(AugmentedCrops(crops_of(seed=1), augment).draw(0), expected[0])


def test_a_panel_is_changed_anew_from_time_to_time(monkeypatch):
    """So many batches come from one changed panel, then from another; the original stays as it was."""
    crops = crops_of()
    before = crops.inputs.panel.values.copy()
    source, seen = AugmentedCrops(crops, Augment(jitter=0.5)), []
    for step in range(2 * STEPS):
        source.draw(step)
        seen.append(source._latest[1].inputs.panel.values)
    assert all(each is seen[0] for each in seen[:STEPS])
    assert all(each is seen[-1] for each in seen[STEPS:])
    assert not np.array_equal(seen[0], seen[-1])
    np.testing.assert_array_equal(crops.inputs.panel.values, before)


def test_held_out_rows_change_nothing():
    """Whatever lies behind the limits, batches are the same where anything counts."""
    augment = Augment(jitter=0.3, magnitude_warp=0.1, scaling=0.2)
    one, other = (AugmentedCrops(crops_of(later=later), augment).draw(3) for later in (0.0, 1e3))
    np.testing.assert_array_equal(one.features, other.features)
    np.testing.assert_array_equal(one.weight, other.weight)
    counted = one.weight > 0
    np.testing.assert_array_equal(one.target[counted], other.target[counted])


def test_other_data_and_other_changes_are_told_apart():
    """The fingerprint follows from the data and from how much they are changed; options are those of the crops."""
    prints = {
        AugmentedCrops(crops, Augment(jitter=jitter)).fingerprint
        for crops in (crops_of(), crops_of(later=1.0))
        for jitter in (0.1, 0.2)
    }
    assert len(prints) == 4
    assert AugmentedCrops(crops_of(), Augment()).options == crops_of().options


def test_weights_are_those_of_the_rows():
    """What counts for nothing in the panel counts for nothing in its changed copies."""
    weights = np.ones(105, np.float32)
    weights[:60] = 0
    batch = AugmentedCrops(crops_of(weights=weights), Augment(jitter=0.1)).draw(0)
    plain = AugmentedCrops(crops_of(), Augment(jitter=0.1)).draw(0)
    assert (plain.weight > 0).any((1, 2)).all()
    assert 0 < (batch.weight > 0).any((1, 2)).sum() < len(batch.weight)

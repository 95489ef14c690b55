"""Batches of made-up series."""

import numpy as np
import pytest

from foregate.data.synthetic import KINDS
from foregate.pipeline.synthetic_crops import CROPS, LONG_REACH, LONG_SHARE, REACH, SyntheticCrops, _horizon
from foregate.training.options import TrainingOptions

SHORT = tuple(kind for kind in KINDS if kind.longest <= 200)[:3]
OPTIONS = TrainingOptions(steps=6, batch=16, crop=40, rate=4e-3, checks=2, patience=2)


def test_a_step_has_the_same_batch_whenever_it_is_asked_for():
    """Batches follow from seed and step alone, and differ between steps."""
    crops = SyntheticCrops(OPTIONS, kinds=SHORT)
    one, again, other = crops.draw(3), crops.draw(3), crops.draw(4)
    np.testing.assert_array_equal(one.features, again.features)
    np.testing.assert_array_equal(one.target, again.target)
    assert one.features.shape != other.features.shape or not np.array_equal(one.features, other.features)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_gives_batches_to_learn_from(kind):
    """Whatever is drawn, inputs and targets are finite, some targets count, and no crop is too long."""
    crops = SyntheticCrops(OPTIONS, kinds=(kind,))
    batch = crops.draw(0)
    assert np.isfinite(batch.features).all()
    assert np.isfinite(batch.target).all()
    assert batch.weight.sum() > 0
    assert batch.features.shape[1] <= max(CROPS) * OPTIONS.crop


def test_the_fingerprint_tells_kinds_apart():
    """A run does not go on from the checkpoint of another prior."""
    prints = {SyntheticCrops(OPTIONS, kinds=SHORT[:n]).fingerprint for n in (1, 2, 3)}
    assert len(prints) == 3


@pytest.mark.parametrize("length", [4, 20, 300])
def test_horizons_are_in_proportion(length):
    """Usually at most half as far as what was seen, at times several times as far, never further."""
    rng = np.random.default_rng(0)
    drawn = np.array([_horizon(rng, length) for _ in range(400)])
    assert drawn.min() >= 1
    assert drawn.max() <= LONG_REACH * length
    assert np.mean(drawn > max(2, REACH * length)) < 2 * LONG_SHARE
    assert length > 20 or drawn.max() > REACH * length

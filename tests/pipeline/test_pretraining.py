"""Pretraining: batches of made-up series, and a network that learns from them alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from foregate.data.synthetic import KINDS
from foregate.pipeline.pretraining import CROPS, SyntheticCrops, pretrain
from foregate.pipeline.recipe import LEVELS, Recipe
from foregate.training.options import TrainingOptions

SHORT = tuple(kind for kind in KINDS if kind.longest <= 200)[:3]
OPTIONS = TrainingOptions(steps=6, batch=16, crop=40, rate=4e-3, checks=2, patience=2)
SMALL = Recipe(1, hidden=8, decoder=8)


class StoppedError(Exception):
    """Someone pressed the key."""


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


def test_pretraining_learns():
    """The held-back score falls, and the weights that are kept are those of the best score."""
    network, result = pretrain(SMALL, replace(OPTIONS, steps=30, checks=3, patience=3), kinds=SHORT)
    scores = [score for _, _, score in result.history]
    assert scores[-1] < scores[0]
    assert result.best_score == min(scores)
    assert network.spec.n_quantiles == len(LEVELS)


def test_pretraining_taken_up_again_is_the_same(tmp_path):
    """Stopped and resumed equals never stopped, to the bit."""

    def stop(progress):
        if progress.step == 4:
            raise StoppedError

    whole, _ = pretrain(SMALL, OPTIONS, kinds=SHORT)
    with pytest.raises(StoppedError):
        pretrain(SMALL, OPTIONS, kinds=SHORT, on_step=stop, checkpoint=tmp_path)
    resumed, _ = pretrain(SMALL, OPTIONS, kinds=SHORT, checkpoint=tmp_path)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name

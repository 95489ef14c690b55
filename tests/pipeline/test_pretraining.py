"""Pretraining: batches of made-up series, and a network that learns from them alone."""

from dataclasses import replace

import pytest
import torch

from foregate.core import UsageError
from foregate.pipeline.pretraining import HELD_BACK_BATCHES, Pretraining, pretrain
from foregate.pipeline.recipe import LEVELS
from foregate.pipeline.synthetic_crops import SyntheticCrops
from foregate.training.options import TrainingOptions

OPTIONS = TrainingOptions(steps=6, batch=16, crop=40, rate=4e-3, checks=2, patience=2)
SMALL = Pretraining(OPTIONS, hidden=8, decoder=8, kinds={"yearly": 2, "quarterly": 1, "monthly": 1})


class StoppedError(Exception):
    """Someone pressed the key."""


def test_pretraining_learns():
    """The held-back score falls, and the weights that are kept are those of the best score."""
    network, result = pretrain(replace(SMALL, training=replace(OPTIONS, steps=90, checks=3, patience=3)))
    scores = [record.score for record in result.history]
    assert scores[-1] < scores[0]
    assert result.best_score == min(scores)
    assert network.spec.levels == LEVELS


def test_what_is_judged_on_is_not_learnt_from(monkeypatch):
    """Held-back series are drawn with another seed than those of training."""
    seeds = []
    draw = SyntheticCrops.batch_of

    def drawing(crops, *given):
        seeds.append(crops.options.seed)
        return draw(crops, *given)

    monkeypatch.setattr(SyntheticCrops, "batch_of", drawing)
    pretrain(SMALL)
    held_back = HELD_BACK_BATCHES * len(SMALL.drawn())
    assert len(seeds) >= held_back + SMALL.training.steps
    assert set(seeds[:held_back]).isdisjoint(seeds[held_back:])


def test_pretraining_taken_up_again_is_the_same(tmp_path):
    """Stopped and resumed equals never stopped, to the bit."""

    def stop(event):
        if event.step == 4:
            raise StoppedError

    whole, _ = pretrain(SMALL)
    with pytest.raises(StoppedError):
        pretrain(SMALL, callbacks=[stop], checkpoint=tmp_path)
    resumed, _ = pretrain(SMALL, checkpoint=tmp_path)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_other_processes_draw_the_same_batches():
    """However many processes draw, the weights are the same to the bit."""
    alone, _ = pretrain(SMALL)
    helped, _ = pretrain(SMALL, processes=2)
    for name, value in alone.state_dict().items():
        assert torch.equal(value, helped.state_dict()[name]), name


def test_a_half_precise_encoder_learns_too():
    """bfloat16 in the encoder changes the numbers a little, and leaves float32 weights."""
    exact, _ = pretrain(SMALL)
    rough, _ = pretrain(replace(SMALL, training=replace(OPTIONS, precision="bfloat16")))
    for name, value in exact.state_dict().items():
        assert rough.state_dict()[name].dtype == torch.float32
        torch.testing.assert_close(rough.state_dict()[name], value, atol=0.02, rtol=0.1)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kinds": {"yearli": 1}}, "kinds must be among yearly, .* but got .yearli."),
        ({"kinds": {"yearly": 0}}, "kinds must have weights of 0 or more, not all 0"),
        ({"hidden": 0}, "hidden must be a whole number of at least 1, but got 0"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong, said):
    """Before anything is drawn."""
    with pytest.raises(UsageError, match=said):
        Pretraining(OPTIONS, **wrong)

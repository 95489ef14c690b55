"""Laws of one network of a forecaster, from its first weights to its last."""

import math

import numpy as np
import pytest
import torch

from foregate.core import ModelError, Panel
from foregate.data.inputs import Inputs, InputSpec
from foregate.models.options import ModelOptions
from foregate.persistence import load_shipped
from foregate.pipeline import member as module
from foregate.pipeline.calibration import judged_series
from foregate.pipeline.member import Task, new_network, train_member
from foregate.pipeline.plan import hold_out
from foregate.pipeline.recipe import Recipe
from foregate.training.batches import Crops
from foregate.training.options import TrainingOptions

START = load_shipped("tiny")


def recipe_of(label="lstm", **changes):
    given = {"steps": 5, "hidden": 6, "decoder": 5, "batch": 6, "crop": 25} | changes
    return Recipe(4, (), model=ModelOptions.parse(label), **given)


def task_of(*lengths, weights=None):
    rng = np.random.default_rng(0)
    panel = Panel.from_arrays([10 + np.sin(np.arange(n)) + rng.normal(0, 0.2, n) for n in lengths])
    held = hold_out(panel, 4, 1)
    return Task(Inputs(panel, InputSpec()), held, judged_series(held), weights)


def test_first_weights_follow_from_the_seed_alone():
    """The same seed, the same weights, whatever torch has drawn before; its own generator stays."""
    before = torch.get_rng_state()
    one = new_network(recipe_of(), InputSpec())
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(3)
    same, other = new_network(recipe_of(), InputSpec()), new_network(recipe_of(seed=1), InputSpec())
    assert torch.equal(one.decoder.out.weight, same.decoder.out.weight)
    assert not torch.equal(one.decoder.out.weight, other.decoder.out.weight)


@pytest.mark.parametrize("label", ["gru+student-t", "dilated+dilations=1x4x4", "each", "seq2seq+dot", "patched+direct"])
def test_a_network_is_what_the_recipe_says(label):
    """Made of the parts that were named, with the inputs' widths and the recipe's sizes."""
    recipe, spec = recipe_of(label), InputSpec((4, 1))
    made = new_network(recipe, spec).spec
    assert made.built == recipe.model.resolve(None, (4, 1), 4)
    assert (made.hidden, made.decoder, made.n_features) == (6, 5, spec.n_features)


WAYS = [("lstm", 4, False), ("recursive", 1, False), ("seq2seq", 4, True)]


@pytest.mark.parametrize(("label", "horizon", "every"), WAYS)
def test_what_is_trained_follows_from_the_strategy(monkeypatch, label, horizon, every):
    """One step of what feeds on itself, all of what writes them one after the other, before the end and at it."""
    seen, train = [], module.train

    def watch(network, source, **named):
        seen.append(source)
        return train(network, source, **named)

    monkeypatch.setattr(module, "train", watch)
    task = task_of(50, 40)
    member = train_member(recipe_of(label, members=1), task, None)
    member.finish(task, 4)
    assert {crops.horizon for crops in seen} == {horizon}
    assert {crops.options.every_step for crops in seen} == {every}


def test_steps_are_trained_all_at_a_time_where_that_is_asked_for():
    """Not only by strategies that must."""
    member = train_member(recipe_of(training={"every_step": True}), task_of(50, 40), None)
    assert member.options.every_step


def test_a_network_that_has_gone_astray_is_none(monkeypatch):
    """An endless loss on the held-out origins ends the run, and is not read as having nothing to judge by."""
    monkeypatch.setattr(module, "batch_score", lambda network, batch: math.inf)
    with pytest.raises(ModelError, match=r"validation score must be a number.* Lower the learning rate"):
        train_member(recipe_of(), task_of(50, 40), None)


def test_a_member_says_how_it_went():
    """Its score is what the kept weights have on the held-out origins; from scratch all of it is trusted."""
    task = task_of(50, 40)
    member = train_member(recipe_of("gru"), task, None)
    assert (member.trust, member.score) == (1.0, member.result.kept_score)
    held_back = module._score(task, member.options, 4)
    assert module.as_score(held_back(member.network)) == pytest.approx(member.score, rel=1e-5)
    tuned = train_member(recipe_of(hidden=None, decoder=None), task, START)
    assert tuned.score <= tuned.result.start_score


@pytest.mark.parametrize(
    ("label", "layers"), [("gru", 2), ("dilated+dilations=1x4x4", 3), ("rnn-tanh", 0), ("patched", 0)]
)
@pytest.mark.parametrize("lengths", [(50, 40), (6, 5)])
def test_every_check_says_what_the_gates_do(label, layers, lengths):
    """A forget activation and a half-life per layer where a gate's state is carried, with something held out or not."""
    history = train_member(recipe_of(label), task_of(*lengths), None).result.history
    assert all(np.isfinite(record.score) == (lengths == (50, 40)) for record in history)
    for record in history:
        assert (len(record.forget), len(record.half_life)) == (layers, layers)
        assert all(0 < each < 1 for each in record.forget)


def test_rows_that_fill_up_are_not_in_the_log():
    """What the gates do beside a longer series is what they do alone, weighted by rows."""
    network = new_network(recipe_of(), InputSpec())
    crops = Crops(task_of(50, 30).inputs, np.array([50, 30]), 4, TrainingOptions(1, batch=2, crop=50))
    seen = [
        module._gates(network, crops.at(np.array(which), np.array([[49], [29]])[which])) for which in ([0], [1], [0, 1])
    ]
    one, other, both = (np.array(each.forget) for each in seen)
    np.testing.assert_allclose(both, (50 * one + 30 * other) / 80, rtol=1e-5)


def test_what_counts_for_nothing_is_not_learnt_from():
    """With all weight on one series, what the other held changes no weight of the network."""
    weights = np.repeat([1.0, 0.0], [50, 40]).astype(np.float32)
    one, other = task_of(50, 40, weights=weights), task_of(50, 40, weights=weights)
    rows = np.flatnonzero(weights == 0)
    noise = np.random.default_rng(5).normal(0, 1, len(rows))
    values = other.inputs.panel.values.copy()
    values[rows] += noise.astype(np.float32)
    changed = Panel.from_arrays([values[:50], values[50:]])
    other = Task(Inputs(changed, InputSpec()), other.held, other.judged, weights)
    two = (train_member(recipe_of(training={"scale_power": 0.0}), task, None).network for task in (one, other))
    for a, b in zip(*(network.parameters() for network in two), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


def test_nothing_is_finished_that_nothing_could_check():
    """Without held-out outcomes, or without a step worth keeping, no further one is taken."""
    task = task_of(6, 5)
    member = train_member(recipe_of(), task, None)
    assert np.isinf(member.score)
    before = {name: value.clone() for name, value in member.network.state_dict().items()}
    assert member.finish(task, 4) == 0
    assert all(torch.equal(value, before[name]) for name, value in member.network.state_dict().items())

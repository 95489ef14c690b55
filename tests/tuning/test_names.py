"""Tests of the names of settings."""

import pytest

from foregate.cli.settings import settings
from foregate.core import UsageError
from foregate.data.augment import Augment
from foregate.models.options import ModelOptions
from foregate.pipeline.recipe import Recipe
from foregate.tuning import tunable
from foregate.tuning.names import applied, require_name, value_of


def test_names_are_those_of_the_command_line():
    """What --set can say can be tuned under the same name."""
    said = {name.removesuffix(".NAME") for name in settings()}
    assert said <= set(tunable())


@pytest.mark.parametrize("name", [name for name in tunable() if name not in ("model", "weights")])
def test_what_is_there_already_changes_nothing(name):
    """A recipe whose setting is set to what it is is the same one, whatever the setting."""
    recipe = Recipe(horizon=3, augment=Augment(), training={"decay": 0.01})
    value = value_of(recipe, name)
    if name.startswith("training."):
        recipe = applied(recipe, {name: value})
    assert applied(recipe, {name: value}) == recipe


def test_all_is_changed_at_once():
    """Parts that go together only as a whole are set together."""
    made = applied(Recipe(3), {"model.attention": "multi-head", "model.views": 8, "hidden": 64, "start": "scratch"})
    assert (made.model.views, made.hidden) == (8, 64)


def test_a_forget_gate_begins_one_way():
    """Naming one way of beginning takes the place of the one before."""
    made = applied(Recipe(3), {"model.forget.retain_steps": 20.0})
    assert (made.model.forget.value, made.model.forget.retain_steps) == (None, 20.0)


def test_groups_keep_what_is_not_named():
    """Training options and a network that are there stay but for what is changed."""
    recipe = Recipe(3, model=ModelOptions.parse("gru"), training={"decay": 0.01, "optimizer": "sgd"})
    changed = {"training.decay": 0.1, "training.optimizer_options.nesterov": True, "model.dropout.between": 0.2}
    made = applied(recipe, changed)
    assert made.training == {"decay": 0.1, "optimizer": "sgd", "optimizer_options": {"nesterov": True}}
    assert made.model == ModelOptions.parse("gru+dropout=0.2")
    assert recipe.training == {"decay": 0.01, "optimizer": "sgd"}


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("hiden", "Did you mean 'hidden'"),
        ("decay", "Did you mean 'training.decay'"),
        ("horizon", "settings that can be tuned"),
        ("training.optimizer_options.", "settings that can be tuned"),
        (3, "but got 3"),
    ],
)
def test_unknown_names_are_refused(name, match):
    """A name that is none is told, with the likely one where there is one."""
    with pytest.raises(UsageError, match=match):
        require_name(name)

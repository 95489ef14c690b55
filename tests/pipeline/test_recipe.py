"""A recipe refuses what cannot be made."""

import sys

import pytest

from foregate.core import UsageError
from foregate.models.options import ModelOptions
from foregate.pipeline.recipe import BEST_MEMBERS, EFFORTS, LEVELS, Recipe

HEADS_OF_5 = ModelOptions.parse("multi-head+views=5")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"horizon": 0}, "horizon must be a whole number of steps from 1 on, but got 0"),
        ({"horizon": -1}, "horizon must be a whole number"),
        ({"horizon": 2.5}, "horizon must be a whole number of steps from 1 on, but got 2.5"),
        ({"horizon": True}, "horizon must be a whole number"),
        ({"horizon": "7"}, "horizon must be a whole number"),
        ({"effort": "heroic"}, "effort must be one of .*, but got 'heroic'"),
        ({"season_length": (1,)}, "season_length must be at most two lengths"),
        ({"season_length": (7, 7)}, "season_length must be at most two lengths"),
        ({"season_length": (12, 4)}, "shortest first, but got"),
        ({"season_length": (4, 12, 52)}, "at most two lengths"),
        ({"hidden": 0}, "hidden must be a whole number of at least 1"),
        ({"layers": 0}, "layers must be a whole number of at least 1"),
        ({"decoder": 0}, "decoder must be a whole number of at least 1"),
        ({"recent": 0}, "recent must be a whole number of at least 1"),
        ({"steps": 0}, "steps must be a whole number of at least 1, or None"),
        ({"batch": 0}, "batch must be a whole number of at least 1, or None"),
        ({"crop": -1}, "crop must be a whole number of at least 1, or None"),
        ({"seed": -1}, "seed must be a whole number from 0"),
        ({"training": {"steps": 3}}, "training must have names among origins, .*, but got 'steps'"),
        ({"training": "sgd"}, "training must be a dict from names to values, but got 'sgd'"),
        ({"training": {"patience": "long"}}, "patience must be a whole number of at least 1, but got 'long'"),
        ({"training": {"optimiser": "sgd"}}, "training must have names among origins, .*, but got 'optimiser'"),
        ({"training": None}, "training must be a dict from names to values, but got None. Give"),
        ({"training": []}, r"training must be a dict from names to values, but got \[\]. Give"),
        ({"model": "gru"}, "model must be ModelOptions, but got 'gru'. Give"),
        ({"combine": "mean"}, "combine must be one of weights, median, but got 'mean'. Choose"),
        ({"combine": []}, r"combine must be one of weights, median, but got \[\]"),
        ({"season_length": 12}, "season_length must be at most two lengths .*, but got 12. Give"),
        ({"seed": 2**63 - 1, "members": 2}, "seed must leave room below 2.63 for one seed per member"),
        ({"seed": 2**63 - 2}, "seed must leave room below 2.63 .* for up to 5 members"),
        (
            {"model": HEADS_OF_5},
            "views must divide the units of a layer .*, but got 5 views for 96 units. .* hidden=100",
        ),
        ({"model": HEADS_OF_5, "hidden": 12}, "but got 5 views for 12 units"),
        ({"training": {"schedule": "sine"}}, "schedule must be cosine or .*, but got 'sine'"),
        ({"training": {"optimizer": "adamm"}}, "optimizer must be adamw, .*, but got 'adamm'"),
        ({"training": {"optimizer": "Muon"}}, "optimizer must be .*, but got 'Muon', which takes matrices only"),
        ({"training": {"optimizer_options": {"nesterov": True}}}, "optimizer_options must be what AdamW takes"),
        ({"training": {"optimizer": "Rprop"}}, "decay must be 0 for Rprop, which has no weight decay"),
    ],
)
def test_impossible_recipes_are_refused(wrong, message):
    """The message names what is wrong and what it got."""
    with pytest.raises(UsageError, match=message):
        Recipe(**{"horizon": 3, **wrong})


@pytest.mark.parametrize("season_length", [None, (), (12,), (24, 168)])
@pytest.mark.parametrize("effort", EFFORTS)
def test_possible_recipes_are_made(season_length, effort):
    """No season, one, two, or those that are found; every effort."""
    assert Recipe(5, season_length, effort).horizon == 5


def test_levels_are_symmetric_about_the_median():
    """The network's quantiles ascend, with the median in the middle and a mirror image of each."""
    assert list(LEVELS) == sorted(set(LEVELS))
    assert LEVELS[len(LEVELS) // 2] == 0.5
    assert all(abs(low + high - 1) < 1e-12 for low, high in zip(LEVELS, LEVELS[::-1], strict=True))


def test_the_last_seed_of_the_last_member_is_a_seed():
    """As many members as there may be, none has a seed beyond the greatest."""
    assert Recipe(3, seed=2**63 - 1, members=1).seed == 2**63 - 1
    assert Recipe(3, seed=2**63 - 5, effort="best").seed + BEST_MEMBERS - 1 == 2**63 - 1
    assert Recipe(3, model=HEADS_OF_5, hidden=10).hidden == 10


def test_an_optimizer_is_looked_up_where_there_is_torch(monkeypatch):
    """Any class of torch will do; where torch is not installed, a fit says so before anything else."""
    assert Recipe(3, training={"optimizer": "RAdam"}).training == {"optimizer": "RAdam"}
    monkeypatch.setitem(sys.modules, "foregate.training.optimizers", None)
    assert Recipe(3, training={"optimizer": "Abacus"}).training == {"optimizer": "Abacus"}

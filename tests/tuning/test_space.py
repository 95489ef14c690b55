"""Tests of what is searched."""

import numpy as np
import pytest

from foregate.core import UsageError
from foregate.models.options import ModelOptions
from foregate.pipeline.recipe import Recipe
from foregate.tuning import Choice, LogRange, Range, Space, usual_space
from foregate.tuning.names import applied
from foregate.tuning.space_file import space_of

BASE = Recipe(horizon=3)


@pytest.mark.parametrize(
    "recipe",
    [
        BASE,
        Recipe(3, start="scratch"),
        Recipe(3, hidden=12, layers=1, members=3, effort="best"),
        Recipe(3, model=ModelOptions.parse("gru+recursive"), members=1),
        Recipe(3, model=ModelOptions.parse("multi-head+negative-binomial"), hidden=64),
        Recipe(3, training={"stateful": True, "optimizer": "sgd"}),
    ],
    ids=lambda recipe: recipe.model.label,
)
def test_the_usual_space_makes_sense_for_every_recipe(recipe):
    """Whatever is chosen already, the usual space has no point that contradicts it, and leaves it as it is."""
    space = usual_space(recipe).within(recipe)
    assert not any(dimension.when.keys() - space.dimensions.keys() for dimension in space.dimensions.values())
    for point in _drawn(space, 40):
        made = applied(recipe, point)
        assert made.model.strategy == recipe.model.strategy
        assert recipe.hidden in (None, made.hidden)


def _drawn(space, count):
    rng = np.random.default_rng(1)
    for _ in range(count):
        yield space._cut({name: dimension.drawn(rng) for name, dimension in space._in_order()})


def test_overrides_are_honoured():
    """What a dict names takes the place of the usual; a plain value is fixed; the rest stays."""
    space = usual_space(BASE).changed({"rate": Choice(0.01), "batch": 32, "crop": Range(50, 100)}).within(BASE)
    assert space.dimensions["rate"] == Choice(0.01)
    assert space.fixed == {"batch": 32}
    assert "crop" in space.dimensions
    assert "members" in space.dimensions


def test_what_never_matters_is_left_out():
    """Where a condition is settled, what hangs on it is always tried, or never."""
    space = Space({"start": "scratch", "hidden": Choice(8, 16, when={"start": "scratch"})}).within(BASE)
    assert space.dimensions == {"hidden": Choice(8, 16)}
    space = Space({"rate": Choice(0.1, 0.2), "hidden": Choice(8, when={"start": "scratch"})}).within(BASE)
    assert list(space.dimensions) == ["rate"]


def test_a_grid_has_every_point_once():
    """Points that differ only in what does not matter are one."""
    scratch = {"start": "scratch"}
    space = Space(
        {
            "hidden": Choice(8, 16, when=scratch),
            "start": Choice("pretrained", "scratch"),
            "layers": Choice(1, 2, when=scratch),
        }
    )
    points = space.within(BASE).grid()
    assert len(points) == 1 + 2 * 2
    assert {"start": "pretrained"} in points
    assert len({str(sorted(point.items())) for point in points}) == 5


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"hidden": Choice(30, 32), "model.attention": "multi-head"}, r"hidden=30.* views must divide"),
        ({"layers": Choice(1, 2), "hidden": 0}, "hidden must be a whole number"),
        ({"hidden": Range(0.5, 8.5)}, "hidden must be a whole number"),
        ({"rate": LogRange(0.1, 2.0)}, "rate must be between 0 and 1"),
        ({"model.cell": Choice("lstm", "lstn")}, "every point of a space must make sense"),
        ({"model.views": Choice(2, 4)}, r"views must be left out.*when=\{…\}"),
        ({"effort": Choice("instant", "fast")}, "effort must be one that trains"),
        ({"hidden": 8}, "only fixed values"),
        ({"horizon": Choice(1, 2)}, "settings that can be tuned"),
        ({"model": Choice("gru", "nothing")}, "nothing"),
        (
            {"hidden": Choice(8, 16, when={"start": "nowhere"}), "start": Choice("pretrained", "scratch")},
            "something that happens",
        ),
        ({"hidden": Choice(8, when={"layers": 1}), "layers": Choice(1, when={"start": "scratch"})}, "depends on none"),
        (["hidden"], "a space must be a dict"),
    ],
)
def test_contradictions_are_refused(settings, match):
    """Before anything runs, and with the point and the reason."""
    with pytest.raises(UsageError, match=match):
        Space(settings).within(BASE)


def test_conditions_solve_contradictions():
    """What makes sense only with something else is tried only then."""
    heads = Choice(2, 4, when={"model.attention": "multi-head"})
    space = Space({"model.attention": Choice(None, "multi-head"), "model.views": heads, "hidden": 32}).within(BASE)
    assert len(space.grid()) == 3


def test_a_space_survives_being_written_down():
    """What a document describes is the same space, several numbers in one value included."""
    space = Space(
        {"rate": LogRange(1e-3, 0.1), "season_length": Choice((24, 168), ()), "crop": Range(10, 90, when={"rate": 0.1})}
    )
    assert space_of(space.document()) == space
    fixed = Space({"season_length": (24, 168), "hidden": 8})
    assert space_of(fixed.document()) == fixed


def test_too_large_a_grid_is_refused():
    """Before a million points are written down."""
    space = Space({"hidden": Range(1, 200), "decoder": Range(1, 200), "recent": Range(1, 200)})
    with pytest.raises(UsageError, match=r"at most 2,000 points, but got 8,000,000"):
        space.grid()

"""Tests of how to search."""

from dataclasses import replace

import numpy as np
import pytest

from foregate.core import DataError, Panel, UsageError
from foregate.data import generate, read
from foregate.evaluation import Plan
from foregate.pipeline.recipe import Recipe
from foregate.tuning import Choice, LogRange, Search, Space
from foregate.tuning.search import fingerprint, held_back, plans

PANEL = read(generate(3, 60))


@pytest.mark.parametrize(
    ("said", "match"),
    [
        ({"sampler": "best"}, "sampler must be one of tpe, random, grid"),
        ({"pruner": "knife"}, "pruner must be one of median, hyperband, none"),
        ({"measure": "bias"}, "measure must be one of"),
        ({"n_trials": 0}, "n_trials must be"),
        ({"n_jobs": 1.5}, "n_jobs must be"),
        ({"seconds": 0}, "seconds must be a number above 0"),
        ({"refit": 2}, "refit must be True or False"),
        ({"luck": 0}, "luck must be a number above 0, up to 1"),
        ({"luck": 1.5}, "luck must be a number above 0, up to 1"),
        ({"seed": -1}, "seed must be"),
        ({"windows": 0}, "windows must be"),
    ],
)
def test_wrong_numbers_and_names_are_refused(said, match):
    """Each by its name."""
    with pytest.raises(UsageError, match=match):
        Search(**said)


@pytest.mark.parametrize(
    ("said", "space", "recipe", "match"),
    [
        ({"sampler": "grid"}, {"rate": LogRange(0.01, 0.1)}, Recipe(3), "values that can be counted"),
        ({}, {"training.scale_power": Choice(0.0, 1.0)}, Recipe(3), "pruner must be 'none'"),
        ({}, {"validate": Choice(True, False)}, Recipe(3), "validate must be True"),
        ({}, {"rate": Choice(0.1)}, Recipe(3, validate=False), "validate must be True"),
    ],
)
def test_what_does_not_go_together_is_refused(said, space, recipe, match):
    """Grids without end, and scores that cannot be compared, before anything runs; without a pruner they may be."""
    with pytest.raises(UsageError, match=match):
        Search(**said).check(Space(space), recipe)
    if "pruner" in match or "validate" in match:
        Search(pruner="none").check(Space(space), recipe)


def test_nothing_of_the_test_part_is_left():
    """Every series ends where its first test window begins, those too short for one are whole."""
    ragged = Panel.from_arrays([np.arange(40.0), np.arange(3.0)], freq="D", start=np.datetime64("2024-01-01", "us"))
    part = held_back(ragged, Plan(4, 2), Plan(4, 2), "mae")
    assert part.lengths.tolist() == [32, 3]


def test_data_that_cannot_be_held_back_is_refused():
    """Too short for the test part, for the trials, or without a change that MASE could divide by."""
    with pytest.raises(DataError, match="to be backtested"):
        held_back(PANEL, Plan(3), Plan(80), "mae")
    with pytest.raises(DataError, match="to be backtested"):
        held_back(PANEL, Plan(3), Plan(3, n_windows=19), "mae") and held_back(PANEL, Plan(57), Plan(3), "mae")
    flat = Panel.from_arrays([np.ones(40)], freq="D", start=np.datetime64("2024-01-01", "us"))
    with pytest.raises(DataError, match="measure='mae'"):
        held_back(flat, Plan(3), Plan(3), "mase")


def test_longer_series_give_more_windows():
    """One at least, eight at most for trials and as many held back, unless so many are asked for."""
    assert [plans(PANEL, horizon, Search())[0].n_windows for horizon in (1, 3, 10)] == [7, 2, 1]
    assert [plan.n_windows for plan in plans(Panel.from_arrays([np.arange(999.0)]), 1, Search())] == [8, 8]
    assert plans(PANEL, 10, Search(windows=4, test_windows=2))[0].n_windows == 4


def test_studies_are_told_apart_by_what_matters():
    """Other data, settings or windows make another study; budgets and processes do not, nor does the test part."""
    space, search, plan = Space({"rate": Choice(0.1, 0.2)}), Search(), Plan(3)
    own = fingerprint(PANEL, Recipe(3), space, search, plan)
    assert own == fingerprint(PANEL, Recipe(3), space, replace(search, n_trials=9, seconds=1, n_jobs=2, luck=1), plan)
    changed = replace(PANEL, values=PANEL.values + 1)
    others = {
        "data": fingerprint(changed, Recipe(3), space, search, plan),
        "forecaster": fingerprint(PANEL, Recipe(3, hidden=8), space, search, plan),
        "space": fingerprint(PANEL, Recipe(3), Space({"rate": Choice(0.1, 0.3)}), search, plan),
        "sampler": fingerprint(PANEL, Recipe(3), space, Search(seed=1), plan),
        "windows": fingerprint(PANEL, Recipe(3), space, search, Plan(3, 2)),
    }
    assert all([name for name in own if own[name] != other[name]] == [what] for what, other in others.items())

"""Laws of the plan, whatever its numbers are."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.core import Covariate, Panel
from foregate.pipeline.plan import (
    FEW_ROWS,
    FURTHEST,
    OTHER_HEAD,
    PRETRAINED_SHARE,
    STEPS,
    hold_out,
    plan_members,
    plan_training,
    plan_weights,
    plan_window,
)
from foregate.pipeline.recipe import Recipe

lengths = st.lists(st.integers(1, 300), min_size=1, max_size=6)


def panel_of(lengths):
    return Panel.from_arrays([np.ones(n) for n in lengths])


@given(lengths, st.integers(1, 40), st.sampled_from([1, 4, 24]))
def test_what_is_held_out_fits(lengths, horizon, season):
    """Each origin is the last row that is trained on or later, and has its whole horizon inside the series."""
    panel = panel_of(lengths)
    held = hold_out(panel, horizon, season)
    assert held.limits.shape == (len(lengths),)
    assert np.all((held.limits >= 1) & (held.limits <= lengths))
    for n, limit, origins in zip(lengths, held.limits, held.origins, strict=True):
        given_ = origins[origins >= 0]
        assert np.all(given_ >= limit - 1)
        assert np.all(given_ + horizon <= n - 1)
        assert len(np.unique(given_)) == len(given_)
        if len(given_):
            assert given_[0] == limit - 1, "the first is the last row of the training part"
            assert given_[-1] + horizon == n - 1, "and the last one is judged by the newest row"
        else:
            assert limit == n, "a series that gives no origin is trained on whole"


@given(lengths, st.integers(1, 40), st.sampled_from([1, 4, 24]))
def test_enough_is_left_to_train_on(lengths, horizon, season):
    """What is left of a series that gives origins has at least the horizon and two seasons."""
    held = hold_out(panel_of(lengths), horizon, season)
    gives = (held.origins >= 0).any(1)
    assert np.all(held.limits[gives] >= np.minimum(np.array(lengths) - horizon, max(horizon, 2 * season))[gives])


@given(lengths, st.integers(1, 40), st.sampled_from([1, 4, 24]))
def test_a_series_gives_origins_if_it_can_spare_them(lengths, horizon, season):
    """If without its last horizon it still has three rows more than a horizon and than two seasons."""
    gives = (hold_out(panel_of(lengths), horizon, season).origins >= 0).any(1)
    assert gives.tolist() == [n - horizon >= max(horizon, 2 * season) + 3 for n in lengths]


def test_pretrained_weights_are_trained_more_gently():
    """At a lower rate than from scratch; what the recipe says counts for both."""
    panel = panel_of([60])
    own, scratch = (plan_training(Recipe(4), panel, (1, 1), pretrained=begun) for begun in (True, False))
    assert own.rate < scratch.rate
    assert plan_training(Recipe(4, rate=0.01), panel, (1, 1), pretrained=True).rate == 0.01


@given(lengths, st.integers(1, 40))
def test_a_plan_is_the_same_again(lengths, horizon):
    """The same panel is planned the same."""
    one, other = (hold_out(panel_of(lengths), horizon, 4) for _ in range(2))
    np.testing.assert_array_equal(one.limits, other.limits)
    np.testing.assert_array_equal(one.origins, other.origins)


def test_few_series_give_more_windows():
    """One long series gives several origins; of very many, each gives few."""
    one = (hold_out(panel_of([300]), 6, 1).origins >= 0).sum(1)
    many = (hold_out(panel_of([300] * 200), 6, 1).origins >= 0).sum(1)
    assert one[0] > many.max() >= 1


@pytest.mark.parametrize("effort", STEPS)
@given(lengths, st.integers(1, 40), st.sampled_from([(1, 1), (4, 1), (24, 168)]))
def test_a_run_can_be_planned_for_any_panel(effort, lengths, horizon, seasons):
    """Sizes are possible ones, no crop is longer than the longest series, and more data is not fewer steps."""
    recipe = Recipe(horizon, effort=effort)
    options = plan_training(recipe, panel_of(lengths), seasons)
    assert options.crop <= max(lengths)
    assert plan_training(recipe, panel_of(lengths * 3), seasons).steps >= options.steps
    assert options.seed == recipe.seed


def test_more_effort_is_more_steps():
    """Effort trades time for accuracy: each one trains longer than the one before."""
    panel = panel_of([200] * 20)
    steps = [plan_training(Recipe(8, effort=effort), panel, (1, 1)).steps for effort in STEPS]
    assert steps == sorted(set(steps))


def test_what_is_said_is_done():
    """Steps, batch, crop and rate of the recipe go before the rules."""
    recipe = Recipe(8, steps=7, batch=5, crop=11, rate=0.02, seed=3)
    options = plan_training(recipe, panel_of([200]), (24, 168))
    assert (options.steps, options.batch, options.crop, options.rate, options.seed) == (7, 5, 11, 0.02, 3)


@pytest.mark.parametrize("seasons", [(1, 1), (12, 1), (24, 168)])
def test_averages_reach_over_two_seasons(seasons):
    """Level and scale are averaged over no less than two of the longest seasons."""
    assert plan_window(seasons) >= 2 * max(seasons)


def test_the_size_of_the_weights_follows_from_the_panel():
    """Small panels get the larger network and large ones the smaller; who names a size, or others sizes, gets that."""
    small, large = (panel_of([FEW_ROWS["standard"] + more]) for more in (0, 1))
    assert [plan_weights(Recipe(1), panel) for panel in (small, large)] == ["base", "tiny"]
    assert plan_weights(Recipe(1, effort="instant"), small) == "tiny", "what takes no time must not take any"
    assert plan_weights(Recipe(1, effort="instant"), panel_of([FEW_ROWS["instant"]])) == "base"
    assert [plan_weights(Recipe(1, weights=size), large) for size in ("base", "tiny")] == ["base", "tiny"]
    assert plan_weights(Recipe(1, hidden=96), small) == plan_weights(Recipe(1, effort="fast"), small) == "tiny"
    assert plan_weights(Recipe(1, recent=4), small) == "base"
    told = replace(small, covariates={"x": Covariate("past", np.zeros(len(small.values), np.float32))})
    assert plan_weights(Recipe(1), told) == "tiny"


def test_networks_are_planned_by_effort():
    """One for fast, two for standard, five for best; every other one from scratch."""

    def plans(recipe, **known):
        return plan_members(recipe, **{"pretrained": True, **known})

    def starts(recipe, **known):
        return [own.start for own in plans(recipe, **known)]

    assert starts(Recipe(1, effort="fast")) == ["pretrained"]
    assert starts(Recipe(1)) == ["pretrained", "scratch"]
    assert starts(Recipe(1, effort="best")) == ["pretrained", "scratch"] * 2 + ["pretrained"]
    assert starts(Recipe(1), pretrained=False) == ["scratch"]
    assert starts(Recipe(1, members=2), pretrained=False) == ["scratch", "scratch"]
    assert len(starts(Recipe(1, effort="best"), members=3)) == 3
    assert starts(Recipe(1), checked=False) == ["pretrained"]
    assert starts(Recipe(1, members=2), checked=False) == ["pretrained", "pretrained"]
    assert [own.seed for own in plans(Recipe(1, members=3, seed=7))] == [7, 8, 9]


def test_networks_from_scratch_are_of_another_kind():
    """Beside pretrained ones; alone they are what the recipe says."""
    recipe = Recipe(1, effort="best")
    heads = [own.model.head for own in plan_members(recipe, pretrained=True)]
    assert heads == [recipe.model.head, OTHER_HEAD] * 2 + [recipe.model.head]
    assert {own.model.head for own in plan_members(recipe, pretrained=False)} == {recipe.model.head}


def test_far_ahead_all_are_from_scratch():
    """Further than pretraining has seen, where anything is held out; every other one reads patches."""

    def kinds(horizon, **known):
        plans = plan_members(Recipe(horizon, members=3), pretrained=True, **known)
        return [(own.start, own.model.encoder, own.model.head) for own in plans]

    patched, other = ("scratch", "patched", "quantiles"), ("scratch", "residual", OTHER_HEAD)
    assert kinds(FURTHEST + 1) == [patched, other, patched]
    assert kinds(FURTHEST)[0] == kinds(FURTHEST + 1, checked=False)[0] == ("pretrained", "residual", "quantiles")


def test_covariates_are_learnt_from_scratch():
    """Pretrained weights need a share of the steps, and a gentler rate, but where there are covariates, which they do
    not know."""
    plain = panel_of([5000])
    told = replace(plain, covariates={"price": Covariate("past", np.ones(5000, np.float32))})
    scratch = plan_training(Recipe(2), plain, (1, 1))
    known, new = (plan_training(Recipe(2), panel, (1, 1), pretrained=True) for panel in (plain, told))
    assert known.steps == pytest.approx(PRETRAINED_SHARE * scratch.steps, abs=1)
    assert known.rate < scratch.rate
    assert (new.steps, new.rate) == (scratch.steps, scratch.rate)


def test_further_fields_of_training_are_taken_over():
    """What the recipe says of training is in the plan; what it does not say is decided as ever."""
    panel = Panel.from_arrays([np.arange(100.0)])
    plain = plan_training(Recipe(4), panel, (4, 1))
    told = plan_training(Recipe(4, training={"optimizer": "sgd", "checks": 2}), panel, (4, 1))
    assert told == replace(plain, optimizer="sgd", checks=2)


@pytest.mark.parametrize("season", [1, 7, 24, 60, 168, 336])
def test_crops_of_a_step_fill_tiles(season):
    """Whatever the season, a step has a multiple of 16 crops, and reads about as many rows."""
    options = plan_training(Recipe(8), Panel.from_arrays([np.arange(1_000.0)]), (season, 1))
    assert options.batch % 16 == 0
    assert 9_000 <= options.batch * options.crop <= 17_000

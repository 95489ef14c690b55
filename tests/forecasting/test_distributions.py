"""Laws of what every head says, whatever its numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.core import UsageError
from foregate.forecasting.distributions import CELLS, Distribution
from foregate.forecasting.intervals import interpolate_quantiles
from foregate.forecasting.special import normal_score
from foregate.models.names import HEADS, head_outputs

LEVELS = (0.005, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.995)
EVERY = pytest.mark.parametrize("head", HEADS)
MEASURED = pytest.mark.parametrize("head", [head for head in HEADS if head != "negative-binomial"])


def outputs(head, *shape, seed=0, size=1.0):
    """Numbers that a network could say (*shape, N)."""
    n = head_outputs(head, len(LEVELS), 3)
    said = size * np.random.default_rng(seed).normal(size=(*shape, n))
    return (np.sort(said, -1) if head == "quantiles" else said).astype(np.float32)


def units(B, level=3.0, scale=2.0):
    return np.full(B, level, np.float32), np.full(B, scale, np.float32)


def steps(K):
    return np.arange(1, K + 1)


probabilities = st.lists(st.floats(1e-6, 1 - 1e-6), min_size=1, max_size=8, unique=True)
corners = st.sampled_from([-1e4, -50.0, -10.0, -1.0, 0.0, 1.0, 10.0, 50.0, 1e4])
pairs = st.tuples(st.sampled_from([0.0, 1.0, 7.0, 1e6]), st.sampled_from([1e-3, 0.5, 1.0, 40.0, 1e9]))


@EVERY
@given(st.data(), pairs, probabilities)
def test_quantiles_never_cross(head, data, pair, asked):
    """Whatever was said and in whatever units, quantiles and the mean are numbers, and quantiles ascend."""
    n = head_outputs(head, len(LEVELS), 3)
    said = np.array([[data.draw(st.lists(corners, min_size=n, max_size=n))]], np.float32)
    said = np.sort(said, -1) if head == "quantiles" else said
    law, told = Distribution(head, LEVELS), units(1, *pair)
    found = law.quantiles(said, sorted([*asked, *LEVELS]), steps(1), *told)
    assert np.all(np.isfinite(found))
    assert np.all(np.diff(found) >= 0)
    assert np.all(np.isfinite(law.mean(said, *told)))
    drawn = law.sample(said, np.array([1e-15, 0.5, 1 - 1e-15])[:, None, None], steps(1), *told)
    assert np.all(np.isfinite(drawn))
    assert np.all(np.diff(drawn[:, 0, 0]) >= 0)


@EVERY
@given(probabilities, st.integers(0, 2**31))
def test_any_probabilities(head, asked, seed):
    """A quantile is the same whichever others are asked for with it, and in whatever order."""
    said, law, told = outputs(head, 2, 3, seed=seed), Distribution(head, LEVELS), units(2)
    together = law.quantiles(said, asked, steps(3), *told)
    assert together.dtype == np.float64
    assert together.shape == (2, 3, len(asked))
    alone = np.concatenate([law.quantiles(said, [p], steps(3), *told) for p in asked], -1)
    np.testing.assert_allclose(together, alone, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(law.quantiles(said, asked[::-1], steps(3), *told), together[..., ::-1])


@EVERY
def test_every_step_stands_alone(head):
    """Quantiles, means and draws of many steps are those of each, in pieces as large as they come."""
    B, K = 3, CELLS.get(head, 500) // 2
    law, said, k = Distribution(head, LEVELS), outputs(head, B, K), steps(K)
    rng = np.random.default_rng(1)
    level, scale, u = rng.uniform(0, 9, B), rng.uniform(0.5, 2, B), rng.uniform(size=(B, K))
    quantiles, mean = law.quantiles(said, (0.05, 0.4), k, level, scale), law.mean(said, level, scale)
    drawn = law.sample(said, u, k, level, scale)
    assert mean.shape == drawn.shape == (B, K)
    for b, i in ((0, 0), (1, K // 2), (2, K - 1)):
        one = said[b : b + 1, i : i + 1], k[i : i + 1], level[b : b + 1], scale[b : b + 1]
        np.testing.assert_allclose(law.quantiles(one[0], (0.05, 0.4), *one[1:])[0, 0], quantiles[b, i], rtol=1e-9)
        np.testing.assert_allclose(law.mean(one[0], *one[2:])[0, 0], mean[b, i], rtol=1e-9)
        np.testing.assert_allclose(law.sample(one[0], u[b : b + 1, i : i + 1], *one[1:])[0, 0], drawn[b, i], rtol=1e-9)


@EVERY
def test_draws_are_quantiles(head):
    """The draw of a number u is the quantile at u, whether one is drawn of each step or many."""
    law, said, k, told = Distribution(head, LEVELS), outputs(head, 4, 5), steps(5), units(4)
    asked = np.random.default_rng(2).uniform(0.001, 0.999, 7)
    quantiles = np.moveaxis(law.quantiles(said, tuple(asked), k, *told), -1, 0)
    many = law.sample(said, np.broadcast_to(asked[:, None, None], (7, 4, 5)), k, *told)
    assert many.shape == (7, 4, 5)
    np.testing.assert_allclose(many, quantiles, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(law.sample(said, asked[:, None, None], k, *told), quantiles[:, :1, :1] * 0 + quantiles)
    np.testing.assert_allclose(law.sample(said, asked[:5], k, *told)[:, 2], quantiles[2, :, 2], rtol=1e-9, atol=1e-9)
    paths = law.sample(said[None], np.broadcast_to(asked[:, None, None], (7, 4, 5)), k, told[0][None], told[1][None])
    np.testing.assert_allclose(paths, quantiles, rtol=1e-9, atol=1e-9)


@EVERY
def test_the_mean_is_that_of_draws(head):
    """Over evenly spread numbers u the mean of what they draw is the mean."""
    law, said, told, n = Distribution(head, LEVELS), outputs(head, 3, 2, seed=3), units(3), 20_000
    drawn = law.sample(said, ((np.arange(n) + 0.5) / n)[:, None, None], steps(2), *told)
    np.testing.assert_allclose(drawn.mean(0), law.mean(said, *told), rtol=2e-3, atol=2e-3)


@MEASURED
def test_the_first_number_is_a_place(head):
    """Move what was said, and quantiles, mean and draws move by as much; units are not read, even if they are none."""
    law, said, k, nothing = Distribution(head, LEVELS), outputs(head, 5, 2), steps(2), np.full(5, np.nan)
    moved = said.astype(np.float64)
    moved[..., slice(None) if head == "quantiles" else 0] += 7
    u = np.random.default_rng(0).uniform(size=(5, 2))
    for one, other in (
        (law.quantiles(said, (0.2, 0.9), k, *units(5)), law.quantiles(moved, (0.2, 0.9), k, nothing, nothing)),
        (law.sample(said, u, k, *units(5)), law.sample(moved, u, k, nothing, nothing)),
        (law.mean(said, *units(5)), law.mean(moved, nothing, nothing)),
    ):
        np.testing.assert_allclose(other, one + 7, rtol=1e-9, atol=1e-9)


@given(st.integers(0, 200), st.floats(0.1, 50), st.integers(0, 2**31))
def test_counts_are_whole(level, scale, seed):
    """Whatever the units, counts are whole numbers from 0 on, quantiles and draws alike."""
    law, said, told = (
        Distribution("negative-binomial", ()),
        outputs("negative-binomial", 4, 3, seed=seed),
        units(4, level, scale),
    )
    u = np.random.default_rng(seed).uniform(size=(4, 3))
    for z in (law.quantiles(said, LEVELS, steps(3), *told)[..., 0], law.sample(said, u, steps(3), *told)):
        y = told[0][:, None] + told[1][:, None].astype(np.float64) * z
        np.testing.assert_allclose(y, np.round(y), atol=1e-6)
        assert np.all(np.round(y) >= 0)


def test_counts_in_their_own_units():
    """The same distribution of counts, told above another level, has the same mean and quantiles."""
    law, found = Distribution("negative-binomial", ()), []
    for level in (40.0, 35.0):
        said, told = np.array([[[50 - level, 2.0]]], np.float32), units(1, level, 1.0)
        found.append(
            [*(level + law.quantiles(said, LEVELS, steps(1), *told)[0, 0]), level + law.mean(said, *told)[0, 0]]
        )
    np.testing.assert_allclose(found[0], found[1], rtol=1e-9)


def test_the_quantiles_of_the_head_are_untouched():
    """At its own levels the head says what it said, to the bit, whichever other levels are asked for with them."""
    law, said, k, told = Distribution("quantiles", LEVELS), outputs("quantiles", 5, 4), steps(4), units(5)
    found = law.quantiles(said, LEVELS, k, *told)
    np.testing.assert_array_equal(found, said)
    more = sorted({*LEVELS, 0.001, 0.3, 0.999})
    among = law.quantiles(said, more, k, *told)
    np.testing.assert_array_equal(among[..., [more.index(level) for level in LEVELS]], said)
    np.testing.assert_array_equal(among, interpolate_quantiles(said.astype(np.float64), LEVELS, more))


def test_quantiles_of_a_normal_distribution():
    """From the quantiles of a normal distribution at its levels a head knows its mean, and that of a skewed one."""
    law, z = Distribution("quantiles", LEVELS), normal_score(LEVELS)
    said = np.stack([2 + 3 * z, np.where(z > 0, z, 0)])[:, None]
    np.testing.assert_allclose(law.mean(said, *units(2))[:, 0], [2, 1 / np.sqrt(2 * np.pi)], rtol=1e-9)


def test_points_walk_at_random():
    """Around a point quantiles are those of a random walk: √k times as wide after k steps, and symmetric."""
    said, k = outputs("point", 3, 4), np.array([1, 4, 9, 16])
    found = Distribution("point", ()).quantiles(said, (0.1, 0.5, 0.9), k, *units(3)) - said
    np.testing.assert_array_equal(found[..., 1], 0)
    np.testing.assert_allclose(found[..., 2], np.tile(1.25 * normal_score(0.9) * np.sqrt(k), (3, 1)), rtol=1e-6)
    np.testing.assert_allclose(found[..., 0], -found[..., 2], rtol=1e-6)
    alone = Distribution("quantiles", (0.5,)).quantiles(said, (0.1, 0.5, 0.9), k, *units(3)) - said
    np.testing.assert_array_equal(alone, found)


def test_nothing_is_changed_that_was_given():
    """What was said and drawn stays as it was."""
    for head in HEADS:
        said, u = outputs(head, 2, 3), np.random.default_rng(0).uniform(size=(6, 2, 3))
        before = said.copy(), u.copy()
        law = Distribution(head, LEVELS)
        law.quantiles(said, LEVELS, steps(3), *units(2))
        law.sample(said, u, steps(3), *units(2))
        law.mean(said, *units(2))
        np.testing.assert_array_equal(said, before[0])
        np.testing.assert_array_equal(u, before[1])


def test_wrong_choices_are_refused():
    """Heads that do not exist and numbers that are no probabilities are told."""
    with pytest.raises(UsageError, match=r"A head must be one of 'point', 'quantiles', .*, but got 'x'"):
        Distribution("x", LEVELS)
    for head in HEADS:
        law, said = Distribution(head, LEVELS), outputs(head, 1, 1)
        for wrong in (0.0, 1.0, 80.0, np.nan):
            with pytest.raises(UsageError, match="quantiles must be between 0 and 1, but got"):
                law.quantiles(said, (0.5, wrong), steps(1), *units(1))
            with pytest.raises(UsageError, match="quantiles must be between 0 and 1, but got"):
                law.sample(said, np.array([[wrong]]), steps(1), *units(1))

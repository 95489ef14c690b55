"""Distribution functions against those of the standard library, of SciPy, and their own laws."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.forecasting.special import (
    mixture_quantiles,
    normal_cdf,
    normal_score,
    stirling_error,
    student_quantiles,
    student_table,
)

LEVELS = np.array([1e-12, 1e-4, 0.005, 0.0228, 0.1, 0.25, 0.499, 0.5, 0.501, 0.9, 0.975, 0.999])
probabilities = st.one_of(st.floats(1e-300, 1e-3), st.floats(1e-3, 1 - 1e-15))


def test_scores_are_those_of_the_standard_library():
    """Normal scores are those of `statistics.NormalDist`, in every shape, and 0 for the median to the bit."""
    p = np.concatenate([10.0 ** -np.arange(1, 300, 7), np.linspace(0.001, 0.999, 1999), 1 - 10.0 ** -np.arange(1, 16)])
    np.testing.assert_allclose(normal_score(p), [NormalDist().inv_cdf(each) for each in p], rtol=1e-15, atol=1e-15)
    assert normal_score(p[:10].reshape(2, 5)).shape == (2, 5)
    assert normal_score(0.5) == 0
    np.testing.assert_allclose(normal_score((0.025, 0.5, 0.975)), [-1.959964, 0, 1.959964], atol=1e-6)


def test_normal_is_that_of_the_error_function():
    """The normal distribution function is that of `math.erfc` to 12 digits, far out in the tail too."""
    z = np.concatenate([np.linspace(-37, 9, 20_001), [-np.inf, np.inf, -1e300, 0.0]])
    expected = [math.erfc(-each / math.sqrt(2)) / 2 for each in z]
    np.testing.assert_allclose(normal_cdf(z), expected, rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(normal_cdf(z[np.abs(z) < 5]), np.array(expected)[np.abs(z) < 5], rtol=1e-14)


@given(probabilities)
def test_scores_invert_the_normal_distribution(p):
    """The share below the score of a probability is that probability."""
    assert normal_cdf(normal_score(p)) == pytest.approx(p, rel=1e-12)


def test_stirling_errors_are_those_of_the_gamma_function():
    """With the error Stirling's formula is the gamma function of the standard library."""
    x = np.concatenate([np.linspace(1e-9, 30, 500), [1e3, 1e9]])
    formula = (x + 0.5) * np.log(x) - x + 0.5 * math.log(2 * math.pi) + stirling_error(x)
    np.testing.assert_allclose(formula, [math.lgamma(each + 1) for each in x], rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("freedom", [2.01, 2.5, 3.0, 4.0, 5.5, 30.0, 1e3, 1e6, 1e12])
def test_student_quantiles_invert_the_distribution(freedom):
    """SciPy's share beyond a quantile of Student's t is the probability, in the far tails too; the median is 0."""
    stats = pytest.importorskip("scipy.stats")
    tails = LEVELS[LEVELS <= 0.5]
    found = student_quantiles(np.array([freedom]), tails)
    np.testing.assert_allclose(stats.t.sf(-found, freedom), tails, rtol=1e-9)
    np.testing.assert_allclose(student_quantiles(np.array([freedom]), 1 - tails[3:]), -found[3:], rtol=1e-10)
    assert found[-1] == 0


def test_student_quantiles_of_closed_forms():
    """For 4 degrees of freedom, and for as good as infinitely many, quantiles are those of closed forms."""
    p = LEVELS[LEVELS < 0.49]
    q = np.cos(np.arccos(np.sqrt(4 * p * (1 - p))) / 3) / np.sqrt(4 * p * (1 - p))
    np.testing.assert_allclose(student_quantiles(np.array([4.0]), p), -2 * np.sqrt(q - 1), rtol=1e-9)
    np.testing.assert_allclose(student_quantiles(np.array([1e14]), p), normal_score(p), rtol=1e-9)


@given(st.floats(2.01, 1e4), st.lists(st.floats(1e-15, 1 - 1e-15), min_size=2, max_size=20))
def test_student_quantiles_ascend(freedom, levels):
    """More probable means no lower, but for the last digits."""
    found = student_quantiles(np.array([freedom]), np.sort(levels))
    assert np.all(np.isfinite(found))
    assert np.all(np.diff(found) >= -1e-9 * np.abs(found[1:]))


def test_the_table_has_the_quantiles_reckoned_one_by_one():
    """Between the nodes as at them, in any order of levels, in the tails, and for as good as infinitely many ν."""
    freedom = np.append(2.01 + np.geomspace(1e-9, 1e12, 300), 4.0).reshape(7, 43)
    p = np.array([0.9, 1e-12, 0.025, 0.5, 1e-6, 0.499, 1 - 1e-3])
    found = student_table(freedom, p)
    np.testing.assert_allclose(found, student_quantiles(freedom[..., None], p), rtol=1e-11)
    np.testing.assert_allclose(found[2, 3], student_table(freedom[2:3, 3], p)[0], rtol=1e-14)


components = st.tuples(st.floats(0, 1), st.floats(-1e4, 1e4), st.floats(-3, 4).map(lambda power: 10.0**power))
mixtures = (
    st.lists(components, min_size=1, max_size=4)
    .map(lambda rows: np.array(rows).T[:, :, None])
    .filter(lambda parts: parts[0].sum() > 0.01)
)


@given(mixtures)
def test_mixture_quantiles_invert_the_mixture(parts):
    """At the quantiles of a mixture its distribution function takes the levels, as far as digits go."""
    (weights, means, spreads), n = parts, len(LEVELS)
    weights = weights / weights.sum()
    found = mixture_quantiles(*(np.repeat(each, n, 1) for each in (weights, means, spreads)), LEVELS)
    low, high = (
        (weights * normal_cdf((found * (1 + sign * 1e-14) + sign * 1e-11 - means) / spreads)).sum(0) for sign in (-1, 1)
    )
    low, high = np.minimum(low, high), np.maximum(low, high)
    assert np.all((low <= LEVELS + 1e-12) & (high >= LEVELS - 1e-12))
    assert np.all(np.diff(found) >= -1e-9)


def test_one_component_is_normal():
    """A mixture of one, or of several alike, is a normal distribution, in the far tails too."""
    p = np.array([1e-200, *LEVELS])
    for shares in ([1.0], [0.2, 0.3, 0.5]):
        w, m, s = (np.repeat(np.array(each)[:, None], len(p), 1) for each in (shares, [3.0] * 3, [2.0] * 3))
        found = mixture_quantiles(w, m[: len(w)], s[: len(w)], p)
        np.testing.assert_allclose(found, 3 + 2 * normal_score(p), rtol=1e-12)


def test_steps_that_go_to_and_fro_come_to_an_end():
    """A narrow component beside the quantile, across which Newton's steps would jump for ever, does not hide it."""
    w, m, s = (
        np.array(each)[:, None]
        for each in ([0.14535, 0.29515, 0.5595], [0.47266, 0.02083, 0.5508], [0.01559, 1.44309, 0.18531])
    )
    p = np.linspace(0.4, 0.44, 401)
    w, m, s = (np.repeat(each, 401, 1) for each in (w, m, s))
    np.testing.assert_allclose((w * normal_cdf((mixture_quantiles(w, m, s, p) - m) / s)).sum(0), p, rtol=1e-11)


def test_many_mixtures_are_each_as_alone():
    """A mixture's quantile does not depend on which others are looked for with it, to the last digits."""
    rng, C = np.random.default_rng(0), 500
    w, m, s = rng.dirichlet(np.ones(3), C).T, rng.normal(size=(3, C)), np.exp(2 * rng.normal(size=(3, C)))
    p = rng.uniform(size=C)
    together = mixture_quantiles(w, m, s, p)
    np.testing.assert_allclose((w * normal_cdf((together - m) / s)).sum(0), p, rtol=1e-11)
    alone = [mixture_quantiles(w[:, [i]], m[:, [i]], s[:, [i]], p[[i]])[0] for i in range(0, C, 25)]
    np.testing.assert_allclose(together[::25], alone, rtol=1e-13)

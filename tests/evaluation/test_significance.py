"""Tests of differences between forecasters, against other formulas and by simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from foregate.core import UsageError
from foregate.evaluation.significance import diebold_mariano, holm, rank

Q_05 = {2: 1.960, 3: 2.343, 4: 2.569, 5: 2.728, 6: 2.850, 7: 2.949, 8: 3.031, 9: 3.102, 10: 3.164}
"""Critical values of Nemenyi's test at 5 %, as printed in table 5 of Demšar (2006): forecasters -> value."""

loss = st.floats(0, 100, allow_nan=False)
pairs = st.integers(4, 20).flatmap(lambda n: st.tuples(*[st.lists(loss, min_size=n, max_size=n).map(np.array)] * 2))


def by_the_books(first, second, h):
    """The modified statistic and its two-sided p-value for one series, term by term as the papers have it."""
    d = [a - b for a, b in zip(first, second, strict=True)]
    n = len(d)
    mean = sum(d) / n
    gamma = [sum((d[t] - mean) * (d[t - k] - mean) for t in range(k, n)) / n for k in range(h)]
    statistic = mean / ((gamma[0] + 2 * sum(gamma[1:])) / n) ** 0.5
    statistic *= ((n + 1 - 2 * h + h * (h - 1) / n) / n) ** 0.5
    return statistic, 2 * stats.t.sf(abs(statistic), n - 1)


@pytest.mark.parametrize("lags", [0, 1, 2])
def test_the_statistic_is_that_of_the_papers(lags):
    """With and without overlap, statistic and p-value are what the formulas of 1995 and 1997 give term by term."""
    rng = np.random.default_rng(4)
    first, second = rng.gamma(2, size=(2, 5, 18))
    found = diebold_mariano(first, second, lags=lags)
    expected = [by_the_books(a, b, lags + 1) for a, b in zip(first, second, strict=True)]
    assert not found.tapered.any()
    np.testing.assert_allclose(found.statistic, [one[0] for one in expected])
    np.testing.assert_allclose(found.p_value, [one[1] for one in expected])


@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
def test_without_overlap_it_is_the_paired_t_test(alternative):
    """At lag 0 the correction makes the test that of Student on pairs, one- and two-sided."""
    first, second = np.random.default_rng(5).gamma(2, size=(2, 12))
    found = diebold_mariano(first, second, alternative=alternative)
    t = stats.ttest_rel(first, second, alternative=alternative)
    np.testing.assert_allclose([found.statistic[0], found.p_value[0]], [t.statistic, t.pvalue])


@given(pairs, st.integers(0, 4))
def test_the_test_is_symmetric(losses, lags):
    """Turned around, the sign of the statistic turns and the p-value stays, and one side becomes the other."""
    first, second = losses
    one, other = diebold_mariano(first, second, lags=lags), diebold_mariano(second, first, lags=lags)
    np.testing.assert_array_equal(one.statistic, -other.statistic)
    np.testing.assert_array_equal(one.p_value, other.p_value)
    less = diebold_mariano(first, second, lags=lags, alternative="less")
    greater = diebold_mariano(second, first, lags=lags, alternative="greater")
    np.testing.assert_array_equal(less.p_value, greater.p_value)
    known = np.isfinite(one.p_value)
    assert np.all((one.p_value[known] >= 0) & (one.p_value[known] <= 1))


@given(st.lists(loss, min_size=1, max_size=20).map(np.array), st.integers(0, 4))
def test_the_same_forecast_is_as_good_as_itself(losses, lags):
    """A forecaster held against itself has p = 1, on however few origins."""
    found = diebold_mariano(losses, losses, lags=lags)
    assert found.p_value[0] == 1
    assert found.statistic[0] == 0


@given(pairs, st.integers(0, 2), st.integers(1, 5))
def test_missing_origins_do_not_count(losses, lags, missing):
    """Origins that a series lacks at its beginning are as if they had never been asked for."""
    first, second = losses
    hole = np.full(missing, np.nan)
    some = diebold_mariano(np.r_[hole, first], np.r_[np.zeros(missing), second], lags=lags)
    every = diebold_mariano(first, second, lags=lags)
    assert some.n[0] == len(first)
    np.testing.assert_allclose(some.statistic, every.statistic, rtol=1e-6)
    np.testing.assert_allclose(some.p_value, every.p_value, rtol=1e-6)


def test_what_cannot_be_said_is_not_said():
    """On as many origins as overlap, or none, there is no p-value; a constant lead is beyond doubt."""
    first, second = np.arange(3.0), np.array([1.0, 0.0, 5.0])
    assert np.isnan(diebold_mariano(first, second, lags=2).p_value[0])
    assert np.isfinite(diebold_mariano(first, second, lags=1).p_value[0])
    assert np.isnan(diebold_mariano(first * np.nan, second).p_value[0])
    assert diebold_mariano(first + 1, first).p_value[0] == 0


def test_a_variance_below_nothing_is_tapered():
    """Where the autocovariances would make the variance negative, Bartlett's weights keep it positive, and say so."""
    swing = np.tile([3.0, -1.0], 5)
    found = diebold_mariano(swing, np.zeros(10), lags=1)
    assert found.tapered[0]
    d = swing - 1
    variance = (np.mean(d**2) + 2 * 0.5 * np.sum(d[1:] * d[:-1]) / 10) / 10
    assert found.statistic[0] == pytest.approx(np.sqrt(9 * 8) / 10 / np.sqrt(variance))


@pytest.mark.parametrize(
    ("n", "lags", "most"), [(8, 0, 0.06), (16, 0, 0.06), (12, 1, 0.1), (40, 1, 0.07), (40, 3, 0.1)]
)
def test_equals_are_told_apart_as_rarely_as_promised(n, lags, most):
    """Under the null 5 % are rejected without overlap on 8 origins; with it a few more; uncorrected, more still."""
    noise = np.random.default_rng(6).normal(size=(6000, n + lags))
    gaps = sum(noise[:, j : j + n] for j in range(lags + 1))
    found = diebold_mariano(gaps, np.zeros_like(gaps), lags=lags)
    rejected = np.mean(found.p_value < 0.05)
    assert 0.04 < rejected < most
    factor = np.sqrt((n - lags - 1) * (n - lags)) / n
    assert rejected < np.mean(2 * stats.norm.sf(np.abs(found.statistic / factor)) < 0.05)


def test_a_better_forecaster_is_found():
    """A lead of one standard deviation on 20 origins is found nearly always."""
    rng = np.random.default_rng(7)
    found = diebold_mariano(rng.normal(0, 1, (500, 20)), np.ones((500, 20)), alternative="less")
    assert np.mean(found.p_value < 0.05) > 0.95


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"lags": -1}, "lags must be a whole number of at least 0"),
        ({"alternative": "better"}, "alternative must be one of two-sided, less, greater, but got 'better'"),
        ({"second": np.zeros(3)}, r"first and second must have the same shape, .* but got \(4,\) and \(3,\)"),
    ],
)
def test_wrong_questions_are_refused(wrong, message):
    """Options and shapes are checked."""
    with pytest.raises(UsageError, match=message):
        diebold_mariano(**{"first": np.zeros(4), "second": np.ones(4), **wrong})


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_only_makes_larger_and_keeps_the_order(p_values):
    """Adjusted p-values are none smaller, in the same order, and the smallest is that of Bonferroni."""
    p = np.array(p_values)
    adjusted = holm(np.r_[p, np.nan])
    assert np.isnan(adjusted[-1])
    adjusted = adjusted[:-1]
    assert np.all(adjusted >= p)
    assert np.all(np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0)
    assert adjusted.min() == min(1, p.min() * len(p))


@pytest.mark.parametrize("ties", [False, True])
def test_ranks_are_friedmans(ties):
    """The statistic is that of scipy, ties included, and F follows from it."""
    losses = np.random.default_rng(8).gamma(2, size=(4, 15))
    losses = np.round(losses) if ties else losses
    found = rank(losses)
    expected = stats.friedmanchisquare(*losses).statistic
    assert found.statistic == pytest.approx(expected)
    F = 14 * expected / (15 * 3 - expected)
    assert found.p_value == pytest.approx(stats.f.sf(F, 3, 42))
    np.testing.assert_allclose(found.mean.sum(), 4 * 5 / 2)


@pytest.mark.parametrize(("M", "value"), Q_05.items())
def test_the_critical_distance_is_the_printed_one(M, value):
    """It is the printed value times √(M(M + 1) / 6n), and intervals of half of it touch just there."""
    found = rank(np.arange(M * 14.0).reshape(M, 14))
    assert found.critical_distance == pytest.approx(value * np.sqrt(M * (M + 1) / (6 * 14)), abs=0.001)
    np.testing.assert_allclose(found.upper - found.lower, found.critical_distance)
    assert found.p_value == 0
    np.testing.assert_array_equal(found.mean, np.arange(1, M + 1))


def test_equals_are_ranked_apart_as_rarely_as_promised():
    """Under the null, Friedman's test and the largest distance of mean ranks each reject near 5 %."""
    rng = np.random.default_rng(9)
    found = [rank(rng.normal(size=(4, 20))) for _ in range(600)]
    assert 0.02 < np.mean([one.p_value < 0.05 for one in found]) < 0.08
    assert 0.02 < np.mean([np.ptp(one.mean) > one.critical_distance for one in found]) < 0.08


def test_ranks_of_what_always_ties():
    """Forecasters that tie everywhere share the middle rank, with nothing to tell them apart."""
    found = rank(np.ones((3, 5)))
    np.testing.assert_array_equal(found.mean, [2, 2, 2])
    assert found.p_value == 1
    assert found.with_the_best.all()


def test_series_that_lack_a_loss_are_left_out():
    """A series on which one loss is not known does not count."""
    losses = np.array([[1.0, 2.0, np.nan], [2.0, 1.0, 0.0]])
    assert rank(losses).n == 2


@pytest.mark.parametrize(
    ("losses", "alpha", "message"),
    [
        (np.ones((1, 3)), 0.05, "losses must be of two forecasters or more on at least one series, but got 1 on 3"),
        (np.full((2, 3), np.nan), 0.05, "but got 2 on 0"),
        (np.ones((2, 3)), 5, "alpha must be between 0 and 1, but got 5"),
    ],
)
def test_what_cannot_be_ranked_is_refused(losses, alpha, message):
    """One forecaster, no series, or no probability."""
    with pytest.raises(UsageError, match=message):
        rank(losses, alpha=alpha)

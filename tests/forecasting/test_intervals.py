"""Laws of quantiles and calibration."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.core import UsageError
from foregate.forecasting.intervals import (
    LARGEST_FACTOR,
    LEAST_FACTOR,
    Calibration,
    Evidence,
    calibrate,
    interpolate_quantiles,
    interpolation,
)
from foregate.forecasting.special import normal_score

LEVELS = (0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95)
Z = normal_score(LEVELS)
PLENTY = Evidence(10**9, 1e9)
ordered = st.lists(st.floats(-1e6, 1e6), min_size=len(LEVELS), max_size=len(LEVELS)).map(sorted).map(np.array)
probabilities = st.lists(st.floats(1e-4, 1 - 1e-4), min_size=1, max_size=12).map(sorted)


@given(ordered)
def test_the_known_quantiles_come_back(values):
    """Asked for a level that is known, its value is given to the bit, in any order."""
    np.testing.assert_array_equal(interpolate_quantiles(values, LEVELS, LEVELS), values)
    np.testing.assert_array_equal(interpolate_quantiles(values, LEVELS, LEVELS[::-1]), values[::-1])


@given(ordered, probabilities)
def test_quantiles_stay_in_order(values, wanted):
    """More probable means no lower, between the known levels and beyond them."""
    found = interpolate_quantiles(values, LEVELS, sorted([*wanted, *LEVELS]))
    assert np.all(np.diff(found) >= 0)


@given(st.floats(-100, 100), st.floats(0.01, 100), probabilities)
def test_a_normal_distribution_is_continued_exactly(mean, spread, wanted):
    """Quantiles of a normal distribution give all its other quantiles, tails included."""
    found = interpolate_quantiles(mean + spread * Z, LEVELS, wanted)
    expected = [NormalDist(mean, spread).inv_cdf(p) for p in wanted]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * (abs(mean) + spread))


@given(ordered, st.floats(0.01, 100), st.floats(-100, 100), probabilities)
def test_units_do_not_matter(values, a, b, wanted):
    """The quantiles of a·y + b are a times the quantiles of y, plus b."""
    found, shifted = (interpolate_quantiles(each, LEVELS, wanted) for each in (values, a * values + b))
    np.testing.assert_allclose(shifted, a * found + b, rtol=1e-7, atol=1e-6 * a)


def test_leading_axes_are_kept():
    """Any number of axes may stand before the quantiles, and each row is interpolated by itself."""
    values = np.sort(np.random.default_rng(0).normal(size=(2, 3, 4, len(LEVELS))))
    found = interpolate_quantiles(values, LEVELS, (0.2, 0.5))
    assert found.shape == (2, 3, 4, 2)
    np.testing.assert_array_equal(found[1, 2, 3], interpolate_quantiles(values[1, 2, 3], LEVELS, (0.2, 0.5)))


def test_every_row_may_ask_for_its_own():
    """Asked for probabilities of its own, a row gives what it gives when they are asked of all rows."""
    rng = np.random.default_rng(0)
    values, wanted = np.sort(rng.normal(size=(2, 3, len(LEVELS)))), rng.uniform(size=(2, 3, 5))
    found = interpolate_quantiles(values, LEVELS, wanted)
    for i in np.ndindex(2, 3):
        np.testing.assert_array_equal(found[i], interpolate_quantiles(values[i], LEVELS, wanted[i]))


@pytest.mark.parametrize("q", [0, 1, -0.1, 1.5, 80, np.nan])
def test_impossible_quantiles_are_refused(q):
    """A probability lies between 0 and 1."""
    with pytest.raises(UsageError, match="quantiles must be between 0 and 1, but got"):
        interpolate_quantiles(np.zeros(len(LEVELS)), LEVELS, (0.5, q))


def simulated(spread, *, n=2000, k=3, seed=0):
    """Outcomes that are standard normal around a random level, forecast as normal but `spread` times too wide."""
    rng = np.random.default_rng(seed)
    level = rng.normal(0, 5, (n, k))
    outcomes = level + rng.normal(size=(n, k))
    return outcomes, level[..., None] + spread * Z


def coverage(outcomes, quantiles, low, high):
    return np.mean((outcomes >= quantiles[..., low]) & (outcomes <= quantiles[..., high]))


@pytest.mark.parametrize("spread", [0.5, 0.8, 1.0, 1.5, 2.0])
def test_coverage_is_reached(spread):
    """Over- and under-confident quantiles cover, once calibrated, what they should of outcomes never seen."""
    outcomes, quantiles = simulated(spread)
    found = calibrate(outcomes, quantiles, np.ones(outcomes.shape, bool), LEVELS, PLENTY)
    np.testing.assert_allclose(found.factors[:, [0, 1, 2, 4, 5, 6]], 1 / spread, rtol=0.2)
    fresh, forecast = simulated(spread, seed=1)
    calibrated = found.apply(forecast)
    assert coverage(fresh, calibrated, 0, 6) == pytest.approx(0.9, abs=0.02)
    assert coverage(fresh, calibrated, 1, 5) == pytest.approx(0.8, abs=0.03)
    if abs(spread - 1) > 0.1:
        assert abs(coverage(fresh, forecast, 0, 6) - 0.9) > 0.04, "before, it was not reached"


def test_both_sides_share_a_factor():
    """A quantile and its mirror image are stretched alike, and intervals cover skewed outcomes too."""
    outcomes, quantiles = simulated(1.0, n=4000)
    level = quantiles[..., 3]
    skewed = np.where(outcomes > level, level + 3 * (outcomes - level), outcomes)
    found = calibrate(skewed, quantiles, np.ones(outcomes.shape, bool), LEVELS, PLENTY)
    np.testing.assert_array_equal(found.factors, found.factors[:, ::-1])
    np.testing.assert_array_equal(found.factors[:, 3], 1)
    assert np.all(found.factors[:, 0] > 1.2)
    assert coverage(skewed, found.apply(quantiles), 0, 6) == pytest.approx(0.9, abs=0.01)
    mirrored = calibrate(-skewed, -quantiles[..., ::-1], np.ones(outcomes.shape, bool), LEVELS, PLENTY)
    np.testing.assert_allclose(mirrored.factors, found.factors)


def test_each_outcome_is_measured_on_its_own_side():
    """Quantiles that are lopsided as the outcomes are need no stretching: what lies above is measured above."""
    outcomes, quantiles = simulated(1.0, n=4000)
    level = quantiles[..., 3:4]

    def lopsided(x):
        return np.where(x > level, level + 3 * (x - level), x)

    found = calibrate(
        lopsided(outcomes[..., None])[..., 0], lopsided(quantiles), np.ones(outcomes.shape, bool), LEVELS, PLENTY
    )
    np.testing.assert_allclose(found.factors[:, [0, 1, 5, 6]], 1, rtol=0.15)


def test_steps_are_calibrated_for_themselves():
    """Where there are outcomes enough, a step that is forecast too narrowly is stretched alone."""
    outcomes, quantiles = simulated(1.0, k=6)
    outcomes[:, 4:] = quantiles[:, 4:, 3] + 2 * (outcomes[:, 4:] - quantiles[:, 4:, 3])
    found = calibrate(outcomes, quantiles, np.ones(outcomes.shape, bool), LEVELS, PLENTY)
    np.testing.assert_allclose(found.factors[:4, [0, 6]], 1, rtol=0.2)
    np.testing.assert_allclose(found.factors[4:, [0, 6]], 2, rtol=0.2)


def test_what_was_not_observed_does_not_count():
    """Outcomes under the mask are not read."""
    outcomes, quantiles = simulated(2.0, n=300)
    observed = np.random.default_rng(3).random(outcomes.shape) < 0.7
    spoiled = np.where(observed, outcomes, 1e9)
    one, other = (calibrate(each, quantiles, observed, LEVELS, Evidence(50, 2.0)) for each in (outcomes, spoiled))
    np.testing.assert_array_equal(one.factors, other.factors)


def test_without_outcomes_nothing_changes():
    """No data, no opinion: the quantiles stay as they are."""
    quantiles = simulated(1.0, n=5)[1]
    for n, observed in ((5, np.zeros((5, 3), bool)), (0, np.zeros((0, 3), bool))):
        found = calibrate(np.zeros((n, 3)), quantiles[:n], observed, LEVELS, Evidence(n, 1.0))
        np.testing.assert_array_equal(found.factors, 1)
        np.testing.assert_allclose(found.apply(quantiles), quantiles, rtol=1e-12)


def test_thin_evidence_is_half_believed():
    """The fewer series and the shorter the time that the evidence rests on, the less it is believed."""
    outcomes, quantiles = simulated(0.5)
    observed = np.ones(outcomes.shape, bool)
    for rows in ([Evidence(s, 3.0) for s in (1, 5, 50, 5000)], [Evidence(20, spans) for spans in (1.0, 2.0, 10.0)]):
        for change in (0.5, 2.0):
            trusts = [each.trust(change) for each in rows]
            assert trusts == sorted(set(trusts))
            assert all(0 < trust < 1 for trust in trusts)
        factors = [calibrate(outcomes, quantiles, observed, LEVELS, each).factors[0, 6] for each in rows]
        assert all(1 < factor < 2.6 for factor in factors)


@pytest.mark.parametrize("evidence", [Evidence(50, 2.0), Evidence(50, 20.0)])
def test_calm_is_believed_less_than_storms(evidence):
    """Where outcomes ask for half the width, less is done about it than where they ask for twice the width."""
    factors = []
    for spread in (0.5, 2.0):
        outcomes, quantiles = simulated(spread)
        observed = np.ones(outcomes.shape, bool)
        factors.append(calibrate(outcomes, quantiles, observed, LEVELS, evidence).factors[0, 0])
    wider, narrower = sorted(factors, reverse=True)
    assert wider > 1 > narrower
    assert wider * narrower > 1.02


def test_thin_evidence_gives_way_to_the_prior():
    """What few outcomes leave open is as wide as was expected before; without outcomes, exactly so."""
    outcomes, quantiles = simulated(2.0)
    observed, prior = np.ones(outcomes.shape, bool), np.full(quantiles.shape[1:], 3.0)
    thin, plenty = (
        calibrate(outcomes, quantiles, observed, LEVELS, each, prior).factors[0, 0]
        for each in (Evidence(1, 1.0), PLENTY)
    )
    without = calibrate(outcomes, quantiles, observed, LEVELS, PLENTY).factors[0, 0]
    assert 1.5 < thin < 3
    assert plenty == pytest.approx(without)
    unseen = calibrate(outcomes, quantiles, ~observed, LEVELS, PLENTY, prior)
    np.testing.assert_array_equal(unseen.factors[:, :-1][:, : len(LEVELS) // 2], 3)


@pytest.mark.parametrize("spread", [1e-4, 1e4, 0.0])
def test_factors_are_bounded(spread):
    """However wrong the quantiles are, also with no width at all, factors stay within their bounds."""
    outcomes, quantiles = simulated(spread, n=300)
    found = calibrate(outcomes, quantiles, np.ones(outcomes.shape, bool), LEVELS, PLENTY)
    assert np.all((found.factors >= LEAST_FACTOR - 1e-6) & (found.factors <= LARGEST_FACTOR + 1e-6))


@given(ordered, st.lists(st.floats(0.1, 5), min_size=2 * len(LEVELS), max_size=2 * len(LEVELS)), st.integers(1, 5))
def test_calibrated_quantiles_never_cross(values, factors, steps):
    """Whatever the factors, quantiles stay in order, the median stays, and later steps use the last factors."""
    calibration = Calibration(np.array(factors).reshape(2, -1))
    quantiles = np.repeat(values[None], steps, 0)
    found = calibration.apply(quantiles)
    assert found.shape == quantiles.shape
    assert np.all(np.diff(found, axis=-1) >= 0)
    np.testing.assert_array_equal(found[:, 3], quantiles[:, 3])
    np.testing.assert_array_equal(found[1:], np.repeat(found[-1:], steps - 1, 0))


@given(ordered, probabilities)
def test_interpolation_is_a_matrix(values, wanted):
    """Multiplying by it is interpolating, to the rounding of double precision; known levels stay as they are."""
    expected = interpolate_quantiles(values, LEVELS, wanted)
    size = np.abs(values).max() + np.abs(expected).max()
    np.testing.assert_allclose(values @ interpolation(LEVELS, wanted), expected, atol=1e-12 * size, rtol=0)
    np.testing.assert_array_equal(interpolation(LEVELS, LEVELS), np.eye(len(LEVELS)))

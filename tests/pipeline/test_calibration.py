"""Intervals are calibrated on held-out origins: on which series, at which steps, and on what came."""

import numpy as np
import pytest

from foregate.core import Panel
from foregate.data.inputs import Inputs, InputSpec
from foregate.pipeline.calibration import (
    MOST_JUDGED,
    as_wide_as,
    calibrated,
    judged_series,
    judged_steps,
    no_calibration,
)
from foregate.pipeline.plan import HoldOut, hold_out
from foregate.pipeline.recipe import LEVELS

NORMAL = np.linspace(-2, 2, len(LEVELS)).astype(np.float32)


@pytest.mark.parametrize("horizon", [1, 2, 47, 48, 49, 1000])
def test_judged_steps_reach_from_first_to_last(horizon):
    """Every step of a short horizon, and an even choice of a long one with both its ends."""
    k = judged_steps(horizon)
    assert (k[0], k[-1]) == (1, horizon)
    assert len(k) == min(horizon, 48)
    assert np.all(np.diff(k) >= 1)


def test_a_sample_of_many_series_is_judged():
    """All that have held-out origins, or so many of them evenly."""
    origins = np.where(np.arange(3 * MOST_JUDGED)[:, None] % 2, 5, -1)
    held = HoldOut(np.full(len(origins), 9), origins)
    judged = judged_series(held)
    assert len(judged) == MOST_JUDGED
    assert np.all(judged % 2 == 1)
    assert judged_series(HoldOut(np.full(3, 9), np.array([[-1], [2], [-1]]))).tolist() == [1]


def test_each_step_takes_the_factor_of_the_nearest_judged_one():
    """A horizon that is judged at some steps has a factor for all; intervals too narrow are widened."""
    rng = np.random.default_rng(0)
    panel = Panel.from_arrays([np.cumsum(rng.normal(size=400)) for _ in range(5)])
    inputs = Inputs(panel, InputSpec())
    held = hold_out(panel, 100, 1)
    judged = judged_series(held)
    rows = (panel.offsets[:-1, None] + held.origins)[held.origins >= 0]
    k = len(judged_steps(100))
    said = [(part, np.broadcast_to(NORMAL / 10, (len(part), k, len(LEVELS)))) for part in np.array_split(rows, 3)]
    factors = calibrated(inputs, held, judged, 100, iter(said)).factors
    assert factors.shape == (100, len(LEVELS))
    assert np.all(factors[:, 0] > 1)
    assert np.all(factors[:2] == factors[0])
    np.testing.assert_array_equal(factors, factors[:, ::-1])


def test_one_strange_origin_says_nothing_of_widths():
    """Intervals are as wide as others in the middle of origins, whatever happens at a few."""
    own = np.broadcast_to(NORMAL, (9, 2, len(LEVELS)))
    theirs = own * np.r_[[1.5] * 7, 300, 300][:, None, None]
    factors = as_wide_as(theirs, own)
    middle = len(LEVELS) // 2
    np.testing.assert_allclose(np.delete(factors, middle, 1), 1.5, rtol=1e-6)
    np.testing.assert_allclose(factors[:, middle], 1)


def test_nothing_said_is_nothing_calibrated():
    """Without held-out origins the network's own quantiles stay."""
    panel = Panel.from_arrays([np.arange(4.0)])
    held = hold_out(panel, 3, 1)
    found = calibrated(Inputs(panel, InputSpec()), held, judged_series(held), 3, iter(()))
    np.testing.assert_array_equal(found.factors, no_calibration().factors)


def test_steps_take_the_factor_of_their_neighbours():
    """Where intervals are too narrow early and right later, so are the factors, at the steps between as well."""
    rng = np.random.default_rng(0)
    panel = Panel.from_arrays([np.cumsum(rng.normal(size=900)) for _ in range(80)])
    inputs, held = Inputs(panel, InputSpec()), hold_out(panel, 200, 1)
    judged, k = judged_series(held), judged_steps(200)
    rows = (panel.offsets[:-1, None] + held.origins)[held.origins >= 0]
    wide = np.where(k < 100, 0.3, 3)[:, None] * np.sqrt(k)[:, None] * NORMAL
    said = [(rows, np.broadcast_to(wide.astype(np.float32), (len(rows), len(k), len(LEVELS))))]
    factors = calibrated(inputs, held, judged, 200, iter(said)).factors[:, 0]
    assert factors[:90].min() > 1 > factors[110:].max()


def test_windows_that_span_more_time_are_trusted_more():
    """The same outcomes move the factors further where the held-out windows lie further apart."""
    rng = np.random.default_rng(0)
    panel = Panel.from_arrays([np.cumsum(rng.normal(size=300)) for _ in range(3)])
    inputs, held = Inputs(panel, InputSpec()), hold_out(panel, 10, 1, 0.5)
    rows = (panel.offsets[:-1, None] + held.origins)[held.origins >= 0]
    said = (rows, np.broadcast_to(NORMAL / 10, (len(rows), 10, len(LEVELS))))
    near = HoldOut(held.origins.max(1) + 1, held.origins)
    far, close = (calibrated(inputs, each, np.arange(3), 10, iter([said])).factors for each in (held, near))
    assert np.all(far[:, 0] > close[:, 0])
    assert np.all(close[:, 0] > 1)


@pytest.mark.parametrize(("times", "factor"), [(0.5, 0.5), (1, 1), (3, 3), (100, 4), (0, 0.4)])
def test_intervals_become_as_wide_as_others(times, factor):
    """Quantiles that lie `times` as far apart are reached by that factor, within bounds, wherever their medians lie."""
    rng = np.random.default_rng(0)
    own = rng.normal(0, 9, (20, 3, 1)) + NORMAL * rng.uniform(1, 2, (20, 3, 1))
    theirs = rng.normal(0, 9, (20, 3, 1)) + times * (own - own[..., len(NORMAL) // 2, None])
    found = as_wide_as(theirs, own)
    assert found.shape == (3, len(LEVELS))
    np.testing.assert_allclose(np.delete(found, len(NORMAL) // 2, 1), factor, rtol=1e-5)

"""Every measure against its definition, written out for one forecast at a time."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.core import MissingExtraError, Panel, UsageError
from foregate.evaluation import Outcomes, mase_scale, measure
from foregate.evaluation.metrics import crps_weights

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)


def random_outcomes(seed, shape=(3, 2, 6), zeros=True):
    """Outcomes with missing values, zeros and one window without any value."""
    rng = np.random.default_rng(seed)
    actual = rng.normal(size=shape).round(1) * 5
    actual[rng.random(shape) < 0.2] = np.nan
    if zeros:
        actual[rng.random(shape) < 0.2] = 0
    actual[-1, 0] = np.nan
    values = np.sort(rng.normal(size=(*shape, len(QUANTILES))) * 5, axis=-1)
    return Outcomes(actual, values, QUANTILES, rng.uniform(0.5, 2, shape[:2]), (80,))


def plainly(y, said, scale):
    """Every measure of one forecast, by its definition; y (K,) without missing values, said (K, Q)."""
    point, error = said[:, 2], y - said[:, 2]
    with np.errstate(all="ignore"):
        loss = [np.mean(np.maximum(q * (y - said[:, i]), (q - 1) * (y - said[:, i]))) for i, q in enumerate(QUANTILES)]
        both = np.abs(y) + np.abs(point)
        return {
            "mae": np.mean(np.abs(error)),
            "rmse": np.sqrt(np.mean(error**2)),
            "mape": 100 * np.mean(np.abs(error[y != 0] / y[y != 0])) if np.any(y != 0) else np.nan,
            "smape": 200 * np.mean(np.where(both > 0, np.abs(error) / both, 0)),
            "mase": np.mean(np.abs(error)) / scale,
            "wape": 100 * np.sum(np.abs(error)) / np.sum(np.abs(y)) if np.any(y != 0) else np.nan,
            "bias": np.mean(point - y),
            "pinball": np.mean(loss),
            "crps": 2 * np.dot(crps_weights(QUANTILES), loss),
            "coverage-80": 100 * np.mean((said[:, 0] <= y) & (y <= said[:, -1])),
            "width-80": np.mean(said[:, -1] - said[:, 0]),
        }


@given(st.integers(0, 10_000))
def test_measures_are_their_definitions(seed):
    """Per origin, every measure equals its definition over the steps with a value, and is NaN where there is none."""
    outcomes = random_outcomes(seed)
    found = measure(outcomes)
    for s, w in np.ndindex(outcomes.scale.shape):
        known = np.isfinite(outcomes.actual[s, w])
        if not known.any():
            assert all(np.isnan(values[s, w]) for values in found.values())
            continue
        plain = plainly(outcomes.actual[s, w][known], outcomes.values[s, w][known], outcomes.scale[s, w])
        assert list(found) == list(plain)
        for name, expected in plain.items():
            np.testing.assert_allclose(found[name][s, w], expected, rtol=1e-12, err_msg=name)


@given(st.integers(0, 10_000))
def test_by_step_averages_over_forecasts(seed):
    """At each step ahead the mean absolute error is that over all forecasts with a value there."""
    outcomes = random_outcomes(seed)
    error = np.abs(outcomes.actual - outcomes.at(0.5))
    found = measure(outcomes, by="step")
    for k in range(error.shape[2]):
        if np.isfinite(error[..., k]).any():
            np.testing.assert_allclose(found["mae"][k], np.nanmean(error[..., k]))
            np.testing.assert_allclose(found["mase"][k], np.nanmean(error[..., k] / outcomes.scale))


@given(st.integers(0, 10_000))
def test_what_is_missing_does_not_count(seed):
    """What was forecast for a step without a value changes no measure."""
    outcomes = random_outcomes(seed)
    missing = np.isnan(outcomes.actual)[..., None]
    other = Outcomes(
        outcomes.actual, np.where(missing, 1e9, outcomes.values), QUANTILES, outcomes.scale, outcomes.levels
    )
    for one, two in zip(measure(outcomes).values(), measure(other).values(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_perfect_forecast_scores_zero():
    """Every error of a forecast that says exactly what comes is 0, zeros among the values or not."""
    actual = random_outcomes(0).actual
    perfect = Outcomes(actual, np.repeat(actual[..., None], 5, -1), QUANTILES, np.ones((3, 2)), (80,))
    for name, values in measure(perfect).items():
        defined = values[np.isfinite(values)]
        assert np.all(defined == (100 if name.startswith("coverage") else 0)), name


def test_mase_of_an_unchanging_past_is_not_defined():
    """Where nothing had changed over a season before the origin, MASE is NaN and the other measures are not."""
    outcomes = Outcomes(np.ones((1, 1, 2)), np.zeros((1, 1, 2, 1)), (0.5,), np.array([[0.0]]))
    found = measure(outcomes)
    assert np.isnan(found["mase"][0, 0])
    assert found["mae"][0, 0] == 1


@given(st.integers(0, 10_000), st.integers(1, 5))
def test_mase_scale_is_utilsforecasts(seed, season):
    """Dividing by our scale gives the MASE that utilsforecast computes from the training rows."""
    import polars as pl
    from utilsforecast.losses import mase

    rng = np.random.default_rng(seed)
    y = rng.normal(size=30).round(2).astype(np.float32).astype(float)
    y[rng.random(30) < 0.1] = np.nan
    origin = 20
    rows = pl.DataFrame({"unique_id": 0, "ds": np.arange(30), "y": y}, strict=False).with_columns(
        pl.col("y").fill_nan(None)
    )
    test = pl.DataFrame({"unique_id": [0], "ds": [25], "y": [3.0], "model": [1.0]})
    theirs = mase(test, ["model"], season, rows.filter(pl.col("ds") <= origin))["model"][0]
    ours = 2.0 / mase_scale(Panel.from_arrays([y]), np.array([[origin]]), season)[0, 0]
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_mase_scale_knows_no_origin():
    """Where there is no origin, or no two values a season apart, the scale is NaN."""
    panel = Panel.from_arrays([np.array([1.0, 2.0, 4.0])])
    np.testing.assert_array_equal(mase_scale(panel, np.array([[-1, 0, 2]]), 2), [[np.nan, np.nan, 3.0]])


def test_crps_of_many_quantiles_is_the_crps():
    """With a fine grid of quantiles the sum comes close to the closed form of the CRPS of a normal distribution."""
    from statistics import NormalDist

    n, y = NormalDist(), 0.7
    grid = tuple(np.linspace(0.01, 0.99, 99))
    values = np.array([n.inv_cdf(q) for q in grid])
    near = Outcomes(np.array([[[y]]]), values[None, None, None], grid, np.ones((1, 1)))
    exact = y * (2 * n.cdf(y) - 1) + 2 * n.pdf(y) - 1 / np.sqrt(np.pi)
    assert measure(near)["crps"][0, 0] == pytest.approx(exact, rel=0.01)


def test_outcomes_need_the_quantiles_of_their_levels():
    """An interval whose bounds were not forecast cannot be scored."""
    with pytest.raises(UsageError, match=r"bounds of levels \(90,\), but got none at 0.05, 0.95"):
        Outcomes(np.ones((1, 1, 1)), np.ones((1, 1, 1, 1)), (0.5,), np.ones((1, 1)), (90,))


def test_without_utilsforecast_the_extra_is_named(monkeypatch):
    """Where utilsforecast is not installed, the error names the extra that brings it."""
    monkeypatch.setitem(sys.modules, "utilsforecast.losses", None)
    with pytest.raises(MissingExtraError, match=r'Scoring forecasts needs the "train" extra'):
        measure(random_outcomes(0))


def test_some_measures_are_those_of_all():
    """Asked for alone, a measure is what it is among all, and nothing else comes with it."""
    rng = np.random.default_rng(0)
    values = np.sort(rng.normal(size=(2, 3, 4, 3)))
    said = Outcomes(rng.normal(size=(2, 3, 4)), values, (0.1, 0.5, 0.9), np.ones((2, 3)), (80,))
    every = measure(said)
    for name, values in every.items():
        alone = measure(said, only=[name])
        assert [*alone] == [name]
        np.testing.assert_array_equal(alone[name], values)

"""Findings from errors: each from errors that have its mark, and none from those of a sound forecast."""

from dataclasses import replace

import numpy as np
import pytest

from foregate.inspection.errors import Errors
from foregate.inspection.of_errors import bias, dominance, intervals, left_over, skill

S, W, K = 8, 8, 6


def sound(seed, series=S):
    """Errors of a forecaster that says just the distribution that values are drawn from."""
    rng = np.random.default_rng(seed)
    actual = rng.normal(size=(series, W, K))
    said = np.broadcast_to([-1.2816, 0.0, 1.2816], (series, W, K, 3)).copy()
    return Errors(
        ids=np.array([f"s{i}" for i in range(series)]),
        actual=actual,
        said=said,
        naive=rng.normal(size=(series, W, K)),
        one_step=rng.normal(size=(series, 120)),
        season=7,
        weight=np.ones(series),
        in_scale=rng.uniform(0.3, 0.5, series),
    )


def every(errors):
    yield from skill(errors)
    yield from left_over(errors)
    yield from bias(errors)
    yield from intervals(errors, learnt=False)
    yield from dominance(errors, 0.5)


@pytest.mark.parametrize("series", [1, S])
def test_sound_forecasts_are_left_alone(series):
    """Of a hundred sound forecasters, of one series or several, none hears of anything."""
    assert [finding for seed in range(100) for finding in every(sound(seed, series))] == []


def test_holes_and_short_series_are_no_reason_for_a_finding():
    """Missing values, windows that there are not, and a handful of windows are passed over."""
    errors = sound(0)
    holes = np.random.default_rng(1).random(errors.actual.shape) < 0.2
    actual = np.where(holes, np.nan, errors.actual)
    actual[:, :2] = np.nan
    assert list(every(replace(errors, actual=actual))) == []
    few = sound(0, 1)
    few = replace(few, actual=few.actual[:, :3] + 9, said=few.said[:, :3], naive=few.naive[:, :3])
    assert list(bias(few)) == list(intervals(few, learnt=False)) == list(skill(few)) == []


def test_what_is_worse_than_naive_is_told_by_how_much():
    """Errors of twice the size of the naive ones are a problem; of the same size they are none."""
    errors = sound(0)
    (finding,) = skill(replace(errors, naive=errors.actual * 0.5))
    assert (finding.name, finding.severity) == ("underfitting", "problem")
    assert finding.evidence["error of the naive forecast"] == pytest.approx(finding.evidence["error"] / 2)


@pytest.mark.parametrize(("lag", "setting"), [(1, 'effort="best"'), (12, "season_length=[7, 12]")])
def test_a_pattern_in_the_errors_is_told_by_its_lag(lag, setting):
    """Errors that repeat those so many rows before name the lag, and where it is a peak the season to tell."""
    errors = sound(0)
    rows = errors.one_step.copy()
    for t in range(lag, rows.shape[1]):
        rows[:, t] += 0.7 * rows[:, t - lag]
    (finding,) = left_over(replace(errors, one_step=rows))
    assert (finding.evidence["lag"], finding.severity, finding.setting) == (lag, "warning", setting)


@pytest.mark.parametrize(("shift", "side"), [(1.0, "low"), (-1.0, "high")])
def test_bias_has_a_side_and_steps(shift, side):
    """Values that lie above the medians make these too low, by as much as they do, and the other way round."""
    errors = sound(0)
    growing = shift * np.linspace(0.5, 2, K)
    (finding,) = bias(replace(errors, actual=errors.actual + growing))
    assert f"too {side}" in finding.what
    assert f"{K} steps ahead" in finding.what
    np.testing.assert_allclose(finding.evidence["mean error"], -growing, atol=0.4)


def test_widths_are_told_apart_and_rows_that_were_learnt_from_excused():
    """Narrow intervals are a warning anywhere; wide ones are a note where the rows were learnt from."""
    errors = sound(0)
    (narrow,) = intervals(replace(errors, said=errors.said * 0.3), learnt=True)
    assert narrow.name == "intervals too narrow"
    wide = replace(errors, said=errors.said * 3)
    severities = [next(iter(intervals(wide, learnt=learnt))).severity for learnt in (True, False)]
    assert severities == ["note", "warning"]


def test_what_rules_the_loss_depends_on_how_it_is_weighed():
    """A series with large relative errors rules a loss that weighs by them, and not one that does not."""
    errors = sound(0)
    weight = np.where(np.arange(S) == 3, 1.0, 0.01)
    errors = replace(errors, weight=weight)
    (finding,) = dominance(errors, 1.0)
    assert finding.evidence["series"] == "s3"
    assert list(dominance(errors, 0.0)) == []

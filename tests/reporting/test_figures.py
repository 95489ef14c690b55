"""The charts draw what they were given."""

from dataclasses import replace

import numpy as np
import pytest

from foregate.core import UsageError
from foregate.evaluation import Drift, SeasonalNaive
from foregate.reporting import fan_chart
from foregate.reporting.canvas import own_settings, positions
from foregate.reporting.figures import Curve, Overlay, draw_coverage, draw_curves, draw_overlay, fan_of
from tests.reporting.materials import QUANTILES, panel_of

PANEL = panel_of()
FORECAST = SeasonalNaive(4).forecast(PANEL, 6, QUANTILES)


def lines(figure):
    return {tuple(np.round(one.get_ydata(), 6)) for one in figure.axes[0].get_lines()}


def test_a_fan_is_the_forecast():
    """History, median and bands are those of the series; the fan opens at the last value."""
    figure = fan_chart(PANEL, FORECAST, 1, history=20, title="s1")
    history, last = PANEL.series(1)[-20:], PANEL.series(1)[-1]
    assert {tuple(history.round(6)), tuple(np.r_[last, FORECAST.median[1]].round(6))} <= lines(figure)
    low, high = FORECAST.interval(95)
    edges = [path.get_paths()[0].vertices[:, 1] for path in figure.axes[0].collections]
    assert min(e.min() for e in edges) == pytest.approx(low[1].min())
    assert max(e.max() for e in edges) == pytest.approx(high[1].max())
    told = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert told == ["history", "forecast (median)", "80 % interval", "95 % interval"]
    assert figure.axes[0].get_title(loc="left") == "s1"


def test_a_fan_after_a_missing_value_stands_alone():
    """Where the last value is missing, the forecast is not joined to one that nobody saw."""
    cut = replace(PANEL, mask=np.where(np.arange(180) == 59, False, PANEL.mask))
    assert tuple(FORECAST.median[0].round(6)) in lines(fan_chart(cut, FORECAST, 0))


def test_series_are_found_by_name():
    """The forecast may hold its series in another order than the panel."""
    turned = Drift().forecast(PANEL.take([2, 0]), 3, QUANTILES)
    np.testing.assert_array_equal(fan_of(PANEL, turned, 0, level=[80]).past, PANEL.series(2))


def test_what_is_not_there_is_refused():
    """A number beyond the forecast, a series beyond the panel, and an interval that was not forecast are refused."""
    with pytest.raises(UsageError, match="series must be a number from 0 to 2, but got 3"):
        fan_chart(PANEL, FORECAST, 3)
    with pytest.raises(UsageError, match="but got none named 's2'"):
        fan_chart(PANEL.take([0]), FORECAST, 2)
    with pytest.raises(UsageError, match="q must be one of"):
        fan_chart(PANEL, FORECAST, level=[50])


def test_nothing_given_is_changed():
    """Drawing leaves panel and forecast as they were."""
    before = PANEL.values.copy(), FORECAST.values.copy()
    fan_chart(PANEL, FORECAST)
    np.testing.assert_array_equal(before[0], PANEL.values)
    np.testing.assert_array_equal(before[1], FORECAST.values)


def test_an_overlay_lays_each_window_where_it_belongs():
    """The medians of every model stand at the times they are for, and each cutoff has its line."""
    times, said_times = np.arange(20), np.array([[10, 11], [15, 16]])
    said = {0: np.array([[1.0, 2], [3, 4]]), 1: np.array([[5.0, 6], [7, 8]])}
    overlay = Overlay(times, times.astype(float), np.array([9, 14]), said_times, said, (said[0] - 1, said[0] + 1))
    with own_settings():
        axes = draw_overlay(overlay).axes[0]
    found = {(tuple(one.get_xdata()), tuple(one.get_ydata())) for one in axes.get_lines()}
    for medians in said.values():
        for w in range(2):
            assert (tuple(positions(said_times[w])), tuple(medians[w])) in found
    assert {(9.0, 9.0), (14.0, 14.0)} <= {x for x, _ in found}
    assert len(axes.collections) == 2


def test_curves_start_at_nothing_and_skip_what_is_unknown():
    """Errors are drawn from 0 up, so that a small difference looks small."""
    with own_settings():
        axes = draw_curves([Curve(np.arange(3), np.array([5.0, np.nan, 6.0]))], "steps", mark=1.0).axes[0]
    assert axes.get_ylim()[0] == 0
    assert axes.get_xlabel() == "steps"


def test_coverage_shows_what_it_should_be():
    """Every nominal level has its rule and its tick, and no point lies outside."""
    with own_settings():
        curves = [Curve(np.arange(1, 4), np.array([35.0, 60.0, 100.0]))]
        axes = draw_coverage(curves, (80.0, 95.0), "steps", 3).axes[0]
    rules = {tuple(one.get_ydata()) for one in axes.get_lines()}
    assert {(80.0, 80.0), (95.0, 95.0)} <= rules
    assert {"80 %", "95 %"} <= {tick.get_text() for tick in axes.get_yticklabels()}
    assert axes.get_ylim()[0] < 35
    assert axes.get_ylim()[1] > 100

"""Backtests laid over what came."""

from dataclasses import replace

import numpy as np
import pytest

from foregate.evaluation import Drift, Plan, SeasonalNaive, backtest, scoreboard
from foregate.reporting.canvas import own_settings
from foregate.reporting.past import MOST_WINDOWS, backtest_section, newest_windows, overlay_of
from foregate.reporting.view import View
from tests.reporting.materials import panel_of

PANEL = panel_of(2, 60)


def trial(plan, panel=PANEL):
    result = backtest({"SeasonalNaive": SeasonalNaive(4), "LSTM": Drift()}, panel, plan)
    return result, View(panel, None, result, scoreboard(result), "LSTM")


@pytest.mark.parametrize("plan", [Plan(3, 4), Plan(3, 5, step=1), Plan(2, 3, step=5, gap=2), Plan(1, 20)])
def test_windows_do_not_overlap_and_end_with_the_newest(plan):
    """The newest window is always shown, and no step has two forecasts."""
    result, _ = trial(plan)
    for s in range(2):
        windows = newest_windows(result, s)
        assert windows[-1] == result.origins.shape[1] - 1
        assert 1 <= len(windows) <= MOST_WINDOWS
        assert np.all(np.diff(result.times[s, windows].reshape(-1)).astype(np.int64) > 0)


@pytest.mark.parametrize("turn", [[0, 1], [1, 0]])
def test_forecasts_stand_where_their_outcomes_are(turn):
    """Where forecasts are for, the line of what came has what the backtest calls actual, whatever the panel's order."""
    result, view = trial(Plan(4, 3, gap=1))
    panel = PANEL.take(turn)
    view = replace(view, panel=panel)
    for i, s in view.series_in(result.ids):
        windows = newest_windows(result, s)
        overlay = overlay_of(view, result, i, s, windows)
        at = np.searchsorted(overlay.times, overlay.said_times)
        np.testing.assert_array_equal(overlay.times[at], overlay.said_times)
        np.testing.assert_array_equal(overlay.actual[at], result.actual[s, windows])
        assert np.all(overlay.cutoffs[:, None] < overlay.said_times)
        assert overlay.times[-1] == overlay.said_times[-1, -1]
        np.testing.assert_array_equal(overlay.said[0], result.outcomes("LSTM").at(0.5)[s, windows])
        np.testing.assert_array_equal(overlay.said[1], result.outcomes("SeasonalNaive").at(0.5)[s, windows])
        np.testing.assert_array_equal(overlay.band[1], result.outcomes("LSTM").at(0.9)[s, windows])


def test_the_numbers_are_behind_the_picture():
    """Each step of each window shown has its row: time, what came, what was said, the interval."""
    _, view = trial(Plan(3, 2), PANEL.take([0]))
    with own_settings():
        text = backtest_section(view)
    assert text.count('<th scope="row">') == 6
    for column in ("time", "actual", "LSTM", "SeasonalNaive", "LSTM from 80 %", "LSTM to 80 %"):
        assert f'<th scope="col">{column}</th>' in text
    assert '<th scope="row">2000-02-29</th>' in text

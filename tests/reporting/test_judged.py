"""Pictures and words of what may be chance."""

import re
from dataclasses import replace

import numpy as np
import pytest

from foregate.evaluation import Plan, SeasonalNaive, backtest, calibration, compare, scoreboard
from foregate.reporting import pit_chart, rank_chart, reliability_chart
from foregate.reporting.canvas import own_settings
from foregate.reporting.judged import calibration_charts, difference_section
from foregate.reporting.page import number
from foregate.reporting.view import View
from tests.reporting.materials import panel_of, told_of

TOLD = told_of(panel_of(5, 120), n_windows=12)
VIEW = View(TOLD.panel, TOLD.forecast, TOLD.backtest, TOLD.scoreboard, "LSTM")
COMPARED, CALIBRATED = compare(TOLD.backtest), calibration(TOLD.backtest, "LSTM")


@pytest.fixture(autouse=True)
def settings():
    with own_settings():
        yield


def rows_of(html, caption):
    """The texts of the cells of the table with that caption."""
    table = html.partition(f">{caption}</caption>")[2].partition("</table>")[0].partition("<tbody>")[2]
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in table.split("</tr>")[:-1]]


def test_the_reliability_diagram_shows_the_shares():
    """Points lie at the nominal and observed shares, with lines from bound to bound, beside the diagonal."""
    axes = reliability_chart(CALIBRATED).axes[0]
    diagonal, points = axes.get_lines()
    np.testing.assert_array_equal(diagonal.get_xdata(), diagonal.get_ydata())
    np.testing.assert_allclose(points.get_xdata(), 100 * CALIBRATED.quantiles)
    np.testing.assert_allclose(points.get_ydata(), 100 * CALIBRATED.observed)
    bounds = np.array([segment[:, 1] for segment in axes.collections[0].get_segments()])
    np.testing.assert_allclose(bounds, 100 * np.stack([CALIBRATED.lower, CALIBRATED.upper], axis=1))


def test_the_histogram_has_bars_from_quantile_to_quantile():
    """The area of every bar is its share of the outcomes: 100 % together."""
    bars = pit_chart(CALIBRATED).axes[0].patches
    np.testing.assert_allclose([bar.get_x() for bar in bars], 100 * CALIBRATED.edges[:-1])
    np.testing.assert_allclose([bar.get_width() * bar.get_height() for bar in bars], 100 * CALIBRATED.shares)


def test_ranks_are_drawn_best_on_top():
    """A line per model from bound to bound, in order of the mean ranks, under its name."""
    axes = rank_chart(COMPARED).axes[0]
    lines = [line.get_xdata() for line in axes.get_lines()][::2]
    order = np.argsort(COMPARED.ranks.mean, kind="stable")
    np.testing.assert_allclose([line.mean() for line in lines], COMPARED.ranks.mean[order])
    np.testing.assert_allclose(np.ptp(lines, axis=1), COMPARED.ranks.critical_distance)
    assert [label.get_text() for label in axes.get_yticklabels()] == [COMPARED.models[i] for i in order]
    assert axes.yaxis_inverted()


def test_the_page_tells_the_tests_of_every_pair():
    """The section has the verdict, a row per pair, and the ranks with their table."""
    html = difference_section(VIEW)
    assert COMPARED.verdict("LSTM", "SeasonalNaive").replace("<", "&lt;") in html
    rows = rows_of(html, "Tests of differences between models")
    assert [row[0] for row in rows] == [f"{a} − {b}" for a, b in COMPARED.pooled]
    assert [row[1] for row in rows] == [number(test.difference[0]) for test in COMPARED.pooled.values()]
    ranks = rows_of(html, "Mean ranks and their intervals")
    assert [row[1] for row in ranks] == [number(value) for value in sorted(COMPARED.ranks.mean)]
    assert html.count('role="img"') == 2  # for a wide page and for a phone


def test_the_page_tells_the_calibration():
    """Both pictures have what is behind them: a row per quantile, and a row per bin."""
    reliability, pit = calibration_charts(VIEW)
    rows = rows_of(reliability, "Outcomes below the quantiles of LSTM")
    assert [row[1] for row in rows] == [f"{100 * share:.1f} %" for share in CALIBRATED.observed]
    bins = rows_of(pit, "PIT histogram of LSTM")
    assert [row[3] for row in bins] == [number(height) for height in CALIBRATED.density]


def test_what_cannot_be_judged_is_left_out():
    """One model has no differences; without an observed outcome there is nothing at all; nor without a backtest."""
    alone = backtest({"LSTM": SeasonalNaive(4)}, TOLD.panel, Plan(4, 3, season=4))
    assert difference_section(View(TOLD.panel, None, alone, scoreboard(alone), "LSTM")) == ""
    unseen = replace(TOLD.backtest, actual=np.full_like(TOLD.backtest.actual, np.nan))
    blind = View(TOLD.panel, None, unseen, scoreboard(unseen), "LSTM")
    assert difference_section(blind) == ""
    assert calibration_charts(blind) == []
    assert difference_section(View(TOLD.panel, None, None, None, "LSTM")) == ""


def test_few_origins_are_told():
    """On one origin nothing is tested, and the section says what would be needed."""
    told = told_of(panel_of(3), n_windows=1)
    html = difference_section(View(told.panel, None, told.backtest, told.scoreboard, "LSTM"))
    assert "1 origin is too few to tell LSTM and SeasonalNaive apart: give more than 1 window." in html
    assert rows_of(html, "Tests of differences between models")[0][2] == "–"

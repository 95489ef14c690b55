"""Scoreboard, errors by step and intervals, as the page tells them."""

import re
from dataclasses import replace

import numpy as np
import pytest

from foregate.evaluation import Drift, Plan, SeasonalNaive, backtest, scoreboard
from foregate.reporting.accuracy import interval_section, pooled, scoreboard_section, step_section
from foregate.reporting.canvas import own_settings
from foregate.reporting.page import number
from foregate.reporting.view import View
from tests.reporting.materials import panel_of, told_of

TOLD = told_of(panel_of())
VIEW = View(TOLD.panel, TOLD.forecast, TOLD.backtest, TOLD.scoreboard, "LSTM")


@pytest.fixture(autouse=True)
def settings():
    with own_settings():
        yield


def rows_of(section):
    """The rows of its first table, each a list of (text, whether it is marked)."""
    table = section.partition("<tbody>")[2].partition("</tbody>")[0]
    rows = []
    for row in table.split("</tr>")[:-1]:
        cells = re.findall(r"<t([hd])([^>]*)>(.*?)</t\1>", row)
        rows.append([(re.sub(r"<.*", "", text), "best" in attributes) for _, attributes, text in cells])
    return rows


def test_the_best_of_every_column_is_marked_and_no_other():
    """The smallest error of each measure is marked, of bias the one nearest to 0."""
    rows = rows_of(scoreboard_section(VIEW))
    assert [row[0][0] for row in rows] == ["LSTM", "SeasonalNaive", "Naive"]
    columns = ("mase", "smape", "wape", "mape", "mae", "rmse", "bias", "pinball", "crps")
    for k, measure in enumerate(columns, start=1):
        values = [TOLD.scoreboard[row[0][0]].overall[measure] for row in rows]
        assert [row[k][0] for row in rows] == [number(v) for v in values]
        assert [row[k][1] for row in rows] == [abs(v) == min(map(abs, values)) for v in values]
    assert not any(marked for row in rows for _, marked in row[10:])


def test_the_count_of_wins_is_the_scoreboards():
    """Wins by measure and by series are counted from both sides alike: none is lost or told twice."""
    turned = replace(VIEW, wanted="SeasonalNaive")
    ours, theirs = (
        re.search(r"on (\d) of 8 measures, and by MASE on (\d) of 3 series", scoreboard_section(v))
        for v in (VIEW, turned)
    )
    assert "LSTM has a lower error than SeasonalNaive" in scoreboard_section(VIEW)
    assert "SeasonalNaive has a lower error than LSTM" in scoreboard_section(turned)
    assert int(ours[1]) + int(theirs[1]) == 8
    assert int(ours[2]) + int(theirs[2]) == 3


def test_a_model_that_may_have_seen_has_a_star():
    """What was given fitted is marked, and the mark explained."""
    seen = replace(TOLD.backtest, seen=frozenset({"LSTM"}))
    text = scoreboard_section(replace(VIEW, backtest=seen, board=scoreboard(seen)))
    assert "LSTM*" in text
    assert "* was given fitted" in text
    assert "LSTM*" not in scoreboard_section(VIEW)


def test_errors_by_step_are_the_scoreboards():
    """The table behind the chart holds the error of every model at every step."""
    rows = rows_of(step_section(VIEW))
    for k, row in enumerate(rows):
        values = [TOLD.scoreboard[name].by_step["mase"][k] for name in VIEW.models]
        assert [text for text, _ in row] == [str(k + 1), *(number(v, 4) for v in values)]
    assert len(rows) == 4


def test_intervals_are_the_scoreboards():
    """Coverage and width of every level and model are told as they are."""
    for row in rows_of(interval_section(VIEW)):
        found = TOLD.scoreboard[row[0][0]].overall
        said = [f"{found['coverage-80']:.1f} %", number(found["width-80"])]
        said += [f"{found['coverage-95']:.1f} %", number(found["width-95"])]
        assert [text for text, _ in row[1:]] == said


def test_points_of_few_outcomes_are_pooled():
    """Pooling keeps the mean where stretches are even, and says how many outcomes a point stands for."""
    values = np.array([100.0, 0.0, 50.0, np.nan, 25.0, 75.0])
    middles, means = pooled(values, 2)
    np.testing.assert_array_equal(middles, [1.5, 3.5, 5.5])
    np.testing.assert_array_equal(means, [50.0, 50.0, 50.0])
    assert "A point stands for 4 steps, at most 36 outcomes." in interval_section(VIEW)
    many = told_of(panel_of(30), n_windows=1)
    view = View(many.panel, None, many.backtest, many.scoreboard, "LSTM")
    assert "A point stands for at most 30 outcomes." in interval_section(view)


def test_where_mase_is_nowhere_defined_errors_are_absolute():
    """A past that never changed has no MASE: the report speaks of MAE instead."""
    panel = panel_of(1, 12)
    panel = replace(panel, values=np.r_[np.zeros(10), 1, 2].astype(np.float32))
    result = backtest({"LSTM": Drift(), "SeasonalNaive": SeasonalNaive(4)}, panel, Plan(2, season=4))
    view = View(panel, None, result, scoreboard(result), "LSTM")
    assert view.measured == "MAE"
    assert "MAE by step ahead" in step_section(view)

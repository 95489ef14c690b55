"""Which series and models a report speaks of."""

import numpy as np

from foregate.core import Panel
from foregate.evaluation import Drift, Naive, Plan, SeasonalNaive, backtest, scoreboard
from foregate.reporting.view import View, short
from tests.reporting.materials import QUANTILES, panel_of


def view_of(panel, *, models=None):
    models = models or {"Naive": Naive(), "SeasonalNaive": SeasonalNaive(4), "LSTM": Drift()}
    result = backtest(models, panel, Plan(3, 2, season=4))
    return View(panel, Drift().forecast(panel, 3, QUANTILES), result, scoreboard(result), "LSTM")


def test_our_model_comes_first_then_the_reference():
    """Whatever the order of the backtest, the report speaks of our model, held against SeasonalNaive."""
    assert view_of(panel_of()).models == ("LSTM", "SeasonalNaive", "Naive")
    alone = view_of(panel_of(), models={"Naive": Naive()})
    assert (alone.model, alone.other) == ("Naive", None)


def test_errors_belong_to_the_series_of_the_panel():
    """Errors are found by name: series that the backtest left out have none, and the others their own."""
    panel = panel_of(3)
    short_one = Panel.from_arrays([np.arange(2.0), *map(panel.series, range(3))], ids=["tiny", "a", "b", "c"], freq="D")
    view = view_of(short_one)
    assert np.isnan(view.errors[0])
    np.testing.assert_array_equal(view.errors[1:], view.board["LSTM"].by_series["mase"])
    assert view.remark(0) == ""
    assert view.remark(1 + int(np.argmin(view.errors[1:]))).endswith(", the best")
    assert view.remark(1 + int(np.argmax(view.errors[1:]))).endswith(", the worst")
    assert [i for i, _ in view.series_in(view.board.ids)] == [1, 2, 3]


def test_of_many_series_some_are_shown_and_counted():
    """The count of those shown is stated; where all are, nothing is said."""
    assert view_of(panel_of(9)).sampling.startswith("Shown are 6 of 9 series: the best, the worst")
    assert view_of(panel_of(6)).sampling == ""
    assert View(panel_of(9), None, None, None, "LSTM").sampling == "Shown are 6 of 9 series: evenly spread."


def test_long_names_are_cut():
    """A name never takes more than its room."""
    assert short("x" * 80) == "x" * 80
    assert short("x" * 81) == "x" * 79 + "…"

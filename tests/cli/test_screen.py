"""Tests of what people read."""

import json

import numpy as np
import pytest

from foregate.cli.options import Output
from foregate.cli.screen import Page, audit_lines, panel_lines, print_json, score_lines, stage
from foregate.core import Panel
from foregate.data import audit
from foregate.evaluation import Plan, backtest, baseline, scoreboard


@pytest.fixture(scope="module")
def board():
    """Naive and SeasonalNaive on a season of 4."""
    panel = Panel.from_arrays([np.tile([1.0, 5.0, 2.0, 8.0], 6)])
    models = {name: baseline(name, season=4) for name in ("SeasonalNaive", "Naive")}
    return scoreboard(backtest(models, panel, Plan(horizon=4, season=1)))


def test_a_page_has_labels_on_the_left(capsys):
    """Sections stand below one another, what is empty is left out, and no line ends in blanks."""
    page = Page()
    page.add("Read", "one", "two")
    page.add("Notes")
    page.add("Files", "[a].csv")
    page.show()
    assert capsys.readouterr() == ("Read      one\n          two\n\nFiles     [a].csv\n", "")


def test_progress_goes_to_standard_error_unless_quiet(capsys):
    """Progress never mixes with results."""
    stage(Output(), "reading [a].csv")
    assert capsys.readouterr() == ("", "· reading [a].csv\n")
    stage(Output(quiet=True), "reading")
    assert capsys.readouterr() == ("", "")


def test_json_has_null_for_what_is_no_number(capsys):
    """One document that every parser takes."""
    print_json({"a": float("nan"), "b": [1.5, float("inf")], "c": "é", 4: None})
    assert json.loads(capsys.readouterr().out) == {"a": None, "b": [1.5, None], "c": "é", "4": None}


def test_a_panel_is_one_line_and_its_notes():
    """Count, lengths, step and span; the notes below."""
    two = Panel.from_arrays([np.ones(3), np.ones(1_200)])
    assert str(panel_lines(two, "a.csv")[0]) == "a.csv: 2 series of 3 to 1,200 rows, step 1, 0 to 1199"
    one = Panel.from_arrays([np.ones(3)], freq="MS")
    assert str(panel_lines(one, "a.csv")[0]) == "a.csv: one series of 3 rows, step MS, 2000-01-01 to 2000-03-01"


def test_findings_are_shown_by_severity():
    """Only what was asked for is shown; nothing where there is nothing."""
    found = audit(Panel.from_arrays([np.array([1.0, np.nan, 2.0, 3.0])]))
    shown = sum((grid.row_count for grid in audit_lines(found, "warning", "info", "error")), 0)
    assert shown == len(found.findings) > 0
    assert audit_lines(found) == []


def test_a_loss_is_said_plainly(board):
    """The verdict comes first, and is coloured by what it says."""
    verdict, _, grid = score_lines(board, board.verdict("Naive"))
    assert "Naive loses to SeasonalNaive" in str(verdict)
    assert verdict.style == "yellow"
    assert grid.row_count == 2
    assert score_lines(board, board.verdict("SeasonalNaive", "Naive"))[0].style == "green"

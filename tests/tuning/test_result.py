"""Tests of what came of a search."""

import json
from dataclasses import replace

from foregate import Forecaster
from foregate.pipeline.recipe import Recipe
from foregate.tuning import Gain, TrialRecord, Tuning

RECIPE = Recipe(2, hidden=8, start="scratch", rate=0.01)
TRIALS = (
    TrialRecord(0, "complete", {}, 1.0, default=True, seconds=2.0, validation={1: 0.5, 2: 0.4}),
    TrialRecord(
        1, "pruned", {"rate": 0.1, "model.cell": "gru"}, None, seconds=1.0, reason="worse", validation={1: 0.9}
    ),
    TrialRecord(2, "complete", {"rate": 0.01, "model.cell": "lstm"}, 0.8, seconds=2.0, validation={1: 0.4, 2: 0.3}),
    TrialRecord(3, "failed", {"rate": 0.2, "model.cell": None}, None, seconds=0.1, reason="no number"),
    TrialRecord(4, "complete", {"rate": 0.02, "model.cell": "gru"}, 0.8, seconds=2.0),
    TrialRecord(5, "interrupted", {"rate": 0.03, "model.cell": "gru"}, None, reason="interrupted"),
)


def made(**changed) -> Tuning:
    """A search of six trials that nobody ran."""
    gain = Gain("mase", 1.0, 0.9, 2, 5, 7.1, 3.0)
    importance, interaction = {"rate": 0.8, "model.cell": 0.2}, {("rate", "model.cell"): 0.1}
    return Tuning(RECIPE, TRIALS, gain, importance, interaction, Forecaster(2), "study.journal", **changed)


def test_the_first_of_equals_wins():
    """So that it does not depend on the order of a table."""
    assert made().winner.number == 2


def test_the_leaderboard_has_every_trial():
    """Complete ones by their score, then the others with the reason, a column for each setting."""
    board = made().leaderboard
    assert board["trial"].to_list() == [2, 4, 0, 1, 3, 5]
    assert board["rank"].to_list() == [1, 2, 3, None, None, None]
    assert board["state"].to_list() == ["complete", "complete", "default", "pruned", "failed", "interrupted"]
    assert board["model.cell"].to_list() == ["lstm", "gru", None, "gru", None, "gru"]
    assert board.filter(board["trial"] == 3)["reason"].item() == "no number"


def test_values_of_several_kinds_are_text():
    """A column has one kind; whole numbers and others are numbers."""
    mixed = (TrialRecord(0, "complete", {"a": 1, "b": "x"}, 1.0), TrialRecord(1, "complete", {"a": 0.5, "b": 2}, 2.0))
    board = Tuning(RECIPE, mixed, made().gain, {}, {}, Forecaster(2), "").leaderboard
    assert board["a"].to_list() == [1.0, 0.5]
    assert board["b"].to_list() == ["x", "2"]


def test_the_document_is_json():
    """With the winner as a forecaster takes it, the gain and its cost."""
    said = json.loads(json.dumps(made(notes=("one",)).to_dict()))
    assert said["best"]["options"] == {"start": "scratch", "hidden": 8, "rate": 0.01}
    assert said["tried"] == {"rate": 0.01, "model.cell": "lstm"}
    assert said["gain"]["ratio"] == 0.9
    assert said["gain"]["search_seconds"] == 7.1
    assert said["gain"]["taken"] is True
    assert said["notes"] == ["one"]


def test_the_gain_is_said_as_it_is():
    """Lower, higher, or nothing better than the default; with what follows, and how sure that is."""
    gain = Gain("mase", 1.0, 0.9, 8, 5, 7.1, 3.0, chance=0.04)
    assert "10.0 % lower (p = 0.04), and takes its place." in str(gain)
    lucky = replace(gain, chance=0.3, taken=False)
    assert "10.0 % lower (p = 0.3), which may be luck: the default is kept." in str(lucky)
    assert "which may be luck where there is so little to tell by" in str(replace(lucky, chance=None))
    worse = replace(lucky, winner=1.2, chance=0.99)
    assert "20.0 % higher (p = 0.99): the default is kept." in str(worse)
    assert "20.0 % higher: the default is kept." in str(replace(worse, chance=None))
    assert "which nothing beat" in str(Gain("mase", 1.0, 1.0, 1, 5, 7.1, 3.0))


def test_tables_without_rows_have_their_columns():
    """Where there were too few trials to tell."""
    empty = Tuning(RECIPE, TRIALS, made().gain, {}, {}, Forecaster(2), "")
    assert empty.importances.columns == ["setting", "importance"]
    assert empty.interactions.columns == ["first", "second", "interaction"]
    assert made().interactions.rows() == [("rate", "model.cell", 0.1)]

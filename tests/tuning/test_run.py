"""Tests of a whole search."""

from dataclasses import replace

import numpy as np
import pytest

import foregate
from foregate import Forecaster, load
from foregate.core import DataError, MissingExtraError, ModelError, Panel, UsageError
from foregate.data import generate
from foregate.tuning import Choice, LogRange, Space, tune
from foregate.tuning import trial as trials
from tests.tuning.conftest import SPACE, small

BUDGET = {"n_trials": 4, "sampler": "random", "windows": 1, "test_windows": 1, "measure": "mae", "luck": 1}


@pytest.fixture(scope="module")
def tuning(panel):
    """A search of four trials."""
    return tune(panel, 2, space=SPACE, forecaster=small(), **BUDGET)


def test_the_winner_is_the_best_trial(tuning):
    """The leaderboard is in order, the first of it is the winner, and it is what the best settings say."""
    board = tuning.leaderboard
    scores = board["score"].drop_nulls().to_list()
    assert scores == sorted(scores)
    assert board["trial"][0] == tuning.winner.number
    assert board.height == 4
    assert {"rate", "training.decay"} <= set(board.columns)
    if tuning.winner.point:
        assert tuning.best["options"]["rate"] == tuning.winner.point["rate"]


def test_the_best_settings_are_those_of_the_model(tuning, panel):
    """`Forecaster(**tuning.best)` fitted on the same data forecasts what the model of the search does."""
    again = Forecaster(**tuning.best, verbose=False).fit(panel)
    assert again.predict().equals(tuning.model.predict())


def test_the_winner_was_fitted_on_everything(tuning, panel):
    """The held-back rows included: it forecasts what comes after the last one."""
    assert tuning.model.panel_.lengths.tolist() == panel.lengths.tolist()


def test_the_gain_is_that_of_a_backtest(tuning, panel):
    """Default and winner are scored as anybody can score them, on the last window."""
    models = (small(), Forecaster(**tuning.best, verbose=False))
    scores = []
    for model in models:
        test = foregate.backtest(model, panel, baselines=["Naive"])
        scores.append(foregate.scoreboard(test)["LSTM"].overall["mae"])
    assert (tuning.gain.default, tuning.gain.winner) == pytest.approx(scores)
    assert tuning.gain.trials == 4
    assert tuning.gain.search_seconds > 0


def test_trials_never_see_the_test_part(tuning, panel):
    """With absurd values in it every trial has the same score and the winner is the same; only the gain is another."""
    ends = np.zeros(len(panel.values), bool)
    for last in panel.offsets[1:]:
        ends[last - 2 : last] = True
    poisoned = replace(panel, values=np.where(ends, np.float32(1e9), panel.values))
    other = tune(poisoned, 2, space=SPACE, forecaster=small(), **BUDGET)
    assert [(t.point, t.score, t.validation) for t in other.trials] == [
        (t.point, t.score, t.validation) for t in tuning.trials
    ]
    assert other.recipe == tuning.recipe
    assert other.gain.winner > 1e6 > tuning.gain.winner


def test_the_test_part_matters_once_it_is_trained_on(panel):
    """The same poison in the rows before changes the scores: the test above can fail."""
    ends = np.zeros(len(panel.values), bool)
    for last in panel.offsets[1:]:
        ends[last - 4 : last - 2] = True
    poisoned = replace(panel, values=np.where(ends, np.float32(1e9), panel.values))
    other = tune(poisoned, 2, space=SPACE, forecaster=small(), **(BUDGET | {"n_trials": 1}))
    assert other.trials[0].score > 1e6


def test_a_finished_search_is_not_run_again(panel, tmp_path, monkeypatch):
    """The same call with the same study runs no trial, scores nothing anew, and has the same to say."""
    words = {"space": SPACE, "forecaster": small(), "study": tmp_path / "study.journal", **BUDGET}
    said = []
    first = tune(panel, 2, **words)
    monkeypatch.setattr(trials, "score_of", None)
    monkeypatch.setattr("foregate.tuning.run.duel", None)
    second = tune(panel, 2, say=said.append, **words)
    assert second.trials == first.trials
    assert second.gain.winner == first.gain.winner
    assert said == ["going on with a study of 4 trials"]


def test_every_winner_that_is_scored_is_counted(panel, tmp_path, monkeypatch):
    """Who looks at the held-back part again with another winner is told so."""
    words = {"space": Space({"rate": Choice(0.001, 0.002)}), "forecaster": small(), "study": tmp_path / "study.journal"}
    budget = BUDGET | {"sampler": "grid"}
    found = iter([1.0, 3.0, 2.0])  # of the search
    monkeypatch.setattr(trials, "score_of", lambda *_: {"LSTM": next(found)})
    assert tune(panel, 2, **words, **(budget | {"n_trials": 2})).notes == ()
    found = iter([0.5])
    (note,) = tune(panel, 2, **words, **(budget | {"n_trials": 3})).notes
    assert "2 winners of this study were scored on the held-back part" in note


def test_trials_are_told_of(panel):
    """A line each, in order, with score, time and settings."""
    said = []
    tune(panel, 2, space=SPACE, forecaster=small(), say=said.append, **(BUDGET | {"n_trials": 2}))
    assert len(said) == 2
    assert said[0].startswith("trial 0: mae ")
    assert said[0].endswith("(the default)")
    assert "rate=" in said[1]


def test_all_trials_failing_says_why(panel, monkeypatch):
    """The reason of the first is the reason of all."""

    def fails(*_):
        raise ModelError("the loss is no number")

    monkeypatch.setattr(trials, "score_of", fails)
    with pytest.raises(ModelError, match="all 4 failed, the first one for this reason: the loss is no number"):
        tune(panel, 2, space=SPACE, forecaster=small(), **BUDGET)


def test_no_time_at_all_is_told(panel):
    """Where not even the default came to its end there is nothing to say."""
    with pytest.raises(ModelError, match="the time was up before"):
        tune(panel, 2, space=SPACE, forecaster=small(), seconds=1e-6, **BUDGET)


def test_processes_find_what_one_finds(tuning, panel, server):
    """Of random points, which follow from their number, two that share a server have the same scores, each once."""
    both = tune(panel, 2, space=SPACE, forecaster=small(), n_jobs=2, study=server, **BUDGET)
    assert [(t.point, t.score) for t in both.trials] == [(t.point, t.score) for t in tuning.trials]


def test_a_trial_may_train_at_each_origin(panel):
    """Then it has the validation scores of each of its fits, one after the other."""
    budget = BUDGET | {"n_trials": 1, "windows": 2, "refit": True}
    (trial,) = tune(panel, 2, space=SPACE, forecaster=small(), **budget).trials
    assert len(trial.validation) == 2
    assert np.diff(list(trial.validation)).item() == 100


@pytest.mark.parametrize("pruner", ["median", "hyperband"])
def test_pruners_stop_what_falls_behind(panel, pruner):
    """Rates that teach nothing are stopped before their end, the default and the winner are not."""
    space = Space({"rate": Choice(0.02, *(i * 1e-7 for i in range(1, 40)))})
    budget = BUDGET | {"n_trials": 10, "seed": 1}
    found = tune(panel, 2, space=space, forecaster=small(steps=60, rate=0.02), pruner=pruner, **budget)
    stopped = [trial for trial in found.trials if trial.state == "pruned"]
    assert stopped
    assert all("validation was worse" in trial.reason for trial in stopped)
    assert max(len(trial.validation) for trial in stopped) < 12 == len(found.trials[0].validation)


def test_covariates_and_gaps_go_along():
    """A table with a known future behind it, missing values and series of unequal length is searched and forecast."""
    rng = np.random.default_rng(0)
    import polars as pl

    rows = [
        {
            "unique_id": name,
            "ds": day,
            "y": None if day == 9 or day >= length else rng.normal(),
            "price": float(day % 3),
        }
        for name, length in (("a", 40), ("b", 31))
        for day in range(length + 2)
    ]
    data = foregate.read(pl.DataFrame(rows), covariates={"price": "future"}, freq=1)
    found = tune(data, 2, space=SPACE, forecaster=small(), **(BUDGET | {"n_trials": 2}))
    assert found.model.predict().height == 4


def test_a_search_is_saved(tuning, tmp_path):
    """Tables, what was found, pictures and a model that loads and forecasts; never over what is there."""
    tuning.save(tmp_path / "out")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    tables = {"leaderboard.csv", "importances.csv", "interactions.csv"}
    assert names == tables | {"tuning.html", "tuning.json", "pictures", "model"}
    assert load(tmp_path / "out" / "model", runtime="torch").predict().equals(tuning.model.predict())
    assert "history.svg" in {path.name for path in (tmp_path / "out" / "pictures").iterdir()}
    with pytest.raises(UsageError, match="must not hold results already"):
        tuning.save(tmp_path / "out")


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ({"forecaster": "lstm"}, "forecaster must be a Forecaster"),
        ({"forecaster": Forecaster(5)}, "horizon must be that of the forecaster, but got 2 and 5"),
        ({"forecaster": Forecaster(2, effort="instant")}, "effort must be one that trains"),
        ({"space": [1]}, "space must be a dict"),
        ({"space": {"hiden": 3}}, "Did you mean 'hidden'"),
        ({"space": {"hidden": 3}, "sampler": "grid"}, "values that can be counted"),
        ({"trials": 3}, "arguments of tune must be among sampler, pruner, n_trials"),
        ({"sampler": "best"}, "sampler must be one of"),
        ({"study": "mysql://host/name"}, "PostgreSQL"),
    ],
)
def test_wrong_arguments_are_told_before_the_data_is_read(words, match):
    """Whatever the data is."""
    with pytest.raises(UsageError, match=match):
        tune("no such file.csv", 2, **words)


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (generate(1, 4), "to be backtested"),
        (Panel.from_arrays([np.ones(60)], freq=1), "measure='mae'"),
    ],
)
def test_data_that_cannot_be_searched_on_is_told_before_any_trial(data, match):
    """Too short, or without change."""
    with pytest.raises(DataError, match=match):
        tune(data, 2, forecaster=small(), space=Space({"rate": LogRange(0.001, 0.1)}))


def test_without_optuna_the_extra_is_named(panel, monkeypatch):
    """Before anything is done."""
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(MissingExtraError, match=r'pip install "foregate\[tune\]"'):
        tune(panel, 2)

"""Tests of what chooses points and stops trials."""

import optuna
import pytest

from foregate.tuning import Search
from foregate.tuning.samplers import new_pruner, new_sampler


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_a_draw_follows_from_seed_and_number(sampler):
    """The same seed and number draw the same, whatever was drawn before; another number draws another."""

    def draw(seed, number):
        study = optuna.create_study(sampler=new_sampler(Search(sampler=sampler, seed=seed), number))
        return study.ask().suggest_float("x", 0, 1)

    assert draw(1, 5) == draw(1, 5)
    assert len({draw(1, 5), draw(1, 6), draw(2, 5)}) == 3


@pytest.mark.parametrize("pruner", ["median", "hyperband", "none"])
def test_what_falls_behind_is_stopped(pruner):
    """Of many trials with the same scores at every check and one that is ten times worse, that one is stopped."""
    search = Search(pruner=pruner)
    study = optuna.create_study(pruner=new_pruner(search, 20), study_name="same")
    stopped = 0
    for i in range(12):
        trial = study.ask()
        bad = i >= 8
        for check in range(1, 21):
            trial.report(10.0 if bad else 1.0 + i / 100, check)
            stop = trial.should_prune()  # hyperband remembers who was asked
            if bad and stop:
                stopped += 1
                break
        study.tell(trial, 10.0 if bad else 1.0)
    assert (stopped > 0) == (pruner != "none")

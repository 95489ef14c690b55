"""Tests of one trial."""

import math

import numpy as np
import pytest

from foregate.core import ModelError
from foregate.evaluation import Plan
from foregate.pipeline.recipe import Recipe
from foregate.training.events import Event
from foregate.training.result import Record
from foregate.tuning import trial as module
from foregate.tuning.trial import KINDS_APART, LET_BE, Outcome, Stopped, TimeUp, Watch, score_of, tried

RECIPE = Recipe(2, (), "fast", "scratch", hidden=4, layers=1, decoder=4, steps=30, batch=8, crop=20)


class Fake:
    """A trial that remembers what it was told, and is to be stopped from a check on."""

    def __init__(self, stops_at=math.inf):
        self.told, self.stops_at = {}, stops_at

    def report(self, value, step):
        self.told[step] = value

    def should_prune(self):
        return len(self.told) >= self.stops_at


def checked(check, score, member=0, members=1):
    """The event of a check."""
    history = tuple(Record(i, 0.0, score) for i in range(check))
    return Event("checked", check, 20, score=score, history=history, member=member, members=members)


def test_a_score_comes_out_for_each_recipe(panel):
    """As a backtest has it, for the same windows."""
    found = score_of({"one": RECIPE, "same": RECIPE}, panel, Plan(2, 2), "mae")
    assert found["one"] == found["same"] > 0


def test_every_check_is_told_in_its_place():
    """Networks and fits one after the other, so that the same number is the same check in every trial."""
    fake = Fake()
    watch = Watch(fake, math.inf)
    for member in (0, 1):
        watch(Event("started", 0, 20, member=member, members=2))
        for check in (1, 2):
            watch(checked(check, check / 10, member, 2))
    watch(Event("started", 0, 20, members=2))
    watch(checked(1, 0.9, 0, 2))
    assert fake.told == {1: 0.1, 2: 0.2, 101: 0.1, 102: 0.2, 201: 0.9}


def test_those_who_begin_otherwise_are_not_compared():
    """Checks of another kind have other numbers, and the first checks of all are let be."""
    fake = Fake(stops_at=1)
    watch = Watch(fake, math.inf, kind=1)
    watch(Event("started", 0, 20))
    for check in range(1, LET_BE + 1):
        watch(checked(check, 0.5))
    with pytest.raises(Stopped, match="worse than that of others at step 6 of 20"):
        watch(checked(LET_BE + 1, 0.5))
    assert list(fake.told) == [KINDS_APART + check for check in range(1, LET_BE + 2)]


def test_scores_that_are_not_there_are_not_told():
    """Without held-out origins there is nothing to stop a trial by."""
    fake = Fake(stops_at=0)
    watch = Watch(fake, math.inf)
    for score in (None, math.inf):
        watch(checked(1, score))
    assert fake.told == {}


def test_a_trial_that_falls_behind_is_stopped(panel):
    """It is recorded with the step, and the default is never stopped."""
    outcome = tried(Fake(1), RECIPE, panel, Plan(2), "mae", Watch(Fake(1), math.inf))
    assert outcome.state == "PRUNED"
    assert "validation was worse than that of others at step" in outcome.reason
    watch = Watch(Fake(1), math.inf, prunes=False)
    assert tried(Fake(1), RECIPE, panel, Plan(2), "mae", watch).state == "COMPLETE"


def test_a_trial_is_left_when_the_time_is_up(panel):
    """Not failed and not stopped: another call takes it up anew."""
    assert tried(Fake(), RECIPE, panel, Plan(2), "mae", Watch(None, 0.0)).state == "RUNNING"
    with pytest.raises(TimeUp):
        Watch(None, 0.0)(Event("step", 1, 20))
    assert issubclass(TimeUp, Stopped)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ModelError("the training loss must be a number, but got nan."), "the training loss must be a number"),
        (MemoryError("no room"), "MemoryError: no room"),
    ],
)
def test_whatever_goes_wrong_is_an_outcome(panel, monkeypatch, error, reason):
    """With its reason, and the search goes on."""

    def fails(*_):
        raise error

    monkeypatch.setattr(module, "score_of", fails)
    outcome = tried(Fake(), RECIPE, panel, Plan(2), "mae", Watch(None, math.inf))
    assert (outcome.state, outcome.value) == ("FAIL", None)
    assert outcome.reason.startswith(reason)


def test_no_score_is_a_failure(panel, monkeypatch):
    """A measure that is defined nowhere ranks nothing."""
    monkeypatch.setattr(module, "score_of", lambda *_: {"LSTM": np.nan})
    outcome = tried(Fake(), RECIPE, panel, Plan(2), "mape", Watch(None, math.inf))
    assert outcome == Outcome("FAIL", None, "mape is not defined at any origin", outcome.seconds)


def test_ctrl_c_is_no_outcome(panel, monkeypatch):
    """Who interrupts means the search, not the trial."""

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "score_of", interrupted)
    with pytest.raises(KeyboardInterrupt):
        tried(Fake(), RECIPE, panel, Plan(2), "mae", Watch(None, math.inf))

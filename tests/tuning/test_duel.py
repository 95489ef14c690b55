"""Laws of the last question of a search: winner or default."""

from types import SimpleNamespace

import numpy as np
import pytest

from foregate import tune
from foregate.core import Forecast, Panel
from foregate.evaluation import Plan, backtest, compare
from foregate.pipeline.recipe import Recipe
from foregate.tuning import Choice, LogRange, Space
from foregate.tuning import trial as trials
from foregate.tuning.duel import chance_of, duel
from tests.tuning.conftest import small


class Says:
    """A forecaster of white noise: errs by noise of its own, and by an offset."""

    name = "LSTM"

    def __init__(self, seed, offset=0.0):
        self.seed, self.offset = seed, offset

    def forecast(self, panel, horizon, quantiles, future=None):
        own = np.random.default_rng([self.seed, *panel.lengths]).normal(self.offset, 0.5, (len(panel), horizon))
        times = np.stack([panel.freq.shift(last, np.arange(1, horizon + 1)) for last in panel.last_times])
        values = np.repeat(own[:, :, None], len(quantiles), 2)
        return Forecast(panel.ids, times, panel.last_times, tuple(quantiles), values)


def noise(series=1, rows=60, seed=0):
    """White noise."""
    return Panel.from_arrays(list(np.random.default_rng(seed).normal(size=(series, rows))), freq=1)


def fought(panel, windows, winner, default):
    """A backtest of two forecasters of two steps."""
    return backtest({"winner": winner, "default": default}, panel, Plan(2, windows))


@pytest.mark.parametrize(("series", "windows"), [(1, 8), (3, 8), (40, 1)])
def test_equals_are_told_apart_as_often_as_was_said(series, windows):
    """Of 100 pairs that are equally good a winner is surer than 5 % about five times, by origins and by series."""
    found = [chance_of(fought(noise(series, seed=s), windows, Says(2 * s), Says(2 * s + 1)), "mae") for s in range(100)]
    assert 1 <= sum(chance <= 0.05 for chance in found) <= 11
    assert 0.4 < np.mean(found) < 0.6


def test_who_is_better_is_told():
    """An offset of one spread is beyond luck on eight origins, and the other way round it is no gain."""
    sides = [Says(1), Says(2, offset=3.0)]
    assert chance_of(fought(noise(), 8, *sides), "mae") < 0.01
    assert chance_of(fought(noise(), 8, *sides[::-1]), "mae") > 0.99


def test_origins_are_asked_first():
    """Where there are four, the chance is that of the comparison over all series; series that agree add nothing."""
    result = fought(noise(30), 4, Says(1), Says(2, offset=1.0))
    test = compare(result, "mae", alternative="less").pooled["winner", "default"]
    assert chance_of(result, "mae") == test.p_value[0]


@pytest.mark.parametrize(("series", "windows", "told"), [(1, 3, False), (11, 3, False), (12, 3, True), (1, 4, True)])
def test_too_few_say_nothing(series, windows, told):
    """Neither four origins nor a dozen series: then nothing can be told, however large the difference."""
    assert (chance_of(fought(noise(series), windows, Says(1), Says(2, 9.0)), "mae") is not None) == told


def test_the_same_need_no_duel(panel):
    """A default that nothing beat is scored once, and nothing is to be told."""
    recipe = Recipe(2, (), "fast", "scratch", hidden=4, layers=1, decoder=4, steps=5, batch=8, crop=20)
    found = duel(recipe, recipe, panel, Plan(2, 2), "mae")
    assert found.default == found.winner > 0
    assert found.chance is None


class Learner:
    """In the place of a forecaster: whatever it is told is learnt, but a weight decay of 0.5, it says noise."""

    def __init__(self, horizon, options=None, **_):
        self.options = options or {}

    def fit(self, panel, **_):
        seed = hash(self.options.get("rate", 0.0)) % 10**6
        good = (self.options.get("training") or {}).get("decay") == 0.5
        return SimpleNamespace(fitted_=Says(seed, offset=0.0 if good else 1.5))


def searched(monkeypatch, space, seed, n_trials=10):
    """A search of forecasters that learn nothing, over a series of noise."""
    monkeypatch.setattr(trials, "Forecaster", Learner)
    panel, words = noise(rows=150, seed=seed), {"n_trials": n_trials, "measure": "mae", "seed": seed}
    return tune(panel, 2, space=space, forecaster=small(steps=1), pruner="none", **words)


def test_the_best_of_many_equals_is_not_taken(monkeypatch):
    """Of six searches in which no setting matters, most have a score below the default's, and at most one winner takes
    its place."""
    found = [searched(monkeypatch, Space({"rate": LogRange(1e-4, 1e-1)}), seed) for seed in range(6)]
    assert sum(not one.winner.default for one in found) >= 5
    assert sum(one.gain.taken and not one.winner.default for one in found) <= 1
    kept = next(one for one in found if not one.gain.taken)
    assert kept.recipe.rate == small(steps=1).get_params()["options"].get("rate", Recipe(2).rate)
    assert "the default is kept" in str(kept.gain)


def test_a_setting_that_matters_is_taken(monkeypatch):
    """Though others are tried beside it that do not."""
    space = Space({"rate": LogRange(1e-4, 1e-1), "training.decay": Choice(0.0, 0.5)})
    found = searched(monkeypatch, space, 0)
    assert found.gain.taken
    assert found.gain.chance < 0.05
    assert found.recipe.training["decay"] == 0.5
    assert "takes its place" in str(found.gain)

"""Tests of what mattered."""

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.tuning.importance import FEWEST, codes, importances, interaction, interactions


def study(score, count=60):
    """A study of random points with a score of each."""
    found = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    found.enqueue_trial({}, user_attrs={"default": True})
    for i in range(count):
        trial = found.ask()
        point = {}
        if i:
            point = {"a": trial.suggest_float("a", 0, 1), "b": trial.suggest_categorical("b", ['"x"', '"y"', '"z"'])}
            if point["b"] == '"x"':
                point["c"] = trial.suggest_int("c", 1, 4)
        found.tell(trial, score(point))
    return found


def test_what_decides_matters_most():
    """Of two settings the one that the score follows, whichever it is; the default, which has none, is no matter."""
    assert next(iter(importances(study(lambda point: point.get("a", 0.5))))) == "a"
    assert next(iter(importances(study(lambda point: {'"x"': 1.0, '"y"': 0.0}.get(point.get("b"), 1.0))))) == "b"


def test_shares_sum_to_one():
    """And are in order; settings that are not always there have one too."""
    found = importances(study(lambda point: point.get("a", 0.5)))
    assert sum(found.values()) == pytest.approx(1)
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert set(found) == {"a", "b", "c"}


def test_few_trials_say_nothing():
    """Rather than something that chance has made."""
    assert importances(study(lambda point: point.get("a", 0.5), count=FEWEST)) == {}
    assert interactions([{"a": 1.0, "b": 2.0}] * 3, np.arange(3.0)) == {}


def test_products_are_interactions_and_sums_are_none():
    """What two settings do together is told from what they do one by one, for numbers and for choices."""
    rng = np.random.default_rng(0)
    points = [
        {"a": float(a), "b": float(b), "c": str(c)}
        for a, b, c in zip(*rng.uniform(-1, 1, (2, 80)), rng.choice(list("xy"), 80), strict=True)
    ]
    together = interactions(points, np.array([p["a"] * p["b"] for p in points]))
    assert next(iter(together)) == ("a", "b")
    assert together["a", "b"] > 0.5 > 10 * together["a", "c"]
    apart = interactions(points, np.array([p["a"] + p["b"] for p in points]))
    assert max(apart.values()) < 0.1
    either = interactions(points, np.array([p["a"] * (1 if p["c"] == "x" else -1) for p in points]))
    assert next(iter(either)) == ("a", "c")


@given(st.lists(st.sampled_from([1, 2, 3]), min_size=FEWEST, max_size=40), st.integers(0, 100))
def test_an_interaction_is_a_share(values, seed):
    """From 0 to 1 whatever is given, or nothing is said."""
    rng = np.random.default_rng(seed)
    other = codes(rng.choice(["x", "y"], len(values)).tolist())
    found = interaction(codes(values), other, rng.normal(size=len(values)))
    assert found is None or 0 <= found <= 1


def test_codes_do_not_depend_on_the_scale():
    """Numbers are ranks; a setting with one value says nothing."""
    assert codes([1, 2, 3]).tolist() == codes([1, 10, 1000]).tolist()
    assert codes([5, 5, 5]).shape == (3, 0)
    assert codes(["a", "a"]).shape == (2, 0)

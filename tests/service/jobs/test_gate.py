"""Only what was better, and not by chance, is promoted."""

import numpy as np
import pytest

from benchmarks.service.judging import equals
from foregate.service.jobs.gate import LEAST, judge


def errors(rng, n=60):
    """Of two models at the same times: they share what makes a time hard."""
    hard = rng.gamma(4, size=n)
    return hard * rng.gamma(30, 1 / 30, size=n), hard * rng.gamma(30, 1 / 30, size=n)


def test_a_worse_challenger_is_rejected_100_of_100():
    """A challenger whose errors are larger, be it by a twentieth, is never promoted."""
    rng, promoted = np.random.default_rng(0), 0
    for _ in range(100):
        own, theirs = errors(rng)
        promoted += judge(1.05 * own, {"champion": theirs}, margin=0.02).promote
    assert promoted == 0


def test_one_that_is_as_good_is_hardly_ever_promoted():
    """Of challengers that are just as good as the champion, at most two in a hundred get through by luck."""
    rng, promoted = np.random.default_rng(1), 0
    for _ in range(100):
        own, theirs = errors(rng)
        promoted += judge(own, {"champion": theirs}, margin=0.02).promote
    assert promoted <= 2


@pytest.mark.parametrize("rows", [33, 63, 155])
def test_luck_is_rare_where_forecasts_overlap(rows):
    """Errors of a day ahead from every hour, which share targets: of equals at most three in a hundred get through."""
    found = equals(400, rows, 24, 0.7, np.random.default_rng(3))
    promoted = [judge(own, {"champion": theirs}, margin=0.02).promote for own, theirs in zip(*found, strict=True)]
    assert np.mean(promoted) <= 0.03


def test_a_better_one_gets_through():
    """A challenger that saves a quarter of the error is promoted, and the reason says by how much."""
    own, theirs = errors(np.random.default_rng(2))
    verdict = judge(0.75 * own, {"champion": theirs, "SeasonalNaive": 2 * theirs}, margin=0.02)
    assert verdict.promote
    assert verdict.reason.startswith("promoted: 0.7")
    assert verdict.ratios["champion"] < verdict.bounds["champion"] < 0.98


@pytest.mark.parametrize("loser", ["champion", "SeasonalNaive"])
def test_every_opponent_must_be_beaten(loser):
    """Being better than one of two is not enough."""
    own, theirs = errors(np.random.default_rng(3))
    opponents = {"champion": 2 * theirs, "SeasonalNaive": 2 * theirs} | {loser: 0.9 * own}
    assert not judge(own, opponents, margin=0.02).promote


def test_the_margin_counts():
    """What saves a tenth passes a margin of two percent and not one of a fifth."""
    own, _ = errors(np.random.default_rng(4))
    assert judge(0.9 * own, {"champion": own}, margin=0.02).promote
    assert not judge(0.9 * own, {"champion": own}, margin=0.2).promote


def test_errors_like_their_neighbours_count_for_less():
    """Where neighbouring times are alike the bound is wider than where each stands for itself."""
    rng = np.random.default_rng(5)
    apart, theirs = np.exp(0.3 * rng.normal(size=60)), np.ones(60)
    alone, alike = (judge(own, {"c": theirs}, margin=0).bounds["c"] for own in (apart, np.sort(apart)))
    assert alike > alone


@pytest.mark.parametrize("n", [0, LEAST - 1])
def test_too_few_forecasts_promote_nobody(n):
    """From a handful of times nothing follows, however good they look; missing ones do not count."""
    own = np.append(np.full(50, np.nan), np.ones(n))
    verdict = judge(0.1 * own, {"champion": np.ones(50 + n)}, margin=0.02)
    assert not verdict.promote
    assert f"got {n}" in verdict.reason


def test_perfect_opponents_cannot_be_beaten():
    """Against errors of zero there is nothing to save, and no division by zero."""
    assert not judge(np.zeros(20), {"champion": np.zeros(20)}, margin=0.02).promote


def test_who_forecasts_nothing_is_infinitely_wrong():
    """Infinite errors lose against any others, on either side."""
    wrong = np.append(np.full(5, np.inf), np.ones(20))
    assert not judge(wrong, {"champion": np.ones(25)}, margin=0.02).promote
    assert judge(np.ones(25), {"champion": wrong}, margin=0.02).promote

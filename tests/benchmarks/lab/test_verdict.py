"""A claim holds where all that was measured lies within it, and no word is said that the figures do not bear out."""

import math

import numpy as np
import pytest

from benchmarks.lab.verdict import Interval, interval, judge, overall


def around(mean, wide=0.1, n=3):
    """Figures whose mean is given and whose interval is narrow."""
    return list(mean + wide * np.linspace(-1, 1, n))


def test_an_interval_is_student_s():
    """Of three figures, 4.303 standard errors to either side; of one, all there is."""
    found = interval([1.0, 2.0, 3.0])
    assert found.mean == 2
    assert found.high - found.mean == pytest.approx(4.3027 / math.sqrt(3), rel=1e-4)
    assert interval([7.0]) == Interval(7.0, -math.inf, math.inf)


def test_intervals_hold_what_they_promise():
    """Of normal figures 95 % of the intervals have the mean, over several places with spreads of their own too."""
    rng = np.random.default_rng(0)
    hits = [overall([rng.normal(1, 1, 3), rng.normal(3, 4, 5)]).within(-math.inf, 2) == "open" for _ in range(2_000)]
    assert 0.93 < np.mean(hits) < 0.99


def test_places_are_taken_as_they_are():
    """How far places lie apart does not widen the interval of their mean: it is that of the seeds."""
    near, far = overall([around(1), around(2)]), overall([around(1), around(2_000)])
    assert far.high - far.low == pytest.approx(near.high - near.low)
    assert overall([[1.0, 2.0], [5.0]]).high == math.inf
    assert overall([[1.0, 1.0], [3.0, 3.0]]) == Interval(2.0, 2.0, 2.0)


def test_a_claim_held_where_all_lies_within():
    """Some places may be open, none may say no."""
    assert str(judge({"a": around(5), "b": around(6)}, 3, 10)) == "held"
    assert str(judge({"a": around(5), "b": around(6), "c": around(9, 0.6)}, 3, 10)) == "held"


def test_a_claim_did_not_hold_where_all_lies_apart():
    """Above or below what is claimed; no place may say yes."""
    assert str(judge({"a": around(1), "b": around(2)}, 3, 10)) == "did not hold"
    assert str(judge({"a": around(11), "b": around(12)}, 3, 10)) == "did not hold"


def test_a_claim_depends_on_the_data_where_places_differ():
    """Whatever the mean says, and which places say what is told."""
    said = judge({"a": around(5), "b": around(1), "c": around(3)}, 3, 10)
    assert (said.word, said.on) == ("depends on", "the data")
    assert str(said) == "depends on the data: yes on a; no on b"
    assert [place.answer for place in said.places] == ["yes", "no", "open"]
    assert str(judge({"a": around(50), "b": around(1)}, 3, 100)) == "depends on the data: yes on a; no on b"


def test_a_claim_depends_on_the_data_where_one_place_has_an_answer():
    """A mean that lies on a bound does not undo what one place says."""
    said = judge({"a": around(2), "b": around(3.5, 1)}, 3, 10)
    assert str(said) == "depends on the data: no on a"


def test_a_claim_depends_on_the_seed_where_no_place_has_an_answer():
    """What chance alone can do is not decided."""
    said = judge({"a": around(3), "b": around(3)}, 3, 10)
    assert (said.word, str(said)) == ("depends on", "depends on the seed")
    assert judge({"a": [5.0]}, 3, 10).on == "the seed"


def test_many_open_places_can_answer_together():
    """Each reaches across the bound, their mean does not."""
    assert str(judge({name: around(4, 1) for name in "abcdefgh"}, 3, 10)) == "held"


def test_a_single_seed_decides_nothing():
    """A place that has one is open, and the others are judged without it."""
    said = judge({"a": around(5), "b": [1.0]}, 3, 10)
    assert str(said) == "held"
    assert said.figure.mean == pytest.approx(5)
    assert said.places[1].answer == "open"


def test_no_figures_are_no_verdict():
    """There must be something to judge."""
    with pytest.raises(ValueError, match="figures must be there for one place"):
        judge({"a": []}, 0, 1)

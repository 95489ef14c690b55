"""Tests of what a setting may be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.core import UsageError
from foregate.tuning import Choice, LogRange, Range
from foregate.tuning.dimensions import holds, label

DIMENSIONS = [Choice(1, "a", None, True, (24, 168)), Range(1, 9), Range(0.0, 0.4, step=0.1), LogRange(1e-4, 1e-2)]


@given(st.sampled_from(DIMENSIONS), st.integers(0, 1000))
def test_what_is_drawn_is_of_the_dimension(dimension, seed):
    """A drawn value is one of the choices, or between the ends on the steps there are."""
    value = dimension.drawn(np.random.default_rng(seed))
    if isinstance(dimension, Choice):
        assert any(holds(value, (own,)) or value == own for own in dimension.values)
    else:
        assert dimension.low <= value <= dimension.high
        if dimension != DIMENSIONS[3]:
            assert any(np.isclose(value, own) for own in dimension.grid)


@pytest.mark.parametrize("value", DIMENSIONS[0].values)
def test_a_study_gives_back_what_it_was_given(value):
    """What is stored as text is restored to the same value of the same kind, 1 and True apart."""
    dimension = Choice(1, "a", None, True, (24, 168))
    again = dimension.restored(dimension.stored(value))
    assert again == value
    assert type(again) is type(value)


def test_true_is_not_one():
    """A condition on a number is not met by a truth value, and the other way round."""
    assert not holds(True, 1)
    assert not holds(1, (True, "a"))


def test_whole_ends_make_whole_numbers():
    """A range of whole numbers gives whole numbers, one with a step those on it."""
    rng = np.random.default_rng(0)
    assert {Range(2, 8, step=3).drawn(rng) for _ in range(50)} == {2, 5, 8}
    assert all(isinstance(LogRange(1, 64).drawn(rng), int) for _ in range(20))


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: Choice(), "at least one, and all different"),
        (lambda: Choice(1, 1), "all different"),
        (lambda: Choice(object()), "a value to try must be a number, a text"),
        (lambda: Choice(1, when="scratch"), "when must be a dict"),
        (lambda: Range(4, 1), "from a number to a larger one of its kind, but got 4 to 1"),
        (lambda: Range(1, 4.0), "larger one of its kind"),
        (lambda: Range(0.0, 1.0, step=2.0), "the step of a Range"),
        (lambda: Range(1, 4, step=0.5), "of the kind of its ends"),
        (lambda: LogRange(0.0, 1.0), "must begin above 0"),
        (lambda: Range(0.0, 1.0).grid, "values that can be counted"),
        (lambda: LogRange(0.1, 1.0).grid, "values that can be counted"),
    ],
)
def test_what_makes_no_sense_is_refused(make, match):
    """Empty, repeated, turned round, unbounded: each with its sentence."""
    with pytest.raises(UsageError, match=match):
        make()


def test_a_value_stands_for_itself():
    """Labels of different values differ, those of a list and a tuple do not."""
    assert len({label(value) for value in (1, "1", True, None, "null", 1.5)}) == 6
    assert label([24, 168]) == label((24, 168))

"""Errors of a time are one value, whenever they come."""

import json

import numpy as np
import pytest

from foregate.service.drift.gathering import MOST_OPEN, Gathering

NAMES = "abcde"


def told(gathering, *times, names=NAMES):
    return gathering.of([(time, name, 1.0, 0.0) for name in names for time in times])


def settled():
    """One that has seen that there are five series."""
    gathering = Gathering()
    told(gathering, 0)
    assert [(each.time, each.n) for each in told(gathering, 1)] == [(1, 5)]
    return gathering


@pytest.mark.parametrize("piece", [1, 2, 7])
def test_pieces_make_the_same_times_as_the_whole(piece):
    """In whatever pieces the errors of times come, each time is given out once, with all of its series."""
    gathering, found = settled(), []
    errors = [(time, name, float(time), 0.0) for time in range(2, 40) for name in NAMES]
    for begin in range(0, len(errors), piece):
        gathering = Gathering(json.loads(json.dumps(gathering.state())))
        found += gathering.of(errors[begin : begin + piece])
    assert [(each.time, each.n, each.error) for each in found] == [(time, 5, 5.0 * time) for time in range(2, 40)]


def test_days_that_come_series_by_series_are_put_together():
    """A day of one series after a day of another gives every hour once, with all of them."""
    gathering, found = settled(), []
    for name in NAMES:
        found += told(gathering, *range(2, 20), names=name)
    assert [(each.time, each.n) for each in found] == [(time, 5) for time in range(2, 20)]


def test_one_missing_value_holds_nothing_up():
    """A time that lacks a series is over when a later one is complete."""
    gathering = settled()
    assert told(gathering, 2, names="abcd") == []
    assert [(each.time, each.n) for each in told(gathering, 3)] == [(2, 4), (3, 5)]


def test_a_series_that_ends_is_waited_for_once():
    """The others wait for some times, and then no more; it is waited for again when it is back."""
    gathering, found = settled(), []
    for time in range(2, 2 + MOST_OPEN):
        found += told(gathering, time, names="abcd")
    assert found == []
    assert len(told(gathering, 2 + MOST_OPEN, names="abcd")) == MOST_OPEN + 1
    assert [each.n for each in told(gathering, 90, names="abcd")] == [4]
    assert told(gathering, 90, names="e") == []
    assert told(gathering, 91, names="abcd") == []
    assert [each.n for each in told(gathering, 91, names="e")] == [5]


def test_what_came_too_late_is_no_further_value():
    """Errors of times that were given out are left out."""
    gathering = settled()
    told(gathering, 5)
    assert told(gathering, 1, 3, 5) == []


def test_missing_intervals_do_not_count():
    """Whether an actual lay outside is a share of those of which it is known."""
    (one,) = Gathering().of([(1, "a", 0.5, float("nan")), (1, "b", 0.5, 1.0)])
    assert (one.n, one.known, one.outside, one.names) == (2, 1, 1.0, ["a", "b"])


def test_it_stays_small():
    """However many series and times come, what waits is bounded."""
    gathering, rng = settled(), np.random.default_rng(0)
    for time in range(2, 500):
        told(gathering, time, names=[str(i) for i in range(int(rng.integers(1, 40)))])
        assert len(gathering.state()["open"]) <= MOST_OPEN

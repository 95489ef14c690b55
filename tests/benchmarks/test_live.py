"""The live benchmark gives every series its next observation, and measures what it says."""

import numpy as np
import polars as pl

from benchmarks.live import MEASURES, _batched, _one_by_one, coming, model, quietest, started, timed


def test_observations_come_in_turn():
    """Each is the next of its series, so that a forecaster takes them all."""
    live = started(3, 20, model((3, 1), 8))
    times = timed(live.update, coming(live, 10))
    assert len(times) == 10
    assert (times > 0).all()
    assert live.expected().tolist() == [24, 23, 23]


def test_the_quietest_round_counts():
    """A round that others have disturbed says nothing."""
    assert quietest([np.array([9.0, 1.0, 9.0]), np.array([3.0, 3.0, 4.0])])[0] == 3.0


def test_every_measure_says_what_it_is():
    """By a docstring."""
    assert all(measure.__doc__ for measure in MEASURES.values())


def test_batches_are_the_next_of_all():
    """However they are given, and in whatever order."""
    live = started(3, 20, model((3, 1), 8))
    for given, order in ((dict, None), (pl.DataFrame, None), (_one_by_one, np.array([2, 0, 1]))):
        assert (_batched(live, 2, 3, given, order) > 0).all()
    assert live.expected().tolist() == [29, 29, 29]

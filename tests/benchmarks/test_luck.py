"""Laws of the benchmark of luck: where nothing is to be found, what asks fairly finds nothing."""

import numpy as np

from benchmarks.luck import WAYS, chances, flipped, search, world


def test_the_default_gains_nothing_over_itself():
    """Nor do settings far from it, in the mean over many origins."""
    gain = world(np.random.default_rng(0), 20_000, 0.3)
    assert not gain(np.full(6, 0.5)).any()
    far = gain(np.zeros(6))
    assert abs(far.mean()) < 5 * far.std() / np.sqrt(len(far))


def test_flipping_allows_for_the_number_of_trials():
    """The best of many is less sure than it is alone, and one that is surely better stays so."""
    noise = np.random.default_rng(0).normal(size=(20, 8))
    assert flipped(noise) > chances(noise).min()
    better = np.random.default_rng(1).normal(5, 0.5, (1, 8))
    assert flipped(np.concatenate([noise, better])) < 0.05


def test_a_search_is_asked_in_every_way():
    """And at origins that it did not see, seldom believed."""
    found = [search(i, "random", 6, 12, 0.3) for i in range(12)]
    assert all(tuple(one) == WAYS for one in found)
    assert sum(one["held back"] for one in found) <= 3

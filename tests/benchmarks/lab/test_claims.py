"""Figures of claims that are more than a ratio: growth with the horizon, and the rate that grows with the batch."""

import numpy as np
import pytest

from benchmarks.lab.claims.horizons import faster_growth, growth, worse_with_little
from benchmarks.lab.claims.inputs import power
from benchmarks.lab.claims.training import BATCHES, GRID, RATES, best_rate, root


class Fake:
    """Lines that say what they are told to."""

    def __init__(self, told):
        self.told = told

    def of(self, contender, key):
        told = self.told.get((contender, key), self.told.get(contender))
        return {} if told is None else {"x": {0: told}}


def test_growth_is_the_end_by_the_beginning():
    """A contender whose last third errs twice as much as its first grows by 100 % more than one that stays."""
    assert growth([1, 1, 1, 5, 5, 5, 2, 2, 2]) == 2
    found = Fake({"recursive": [1.0, 1.0, 2.0], "direct": [3.0, 3.0, 3.0]})
    assert faster_growth("recursive", "direct")(found) == {"x": {0: pytest.approx(100)}}


def test_needing_more_data_is_losing_more_with_little():
    """Direct that is as good with all of the data, and twice as bad with a tenth, needs more."""
    errors = {"direct": 1.0, "recursive": 1.0, "direct, a tenth": 4.0, "recursive, a tenth": 2.0}
    assert worse_with_little(Fake(errors)) == {"x": {0: pytest.approx(100)}}
    both = errors | {"direct": 2.0}
    assert worse_with_little(Fake(both)) == {"x": {0: pytest.approx(0)}}


def test_costs_grow_by_what_long_sequences_say():
    """What is spent whatever the length does not make a quadratic cost look like a linear one."""
    lengths = [10, 100, 500, 1000, 2000]
    costs = [1.0, 1.0, *(n**2 / 1_000 for n in lengths[2:])]
    assert power("a", "ms")(Fake({("a", "lengths"): lengths, ("a", "ms"): costs}))["x"][0] == pytest.approx(2)
    assert power("a", "ms")(Fake({("a", "lengths"): [4, 8], ("a", "ms"): [1.0, 2.0]}))["x"][0] == pytest.approx(1)


@pytest.mark.parametrize("exponent", [0.0, 0.5, 0.8])
def test_the_power_is_that_of_the_best_rates(exponent):
    """Errors that are least at a rate of batch^power give that exponent back."""

    def error(name):
        batch, rate = (float(each) for each in name.split(", "))
        return 1 + np.log(rate / (1e-3 * (batch / BATCHES[0]) ** exponent)) ** 2

    found = Fake({name: error(name) for name in GRID})
    assert root()(found)["x"][0] == pytest.approx(exponent, abs=0.02)


def test_the_best_rate_lies_between_those_that_were_tried():
    """At the foot of the parabola; at an end where errors fall towards it."""
    tried = {rate: np.log(rate / 2e-3) ** 2 for rate in (3e-4, 1e-3, 3e-3, 1e-2)}
    assert best_rate(tried) == pytest.approx(2e-3)
    assert best_rate({rate: -rate for rate in RATES}) == max(RATES)

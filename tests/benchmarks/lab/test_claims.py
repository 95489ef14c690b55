"""Figures of claims that are more than a ratio: growth with the horizon, and the rate that grows with the batch."""

import numpy as np
import pytest

from benchmarks.lab.claims.horizons import faster_growth, growth, worse_with_little
from benchmarks.lab.claims.training import BATCHES, GRID, RATES, best_rate, root


class Fake:
    """Lines that say what they are told to."""

    def __init__(self, told):
        self.told = told

    def of(self, contender, key):
        return {"x": {0: self.told[contender]}} if contender in self.told else {}


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


@pytest.mark.parametrize("power", [0.0, 0.5, 0.8])
def test_the_power_is_that_of_the_best_rates(power):
    """Errors that are least at a rate of batch^power give that power back."""

    def error(name):
        batch, rate = (float(each) for each in name.split(", "))
        return 1 + np.log(rate / (1e-3 * (batch / BATCHES[0]) ** power)) ** 2

    found = Fake({name: error(name) for name in GRID})
    assert root()(found)["x"][0] == pytest.approx(power, abs=0.02)


def test_the_best_rate_lies_between_those_that_were_tried():
    """At the foot of the parabola; at an end where errors fall towards it."""
    assert best_rate({rate: abs(np.log(rate / 3e-3)) for rate in RATES}) == pytest.approx(3e-3, rel=0.3)
    assert best_rate({rate: -rate for rate in RATES}) == max(RATES)

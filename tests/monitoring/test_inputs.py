"""Drift of inputs."""

import json

import numpy as np
import pytest
from scipy.stats import ks_2samp

from foregate import DataError
from foregate.monitoring.inputs import Histogram, InputWatch, ks, psi

RNG = np.random.default_rng(0)
SEASONAL = 3 * np.sin(np.arange(6000) * 2 * np.pi / 168) + RNG.normal(size=6000)


def test_the_index_is_symmetric_and_zero_only_for_the_same():
    """PSI does not care which of two populations came first, and grows as they part."""
    a, b, c = np.array([0.2, 0.8]), np.array([0.3, 0.7]), np.array([0.6, 0.4])
    assert psi(a, b) == pytest.approx(psi(b, a))
    assert psi(a, b) > psi(a, a) == 0
    assert psi(a, c) > psi(a, b)


def test_the_distance_is_that_of_scipy():
    """On bins as fine as the values, the distance equals the statistic of the two-sample test."""
    a, b = RNG.integers(0, 12, 400), RNG.integers(2, 14, 300)
    shares = [np.bincount(x, minlength=14) / len(x) for x in (a, b)]
    assert ks(*shares) == pytest.approx(ks_2samp(a, b).statistic)


def test_an_emptied_bin_is_finite():
    """A population that left a bin altogether has a large index, not an infinite one."""
    assert 1 < psi(np.array([0.5, 0.5]), np.array([1.0, 0.0])) < 10


def test_seasons_are_no_drift_and_a_shift_is():
    """A seasonal series going on as before stays below 1; moved by two standard deviations it does not."""
    watch = InputWatch(Histogram.of(SEASONAL[:5000]))
    assert max(watch.update(SEASONAL[5000:]).values()) < 1
    assert watch.update(SEASONAL[:1000] + 2 * SEASONAL.std())["psi"] > 1


def test_values_that_go_missing_are_drift():
    """Where a third of the values is missing that never was, that is told."""
    watch = InputWatch(Histogram.of(SEASONAL[:5000]))
    gone = SEASONAL[5000:].copy()
    gone[::3] = np.nan
    assert watch.update(gone)["missing"] > 1


def test_nothing_is_said_of_too_few_values():
    """Before half a window has come there are no scores."""
    assert InputWatch(Histogram.of(SEASONAL)).update(SEASONAL[:10]) == {}


def test_the_cut_of_the_stream_does_not_matter_much():
    """Read in small pieces or written down in between, the counts are those of one piece."""
    whole, parts = (InputWatch(Histogram.of(SEASONAL)) for _ in range(2))
    said = whole.update(SEASONAL[:900])
    for piece in SEASONAL[:900].reshape(30, 30):
        found = parts.update(piece)
        parts = InputWatch(parts.reference, json.loads(json.dumps(parts.state())))
    assert found == pytest.approx(said) or sum(parts.state()["older"]) >= 500


def test_a_constant_input_has_a_reference():
    """An input that never varied is one bin on either side of its value, and leaving it is drift."""
    watch = InputWatch(Histogram.of(np.full(500, 3.0)))
    assert watch.update(np.full(60, 3.0))["psi"] < 1
    assert watch.update(np.full(300, 2.0))["psi"] > 1


def test_too_few_values_are_refused():
    """A reference of a handful of values would find drift everywhere."""
    with pytest.raises(DataError, match="at least 100 values"):
        Histogram.of(np.full(500, np.nan))
    with pytest.raises(DataError, match="must be of"):
        InputWatch(Histogram.of(SEASONAL), {"older": [1.0], "newer": [1.0]})

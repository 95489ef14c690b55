"""Detectors of change."""

import json

import numpy as np
import pytest
from river import drift

from foregate.monitoring.detectors import Coverage, Cusum, PageHinkley, Windows
from foregate.monitoring.watch import KINDS

ALL = [kind() for kind in KINDS.values()]


def first(detector, values, threshold, missed=None):
    """The first value at which the statistic passes the threshold; -1 if none."""
    state, none = detector.start(1), np.zeros(1)
    for t, value in enumerate(values):
        if detector.step(state, np.array([value]), none if missed is None else missed[t : t + 1])[0] > threshold:
            return t
    return -1


@pytest.mark.parametrize("detector", ALL, ids=lambda d: d.name)
def test_streams_do_not_know_one_another(detector):
    """A stream among others says the same as that stream alone."""
    rng = np.random.default_rng(0)
    values, missed = rng.normal(size=(400, 5)), rng.integers(0, 2, (400, 5)).astype(float)
    together, alone = detector.start(5), detector.start(1)
    for value, out in zip(values, missed, strict=True):
        said = detector.step(together, value, out)
        assert detector.step(alone, value[2:3], out[2:3])[0] == said[2]


@pytest.mark.parametrize("detector", ALL, ids=lambda d: d.name)
def test_memory_does_not_grow(detector):
    """What is remembered has the same size after many values as after none."""
    state = detector.start(3)
    sizes = {name: value.shape for name, value in state.items()}
    for _ in range(2500):
        detector.step(state, np.ones(3), np.zeros(3))
    assert {name: value.shape for name, value in state.items()} == sizes


@pytest.mark.parametrize("seed", range(5))
def test_page_and_hinkley_agree_with_river(seed):
    """With river's settings the alarm comes at the very value at which river's comes."""
    rng = np.random.default_rng(seed)
    values = np.abs(np.append(rng.normal(size=600), rng.normal(0, 2.5, size=400)))
    oracle = drift.PageHinkley(min_instances=1, delta=0.05, threshold=20, alpha=0.9999, mode="up")
    theirs = -1
    for t, value in enumerate(values):
        oracle.update(float(value))
        if oracle.drift_detected:
            theirs = t
            break
    assert theirs >= 600
    assert first(PageHinkley(slack=0.05, memory=0.9999, mean=0.0, known=0.0), values, 20) == theirs


@pytest.mark.parametrize("shift", [0.8, 1.5, 3.0])
def test_windows_find_what_river_finds(shift):
    """A shift is found within a block or two of where river's ADWIN finds it, and none where there is none."""
    rng = np.random.default_rng(4)
    values = np.append(rng.normal(size=800), rng.normal(shift, 1, size=400))
    oracle = drift.ADWIN(delta=0.002)
    theirs = -1
    for t, value in enumerate(values):
        oracle.update(float(value))
        if oracle.drift_detected:
            theirs = t
            break
    ours = first(Windows(), values, 4.0)
    assert theirs >= 800
    assert ours >= 800
    assert abs(ours - theirs) <= 64
    assert first(Windows(), values[:800], 4.0) == -1


def test_cusum_is_the_largest_sum_of_any_newest_stretch():
    """The cumulative sum equals the best sum of values less slack over all stretches that end now."""
    values, detector = np.random.default_rng(5).normal(size=60), Cusum(slack=0.3)
    state = detector.start(1)
    for t, value in enumerate(values):
        said = detector.step(state, np.array([value]), np.zeros(1))[0]
        ends = [values[s : t + 1] for s in range(t + 1)]
        best = max(0.0, *((end - 0.3).sum() for end in ends), *((-end - 0.3).sum() for end in ends))
        assert said == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize(("share", "found"), [(0.2, False), (0.6, True), (0.0, True)])
def test_coverage_sees_intervals_too_narrow_and_too_wide(share, found):
    """Twenty percent outside is usual; many more are found, and none at all are found."""
    missed = (np.random.default_rng(6).random(400) < share).astype(float)
    assert (first(Coverage(0.2), np.zeros(400), 9.0, missed) >= 0) is found


@pytest.mark.parametrize("detector", ALL, ids=lambda d: d.name)
def test_what_is_remembered_is_numbers(detector):
    """A state is arrays of plain numbers only, which JSON can hold."""
    state = detector.start(1)
    detector.step(state, np.zeros(1), np.zeros(1))
    assert json.dumps({name: value.tolist() for name, value in state.items()}, allow_nan=False)

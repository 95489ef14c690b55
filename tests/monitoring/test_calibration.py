"""Thresholds by the rate of false alarms."""

import numpy as np
import pytest

from foregate.monitoring.calibration import thresholds
from foregate.monitoring.detectors import Coverage, Cusum, PageHinkley
from tests.monitoring.streams import autoregressive, outside


def test_rarer_alarms_need_higher_thresholds():
    """The seldomer a false alarm may be, the higher every threshold."""
    errors = autoregressive(np.random.default_rng(0), 1, 800)[0]
    often, seldom = (thresholds([Cusum(), PageHinkley()], errors, outside(errors), n) for n in (1000, 100_000))
    assert all(seldom[name] > often[name] for name in often)


def test_a_small_sample_is_trusted_less():
    """From fewer errors of the same kind comes a higher threshold, for what is usual is known less well."""
    errors = np.random.default_rng(1).normal(size=4000)
    few = np.mean([thresholds([Cusum()], part, part * 0, 10_000)["cusum"] for part in errors[:1200].reshape(8, 150)])
    assert few > thresholds([Cusum()], errors, errors * 0, 10_000)["cusum"]


def test_the_rate_is_kept_on_streams_that_were_not_seen():
    """Over many new streams, false alarms are no more frequent than was asked for, yet not unheard of."""
    rng = np.random.default_rng(2)
    errors, streams, detector = rng.normal(size=4000), 300, Cusum()
    threshold = thresholds([detector], errors, errors * 0, 300)["cusum"]
    state, alarms = detector.start(streams), 0
    for value in rng.normal(size=(3000, streams)):
        raised = detector.step(state, value, value * 0) >= threshold
        alarms += int(raised.sum())
        state = {name: np.where(raised, 0, kept) for name, kept in state.items()}
    expected = streams * 3000 / 300
    assert 0.01 * expected < alarms <= expected


def test_same_seed_same_thresholds():
    """Nothing but the seed is left to chance."""
    errors = np.random.default_rng(3).normal(size=300)
    found = [thresholds([Cusum()], errors, errors * 0, 1000, seed=s)["cusum"] for s in (0, 0, 1)]
    assert found[0] == found[1] != found[2]


def test_a_statistic_that_never_moves_has_a_threshold():
    """Intervals that were never missed still have a finite threshold above zero."""
    errors = np.random.default_rng(4).normal(size=300)
    found = thresholds([Coverage(0.0, 0.01)], errors, np.zeros(300), 10_000)["coverage"]
    assert found == pytest.approx(1.0) or found > 0

"""A watch over one stream of errors."""

import json

import numpy as np
import pytest

from benchmarks.service.alarms import measured
from foregate import DataError, UsageError
from foregate.monitoring.watch import LEARNED, QUIET, Watch
from tests.monitoring.streams import autoregressive, outside


def alarms(watch, errors, missed=None):
    """(place, detector) of every alarm."""
    missed = outside(errors) if missed is None else missed
    return [(t, a.detector) for t, (e, m) in enumerate(zip(errors, missed, strict=True)) for a in watch.update(e, m)]


def test_calm_streams_are_calm_and_shifts_are_found():
    """Errors that carry on (phi 0.7) raise next to no false alarm, and a shift of 2 sigma is found within 100."""
    found = measured(streams=5, length=4000)
    assert found.rate <= 2.5  # of 20,000 errors: five alarms at most
    assert set(found.false) == {"coverage", "cusum", "page-hinkley", "windows"}
    assert (found.delays < 100).all()


@pytest.mark.slow
def test_false_alarms_and_delay_are_as_promised():
    """200 streams of 10,000 errors: at most one false alarm in 10,000, and 95 % of shifts found within 100."""
    found = measured(streams=200, length=10_000)
    assert found.rate <= 1
    assert (found.delays < 100).mean() >= 0.95


def test_a_watch_goes_on_as_if_it_had_not_stopped():
    """Written as JSON at any moment and read again, it tells the same alarms with the same scores."""
    rng = np.random.default_rng(1)
    before = autoregressive(rng, 1, LEARNED)[0]
    errors = np.append(autoregressive(rng, 1, 150)[0], rng.normal(3, 1, 150))
    whole, parts = Watch(before, outside(before)), Watch(before, outside(before))
    for t, error in enumerate(errors):
        assert whole.update(error, 0) == parts.update(error, 0)
        if t % 37 == 0:
            parts = Watch.resumed(json.loads(json.dumps(parts.state(), allow_nan=False)))
    assert whole.scores == parts.scores
    assert whole.state() == parts.state()


def test_without_a_reference_it_learns_first():
    """It says nothing until it has seen enough errors, and finds a shift afterwards."""
    rng = np.random.default_rng(2)
    watch = Watch()
    assert alarms(watch, rng.normal(size=LEARNED - 1)) == []
    assert watch.learning
    watch = Watch.resumed(json.loads(json.dumps(watch.state())))
    watch.update(0.1, 0)
    assert not watch.learning
    assert alarms(watch, rng.normal(4, 1, size=60))


def test_few_errors_of_the_past_are_the_first_that_it_learns_from():
    """From fewer errors than are needed nothing is told; they count, so that it knows what is usual all the sooner."""
    rng = np.random.default_rng(6)
    errors = rng.normal(size=LEARNED)
    seeded, whole = Watch(errors[:300], outside(errors[:300])), Watch(errors, outside(errors))
    assert alarms(seeded, rng.normal(9, 1, size=50)) == []
    seeded = Watch(errors[:300], outside(errors[:300]))
    assert alarms(seeded, errors[300:]) == []
    assert not seeded.learning
    assert seeded.state()["thresholds"] == whole.state()["thresholds"]


def test_errors_that_never_vary_are_waited_through():
    """A stream of perfect forecasts teaches nothing, breaks nothing, and stays bounded."""
    watch = Watch()
    assert alarms(watch, np.zeros(3 * LEARNED)) == []
    assert watch.learning
    assert len(watch.state()["learning"]) < LEARNED


def test_a_change_is_told_once():
    """A detector that has raised an alarm is silent for a while, so one change is one alarm of each."""
    rng = np.random.default_rng(3)
    before = rng.normal(size=1000)
    told = [name for _, name in alarms(Watch(before, outside(before)), rng.normal(3, 1, size=QUIET))]
    assert told
    assert len(told) == len(set(told))


def test_intervals_that_became_too_narrow_are_found():
    """Where actuals fall outside far more often though errors look as before, coverage is what tells."""
    rng = np.random.default_rng(4)
    before = rng.normal(size=2000)
    watch = Watch(before, (rng.random(2000) < 0.2).astype(float))
    found = alarms(watch, rng.normal(size=300), (rng.random(300) < 0.6).astype(float))
    assert {name for _, name in found} == {"coverage"}


def test_what_is_no_error_is_refused():
    """A missing or infinite error, too short a run and sides that do not match are refused."""
    watch = Watch(np.random.default_rng(5).normal(size=200))
    with pytest.raises(DataError, match="must be a finite number"):
        watch.update(float("nan"), 0)
    with pytest.raises(UsageError, match="every must be"):
        Watch(every=3)
    with pytest.raises(DataError, match="outside must have 200 entries"):
        Watch(np.random.default_rng(5).normal(size=200), np.zeros(3))


def test_unknown_sides_teach_nothing_of_coverage():
    """Where of half of the errors no interval is known, what is usual is what the other half says."""
    rng = np.random.default_rng(8)
    errors, sides = rng.normal(size=(2, LEARNED)), (rng.random(LEARNED) < 0.2).astype(float)
    sides[::2] = np.nan
    watch = Watch.resumed(json.loads(json.dumps(Watch(errors[0, :1]).state())))
    for error, side in zip(errors[1], sides, strict=True):
        watch = Watch.resumed(json.loads(json.dumps(watch.state()))) if np.isnan(side) and watch.learning else watch
        watch.update(error, side)
    (usual,) = (each["usual"] for each in watch.state()["detectors"] if each["name"] == "coverage")
    assert abs(usual - 0.2) < 0.06


def test_errors_too_large_to_square_are_waited_through():
    """Errors whose squares are no numbers teach nothing and break nothing."""
    watch = Watch()
    assert alarms(watch, np.full(2 * LEARNED, 1e250) * np.arange(2 * LEARNED)) == []
    assert watch.learning

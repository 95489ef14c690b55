"""Groups of series, watched."""

import json
from dataclasses import replace

import numpy as np

from foregate import Panel
from foregate.monitoring import reference
from foregate.service.drift.scoring import Error
from foregate.service.drift.watching import Group, encoded, watched

GROUP = Group("m", 1, "")
RNG = np.random.default_rng(0)


def known(n):
    """A version that brings so many errors of its own."""
    panel = Panel.from_arrays(list(RNG.normal(10, 2, (2, 800))), ids=["a", "b"])
    return reference(panel, RNG.normal(0, 1, (2, n)), (RNG.random((2, n)) < 0.2).astype(float))


KNOWN = known(1200)


def errors(values, start=0, series="a", actual=10.0):
    return [
        Error("m", 1, "", series, start + t, actual + float(RNG.normal(0, 2)), float(v), 1.0, float(RNG.random() < 0.2))
        for t, v in enumerate(values)
    ]


def test_errors_are_measured_by_the_reference():
    """Errors like those of the reference raise nothing, whatever their scale; larger ones do."""
    calm = watched(GROUP, errors(RNG.normal(0, 1, 300)), KNOWN, None, 10_000)
    assert calm.alarms == []
    found = watched(GROUP, errors(RNG.normal(3, 1, 60), 300), KNOWN, json.loads(encoded(calm.state)), 10_000)
    assert "cusum" in {told.detector for told in found.alarms}


def test_an_alarm_says_of_when_and_of_which_series_it_is():
    """The time of the actual that raised it, and series that had one then, are told with it."""
    found = watched(GROUP, errors(np.append(RNG.normal(0, 1, 100), RNG.normal(4, 1, 50)), 7000), KNOWN, None, 10_000)
    first = found.alarms[0]
    assert 7100 <= first.time < 7120
    assert first.series == ("a",)


def test_few_errors_of_a_version_are_learnt_from():
    """A version that brings too few errors raises no alarm before enough have come, and needs fewer of these."""
    found = watched(GROUP, errors(RNG.normal(0, 1, 350)), known(600), None, 10_000)
    assert "learning" in found.state["watch"]
    found = watched(GROUP, errors(RNG.normal(0, 1, 51), 350), known(600), json.loads(encoded(found.state)), 10_000)
    assert "learning" not in found.state["watch"]


def test_errors_of_a_version_that_are_all_the_same_are_no_measure():
    """A version that was never wrong where it was made is watched by what comes."""
    same = replace(KNOWN, errors=(0.0,) * 1200)
    assert "learning" in watched(GROUP, errors(RNG.normal(0, 1, 5)), same, None, 10_000).state["watch"]


def test_series_that_the_version_does_not_know_are_left_out():
    """A series that was not there at training has no spread to measure by, and says nothing."""
    found = watched(GROUP, errors(RNG.normal(9, 1, 300), series="new"), KNOWN, None, 10_000)
    assert found.alarms == []
    assert found.state["watch"]["seen"] == 0


def test_many_series_at_one_time_are_one_error():
    """Two series at the same times make one stream, which varies as that of one does."""
    both = errors(RNG.normal(0, 1, 200)) + errors(RNG.normal(0, 1, 200), series="b")
    found = watched(GROUP, both, KNOWN, None, 10_000)
    assert found.state["watch"]["seen"] == 200
    assert found.alarms == []


def test_inputs_that_moved_are_told_once():
    """Actuals at another level are drift of inputs, told when it begins and not again."""
    first = watched(GROUP, errors(np.zeros(200), actual=18.0), KNOWN, None, 10_000)
    assert {told.kind for told in first.alarms} >= {"input"}
    again = watched(GROUP, errors(np.zeros(50), 200, actual=18.0), KNOWN, first.state, 10_000)
    assert "input" not in {told.kind for told in again.alarms}


def test_who_is_champion_again_begins_anew():
    """What detectors of a version saw before it was taken back is no alarm of its new turn; what is usual stays."""
    seen = watched(GROUP, errors(RNG.normal(0.9, 1, 12)), KNOWN, None, 10_000, 1)
    assert max(seen.scores.values()) > 0.2
    state = json.loads(encoded(seen.state))
    on, anew = (watched(GROUP, errors([0.0], 12), KNOWN, state, 10_000, turn) for turn in (1, 2))
    assert anew.scores["cusum"] == 0 < on.scores["cusum"]
    assert anew.state["watch"]["thresholds"] == on.state["watch"]["thresholds"]

"""Forecasts beside what came."""

import json

import numpy as np
import pytest

from foregate.core import Frequency
from foregate.service.drift.scoring import Arrival, Key, Said, score

LEVELS = (0.1, 0.5, 0.9)
HOUR = 3_600_000_000


def said(origin=0, version=1, values=((1, 2, 3), (2, 4, 6)), scale=2.0, made_at=0):
    array = np.asarray(values, "<f4")
    return Said(7, origin, len(array), "m", version, json.dumps(LEVELS), array.tobytes(), scale, made_at)


def came(time, value, freq="1", at=10):
    return Arrival(1, 7, "a", "north", Frequency.parse(freq), time, value, at)


def test_every_error_is_by_the_scale():
    """Error, bias and quantile loss of one step are what pencil and paper give, by the scale of the series."""
    sums, _ = score([came(2, 5.0)], [said()])
    own = sums[Key("m", 1, "north", 2, 0)]
    assert (own.n, own.error, own.bias) == (1, 0.5, -0.5)
    losses = [0.1 * (5 - 2), 0.5 * (5 - 4), 0.1 * (6 - 5)]
    assert own.pinball == pytest.approx(sum(losses) / 3 / 2)
    assert own.covered == {"80": 1}


def test_every_forecast_of_a_time_counts_at_its_own_step():
    """An actual meets all versions and origins that said something of it, each as far ahead as it was."""
    sums, newest = score([came(3, 5.0)], [said(1), said(2), said(2, version=2), said(0), said(3)])
    assert {(key.version, key.step) for key in sums} == {(1, 2), (1, 1), (2, 1)}
    assert {(each.version, each.error) for each in newest} == {(1, -3.0), (2, -3.0)}


def test_what_was_said_afterwards_is_no_forecast():
    """A forecast that was made when the actual was known already does not count."""
    assert score([came(2, 5.0, at=10)], [said(made_at=11)]) == ({}, [])


def test_times_between_two_steps_meet_nothing():
    """An actual that lies between two steps of a forecast is not compared with either."""
    assert score([came(HOUR + 5, 5.0, "h")], [said()]) == ({}, [])
    assert len(score([came(2 * HOUR, 5.0, "h")], [said()])[1]) == 1


@pytest.mark.parametrize(
    ("freq", "origin", "time"), [("MS", "2024-01-31", "2024-02-29"), ("B", "2024-05-31", "2024-06-04")]
)
def test_calendars_are_counted(freq, origin, time):
    """Months and working days are steps of unequal length."""
    first, then = (int(np.datetime64(day, "us").astype(np.int64)) for day in (origin, time))
    sums, _ = score([came(then, 5.0, freq)], [said(first)])
    assert [key.step for key in sums] == [1 if freq == "MS" else 2]


def test_without_a_scale_only_drift_hears_of_it():
    """Where nothing is known to divide by, no sum is made, and the error is still told in the units of the data."""
    sums, newest = score([came(1, 5.0)], [said(scale=None)])
    assert sums == {}
    assert newest[0].error == -3.0


def test_outside_is_told_of_the_interval_of_80_percent():
    """The newest forecast's interval tells whether the actual lay outside."""
    assert [score([came(1, y)], [said()])[1][0].outside for y in (0.5, 1.0, 3.0, 3.5)] == [1, 0, 0, 1]

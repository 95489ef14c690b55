"""Forecasts beside what came."""

import json
from collections import defaultdict

import numpy as np
import pytest

from foregate.core import Frequency
from foregate.service.drift.scoring import Arrival, Key, Said, score
from foregate.service.times import steps_between

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


def plainly(arrivals, forecasts):
    """The same sums and errors, one pair after another."""
    sums, nearest = defaultdict(lambda: [0, 0.0, 0.0, 0.0, 0]), {}
    for arrival in arrivals:
        for said in forecasts:
            step = steps_between(said.origin, arrival.time, arrival.freq)
            reached = step is not None and 0 < step <= said.horizon and said.made_at <= arrival.at
            if said.series != arrival.series or not reached:
                continue
            levels = json.loads(said.quantiles)
            values = np.frombuffer(said.values, "<f4").reshape(said.horizon, -1)[step - 1].tolist()
            off, y = values[len(levels) // 2] - arrival.value, arrival.value
            losses = [max(q * (y - v), (q - 1) * (y - v)) for q, v in zip(levels, values, strict=True)]
            named = arrival.id, said.model, said.version
            nearest[named] = min(nearest.get(named, (step, off)), (step, off))
            if said.scale:
                held = sums[Key(said.model, said.version, arrival.segment, step, arrival.at // 86_400_000_000)]
                added = 1, abs(off) / said.scale, off / said.scale, sum(losses) / len(losses) / said.scale
                held[:] = [*(old + new for old, new in zip(held, (*added, values[0] <= y <= values[-1]), strict=True))]
    return dict(sums), nearest


@pytest.mark.parametrize("freq", ["1", "h", "MS"])
def test_many_at_once_are_what_each_alone_gives(freq):
    """Sums and errors of many actuals, series, versions and kinds of forecasts are what pair after pair gives."""
    rng = np.random.default_rng(3)
    unit = Frequency.parse(freq)
    start = np.zeros(1, np.int64 if unit.is_integer else "datetime64[us]")
    grid = unit.shift(start, np.arange(30)).astype(np.int64)
    made = {}
    for _ in range(60):
        levels = [(0.1, 0.5, 0.9), (0.05, 0.25, 0.5, 0.75, 0.95)][rng.integers(2)]
        values = np.sort(rng.normal(size=(rng.integers(1, 9), len(levels)))).astype("<f4")
        version, scale = int(rng.integers(1, 3)), [2.0, None, 0.5][rng.integers(3)]
        at = int(rng.integers(20))
        origin, series = int(grid[rng.integers(20)]), int(rng.integers(3))
        said = Said(series, origin, len(values), "m", version, json.dumps(levels), values.tobytes(), scale, at)
        made[series, origin, version] = said
    arrivals = [
        Arrival(i, int(s), "abc"[s], "xyx"[s], unit, int(grid[rng.integers(25)]) + int(rng.random() < 0.1), v, at)
        for i, (s, v, at) in enumerate(zip(rng.integers(0, 4, 50) % 3, rng.normal(size=50), range(50), strict=True))
    ]
    sums, newest = score(arrivals, list(made.values()))
    expected, nearest = plainly(arrivals, made.values())
    for version in (1, 2):
        offs = sorted(off for (_, _, number), (_, off) in nearest.items() if number == version)
        assert sorted(each.error for each in newest if each.version == version) == pytest.approx(offs)
        assert offs
    assert sums.keys() == expected.keys()
    for key, own in sums.items():
        n, *others, inside = expected[key]
        assert (own.n, sum(v for level, v in own.covered.items() if level in {"80", "90"})) == (n, inside)
        assert [own.error, own.bias, own.pinball] == pytest.approx(others)
        assert len(own.sizes) == n

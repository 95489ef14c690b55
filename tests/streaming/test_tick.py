"""Laws of a tick, the next observation of each of many series: it is read as by the longer way, whatever holds it."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

import foregate.streaming.carried as carried_module
from foregate.core import DataError, FrameSpec
from foregate.streaming.live import Live
from foregate.streaming.roster import Roster
from foregate.streaming.tick import tick
from tests.streaming.obvious import obvious

START = dt.datetime(2024, 2, 28, 5)
FREQS = {"h": lambda t: START + t * dt.timedelta(hours=1), 2: lambda t: 5 + 2 * t}
WAYS = {
    "lists": lambda columns: columns,
    "tuples": lambda columns: {name: tuple(column) for name, column in columns.items()},
    "rows": lambda columns: [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)],
    "arrays": lambda columns: {
        "unique_id": np.array(columns["unique_id"]),
        "ds": np.array(columns["ds"], "datetime64[ms]" if isinstance(columns["ds"][0], dt.datetime) else np.int32),
        "y": np.array(columns["y"], np.float64),
    },
    "polars": lambda columns: pl.DataFrame(columns, strict=False),
}


def columns_of(names, time, values):
    return {
        "unique_id": list(names),
        "ds": [time] * len(names),
        "y": [None if np.isnan(value) else float(value) for value in values],
    }


@pytest.fixture
def counted(monkeypatch):
    """How many calls of a live forecaster's `update` went the short way, and how many did not."""
    ways = []

    def watched(*given):
        ways.append((given[-1], tick(*given)))
        return ways[-1][1]

    monkeypatch.setattr(carried_module, "tick", watched)

    def told(live):
        own = [way is not None for state, way in ways if state is live._carried.state]
        return sum(own), len(own) - sum(own)

    return told


@pytest.mark.parametrize("way", list(WAYS))
@pytest.mark.parametrize("freq", list(FREQS))
@pytest.mark.parametrize("watched", [False, True])
def test_a_tick_is_what_its_observations_are(way, freq, watched, counted):
    """In whatever it comes, with missing values, zeros, and series that turn negative, watched or not."""
    model, rng = obvious((3, 7)), np.random.default_rng(3)
    live, other = Live(model, freq=freq), Live(model, freq=freq)
    if watched:
        for each in (live, other):
            each.watch(3)
    names = ["a", "b", "c", "d"]
    for t in range(30):
        values = rng.lognormal(1, 0.5, 4) * np.array([1, 1, rng.random() < 0.7, 1])
        values[3] -= 0 if t < 15 else 5
        values[rng.random(4) < 0.15] = np.nan
        values = values if t else np.ones(4)
        columns = columns_of(names, FREQS[freq](t), values)
        assert live.update(WAYS[way](columns)) == _one_by_one(other, columns)
        names = names if t < 9 else rng.permutation(names).tolist()
    assert counted(live) == (29, 1)
    said, expected = (each.forecast(level=80, ids=list("abcd")) for each in (live, other))
    np.testing.assert_array_equal(said.times, expected.times)
    np.testing.assert_allclose(said.values, expected.values, rtol=2e-5, atol=1e-5)
    if watched:
        ours, theirs = (each.scores() for each in (live, other))
        for name in ours.columns[1:]:
            np.testing.assert_allclose(ours[name].to_numpy(), theirs[name].to_numpy(), rtol=1e-4, atol=1e-4)


def _one_by_one(live, columns):
    """Read row by row; what is told of them together."""
    told = [live.update(dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)]
    ids, new = (tuple(name for each in told for name in getattr(each, part)) for part in ("ids", "new"))
    return type(told[0])(ids, new, len(told), 0, 0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"y": [1.0, "3"]},
        {"y": [1.0, True]},
        {"y": [1.0, np.inf]},
        {"y": [1.0, -(10**400)]},
        {"y": [[1.0], [2.0]]},
        {"y": np.array([1.0, 1e300])},
        {"ds": [20, 19]},
        {"ds": [20, 20.5]},
        {"ds": [20, None]},
        {"ds": [20, 2**70]},
        {"unique_id": ["a", None]},
        {"unique_id": ["a", ""]},
        {"unique_id": ["a", "a"], "y": [1.0, 2.0]},
    ],
)
def test_what_is_wrong_is_refused_and_changes_nothing(wrong):
    """Whatever is odd takes the longer way, which says what is wrong with it."""
    live = Live(obvious())
    for t in range(20):
        live.update({"unique_id": ["a", "b"], "ds": [t, t], "y": [3.0 + t % 3, 4.0]})
    before, given = live.snapshot(), {"unique_id": ["a", "b"], "ds": [20, 20], "y": [1.0, 2.0]} | wrong
    assert tick(given, live.spec, live._carried.roster, live._carried.state) is None
    with pytest.raises(DataError):
        live.update(WAYS["rows"](given))
    assert live.snapshot() == before


def test_what_is_not_next_of_each_takes_the_longer_way(counted):
    """New series, repeats, gaps, several rows of a series and rows without a name."""
    live = Live(obvious())
    assert live.update({"unique_id": ["a", "b"], "ds": [0, 0], "y": [1, 2]}).new == ("a", "b")
    assert live.update({"unique_id": ["a", "b"], "ds": [0, 1], "y": [1, 2]}).repeated == 1
    assert live.update({"unique_id": ["a", "b"], "ds": [3, 2], "y": [1, 2]}).skipped == 2
    assert live.update({"unique_id": ["a", "a"], "ds": [4, 5], "y": [1, 2]}).read == 2
    assert live.update({"unique_id": ["a", "c"], "ds": [6, 0], "y": [1, 2]}).new == ("c",)
    assert counted(live) == (0, 5)
    assert live.update({"unique_id": ["a", "b"], "ds": [7, 3], "y": [1, 2]}).read == 2
    assert counted(live) == (1, 5)


def test_counts_are_checked():
    """A model of counts is told no other numbers by a tick either."""
    live = Live(obvious(plain=True))
    for t in range(5):
        live.update({"unique_id": ["a", "b"], "ds": [t, t], "y": [t, 2]})
    with pytest.raises(DataError, match="whole numbers"):
        live.update({"unique_id": ["a", "b"], "ds": [5, 5], "y": [1.5, 2]})


def test_what_is_no_tick_is_left_alone():
    """Other kinds of rows, and times that need a zone."""
    live = Live(obvious(), freq="h")
    live.update({"unique_id": ["a"], "ds": [FREQS["h"](0)], "y": [1.0]})
    for other in (5, "a", [], [5], {}, {"unique_id": "a", "ds": FREQS["h"](1), "y": 1.0}, {"ds": [1], "y": [2]}):
        assert tick(other, live.spec, live._carried.roster, live._carried.state) is None
    zoned = pl.DataFrame({"unique_id": ["a"], "ds": [FREQS["h"](1).replace(tzinfo=dt.UTC)], "y": [1.0]})
    assert tick(zoned, live.spec, live._carried.roster, live._carried.state) is None
    assert live.update(zoned).read == 1
    assert tick([], FrameSpec(time_unit="step"), Roster(live.freq), live._carried.state) is None

"""Laws of the short way that single observations take: nobody can tell it from the long one but by the clock."""

import datetime as dt
from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foregate.core import DataError, FrameSpec, Frequency, Panel
from foregate.data.clock import Clock
from foregate.streaming.live import Live
from foregate.streaming.one import one
from tests.streaming.models import series
from tests.streaming.obvious import LEVELS, Silent, obvious

SEASONS = [(1, 1), (3, 1), (3, 7), (24, 168)]
ASKED = (0.02, 0.1, 0.25, 0.5, 0.77, 0.95)
CLOCK = Clock.of(1 / 24, 7.0)
START = dt.datetime(2024, 2, 28, 5)
FREQS = {"h": lambda t: START + t * dt.timedelta(hours=1), 2: lambda t: 5 + 2 * t}


def twins(model, freq):
    """A live forecaster that may take the short way, and one that never does."""
    return Live(model, freq=freq), Live(replace(model, engine=Silent(model.engine)), freq=freq)


def same(one_of, other, **options):
    """Equal within 1e-5 of what is forecast, or of how far a series moves."""
    said, expected = (live.forecast(quantiles=ASKED, **options) for live in (one_of, other))
    np.testing.assert_array_equal(said.ids, expected.ids)
    np.testing.assert_array_equal(said.times, expected.times)
    np.testing.assert_array_equal(said.cutoffs, expected.cutoffs)
    assert (said.notes, said.quantiles) == (expected.notes, expected.quantiles)
    assert said.values.dtype == expected.values.dtype
    size = np.abs(expected.values).max((1, 2), keepdims=True)
    assert np.all(np.abs(said.values - expected.values) <= 1e-5 * size), np.abs(said.values / expected.values - 1).max()
    assert np.all(np.diff(said.values, axis=-1) >= 0)


def count(live):
    """How many rows take the short way from now on."""
    taken, read = [], live._speaker.quick.read
    live._speaker.quick.read = lambda *given: taken.append(read(*given)) or taken[-1]
    return taken


@settings(max_examples=50, deadline=None)
@given(
    st.lists(series, min_size=1, max_size=3),
    st.sampled_from(SEASONS),
    st.sampled_from(list(FREQS)),
    st.booleans(),
    st.integers(0, 9999),
)
def test_the_short_way_leads_where_the_long_one_does(histories, seasons, freq, told, seed):
    """Series in turn, with gaps, missing values, changes of sign, constant stretches and snapshots in between."""
    model, rng = obvious(seasons, clock=CLOCK if told and freq == "h" else None), np.random.default_rng(seed)
    live, other = twins(model, freq)
    left = {name: list(enumerate(map(float, history))) for name, history in zip("abc", histories, strict=False)}
    while any(left.values()):
        name = rng.choice([name for name, rows in left.items() if rows])
        t, y = left[name].pop(0)
        if left[name] and rng.random() < 0.1:
            continue  # nobody ever tells
        row = {"unique_id": str(name), "ds": FREQS[freq](t), "y": None if np.isnan(y) and rng.random() < 0.5 else y}
        assert live.update(row) == other.update(row)
        chance = rng.random()
        if chance < 0.1:
            live = Live.restore(model, live.snapshot())
        elif chance < 0.2:
            live = live.fork()
        elif chance < 0.3 and live._carried.state.seen(np.arange(len(live))).all():
            same(live, other, ids=str(name), horizon=int(rng.integers(1, 30)))
    if live._carried.state.seen(np.arange(len(live))).any():
        same(live, other)
        for name in live.ids:
            if live._carried.state.seen(live._carried.roster.known(name)).all():
                same(live, other, ids=name)


@pytest.mark.parametrize("seasons", [(3, 1), (24, 168)])
@pytest.mark.parametrize("make", ["level", "changing", "counts", "large", "tiny"])
def test_long_streams_stay_together(seasons, make):
    """After hundreds of rows, at every tenth of which both say the same, nearly all of them took the short way."""
    rng, n = np.random.default_rng(3), 260
    wave = 10 + np.sin(np.arange(n) / 3.7) * 3 + rng.normal(0, 0.5, n)
    y = {
        "level": wave,
        "changing": np.where(np.arange(n) < 150, wave, wave - 9),
        "counts": rng.poisson(0.7, n) * (np.arange(n) // 60 % 2),
        "large": 1e6 + wave,
        "tiny": wave * 1e-12,
    }[make].astype(float)
    y[rng.random(n) < 0.05] = np.nan
    y[0] = 1e-12 if make == "tiny" else 5.0
    live, other = twins(obvious(seasons), 1)
    taken = count(live)
    for t, value in enumerate(y):
        row = {"unique_id": "a", "ds": t, "y": value}
        live.update(row)
        other.update(row)
        if t % 37 == 36:
            same(live, other)
            same(live, other, horizon=200)
    assert sum(taken) >= n - 2


@pytest.mark.parametrize("built", [{"encoder": "stacked"}, {"layers": 1}, {"layers": 3}, {"head": "gaussian"}])
def test_other_networks(built):
    """Stacked layers, one or three of them, and heads of distributions."""
    live, other = twins(obvious(**built), 1)
    taken = count(live)
    for t in range(40):
        row = {"unique_id": "a", "ds": t, "y": 3 + t % 3 + 0.1 * t}
        live.update(row)
        other.update(row)
        if t > 3:
            same(live, other)
    assert sum(taken) == 39


def test_counts():
    """To a model of counts, others are refused on the short way too, and nothing is changed."""
    live, other = twins(obvious(plain=True), 1)
    for t in range(20):
        for each in (live, other):
            each.update({"unique_id": "a", "ds": t, "y": t % 4})
    before = live.snapshot()
    for wrong in (2.5, -1.0):
        with pytest.raises(DataError, match="whole numbers"):
            live.update({"unique_id": "a", "ds": 20, "y": wrong})
    assert live.snapshot() == before
    same(live, other)


@pytest.mark.parametrize(
    "wrong",
    [
        {"y": "3"},
        {"y": True},
        {"y": np.inf},
        {"y": 1e39},
        {"ds": 19},
        {"ds": 20.5},
        {"ds": "then"},
        {"ds": True},
        {"ds": None},
        {"ds": 2**63},
        {"unique_id": True},
        {"unique_id": ""},
    ],
)
def test_what_is_wrong_is_refused_and_changes_nothing(wrong):
    """Whatever is odd takes the long way, which says what is wrong with it."""
    live = Live(obvious())
    for t in range(20):
        live.update({"unique_id": "a", "ds": t, "y": 3 + t % 3})
    before = live.snapshot()
    with pytest.raises(DataError):
        live.update({"unique_id": "a", "ds": 20, "y": 1.0} | wrong)
    assert live.snapshot() == before


def test_repeats_gaps_and_new_series_take_the_long_way():
    """They are told as ever."""
    live = Live(obvious())
    for t in range(9):
        live.update({"unique_id": "a", "ds": t, "y": 3})
    assert live.update({"unique_id": "a", "ds": 8, "y": 3}).repeated == 1
    assert live.update({"unique_id": "a", "ds": 11, "y": 3}).skipped == 2
    assert live.update({"unique_id": "b", "ds": 11, "y": 3}).new == ("b",)
    assert live.update({"unique_id": "a", "ds": 12, "y": 3}).read == 1
    assert live.ids == ("a", "b")


def test_nothing_grows_and_no_fork_is_disturbed():
    """The state keeps its size; a fork does not see what the original reads afterwards."""
    live = Live(obvious())
    for t in range(300):
        live.update({"unique_id": "a", "ds": t, "y": 3 + t % 5})
        if t == 50:
            sizes = {name: array.nbytes for name, array in live._carried.state.arrays.items()}
        if t == 150:
            fork = live.fork()
            said = fork.forecast(quantiles=LEVELS).values
        for horizon in range(1, 4):
            live.forecast(horizon) if t > 3 else None
    assert {name: array.nbytes for name, array in live._carried.state.arrays.items()} == sizes
    assert len(live._speaker.quick._plans) <= 4
    np.testing.assert_array_equal(fork.forecast(quantiles=LEVELS).values, said)


def test_the_batch_forecast_is_the_same():
    """After a stream of single rows, the forecast is that of one pass over all of them."""
    model, rng = obvious((24, 168)), np.random.default_rng(1)
    y = 20 + 5 * np.sin(np.arange(600) * 2 * np.pi / 24) + rng.normal(0, 1, 600)
    y[rng.random(600) < 0.03] = np.nan
    live = Live(model)
    for t, value in enumerate(y):
        live.update({"unique_id": "a", "ds": t, "y": value})
    expected = model.forecast(Panel.from_arrays([y], ids=["a"]), 30, ASKED).values
    np.testing.assert_allclose(live.forecast(30, quantiles=ASKED).values, expected, rtol=1e-5)


@pytest.mark.parametrize("freq", ["15min", "D", "B", "MS", "ME", "W"])
def test_times_of_every_kind(freq):
    """Datetimes, text and numpy's times, on grids of any kind, with a zone and without."""
    live, step = Live(obvious(), freq=freq), Frequency.parse(freq)
    taken = count(live)
    start = np.datetime64("2024-01-31" if freq == "ME" else "2024-01-01", "us")
    for t in range(60):
        time = step.shift(start, np.int64(t))[()]
        ways = [time.item(), str(time), f"{time}Z", time.item().replace(tzinfo=dt.UTC)]
        ways.append(time.item().replace(tzinfo=dt.UTC).astimezone(ZoneInfo("Asia/Tokyo")))
        live.update({"ds": ways[t % len(ways)], "y": t % 4 + 1})
    assert sum(taken) == 59
    assert live.expected()[0] == step.shift(start, 60)


def test_what_is_no_single_observation_is_left_alone():
    """Several rows, other kinds of numbers and times by a clock on the wall are for others to read."""
    steps, days = FrameSpec(time_unit="step"), FrameSpec(wall_clock=True, time_zone="Europe/Berlin")
    row = {"unique_id": "a", "ds": 3, "y": 1.0}
    for other in ([row], row | {"y": np.float32(1)}, {"ds": 3}, row | {"unique_id": 5}, row | {"ds": np.int64(3)}, 5):
        assert one(other, steps, lambda: None) is None
    assert one({"ds": "2024-01-01T00:00Z", "y": 1}, days, lambda: "a") is None
    assert one({"ds": 3, "y": 0.1}, steps, lambda: "a").value == np.float32(0.1)


@pytest.mark.parametrize("time", ["0001-01-01T00:00+14:00", "9999-12-31T23:59-12:00", "2024-13-01", "", 5, None, True])
@pytest.mark.parametrize("value", [1.0, 10**400])
def test_times_that_there_are_not_take_the_long_way(time, value):
    """Which refuses them, also at the ends of the calendar and beside numbers that no float holds."""
    live = Live(obvious(), freq="h")
    for t in range(9):
        live.update({"unique_id": "a", "ds": FREQS["h"](t), "y": 3})
    before = live.snapshot()
    with pytest.raises(DataError):
        live.update({"unique_id": "a", "ds": time, "y": value})
    assert live.snapshot() == before

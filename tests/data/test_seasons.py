"""Laws of `foregate.data.seasons`."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foregate.core import DataError, Panel, UsageError
from foregate.data.seasons import find_seasons, moving_average, season_evidence

DATA = Path(os.environ.get("FOREGATE_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))


def seasonal(length: int, cycles: int, noise: float, series: int = 1, seed: int = 0) -> list[np.ndarray]:
    """Series with a random profile of `length`, a random walk for a level, and noise relative to the profile."""
    rng = np.random.default_rng(seed)
    n = length * cycles
    profile = np.tile(rng.normal(size=(series, length)), cycles)
    level = rng.normal(size=(series, n)).cumsum(1) * 0.1
    return list(50 + profile + level + noise * rng.normal(size=(series, n)))


@given(st.integers(4, 30), st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_a_clear_season_is_found_without_a_calendar(length, seed):
    """A profile repeated twelve times under half as much noise is found from the data alone."""
    assert find_seasons(Panel.from_arrays(seasonal(length, 12, 0.5, series=4, seed=seed), freq=1)) == (length,)


@pytest.mark.parametrize(("freq", "season"), [("MS", 12), ("QS", 4), ("D", 7), ("h", 24), ("W", 52), ("30min", 48)])
def test_the_season_of_the_calendar_is_found_when_the_data_shows_it(freq, season):
    """Every frequency's first season is found in one series of six cycles."""
    assert find_seasons(Panel.from_arrays(seasonal(season, 6, 0.5), freq=freq)) == (season,)


@pytest.mark.parametrize("freq", [1, "h"])
def test_a_week_on_top_of_a_day_is_found_and_a_day_alone_makes_no_week(freq):
    """The longer season needs evidence beyond the shorter one, of which it is a multiple."""
    rng = np.random.default_rng(3)
    day, week = np.tile(rng.normal(size=24), 70), np.tile(np.repeat(rng.normal(size=7), 24), 10)
    noise = rng.normal(size=1680) / 4
    assert find_seasons(Panel.from_arrays([day + week + noise], freq=freq)) == (24, 168)
    assert find_seasons(Panel.from_arrays([day + noise], freq=freq)) == (24,)
    assert find_seasons(Panel.from_arrays([day + week + noise], freq=freq), at_most=1) == (24,)
    assert find_seasons(Panel.from_arrays([day + week + noise], freq=freq), at_most=0) == ()


@pytest.mark.parametrize("kind", ["noise", "walk", "walks that move together", "counts"])
def test_false_alarms_are_rare(kind):
    """Series without a season show one in less than two of a hundred panels."""
    rng = np.random.default_rng(11)

    def draw(n: int) -> list[np.ndarray]:
        steps = rng.normal(size=(4, n))
        if kind == "noise":
            return list(steps)
        if kind == "counts":
            return list(rng.poisson(0.5, (4, n)).astype(float))
        return list((steps if kind == "walk" else steps[:1] + 0.1 * steps).cumsum(1))

    cases = [(1, 300), ("MS", 200), ("h", 800), ("D", 500)] * 15
    alarms = sum(bool(find_seasons(Panel.from_arrays(draw(n), freq=freq))) for freq, n in cases)
    assert alarms <= 2


def test_a_short_panel_keeps_the_season_of_the_calendar():
    """With three noisy years of months nothing can be refuted: twelve is assumed; with two it is too short to say."""
    found = season_evidence(Panel.from_arrays([np.sin(np.arange(36) * np.pi / 6)], freq="MS"))
    assert [(e.length, e.verdict) for e in found] == [(12, "assumed")]
    found = season_evidence(Panel.from_arrays([np.sin(np.arange(20) * np.pi / 6)], freq="MS"))
    assert [(e.length, e.verdict) for e in found] == [(12, "too short")]


def test_missing_values_change_no_verdict_and_are_never_read():
    """A third of the values missing leaves the season found; what lies under the mask plays no part."""
    rng = np.random.default_rng(5)
    panel = Panel.from_arrays(seasonal(24, 20, 0.5, series=3), freq="h")
    hidden = replace(panel, mask=rng.random(len(panel.values)) > 0.33)
    assert find_seasons(hidden) == (24,)
    other = replace(hidden, values=np.where(hidden.mask, hidden.values, 1e9).astype(np.float32))
    assert season_evidence(other) == season_evidence(hidden)


@given(st.floats(0.001, 1000), st.floats(-1000, 1000))
@settings(max_examples=25, deadline=None)
def test_units_play_no_part(scale, shift):
    """Scaling and shifting a series leaves its seasons as they are."""
    y = seasonal(12, 8, 0.7)[0]
    assert find_seasons(Panel.from_arrays([y * scale + shift], freq="MS")) == (12,)


def test_a_spike_decides_nothing():
    """Two huge values one season apart make no season."""
    y = np.random.default_rng(1).normal(size=400)
    y[[100, 112]] = 1e5
    assert find_seasons(Panel.from_arrays([y], freq="MS")) == ()


@pytest.mark.parametrize("series", [[np.zeros(0)], [np.ones(1)], [np.full(50, 7.0)], [np.full(50, np.nan)]])
def test_nothing_to_see_gives_no_season(series):
    """Empty, single, constant and unobserved series show none, at any frequency."""
    assert find_seasons(Panel.from_arrays(series, freq=1)) == ()
    assert not any(e.verdict == "shown" for e in season_evidence(Panel.from_arrays(series, freq="MS")))


def test_impossible_questions_are_refused():
    """A negative number of seasons and a panel without frequency get a sentence with the fix."""
    panel = Panel.from_arrays([np.arange(10.0)], freq="h")
    with pytest.raises(UsageError, match=r"at_most must be 0 or more, but got -1\. Give 2"):
        find_seasons(panel, at_most=-1)
    with pytest.raises(DataError, match="freq must be known"):
        find_seasons(replace(panel, freq=None))


@given(st.integers(1, 9), st.integers(1, 30))
@settings(max_examples=25, deadline=None)
def test_the_moving_average_is_the_mean_over_its_window(length, steps):
    """In the middle it equals the textbook average, at the ends the mean of what there is; a constant stays itself."""
    y = np.random.default_rng(steps).normal(size=(2, steps))
    seen = np.ones(y.shape, bool)
    average = moving_average(y, seen, length)
    assert np.allclose(moving_average(np.full((1, steps), 3.0), seen[:1], length), 3.0)
    half = length // 2
    weights = np.full(2 * half + 1, 1.0)
    weights[[0, -1]] = 1.0 if length % 2 else 0.5
    for t in range(half, steps - half):
        assert np.allclose(average[:, t], y[:, t - half : t + half + 1] @ weights / weights.sum())


@pytest.mark.skipif(not DATA.is_dir(), reason=f"the real data sets are not in {DATA}")
@pytest.mark.parametrize(
    ("name", "freq", "seasons"),
    [("m4_hourly", 1, (24, 168)), ("air_passengers", "MS", (12,)), ("nn5_daily", "D", (7,)), ("stocks_gafa", 1, ())],
)
def test_real_series_show_the_seasons_they_are_known_for(name, freq, seasons):
    """Hourly competition data has days and weeks, stock prices have none."""
    polars = pytest.importorskip("polars")
    table = polars.read_parquet(DATA / name / "train.parquet").sort("unique_id", "ds")
    series = [part["y"].to_numpy().astype(float) for part in table.partition_by("unique_id", maintain_order=True)]
    assert find_seasons(Panel.from_arrays(series, freq=freq)) == seasons

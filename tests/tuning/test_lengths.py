"""Laws of `foregate.tuning.lengths`."""

from itertools import pairwise

import numpy as np
import pytest

from foregate.core import Frequency, Panel
from foregate.data import season_evidence
from foregate.data.dependence import lag_evidence
from foregate.models.options import ModelOptions
from foregate.tuning.lengths import Way, candidates, combined, rule_of_thumb, usual_lookback, ways_of
from tests.data.test_dependence import autoregression, bent
from tests.tuning.materials import noisy, weekly


def answered(panel):
    return {way.name: way for way in ways_of(panel, lag_evidence(panel), season_evidence(panel))}


@pytest.mark.parametrize("seasons", [(), (7,), (24, 168), (365,)])
def test_the_usual_length_is_that_of_a_model(seasons):
    """What is called usual is what a windowed model has where nobody says how long."""
    pair = (*seasons, 1, 1)[:2]
    assert usual_lookback(seasons) == ModelOptions.parse("windowed").resolve(None, pair, 1).rows_back


@pytest.mark.parametrize(
    ("freq", "rows"),
    [("h", (168, 336)), ("30min", (48, 96)), ("D", (28, 56)), ("W", (52, 104)), ("MS", (24, 36)), ("QE", (8, 16))],
)
def test_custom_goes_by_the_frequency(freq, rows):
    """Weeks of hours, days of half hours, weeks of days, years of weeks, months and quarters."""
    assert rule_of_thumb(Frequency.parse(freq))[0] == rows


@pytest.mark.parametrize("freq", [1, "s", "2W", "5MS"])
def test_custom_has_no_rule_for_every_step(freq):
    """Where there is no rule, none is made up."""
    assert rule_of_thumb(Frequency.parse(freq)) is None


def test_noise_asks_for_nothing():
    """White noise: no way asks for rows, and the length is the usual one, which is said to be no better."""
    panel = noisy()
    ways = ways_of(panel, lag_evidence(panel), season_evidence(panel))
    assert not any(way.rows for way in ways)
    rows, reason = combined(panel, ways, ())
    assert rows == usual_lookback(())
    assert "no lag matters" in reason


def test_an_autoregression_asks_for_its_order():
    """Partial autocorrelation decides; autocorrelation reaches further, since it hands on, and does not."""
    panel = Panel.from_arrays([autoregression((0.3, 0.2, 0.35), 1500, 2)], freq=1)
    found = answered(panel)
    assert found["partial autocorrelation"].rows == 3
    assert found["autocorrelation"].rows > 3
    assert combined(panel, tuple(found.values()), ())[0] == 3


def test_bent_dependence_decides_by_information():
    """Where no correlation shows a lag, mutual information does, and says so."""
    panel = Panel.from_arrays([bent(900, 1)], freq=1)
    way = answered(panel)["mutual information"]
    assert way.decides
    assert way.rows >= 3
    assert "not along a line" in way.reason
    assert combined(panel, tuple(answered(panel).values()), ())[0] == way.rows


def test_a_season_asks_for_two_of_it():
    """Days with a weekly profile: fourteen rows."""
    assert answered(weekly())["seasonality"].rows == 14


def test_changes_need_one_row_more():
    """What is found in the changes of a walk needs the value before the first of them."""
    steps = autoregression((0, 0.6), 1200, 0)
    found = answered(Panel.from_arrays([np.cumsum(steps)], freq=1))
    assert found["partial autocorrelation"].rows == 3
    assert "wander" in found["partial autocorrelation"].reason


def test_short_data_goes_by_custom():
    """Eleven days: nothing can tell, so custom says four weeks, of which there is room for a third of the rows."""
    panel = Panel.from_arrays([np.arange(11.0) % 3], freq="D")
    ways = ways_of(panel, None, season_evidence(panel))
    custom = next(way for way in ways if way.name == "rule of thumb")
    assert custom.decides
    assert "custom" in custom.reason
    assert combined(panel, ways, ())[0] <= 28


def test_a_length_fits_the_series():
    """What is asked for beyond a third of a middling series is cut to it, and said so."""
    panel = weekly(rows=60)
    rows, reason = combined(panel, (Way("seasonality", 730, "", decides=True),), (365,))
    assert rows == 20
    assert "a third of a middling series is 20" in reason


def test_candidates_differ_and_fit():
    """The most wanted comes first, all differ by a third and fit, and there are five at most."""
    panel = weekly(rows=300)
    ways = tuple(Way(str(rows), rows, "") for rows in (1, 13, 14, 40, 99, 150, 7))
    found = candidates(panel, ways, 14, 7)
    assert found[0] == 14
    assert len(found) <= 5
    assert all(2 <= rows <= 100 for rows in found)
    ordered = sorted(found)
    assert all(b >= 1.3 * a for a, b in pairwise(ordered))

"""Laws of `foregate.tuning.charts`."""

from dataclasses import replace
from html import escape

import numpy as np
import pytest

from foregate.core import UsageError
from foregate.tuning import range_test, suggest
from foregate.tuning.charts import draw_lags, draw_lookbacks, draw_rates, in_words, page_of, pictures
from foregate.tuning.lookbacks import LookbackScore
from tests.tuning.materials import weekly

SCORES = (LookbackScore("14 rows", 14, 0.8, 0, 0, 9, 1), LookbackScore("carried", None, 0.9, 0.1, 0.05, 9, 1))
RATES = range_test(lambda rate: 1 / (1 + 100 * rate) + 9 * rate)
FOUND = replace(suggest(weekly(), 7, train=False), scores=SCORES, rates=RATES)


def test_every_lag_is_a_point():
    """Those outside the band and those inside are two sets of points, which together are the curve."""
    curve = FOUND.lags.partial
    points = [line.get_xydata() for line in draw_lags(curve).axes[0].get_lines() if len(line.get_xdata()) > 2]
    drawn = np.concatenate(points)
    np.testing.assert_allclose(drawn[np.argsort(drawn[:, 0])], np.c_[curve.lags, curve.values])
    assert len(points[1]) == len(curve.shown)


def test_lengths_stand_beside_one_another():
    """One place per candidate, in order of the length; without any there is no picture."""
    axes = draw_lookbacks(SCORES).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["14 rows", "carried"]  # from below
    with pytest.raises(UsageError, match="scores must hold at least one"):
        draw_lookbacks(())


def test_the_suggested_rate_is_marked():
    """The suggestion is one of the lines, on a logarithmic axis."""
    axes = draw_rates(RATES).axes[0]
    assert axes.get_xscale() == "log"
    assert RATES.suggestion in {line.get_xdata()[0] for line in axes.get_lines() if len(set(line.get_xdata())) == 1}


def test_pictures_are_told_in_words():
    """Each says what it shows: lags outside the band, the suggestion, the errors."""
    told = {name: words for name, (_, words) in pictures(FOUND).items()}
    assert list(told) == [
        "autocorrelation",
        "partial_autocorrelation",
        "mutual_information",
        "lookbacks",
        "rates",
    ]
    assert "outside the band of chance: " in told["autocorrelation"]
    assert "14 rows 0.8" in told["lookbacks"]
    assert f"{RATES.suggestion:.1e}" in in_words(RATES)


def test_the_page_needs_nothing_else():
    """Every picture has a text alternative and the table behind it; nothing is loaded, and text is escaped."""
    page = page_of(FOUND, "<sales>")
    drawn = page.count('<svg viewBox="0 0 1050'), page.count('<svg viewBox="0 0 420')
    assert drawn == (5, 5)  # for a wide page and for a phone
    assert page.count("<title id=") == 10
    assert page.count("<summary>Numbers") == 5
    assert "&lt;sales&gt;" in page
    assert "<sales>" not in page
    assert "default-src 'none'" in page
    assert "mathdefault" not in page


def test_the_page_says_numbers_and_reasons_as_people_do():
    """Units are whole, and what is to be read begins at the left."""
    page = page_of(FOUND, "sales")
    hidden = next(each for each in FOUND.settings if each.name == "hidden")
    assert f"<td>{hidden.value:g}</td>" in page
    assert f'<td class="words">{escape(hidden.reason)}</td>' in page

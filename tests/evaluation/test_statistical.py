"""Other libraries' forecasters behind our protocol."""

import logging
import sys

import numpy as np
import pytest

from foregate.core import MissingExtraError, Panel, UsageError
from foregate.evaluation import BASELINES, Plan, SeasonalNaive, backtest, baseline, statistical
from foregate.evaluation.statistical import LIBRARIES

QUANTILES = (0.1, 0.25, 0.5, 0.9)


def seasonal(n=40):
    t = np.arange(n)
    return 20 + 0.2 * t + np.tile([0, 4, 9, 2], n)[:n] + np.random.default_rng(0).normal(0, 0.3, n)


def fitted(name, season=4):
    try:
        return statistical(name, season)(None)
    except MissingExtraError as e:
        pytest.skip(str(e))


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_clear_season_is_continued(name):
    """Each library finds a clear season and trend, with an interval around its point that holds what comes."""
    y = seasonal(48)
    said = fitted(name).forecast(Panel.from_arrays([y[:40]]), 8, (0.025, 0.5, 0.975))
    assert np.abs(said.median[0] - y[40:]).mean() < 1
    low, high = said.interval(95)
    assert np.mean((low[0] <= y[40:]) & (y[40:] <= high[0])) >= 0.75
    assert said.notes == ()


def test_the_quantiles_are_the_librarys_intervals():
    """The quantiles of a forecast are the bounds of the library's prediction intervals, and its point the median."""
    said = fitted("AutoETS").forecast(Panel.from_arrays([seasonal()]), 3, QUANTILES).values[0]
    from statsforecast.models import AutoETS

    y = seasonal().astype(np.float32).astype(float)
    theirs = AutoETS(season_length=4).forecast(y=y, h=3, level=[50, 80])
    for i, column in enumerate(("lo-80", "lo-50", "mean", "hi-80")):
        np.testing.assert_allclose(said[:, i], theirs[column])


def test_missing_values_are_filled_in_and_said():
    """A hole is filled on a straight line and noted; missing ends are left out, and the forecast starts after them."""
    y = np.arange(30.0)
    y[[0, 1, 12, 13, 28, 29]] = np.nan
    said = fitted("AutoETS", 1).forecast(Panel.from_arrays([y], ids=["holed"]), 3, QUANTILES)
    np.testing.assert_allclose(said.median[0], [30, 31, 32], atol=0.2)
    assert said.notes == ("AutoETS: missing values in 1 of 1 series were filled in on a straight line ('holed').",)


def test_a_failure_falls_back_and_says_so():
    """Where a library fails, SeasonalNaive stands in, and the notes name the series and the library's reason."""
    panel = Panel.from_arrays([seasonal(), np.array([1.0, 2.0])], ids=["good", "tiny"])
    said = fitted("AutoETS").forecast(panel, 3, QUANTILES)
    expected = SeasonalNaive(4).forecast(panel, 3, QUANTILES)
    assert np.array_equal(said.values[1], expected.values[1])
    assert not np.array_equal(said.values[0], expected.values[0])
    assert said.notes == (
        "AutoETS failed on 1 of 2 series and SeasonalNaive stood in ('tiny'); the first said NotImplementedError: "
        "tiny datasets.",
    )


def test_a_backtest_passes_the_notes_on():
    """What went wrong in a library is among the notes of the backtest."""
    panel = Panel.from_arrays([seasonal(), np.array([1.0, 2.0, 3.0])])
    result = backtest({"AutoETS": lambda panel: fitted("AutoETS")}, panel, Plan(horizon=1))
    assert any(note.startswith("AutoETS failed on 1 of 2 series") for note in result.notes)


def test_prophet_reads_the_calendar_where_there_is_one():
    """On dates Prophet finds the week by itself; the season given is for counted time."""
    y = np.tile([0.0, 0, 0, 0, 0, 8, 9], 20) + np.random.default_rng(0).normal(0, 0.1, 140)
    panel = Panel.from_arrays([y[:133]], freq="D", start=np.datetime64("2024-01-01", "us"))
    said = fitted("Prophet", 1).forecast(panel, 7, (0.1, 0.5, 0.9))
    np.testing.assert_allclose(said.median[0], y[133:], atol=1)


def test_the_libraries_stay_quiet(capfd, caplog):
    """Nothing is printed or logged, and the loggers are left as they were."""
    fitted("Prophet").forecast(Panel.from_arrays([seasonal()]), 2, QUANTILES)
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []
    assert not logging.getLogger("cmdstanpy").disabled


@pytest.mark.parametrize("name", BASELINES)
def test_every_name_gives_a_model_of_that_name(name):
    """The registry gives, for each of its names, a fit function of a model that goes by it."""
    try:
        assert baseline(name, season=4)(Panel.from_arrays([seasonal()])).name == name
    except MissingExtraError as e:
        pytest.skip(str(e))


def test_an_unknown_name_is_refused_with_the_names():
    """An unknown baseline is refused with the list of those there are."""
    message = "baseline must be one of Naive, SeasonalNaive, Drift, AutoETS, .*, Prophet, but got 'Autoets'"
    with pytest.raises(UsageError, match=message):
        baseline("Autoets", season=7)
    with pytest.raises(UsageError, match=r"name must be one of AutoETS, .*, but got 'Naive'"):
        statistical("Naive", 7)


@pytest.mark.parametrize("name", BASELINES[1:])
def test_an_impossible_season_is_refused(name):
    """A season of no steps is refused before anything is fitted."""
    if name != "Drift":
        with pytest.raises(UsageError, match="season must be a length of at least 1 step, but got 0"):
            baseline(name, season=0)


@pytest.mark.parametrize(("name", "module"), [("AutoETS", "statsforecast.models"), ("Prophet", "prophet")])
def test_a_missing_library_is_named_with_its_extra(monkeypatch, name, module):
    """Where a library is not installed, asking for its model names the extra that brings it."""
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf'The baseline {name} needs the "baselines" extra'):
        baseline(name, season=4)

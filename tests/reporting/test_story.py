"""What the page tells of data, forecast and fit."""

from dataclasses import replace

import numpy as np
import pytest

from foregate.core import Panel
from foregate.data import audit
from foregate.data.audit import Finding, Span
from foregate.evaluation import Drift
from foregate.reporting.canvas import own_settings
from foregate.reporting.story import data_section, done_section, forecast_section, head, next_section
from foregate.reporting.view import View
from tests.reporting.materials import FACTS, QUANTILES, panel_of, told_of

PANEL = panel_of()
AUDIT = audit(PANEL)


@pytest.fixture(autouse=True)
def settings():
    with own_settings():
        yield


def test_findings_are_told_with_their_places():
    """A finding stands with its severity, its first places, and how many more there are."""
    places = tuple(Span(f"s{i}", "2024-01-01", "2024-01-02", 2) for i in range(9))
    findings = (Finding("gaps", "error", "9 gaps.", ranges=places), Finding("zero", "info", "3 zeros."))
    text = data_section(replace(AUDIT, findings=findings), PANEL)
    assert "Error</span>9 gaps." in text
    assert "s0: 2024-01-01 to 2024-01-02 (2)" in text
    assert "s4" in text
    assert "s5:" not in text
    assert "and 4 more" in text
    assert "Note</span>3 zeros." in text
    assert "nothing out of the ordinary" in data_section(replace(AUDIT, findings=()), PANEL)
    assert "and 70 more findings" in data_section(replace(AUDIT, findings=findings[1:] * 100), PANEL)


def test_a_forecast_is_told_with_its_intervals():
    """Every step has its row with time, median and bounds; the clock is named where there is a time zone."""
    panel = panel_of(1, freq="h")
    panel = replace(panel, spec=replace(panel.spec, time_zone="Europe/Vienna", target_col="load"))
    forecast = Drift().forecast(panel, 3, QUANTILES)
    text = forecast_section(View(panel, forecast, None, None, "LSTM"))
    assert text.count('<th scope="row">') == 3
    assert '<th scope="row">2000-01-03 12:00:00</th>' in text
    assert "3 steps ahead, in the units of load." in text
    assert "Times are UTC." in text
    for column in ("median", "from 80 %", "to 80 %", "from 95 %", "to 95 %"):
        assert f'<th scope="col">{column}</th>' in text


def test_other_levels_and_none_are_told():
    """The intervals shown are those that were forecast, and none where there are none."""
    for quantiles, levels in (((0.05, 0.5, 0.95), (90,)), ((0.5,), ()), ((0.1, 0.2, 0.5, 0.8, 0.9), (60, 80))):
        view = View(PANEL, Drift().forecast(PANEL, 2, quantiles), None, None, "LSTM")
        assert view.levels == pytest.approx(levels)
        assert forecast_section(view).count("% interval</li>") == len(levels)


def test_the_fit_is_told():
    """Seasons, steps, time, the curve and the notes are there; facts nobody foresaw too."""
    text = done_section(["a note."], FACTS | {"effort_level": "fast"})
    for said in ("4 steps", "40 steps", "1.25 seconds", "Loss by training step", "a note.", "effort level", "fast"):
        assert said in text
    assert "The weights of step 20 were kept" in text
    tuned = {"start": "tiny 0a1b", "trust": 0.75, "instant_validation": 0.61, "validation": None}
    told = done_section([], tuned)
    assert "Training began with" in told
    assert "0.61" in told
    assert "Loss there after training" not in told
    assert "and 60 more" in done_section(["x"] * 100, {})
    assert done_section([], {}) == ""


def test_without_validation_only_the_training_loss_is_drawn():
    """Where nothing was held out there is one line, and no best step to mark."""
    rows = [{"step": 1, "loss": 0.5, "score": None}, {"step": 2, "loss": 0.4, "score": None}]
    text = done_section([], {"history": rows})
    assert "held-out origins</li>" not in text
    assert "were kept" not in text


def test_figures_at_the_top_are_the_scoreboards():
    """Error, coverage and time stand at the top as the scoreboard and the fit have them."""
    told = told_of(PANEL)
    text = head(View(PANEL, told.forecast, told.backtest, told.scoreboard, "LSTM"), "t", FACTS, ["Data"])
    overall = told.scoreboard["LSTM"].overall
    for said in (f"{overall['mase']:.2f}", f"{overall['coverage-80']:.1f} %", "1.25 s", "4 steps", "of one day"):
        assert f">{said}<" in text
    assert 'href="#data"' in text


@pytest.mark.parametrize(
    ("freq", "said"),
    [("h", "of one hour"), ("30min", "of 30 minutes"), ("QS", "of one quarter"), ("2YE", "of 2 years"), (1, "")],
)
def test_a_step_is_called_by_its_length(freq, said):
    """The length of a step is told in words."""
    assert View(Panel.from_arrays([np.ones(3)], freq=freq), None, None, None, "LSTM").step == said


def test_how_to_go_on_is_told():
    """Commands stand with what they are good for; without any there is no such part."""
    assert "<dt>foregate x</dt><dd>It helps.</dd>" in next_section([("foregate x", "It helps.")])
    assert next_section([]) == ""

"""The report: one HTML file that needs nothing else, with everything a forecast should be judged by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from foregate.core import Forecast, Panel, UsageError
from foregate.core.files import write_atomically
from foregate.data.audit import Audit
from foregate.evaluation import Backtest, Scoreboard
from foregate.reporting.accuracy import interval_section, scoreboard_section, step_section
from foregate.reporting.canvas import own_settings
from foregate.reporting.judged import difference_section
from foregate.reporting.page import page
from foregate.reporting.past import backtest_section
from foregate.reporting.story import data_section, done_section, forecast_section, head, next_section
from foregate.reporting.theme import STYLE
from foregate.reporting.view import View

__all__ = ["ReportInput", "write_report"]

NEXT_STEPS = (
    (
        "foregate predict model/ newer.csv --out forecasts.csv",
        "Forecast newer rows or other series; nothing is trained.",
    ),
    ("foregate backtest data.csv --horizon H --windows 8", "Judge by more held-out origins than here."),
    ('foregate.load("model").predict(level=[80, 95])', "The same model in Python."),
)
"""What to do next, where the caller knows nothing better."""


@dataclass(frozen=True)
class ReportInput:
    """What a report tells. What is None is left out, and said so where it would be missed."""

    title: str
    """Heading of the page, such as the name of the data."""
    panel: Panel
    """The series that were forecast, regular."""
    audit: Audit | None = None
    forecast: Forecast | None = None
    """With the bounds of the intervals to show among its quantiles."""
    backtest: Backtest | None = None
    scoreboard: Scoreboard | None = None
    """Of the same backtest."""
    model: Mapping[str, Any] = field(default_factory=dict)
    """Facts about the fit, as in ``Forecaster.report_``: seasons, steps, seconds, history, notes, …"""
    name: str = "LSTM"
    """The model whose report this is, as the backtest calls it."""
    notes: tuple[str, ...] = ()
    """What else the reader should know, one sentence each."""
    next_steps: tuple[tuple[str, str], ...] = NEXT_STEPS
    """What to do next: a command, and what it is good for."""

    def __post_init__(self) -> None:
        if (self.backtest is None) != (self.scoreboard is None):
            lacking = "backtest" if self.backtest is None else "scoreboard"
            raise UsageError(
                f"backtest and scoreboard must be given together, but got no {lacking}. Give both or none."
            )


def write_report(path: str | Path, told: ReportInput) -> None:
    """Write the report as one HTML file: no scripts, and nothing is fetched when it is opened.

    The same input gives the same bytes. The file is there whole, or what was there before.

    Args:
        path: the file, in a folder that exists.
        told: what to tell.

    Raises:
        UsageError: the folder does not exist.
        MissingExtraError: matplotlib is not installed.

    Examples:
        >>> import tempfile
        >>> import numpy as np
        >>> from foregate.evaluation import Drift
        >>> panel = Panel.from_arrays([np.arange(20.0)], freq="D")
        >>> forecast = Drift().forecast(panel, 5, [0.1, 0.5, 0.9])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_report(Path(folder, "report.html"), ReportInput("A ramp", panel, forecast=forecast))
        ...     Path(folder, "report.html").read_text()[:15]
        '<!DOCTYPE html>'
    """
    with own_settings():
        text = _document(told)
    write_atomically(path, text.encode("utf-8", "replace"))


def _document(told: ReportInput) -> str:
    view = View(told.panel, told.forecast, told.backtest, told.scoreboard, told.name)
    sections = {
        "Forecast": forecast_section(view),
        "Scoreboard": scoreboard_section(view),
        "Differences": difference_section(view),
        "Backtest": backtest_section(view),
        "Error by step": step_section(view),
        "Intervals": interval_section(view),
        "Data": data_section(told.audit, told.panel),
        "What was done": done_section(_notes(told), told.model),
        "How to go on": next_section(told.next_steps),
    }
    shown = {name: section for name, section in sections.items() if section}
    return page(told.title, STYLE, head(view, told.title, told.model, list(shown)), *shown.values())


def _notes(told: ReportInput) -> list[str]:
    sources = (told.audit, told.panel, told.forecast, told.scoreboard)
    notes = [note for source in sources if source is not None for note in source.notes]
    return list(dict.fromkeys([*notes, *map(str, told.model.get("notes", ())), *told.notes]))

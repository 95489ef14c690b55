"""The main job: audit, backtest against baselines, fit on everything, forecast, and put the results into a folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foregate.cli.outputs import staged
from foregate.cli.screen import Page, advice_lines, audit_lines, panel_lines, score_lines, source_name
from foregate.cli.tables import csv_text

if TYPE_CHECKING:
    import polars as pl

    from foregate.core import Forecast, Panel
    from foregate.data import Audit
    from foregate.evaluation import Backtest, Scoreboard
    from foregate.forecaster import Forecaster

__all__ = [
    "BASELINES",
    "FILES",
    "Advice",
    "Job",
    "Result",
    "checked_baselines",
    "forecast_table",
    "scored",
    "windows_for",
]

Advice = Sequence[tuple[str, str]]
"""What to try next: commands, and what each is good for."""
BASELINES = ("LSTM-instant", "SeasonalNaive", "Naive")
"""What the LSTM is compared with if nothing else is said; an instant one not with itself."""
FILES = ("forecasts.csv", "scoreboard.csv", "report.html", "model")
"""What the job leaves in its folder."""


@dataclass(frozen=True)
class Job:
    """What to do."""

    data: str
    """What the table is called."""
    panel: Panel
    model: Forecaster
    """Not fitted yet."""
    levels: tuple[float, ...]
    """Central intervals, in percent."""
    baselines: tuple[str, ...] = BASELINES
    windows: int | None = None
    """Held-out origins per series; None: by the length of the series."""
    future: Any = None
    """Known-future covariates, as anything `foregate.read` takes, where they do not stand in the table itself."""

    def run(self, say: Callable[[str], None]) -> Result:
        """Do it; `say` is told what is being done.

        Raises:
            DataError: the data has a problem.
            UsageError: there is a future, and no column is known for it.
        """
        from foregate.core import UsageError
        from foregate.data import align_future, audit, regularize, require_freq, split_known_future

        history, rows = split_known_future(self.panel)
        say("auditing")
        found = audit(history)
        history = regularize(require_freq(history))
        future = rows if self.future is None else self.future
        if self.future is not None and not any(c.role == "future" for c in history.covariates.values()):
            raise UsageError(
                "--future-data must come with the columns that are known for the future, but got no --future. "
                "Name them."
            )
        if self.model.effort != "instant":  # which reads no covariates
            align_future(history, future, self.model.horizon)  # what it lacks is told before training
        test, board, unscored = self._scored(history, say)
        say(f"{_doing(self.model)} everything")
        self.model.fit(history)
        say("forecasting")
        forecast = self.model.forecast(level=self.levels, future=None if self.model.effort == "instant" else future)
        return Result(self, history, found, test, board, unscored, forecast)

    def _scored(
        self, history: Panel, say: Callable[[str], None]
    ) -> tuple[Backtest | None, Scoreboard | None, str | None]:
        from foregate.core import DataError, MissingExtraError

        windows = self.windows or windows_for(history, self.model.horizon)
        try:
            return *scored(self.model, history, windows, self.levels, self.baselines, say), None
        except DataError as error:
            return None, None, f"Not scored, for nothing could be held out: {error}"
        except MissingExtraError as error:
            return None, None, f"Not scored. {error}"


@dataclass(frozen=True)
class Result:
    """What came of it."""

    job: Job
    history: Panel
    """What the model was fitted on: regular, without the rows of the future."""
    audit: Audit
    backtest: Backtest | None
    """None where nothing could be held out, or what scores is not installed."""
    board: Scoreboard | None
    unscored: str | None
    """Why there is no scoreboard."""
    forecast: Forecast

    @property
    def verdict(self) -> str:
        """Where the LSTM stands, or why nobody knows."""
        return verdict(self.board) if self.board is not None else str(self.unscored)

    @property
    def undrawn(self) -> str | None:
        """Why there is no report, where there is none."""
        from foregate.core import MissingExtraError
        from foregate.reporting.canvas import drawing

        try:
            drawing()
        except MissingExtraError as error:
            return f"No report. {error}"
        return None

    def write(self, out: Path, advice: Advice) -> list[str]:
        """Put all files into a folder, or none of them; returns their names."""
        from foregate.reporting import ReportInput, write_report

        told = ReportInput(
            title=source_name(self.job.data),
            panel=self.history,
            audit=self.audit,
            forecast=self.forecast,
            backtest=self.backtest,
            scoreboard=self.board,
            model=self.job.model.report_,
            notes=() if self.unscored is None else (self.unscored,),
            next_steps=tuple(advice),
        )
        with staged(out, FILES) as new:
            frame = forecast_table(self.forecast, self.history, self.job.levels)
            (new / "forecasts.csv").write_text(csv_text(frame), encoding="utf-8")
            if self.board is not None:
                (new / "scoreboard.csv").write_text(csv_text(self.board.frame()), encoding="utf-8")
            if self.undrawn is None:
                write_report(new / "report.html", told)
            self.job.model.save(new / "model")
            return [name for name in FILES if (new / name).exists()]

    def show(self, out: Path, files: list[str], advice: Advice) -> None:
        """Print what was read, found, scored and written, and what to try next."""
        page = Page()
        page.add("Read", *panel_lines(self.history, self.job.data))
        page.add(
            "Audit", *(audit_lines(self.audit, "error", "warning") or ["Nothing that forecasts would suffer from."])
        )
        page.add("Score", *([self.verdict] if self.board is None else score_lines(self.board, self.verdict)))
        page.add("Notes", *self.notes())
        page.add("Files", *(f"{out / name}{'/' * (name == 'model')}" for name in files))
        page.add("Next", *advice_lines(advice))
        page.show()

    def notes(self) -> list[str]:
        """What else to know: fallbacks, what was left out, what was decided in fitting."""
        fitted = [note for note in self.job.model.report_["notes"] if note not in self.history.notes]
        board = list(self.board.notes) if self.board is not None else []
        undrawn = [] if self.undrawn is None else [self.undrawn]
        return list(dict.fromkeys([*fitted, *board, *undrawn, *self.forecast.notes]))

    def to_dict(self, out: Path, files: list[str]) -> dict[str, Any]:
        """All of it but the forecasts, ready for JSON."""
        return {
            "data": source_name(self.job.data),
            "notes": [*self.history.notes, *self.notes()],
            "audit": self.audit.to_dict(),
            "verdict": self.verdict,
            "scoreboard": None if self.board is None else self.board.to_dict(),
            "fit": self.job.model.report_,
            "horizon": self.forecast.horizon,
            "levels": list(self.job.levels),
            "files": {name: str(out / name) for name in files},
        }


def scored(
    model: Forecaster,
    history: Panel,
    windows: int,
    levels: tuple[float, ...],
    baselines: tuple[str, ...],
    say: Callable[[str], None],
    origins: Mapping[str, Any] | None = None,
) -> tuple[Backtest, Scoreboard]:
    """Train on what came before the last `windows` windows of a regular panel, and score their forecasts.

    `origins` are the other arguments of `foregate.backtest` that say where these lie.

    Raises:
        DataError: nothing can be held out.
        MissingExtraError: what scores is not installed.
    """
    from foregate.evaluation import scoreboard
    from foregate.evaluation.metrics import losses
    from foregate.forecaster import backtest

    losses()
    told = f"{windows} held-out origin{'s' * (windows > 1)}"
    beside = ", ".join(baselines) or "nothing"
    say(f"{_doing(model)} what came before {told}, to be scored beside {beside}")
    test = backtest(model, history, n_windows=windows, level=levels, baselines=baselines, **(origins or {}))
    return test, scoreboard(test)


def _doing(model: Forecaster) -> str:
    return "reading" if model.effort == "instant" else "training on"


def verdict(board: Scoreboard) -> str:
    """Where the LSTM stands against SeasonalNaive, or against the first other model where that was not run."""
    from foregate.evaluation import REFERENCE

    others = [score.model for score in board.scores if score.model != "LSTM"]
    if not others:
        return "Scored without a baseline to compare with."
    return board.verdict(against=REFERENCE if REFERENCE in others else others[0])


def windows_for(panel: Panel, horizon: int) -> int:
    """Held-out origins, at most three, such that a middling series keeps a quarter of its rows out of them.

    Examples:
        >>> import numpy as np
        >>> from foregate.core import Panel
        >>> [windows_for(Panel.from_arrays([np.ones(n)]), horizon=12) for n in (30, 100, 1000)]
        [1, 2, 3]
    """
    import numpy as np

    return int(np.clip(np.median(panel.lengths) // (4 * horizon), 1, 3))


def checked_baselines(names: list[str] | None, effort: str) -> tuple[str, ...]:
    """Names of baselines, of which each is known and installed; without names, those that suit the effort.

    Raises:
        UsageError: a name is unknown.
        MissingExtraError: its library is not installed.
    """
    from foregate.evaluation import baseline
    from foregate.forecaster import INSTANT

    if not names:
        return tuple(name for name in BASELINES if name != INSTANT or effort != "instant")
    given = [part.strip() for one in names for part in one.split(",") if part.strip()]
    for name in given:
        if name != INSTANT:
            baseline(name, season=1, besides=[INSTANT])
    return tuple(dict.fromkeys(given))


def forecast_table(forecast: Forecast, panel: Panel, levels: tuple[float, ...]) -> pl.DataFrame:
    """A forecast as a polars frame, columns named as those that came in."""
    from foregate.data import forecast_frame

    frame: pl.DataFrame = forecast_frame(forecast, replace(panel.spec, kind="polars"), levels=levels)
    return frame

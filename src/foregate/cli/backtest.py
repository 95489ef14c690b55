"""`foregate backtest`: how good the forecasts would have been."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Option

from foregate.cli.options import Baselines, Data, Level, Output, Overwrite, Reading, Training, Windows, percents
from foregate.cli.screen import Page, panel_lines, print_json, score_lines, stage

__all__ = ["backtest"]

_FILES = ("backtest.csv", "scoreboard.csv")


def backtest(
    data: Data,
    reading: Reading,
    training: Training,
    output: Output,
    windows: Windows = None,
    level: Level = None,
    baselines: Baselines = None,
    out: Annotated[
        Path | None,
        Option("--out", metavar="DIR", rich_help_panel="Output", help="Folder for backtest.csv and scoreboard.csv."),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Score forecasts of the past against what came.

    The LSTM and the baselines see only what came before the windows that they forecast.

    Example:

        $ foregate backtest sales.csv --id-col shop --time-col date --target-col units --horizon 28 --windows 4
    """
    from foregate.cli.job import checked_baselines, scored, verdict, windows_for
    from foregate.cli.outputs import check_place, staged
    from foregate.cli.tables import csv_text
    from foregate.core import at_least
    from foregate.data import regularize, require_freq, split_known_future

    reading.check()
    model = training.forecaster(reading.step, verbose=not output.quiet)
    levels, names = percents(level), checked_baselines(baselines, training.effort)
    at_least(1, windows=1 if windows is None else windows)
    if out is not None:
        check_place(out, _FILES, overwrite=overwrite)
    stage(output, f"reading {data}")
    panel = regularize(require_freq(split_known_future(reading.read(data))[0]))
    n_windows = windows or windows_for(panel, training.horizon)
    test, board = scored(model, panel, n_windows, levels, names, lambda text: stage(output, text))
    if out is not None:
        with staged(out, _FILES) as new:
            (new / "backtest.csv").write_text(csv_text(test.frame()), encoding="utf-8")
            (new / "scoreboard.csv").write_text(csv_text(board.frame()), encoding="utf-8")
    if output.json:
        files = {} if out is None else {name: str(out / name) for name in _FILES}
        print_json({"data": data, "verdict": verdict(board), "scoreboard": board.to_dict(), "files": files})
        return
    page = Page()
    page.add("Read", *panel_lines(panel, data))
    page.add("Score", *score_lines(board, verdict(board)))
    page.add("Notes", *board.notes)
    page.add("Files", *([] if out is None else [str(out / name) for name in _FILES]))
    page.show()

"""`foregate backtest`: how good the forecasts would have been."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from foregate.cli.options import (
    Baselines,
    Data,
    Level,
    Output,
    Overwrite,
    Reading,
    Training,
    Windows,
    percents,
)
from foregate.cli.origins import Origins
from foregate.cli.screen import Page, difference_lines, panel_lines, print_json, score_lines, source_name, stage

if TYPE_CHECKING:
    from foregate.evaluation import Backtest, Comparison, Scoreboard

__all__ = ["backtest"]

_TABLES = {f"by_{part}.csv": part for part in ("step", "series", "origin")}
"""File -> what has a row in it."""
_TESTS = {"differences.csv": "pairs", "differences_by_series.csv": "series", "ranks.csv": "ranks"}
"""File -> which table of a comparison it is; there is none of a model alone."""
_FILES = ("backtest.csv", "scoreboard.csv", *_TABLES, "reliability.csv", "pit.csv", *_TESTS)


def backtest(
    data: Data,
    reading: Reading,
    training: Training,
    output: Output,
    origins: Origins,
    windows: Windows = None,
    level: Level = None,
    baselines: Baselines = None,
    out: Annotated[
        Path | None,
        Option("--out", metavar="DIR", rich_help_panel="Output", help="Folder for forecasts and tables of scores."),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Score forecasts of the past against what came.

    The LSTM and the baselines see only what came before the windows that they forecast. Differences between them are
    tested, so that chance is not taken for skill. The folder of --out gets every forecast and tables of errors overall,
    by step, series and origin, of differences and ranks, and of how the outcomes lie within the forecasts.

    Examples:

        $ foregate backtest sales.csv --id-col shop --time-col date --target-col units --horizon 28 --windows 4

        $ foregate backtest sales.csv --horizon 28 --windows 8 --scheme rolling --train-rows 730 --gap 2 --refit 4
    """
    from foregate.cli.job import checked_baselines, scored, verdict, windows_for
    from foregate.cli.outputs import check_place
    from foregate.cli.tables import records
    from foregate.core import at_least
    from foregate.data import regularize, require_freq, split_known_future

    reading.check()
    origins.check(training.horizon)
    model = training.forecaster(reading.step, verbose=not output.quiet)
    levels, names = percents(level), checked_baselines(baselines, training.effort)
    at_least(1, windows=1 if windows is None else windows)
    if out is not None:
        check_place(out, _FILES, overwrite=overwrite)
    stage(output, f"reading {source_name(data)}")
    panel = regularize(require_freq(split_known_future(reading.read(data))[0]))
    n_windows = windows or windows_for(panel, training.horizon)
    test, board = scored(model, panel, n_windows, levels, names, lambda text: stage(output, text), origins.chosen())
    found = _compared(test)
    written = [] if out is None else _write(out, test, board, found)
    if output.json:
        facts: dict[str, Any] = {"data": source_name(data), "verdict": verdict(board), "scoreboard": board.to_dict()}
        facts["differences"] = [] if found is None else records(found.frame("pairs"))
        facts["ranks"] = [] if found is None else records(found.frame("ranks"))
        print_json(facts | {"files": {path.name: str(path) for path in written}})
        return
    page = Page()
    page.add("Read", *panel_lines(panel, data))
    page.add("Score", *score_lines(board, verdict(board)))
    page.add("Differences", *difference_lines(found))
    page.add("Notes", *board.notes)
    page.add("Files", *map(str, written))
    page.show()


def _compared(test: Backtest) -> Comparison | None:
    """The tests of differences; None of one model, or where no outcome was observed."""
    import numpy as np

    from foregate.evaluation import compare

    return compare(test) if len(test.models) > 1 and np.isfinite(test.actual).any() else None


def _write(out: Path, test: Backtest, board: Scoreboard, found: Comparison | None) -> list[Path]:
    """All tables into a folder, or none of them."""
    import numpy as np
    import polars as pl

    from foregate.cli.outputs import staged
    from foregate.cli.tables import csv_text
    from foregate.evaluation import calibration

    frames = {"backtest.csv": test.frame(), "scoreboard.csv": board.frame()}
    frames |= {name: board.frame(part) for name, part in _TABLES.items()}  # type: ignore[arg-type]
    if np.isfinite(test.actual).any():
        each = [calibration(test, model) for model in test.models]
        frames["reliability.csv"] = pl.concat([one.frame() for one in each])
        frames["pit.csv"] = pl.concat([one.histogram() for one in each])
    if found is not None:
        frames |= {name: found.frame(kind) for name, kind in _TESTS.items()}  # type: ignore[arg-type]
    with staged(out, _FILES) as new:
        for name, frame in frames.items():
            (new / name).write_text(csv_text(frame), encoding="utf-8")
    return [out / name for name in frames]

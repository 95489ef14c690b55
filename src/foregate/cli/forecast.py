"""`foregate forecast`: the main job on a table."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

from typer import Option

from foregate.cli.options import (
    Baselines,
    Data,
    FutureData,
    Level,
    Output,
    Overwrite,
    Reading,
    Training,
    Windows,
    percents,
)
from foregate.cli.screen import print_json, stage

__all__ = ["forecast"]


def forecast(
    data: Data,
    reading: Reading,
    training: Training,
    output: Output,
    out: Annotated[
        Path, Option("--out", metavar="DIR", rich_help_panel="Output", help="Folder for the results.")
    ] = Path("forecast"),
    level: Level = None,
    windows: Windows = None,
    baselines: Baselines = None,
    future_data: FutureData = None,
    overwrite: Overwrite = False,
) -> None:
    """Audit a table, score, fit and forecast: all in one.

    The LSTM is scored beside simple baselines on windows of the past that it has not seen, then fitted on everything.
    Leaves forecasts.csv, scoreboard.csv, report.html and model/ in a folder, and says where the LSTM stands.

    Example:

        $ foregate forecast sales.csv --id-col shop --time-col date --target-col units --horizon 28 --out sales
    """
    from foregate.cli.job import FILES, Job, checked_baselines
    from foregate.cli.outputs import check_place
    from foregate.core import at_least

    reading.check()
    model = training.forecaster(reading.step, verbose=not output.quiet)
    levels, names = percents(level), checked_baselines(baselines)
    at_least(1, windows=1 if windows is None else windows)
    check_place(out, FILES, model=out / "model", overwrite=overwrite)
    stage(output, f"reading {data}")
    panel = reading.read(data)
    result = Job(data, panel, model, levels, names, windows, future_data).run(lambda text: stage(output, text))
    model_there, data_there = shlex.quote(str(out / "model")), shlex.quote(data)
    advice = (
        (f"foregate predict {model_there} {data_there} --out next.csv", "forecast again from newer rows; no training"),
        (f"foregate predict {model_there} --level 50,90", "other intervals"),
    )
    files = result.write(out, advice)
    if output.json:
        print_json(result.to_dict(out, files))
    else:
        result.show(out, files, advice)

"""`foregate forecast`: the main job on a table."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
from foregate.cli.screen import print_json, source_name, stage

if TYPE_CHECKING:
    from foregate.forecaster import Forecaster

__all__ = ["forecast"]


def forecast(
    data: Data,
    reading: Reading,
    training: Training,
    output: Output,
    out: Annotated[
        Path | None,
        Option(
            "--out",
            metavar="DIR",
            rich_help_panel="Output",
            help="Folder for the results: forecast/ if left out, or with --effort instant none.",
        ),
    ] = None,
    level: Level = None,
    windows: Windows = None,
    baselines: Baselines = None,
    future_data: FutureData = None,
    overwrite: Overwrite = False,
) -> None:
    """Audit a table, score, fit and forecast: all in one.

    The LSTM is scored beside itself without training and simple baselines, on windows of the past that it has not seen,
    then fitted on everything. Leaves forecasts.csv, scoreboard.csv, report.html and model/ in a folder, and says where
    the LSTM stands. With --effort instant and without --out, forecasts are printed at once, and nothing else is done.
    Where the extra train is not installed, an instant forecast is left without scores and report, and says so.

    Example:

        $ foregate forecast sales.csv --id-col shop --time-col date --target-col units --horizon 28 --out sales
    """
    reading.check()
    model = training.forecaster(reading.step, verbose=not output.quiet)
    if training.effort == "instant" and out is None:
        _refuse_scores(windows, baselines, future_data)
        _at_once(data, reading, model, percents(level), output)
        return
    from foregate.cli.job import FILES, Job, checked_baselines
    from foregate.cli.outputs import check_place
    from foregate.core import at_least
    from foregate.evaluation.metrics import losses

    out = Path("forecast") if out is None else out
    levels, names = percents(level), checked_baselines(baselines, training.effort)
    at_least(1, windows=1 if windows is None else windows)
    if windows is not None or baselines:
        losses()
    check_place(out, FILES, model=out / "model", overwrite=overwrite)
    stage(output, f"reading {source_name(data)}")
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


def _at_once(data: str, reading: Reading, model: Forecaster, levels: tuple[float, ...], output: Output) -> None:
    """Read, forecast, print."""
    from foregate.cli.job import forecast_table
    from foregate.cli.tables import hand_over

    stage(output, f"reading {source_name(data)}")
    model.fit(reading.read(data))
    said = model.forecast(level=levels)
    seasons = model.report_["seasons"]
    named = "a season" if len(seasons) == 1 else "seasons"
    found = f"{named} of {' and '.join(map(str, seasons))} steps" if seasons else "no season"
    notes = (f"{found}; weights {model.report_['start']}, not trained on this data", *model.report_["notes"])
    frame = forecast_table(said, model.panel_, levels)
    hand_over(frame, None, output, notes=(*notes, *said.notes), facts={"data": source_name(data), "fit": model.report_})


def _refuse_scores(windows: int | None, baselines: list[str] | None, future_data: str | None) -> None:
    """What is not done without a folder must not be asked for."""
    from foregate.core import UsageError

    asked = {"--windows": windows, "--baselines": baselines, "--future-data": future_data}
    given = [name for name, value in asked.items() if value]
    if given:
        raise UsageError(
            f"{given[0]} must be left out with --effort instant, which then only prints forecasts, but got one. Give "
            "--out for scores and a report, or another effort to learn from covariates."
        )

"""`foregate predict`: forecasts of a model that was saved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from foregate.cli.options import FutureData, Level, Output, Overwrite, Reading, percents
from foregate.cli.screen import stage

if TYPE_CHECKING:
    from foregate.core import Panel
    from foregate.forecaster import Forecaster

__all__ = ["predict", "read_for"]


def predict(
    model: Annotated[Path, Argument(metavar="MODEL", help="Folder of a model.", show_default=False)],
    reading: Reading,
    output: Output,
    data: Annotated[
        str | None,
        Argument(
            metavar="[DATA]",
            help="Other series, or the same with newer rows; what the model was fitted on if left out.",
            show_default=False,
        ),
    ] = None,
    horizon: Annotated[
        int | None,
        Option("--horizon", metavar="H", rich_help_panel="Forecaster", help="Steps ahead; as fitted if left out."),
    ] = None,
    out: Annotated[
        Path | None,
        Option(
            "--out",
            metavar="FILE",
            rich_help_panel="Output",
            help="File that ends in .csv, .parquet, .json or .ndjson. Standard output, as CSV, if left out.",
        ),
    ] = None,
    level: Level = None,
    future_data: FutureData = None,
    overwrite: Overwrite = False,
) -> None:
    """Forecast with a saved model, without training.

    Columns go by the names that they had in fitting, if no others are given.

    Example:

        $ foregate predict model newer.csv --level 80,95 --out forecasts.csv
    """
    from foregate.cli.job import forecast_table
    from foregate.cli.outputs import check_place
    from foregate.cli.tables import check_format, hand_over
    from foregate.core import at_least
    from foregate.forecaster import load

    reading.check()
    levels = percents(level)
    at_least(1, horizon=1 if horizon is None else horizon)
    if out is not None:
        check_format(out)
        check_place(out, overwrite=overwrite)
    stage(output, f"loading {model}")
    loaded = load(model)
    panel = None if data is None else read_for(loaded, data, reading, output)
    notes = () if panel is None else panel.notes
    stage(output, "forecasting")
    forecast = loaded.forecast(panel, level=levels, horizon=horizon, future=future_data)
    frame = forecast_table(forecast, loaded.panel_ if panel is None else panel, levels)
    hand_over(frame, out, output, notes=(*notes, *forecast.notes), facts={"model": str(model)})


def read_for(model: Forecaster, data: str, reading: Reading, output: Output) -> Panel:
    """The table as a regular panel, its columns named as in fitting where nothing else is said."""
    from foregate.data import regularize, require_freq
    from foregate.data.targets import given_roles

    spec, freq = model.panel_.spec, model.panel_.freq
    named = replace(reading, freq=reading.freq or (None if freq is None else str(freq.alias)))
    if not reading.wide:
        named = replace(
            named,
            id_col=reading.id_col or (spec.id_col if spec.has_ids else None),
            time_col=reading.time_col or spec.time_col,
        )
        if reading.target_col is None and reading.target_cols is None:
            several = list(spec.target_cols) or None
            named = replace(named, target_col=None if several else spec.target_col, target_cols=several)
    if not reading.roles():
        columns = model.fitted_.spec.columns  # what the model reads: an instant one leaves covariates alone
        given = given_roles(((c.name, c.role) for c in columns), spec)
        of = {role: [name for name, own in given.items() if own == role] for role in ("static", "past", "future")}
        named = replace(named, static=of["static"], past=of["past"], future=of["future"])
    stage(output, f"reading {data}")
    return regularize(require_freq(named.read(data)))

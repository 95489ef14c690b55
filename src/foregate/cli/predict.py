"""`foregate predict`: forecasts of a model that was saved."""

from __future__ import annotations

from foregate.cli.options import Level, Output, Reading, percents
from foregate.cli.saved import Saved
from foregate.cli.screen import stage

__all__ = ["predict"]


def predict(saved: Saved, reading: Reading, output: Output, level: Level = None) -> None:
    """Forecast with a saved model, without training.

    Columns go by the names that they had in fitting, if no others are given.

    Example:

        $ foregate predict model newer.csv --level 80,95 --out forecasts.csv
    """
    from foregate.cli.job import forecast_table
    from foregate.cli.tables import hand_over

    levels = percents(level)
    model, panel = saved.opened(reading, output)
    stage(output, "forecasting")
    forecast = model.forecast(panel, level=levels, horizon=saved.horizon, future=saved.future_data)
    notes = (*saved.notes(panel), *forecast.notes)
    frame = forecast_table(forecast, panel, levels)
    hand_over(frame, saved.out, output, notes=notes, facts={"model": str(saved.model)})
